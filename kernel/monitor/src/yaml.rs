//! YAML as a tree that remembers where each value stood, read so that every mistake is told at once.

mod tree;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use tree::{Content, Node};

use crate::{Problem, parse_duration};

/// Reads fields out of a tree and collects what is wrong with them; it goes on after each mistake.
pub(crate) struct Reader {
    file: Arc<str>,
    problems: Vec<Problem>,
}

/// The keys of a mapping, checked against those it may have.
#[derive(Default)]
pub(crate) struct Fields<'n> {
    entries: Vec<(&'n str, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// The value of a key; none when it is absent or null.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        let found = self.entries.iter().find(|(name, _)| *name == key);
        found.map(|(_, node)| *node).filter(|node| !node.is_null())
    }
}

impl Reader {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: Arc::from(file),
            problems: Vec::new(),
        }
    }

    /// The file's only document; an empty file has none.
    pub(crate) fn document(&mut self, text: &str) -> Option<Node> {
        match tree::parse(text) {
            Ok(node) => node,
            Err(damage) => {
                self.add(damage.line, damage.column, damage.message);
                None
            }
        }
    }

    /// Notes what is wrong with a value.
    pub(crate) fn problem(&mut self, node: &Node, message: impl Into<String>) {
        self.add(node.line, node.column, message.into());
    }

    /// Notes what is wrong with the whole file.
    pub(crate) fn problem_at_start(&mut self, message: impl Into<String>) {
        self.add(1, 1, message.into());
    }

    fn add(&mut self, line: u32, column: u32, message: String) {
        self.problems.push(Problem {
            file: Arc::clone(&self.file),
            line,
            column,
            message,
        });
    }

    /// What was wrong, by place.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|p| (p.line, p.column));
        self.problems
    }

    /// A mapping with no other keys than `known`.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        self.fields_without(node, what, known, &[])
    }

    /// A mapping with no other keys than `known`; those that the format has and this project has not are refused
    /// with what to do instead.
    pub(crate) fn fields_without<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
        unsupported: &[(&str, &str)],
    ) -> Option<Fields<'n>> {
        let Content::Mapping(pairs) = &node.content else {
            self.problem(node, format!("{what} is a mapping with {}", listed(known)));
            return None;
        };
        let mut entries: Vec<(&str, &Node)> = Vec::new();
        for (key, value) in pairs {
            let Some(name) = key.scalar() else {
                self.problem(key, format!("a key of {what} is a plain word"));
                continue;
            };
            if entries.iter().any(|(seen, _)| *seen == name) {
                self.problem(key, format!("{name} is there twice in {what}: keep one"));
            } else if known.contains(&name) {
                entries.push((name, value));
            } else if let Some((_, instead)) = unsupported.iter().find(|(key, _)| *key == name) {
                self.problem(key, format!("{name} is not supported: {instead}"));
            } else {
                self.problem(key, unknown(name, what, known));
            }
        }
        Some(Fields { entries })
    }

    /// A list; a missing one is empty.
    pub(crate) fn items<'n>(&mut self, node: Option<&'n Node>, what: &str) -> &'n [Node] {
        match node.map(|node| (node, &node.content)) {
            None => &[],
            Some((_, Content::Sequence(items))) => items,
            Some((node, _)) => {
                self.problem(node, format!("{what} is a list"));
                &[]
            }
        }
    }

    /// Text; numbers and words without quotes are text too, as Prometheus takes them.
    pub(crate) fn text(&mut self, node: Option<&Node>, what: &str) -> Option<String> {
        let node = node?;
        match node.scalar() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.problem(node, format!("{what} is text"));
                None
            }
        }
    }

    /// A duration such as `1h30m`.
    pub(crate) fn duration(&mut self, node: Option<&Node>, what: &str) -> Option<Duration> {
        let node = node?;
        let parsed = parse_duration(node.scalar().unwrap_or(""));
        if parsed.is_none() {
            let found = node.scalar().unwrap_or("a list or mapping");
            let message = format!("{what} is a duration such as 30s or 1h30m, not {found:?}");
            self.problem(node, message);
        }
        parsed
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&mut self, node: Option<&Node>, what: &str) -> Option<usize> {
        let node = node?;
        let parsed = node.scalar().and_then(|text| text.parse().ok());
        if parsed.is_none() {
            self.problem(node, format!("{what} is a whole number, 0 or above"));
        }
        parsed
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, node: Option<&Node>, what: &str) -> Option<bool> {
        let node = node?;
        match node.scalar() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.problem(node, format!("{what} is true or false"));
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        node: Option<&Node>,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let node = node?;
        let found = words.iter().find(|(word, _)| node.scalar() == Some(word));
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.problem(node, format!("{what} is {}", known.join(" or ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Names and what is under them, each once, in the order written.
    pub(crate) fn entries<'n>(
        &mut self,
        node: Option<&'n Node>,
        what: &str,
    ) -> Vec<(&'n Node, String, &'n Node)> {
        let mut entries: Vec<(&Node, String, &Node)> = Vec::new();
        let pairs = match node.map(|node| (node, &node.content)) {
            None => return entries,
            Some((_, Content::Mapping(pairs))) => pairs,
            Some((node, _)) => {
                self.problem(node, format!("{what} is a mapping by name"));
                return entries;
            }
        };
        for (key, value) in pairs {
            let name = self.text(Some(key), what).unwrap_or_default();
            if entries.iter().any(|(_, seen, _)| *seen == name) {
                self.problem(key, format!("{name} is there twice in {what}: keep one"));
                continue;
            }
            entries.push((key, name, value));
        }
        entries
    }

    /// Names and values, each once, in the order written.
    pub(crate) fn pairs<'n>(
        &mut self,
        node: Option<&'n Node>,
        what: &str,
    ) -> Vec<(&'n Node, String, String)> {
        let mut pairs: Vec<(&Node, String, String)> = Vec::new();
        let entries = match node.map(|node| (node, &node.content)) {
            None => return pairs,
            Some((_, Content::Mapping(entries))) => entries,
            Some((node, _)) => {
                self.problem(node, format!("{what} is a mapping of names to values"));
                return pairs;
            }
        };
        for (key, value) in entries {
            let name = self.text(Some(key), what).unwrap_or_default();
            if pairs.iter().any(|(_, seen, _)| *seen == name) {
                self.problem(key, format!("{name} is there twice in {what}: keep one"));
                continue;
            }
            if let Some(text) = self.text(Some(value), &format!("{name} in {what}")) {
                let text = if value.is_null() { String::new() } else { text };
                pairs.push((key, name, text));
            }
        }
        pairs
    }
}

/// Names closer than this to a known one are taken for a slip of the pen.
const SIMILAR: f64 = 0.75;

fn unknown(name: &str, what: &str, known: &[&str]) -> String {
    let scored = known.iter().map(|k| (strsim::jaro_winkler(name, k), k));
    let nearest = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest.filter(|(score, _)| *score >= SIMILAR) {
        Some((_, near)) => format!("{name:?} is no key of {what}: did you mean {near:?}?"),
        None => format!("{name:?} is no key of {what}: it has {}", listed(known)),
    }
}

fn listed(known: &[&str]) -> String {
    known.join(", ")
}

#[cfg(test)]
mod tests;
