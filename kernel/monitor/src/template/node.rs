//! A parsed template.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A text with its named templates; positions in nodes are byte offsets into `source`.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub(super) source: Arc<str>,
    pub(super) body: Arc<[Node]>,
    pub(super) defines: BTreeMap<String, Arc<[Node]>>,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(Box<str>),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        at: usize,
        name: String,
        argument: Option<Pipe>,
    },
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// `$a, $b := command | command`.
#[derive(Debug, Clone)]
pub(super) struct Pipe {
    pub(super) at: usize,
    pub(super) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(super) is_assignment: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) at: usize,
    pub(super) operands: Vec<Operand>,
}

/// A term and the fields taken from it, one after another.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) at: usize,
    pub(super) term: Term,
    pub(super) fields: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// Without `$`; empty for `$` itself.
    Variable(String),
    Function(String),
    Pipe(Box<Pipe>),
}
