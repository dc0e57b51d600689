//! The two syntaxes of matchers.

use portique_series::{MatchOp, Matcher};

/// Longest text of matchers: people write them by hand.
const TEXT_BYTES_MAX: usize = 16 * 1024;
const REMEDY: &str = "write name=\"value\", or !=, =~, !~";

/// Longer ones before those that they begin with.
const OPERATORS: [(&str, MatchOp); 4] = [
    ("=~", MatchOp::Regex),
    ("!~", MatchOp::NotRegex),
    ("!=", MatchOp::NotEqual),
    ("=", MatchOp::Equal),
];

pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("matchers have at most {TEXT_BYTES_MAX} bytes"));
    }
    // The message of the newer syntax is the one to follow when neither fits.
    modern(text).or_else(|problem| classic(text).map_err(|_| problem))
}

fn build(name: &str, op: MatchOp, value: &str) -> Result<Matcher, String> {
    Matcher::new(name, op, value).map_err(|error| error.to_string())
}

fn modern(text: &str) -> Result<Vec<Matcher>, String> {
    let mut parser = Modern { rest: text };
    let matchers = parser.list()?;
    parser.blanks();
    match parser.rest {
        "" => Ok(matchers),
        rest => Err(format!(
            "{rest:?} is left over after the matchers: {REMEDY}"
        )),
    }
}

struct Modern<'a> {
    rest: &'a str,
}

impl Modern<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self) -> Result<Vec<Matcher>, String> {
        let mut matchers = Vec::new();
        let is_braced = self.eat("{");
        loop {
            self.blanks();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                break;
            }
            matchers.push(self.matcher()?);
            if !self.eat(",") {
                break;
            }
        }
        if is_braced && !self.eat("}") {
            return Err("the closing brace is missing".into());
        }
        Ok(matchers)
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let name = self.text("a label's name")?;
        self.blanks();
        let found = OPERATORS.iter().find(|(text, _)| self.eat(text));
        let Some((_, op)) = found else {
            return Err(format!("an operator is missing after {name:?}: {REMEDY}"));
        };
        let value = self.text("a value")?;
        if name.is_empty() {
            return Err(format!("a label's name is empty: {REMEDY}"));
        }
        build(&name, *op, &value)
    }

    fn text(&mut self, what: &str) -> Result<String, String> {
        self.blanks();
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if text.is_empty() {
            return Err(match rest.chars().next() {
                Some(c) => format!("{what} is missing before {c:?}: {REMEDY}"),
                None => format!("{what} is missing at the end: {REMEDY}"),
            });
        }
        self.rest = rest;
        Ok(text.to_owned())
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(out);
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some(c @ ('\\' | '"')) => out.push(c),
                    other => return Err(format!("\\{} is no escape", other.unwrap_or(' '))),
                },
                c => out.push(c),
            }
        }
        Err("a quote is not closed".into())
    }
}

fn classic(text: &str) -> Result<Vec<Matcher>, String> {
    let inner = text.trim();
    let inner = inner.strip_prefix('{').unwrap_or(inner);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let parts = split(inner)?;
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.map(classic_matcher).collect()
}

/// Cuts at commas outside of quotes.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let (mut begin, mut is_quoted, mut is_escaped) = (0, false, false);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if is_quoted {
        return Err("a quote is not closed".into());
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

fn classic_matcher(text: &str) -> Result<Matcher, String> {
    let text = text.trim();
    let is_first = |c: char| c == '_' || c == ':' || c.is_ascii_alphabetic();
    let end = text
        .find(|c: char| !(is_first(c) || c.is_ascii_digit()))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(is_first) {
        return Err(format!("{text:?} is no matcher: {REMEDY}"));
    }
    let rest = rest.trim_start();
    let found = OPERATORS
        .iter()
        .find_map(|(text, op)| Some((op, rest.strip_prefix(text)?)));
    let (op, value) = found.ok_or_else(|| format!("{text:?} is no matcher: {REMEDY}"))?;
    build(name, *op, &classic_value(value.trim())?)
}

fn classic_value(text: &str) -> Result<String, String> {
    let inner = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').ok_or("a quote is not closed")?,
        None => text,
    };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err("a quote within a value is written \\\"".into()),
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                // Regular expressions keep their backslashes.
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    Ok(out)
}
