use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span};

/// A value and where it begins in the file, both from 1.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Text, and whether it stood without quotes.
    Scalar(String, bool),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Whether it is nothing: an empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        match &self.content {
            Content::Scalar(text, plain) => {
                *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// How much it counts when it is held once more: a long text like several values.
    fn weight(&self) -> usize {
        match &self.content {
            Content::Scalar(text, _) => 1 + text.len() / TEXT_BYTES_PER_VALUE,
            Content::Sequence(items) => 1 + items.iter().map(Self::weight).sum::<usize>(),
            Content::Mapping(pairs) => {
                let pairs = pairs.iter().map(|(k, v)| k.weight() + v.weight());
                1 + pairs.sum::<usize>()
            }
        }
    }
}

/// Why a text is no YAML, and where.
pub(super) struct Damage {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) message: String,
}

/// A file has at most this many values, those that anchors keep and aliases repeat counted each time: aliases of
/// aliases would fill the memory from a few lines.
const NODES_MAX: usize = 1_000_000;

/// So many bytes of a text that is repeated count as much as a value.
const TEXT_BYTES_PER_VALUE: usize = 64;

/// The only document of a text.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Damage> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            damage_at(marker.line(), marker.col(), error.info())
        })?;
        builder.event(event, &span)?;
    }
    Ok(builder.root)
}

fn damage_at(line: usize, column: usize, message: impl Into<String>) -> Damage {
    Damage {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).map_or(u32::MAX, |c| c.saturating_add(1)),
        message: message.into(),
    }
}

fn node(span: &Span, content: Content) -> Node {
    let place = damage_at(span.start.line(), span.start.col(), "");
    Node {
        line: place.line,
        column: place.column,
        content,
    }
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A collection whose end has not come yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Damage> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                let message = "one document is allowed in a file: move this to another";
                return Err(damage_at(span.start.line(), span.start.col(), message));
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let content = Content::Scalar(text.into_owned(), plain);
                self.add(node(span, content), anchor, span)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(node(span, Content::Sequence(Vec::new())), anchor);
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(node(span, Content::Mapping(Vec::new())), anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.add(open.node, open.anchor, span)?;
                }
            }
            Event::Alias(id) => {
                let Some(known) = self.anchors.get(&id) else {
                    let message = "an alias cannot stand inside what it repeats";
                    return Err(damage_at(span.start.line(), span.start.col(), message));
                };
                let known = known.clone();
                self.count(known.weight(), span)?;
                self.add(known, 0, span)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts values that are about to be held.
    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), Damage> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_MAX} values: split it");
        Err(damage_at(span.start.line(), span.start.col(), message))
    }

    fn open(&mut self, node: Node, anchor: usize) {
        self.open.push(Open {
            node,
            anchor,
            key: None,
        });
    }

    fn add(&mut self, node: Node, anchor: usize, span: &Span) -> Result<(), Damage> {
        self.count(1, span)?;
        if anchor != 0 {
            self.count(node.weight(), span)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(pairs) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => pairs.push((key, node)),
            },
            Content::Scalar(..) => {}
        }
        Ok(())
    }
}
