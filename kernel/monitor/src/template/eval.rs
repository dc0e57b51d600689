//! Nodes to text.

use std::sync::Arc;

use super::context::{Context, Named};
use super::error::{Error, Trouble};
use super::node::{Branch, Command, Node, Operand, Parsed, Pipe, Term};
use super::value::Value;
use super::{TEXT_BYTES_MAX, functions, method, print};

/// Most nodes, operands and rounds of loops: a message of a thousand alerts with a dozen labels each
/// stays under it, a loop in a loop in a loop does not.
const STEPS_MAX: usize = 500_000;
/// Deepest chain of templates that call each other.
const CALLS_MAX: usize = 40;

/// Deepest nesting of lists and maps that a template makes.
const LISTS_DEPTH_MAX: usize = 16;
/// Most bytes of all texts that functions make: they may all be kept in a list.
const WORK_BYTES_MAX: usize = 32 << 20;
/// Functions that put values into a list or map.
const GATHERING: [&str; 4] = ["append", "args", "dict", "list"];

/// How what is inserted is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    None,
    Html,
}

/// Expands a parsed text.
pub(super) fn run(parsed: &Parsed, context: &Context<'_>, escape: Escape) -> Result<String, Error> {
    let mut own = super::Library::default();
    own.take_in(parsed);
    let mut run = Run {
        context,
        own: &own,
        escape,
        out: String::new(),
        scope: Scope::of(context),
        source: Arc::clone(&parsed.source),
        steps: 0,
        calls: 0,
        made_bytes: 0,
    };
    match run.nodes(&parsed.body) {
        Ok(_) => Ok(run.out),
        // The text is the one that was being expanded when it went wrong.
        Err(trouble) => Err(trouble.locate(&run.source)),
    }
}

struct Scope {
    dot: Value,
    variables: Vec<(String, Value)>,
}

impl Scope {
    fn of(context: &Context<'_>) -> Self {
        let given = context.variables.iter();
        let mut variables: Vec<_> = given.map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
        variables.push((String::new(), context.data.clone()));
        let dot = context.data.clone();
        Self { dot, variables }
    }

    fn called_with(value: Value) -> Self {
        Self {
            dot: value.clone(),
            variables: vec![(String::new(), value)],
        }
    }
}

struct Run<'a> {
    context: &'a Context<'a>,
    own: &'a super::Library,
    escape: Escape,
    out: String,
    scope: Scope,
    source: Arc<str>,
    steps: usize,
    calls: usize,
    made_bytes: usize,
}

/// Where to go on after a node.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl Run<'_> {
    fn step(&mut self, at: usize) -> Result<(), Trouble> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(Trouble::limit(at, "steps", STEPS_MAX));
        }
        Ok(())
    }

    fn write(&mut self, text: &str, at: usize) -> Result<(), Trouble> {
        self.out.push_str(text);
        if self.out.len() > TEXT_BYTES_MAX {
            return Err(Trouble::limit(at, "bytes of text", TEXT_BYTES_MAX));
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node]) -> Result<Flow, Trouble> {
        for node in nodes {
            let flow = self.node(node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, node: &Node) -> Result<Flow, Trouble> {
        match node {
            Node::Text(text) => self.write(text, 0)?,
            Node::Action(pipe) => {
                let value = self.pipe(pipe)?;
                if pipe.variables.is_empty() {
                    self.insert(&value, pipe.at)?;
                }
            }
            Node::If(branch) => return self.chosen(branch, false),
            Node::With(branch) => return self.chosen(branch, true),
            Node::Range(branch) => return self.range(branch),
            Node::Template { at, name, argument } => self.template(*at, name, argument.as_ref())?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn insert(&mut self, value: &Value, at: usize) -> Result<(), Trouble> {
        let text = print::text(value);
        let is_safe = self.escape == Escape::None || matches!(value, Value::Html(_));
        if is_safe {
            self.write(&text, at)
        } else {
            self.write(&print::html(&text), at)
        }
    }

    /// `if` and `with`.
    fn chosen(&mut self, branch: &Branch, moves_dot: bool) -> Result<Flow, Trouble> {
        let scope = self.scope.variables.len();
        let value = self.pipe(&branch.pipe)?;
        let flow = if value.is_true() {
            let outer = self.scope.dot.clone();
            if moves_dot {
                self.scope.dot = value;
            }
            let flow = self.nodes(&branch.body);
            self.scope.dot = outer;
            flow
        } else {
            self.nodes(&branch.otherwise)
        };
        self.scope.variables.truncate(scope);
        flow
    }

    fn range(&mut self, branch: &Branch) -> Result<Flow, Trouble> {
        let at = branch.pipe.at;
        let scope = self.scope.variables.len();
        let value = self.pipe_value(&branch.pipe)?;
        let entries = match &value {
            Value::Int(count) => {
                let count = (*count).clamp(0, i64::try_from(STEPS_MAX).unwrap_or(i64::MAX));
                (0..count).map(|i| (Value::Int(i), Value::Int(i))).collect()
            }
            value => value.entries().ok_or_else(|| {
                Trouble::failed(at, format!("range cannot go through a {}", value.kind()))
            })?,
        };
        if entries.is_empty() {
            let flow = self.nodes(&branch.otherwise);
            self.scope.variables.truncate(scope);
            return flow;
        }
        let outer = self.scope.dot.clone();
        for (key, element) in entries {
            self.step(at)?;
            self.bind_round(&branch.pipe, key, &element)?;
            self.scope.dot = element;
            let flow = self.nodes(&branch.body)?;
            self.scope.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        self.scope.dot = outer;
        Ok(Flow::Next)
    }

    fn bind_round(&mut self, pipe: &Pipe, key: Value, element: &Value) -> Result<(), Trouble> {
        let values = match pipe.variables.as_slice() {
            [] => Vec::new(),
            [one] => vec![(one, element.clone())],
            [first, second, ..] => vec![(first, key), (second, element.clone())],
        };
        for (name, value) in values {
            self.bind(pipe, name, value)?;
        }
        Ok(())
    }

    fn bind(&mut self, pipe: &Pipe, name: &str, value: Value) -> Result<(), Trouble> {
        if !pipe.is_assignment {
            self.scope.variables.push((name.to_owned(), value));
            return Ok(());
        }
        let mut known = self.scope.variables.iter_mut().rev();
        match known.find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value,
            None => {
                return Err(Trouble::failed(
                    pipe.at,
                    format!("undefined variable \"${name}\""),
                ));
            }
        }
        Ok(())
    }

    fn template(&mut self, at: usize, name: &str, argument: Option<&Pipe>) -> Result<(), Trouble> {
        let own = self.own.template(name);
        let shared = self
            .context
            .library
            .and_then(|library| library.template(name));
        let Some(Named { source, body }) = own.or(shared).cloned() else {
            return Err(Trouble::failed(
                at,
                format!("there is no template {name:?}"),
            ));
        };
        let value = match argument {
            Some(pipe) => self.pipe(pipe)?,
            None => Value::Nil,
        };
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Err(Trouble::limit(
                at,
                "templates that call each other",
                CALLS_MAX,
            ));
        }
        let outer = std::mem::replace(&mut self.scope, Scope::called_with(value));
        let outer_source = std::mem::replace(&mut self.source, source);
        // On an error the source stays: its text is where the position is.
        self.nodes(&body)?;
        self.source = outer_source;
        self.scope = outer;
        self.calls -= 1;
        Ok(())
    }

    /// The value of a pipe, bound to its variables.
    fn pipe(&mut self, pipe: &Pipe) -> Result<Value, Trouble> {
        let value = self.pipe_value(pipe)?;
        for name in &pipe.variables {
            self.bind(pipe, name, value.clone())?;
        }
        Ok(value)
    }

    fn pipe_value(&mut self, pipe: &Pipe) -> Result<Value, Trouble> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value)?);
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    fn command(&mut self, command: &Command, piped: Option<Value>) -> Result<Value, Trouble> {
        let (first, rest) = command
            .operands
            .split_first()
            .expect("the parser wants one");
        self.step(first.at)?;
        if let (Term::Function(name), []) = (&first.term, first.fields.as_slice()) {
            return self.function(name, first.at, rest, piped);
        }
        let takes_arguments = !first.fields.is_empty();
        if !takes_arguments && (!rest.is_empty() || piped.is_some()) {
            let problem = "this is a value, and only functions and methods take arguments";
            return Err(Trouble::failed(first.at, problem));
        }
        let mut arguments = self.arguments(rest)?;
        arguments.extend(piped);
        self.fields(first, &arguments)
    }

    fn arguments(&mut self, operands: &[Operand]) -> Result<Vec<Value>, Trouble> {
        operands
            .iter()
            .map(|operand| self.operand(operand))
            .collect()
    }

    fn function(
        &mut self,
        name: &str,
        at: usize,
        operands: &[Operand],
        piped: Option<Value>,
    ) -> Result<Value, Trouble> {
        if matches!(name, "and" | "or") {
            return self.short_circuit(name, at, operands, piped);
        }
        let mut arguments = self.arguments(operands)?;
        arguments.extend(piped);
        if GATHERING.contains(&name) {
            for argument in &arguments {
                self.weigh(argument, 1, at)?;
            }
        }
        let value = functions::call(name, self.context, &arguments);
        let value = value.map_err(|problem| Trouble::failed(at, problem))?;
        self.made(&value, at)?;
        Ok(value)
    }

    /// Counts a text that a function made: doubling one again and again must not fill the memory.
    fn made(&mut self, value: &Value, at: usize) -> Result<(), Trouble> {
        let bytes = value.as_text().map_or(0, str::len);
        self.made_bytes += bytes;
        if bytes > TEXT_BYTES_MAX {
            return Err(Trouble::limit(at, "bytes of text", TEXT_BYTES_MAX));
        }
        if self.made_bytes > WORK_BYTES_MAX {
            return Err(Trouble::limit(at, "bytes of texts", WORK_BYTES_MAX));
        }
        Ok(())
    }

    /// Takes a step for each value that a list or map holds, those of lists in lists too: whoever
    /// prints it goes through all of them.
    fn weigh(&mut self, value: &Value, depth: usize, at: usize) -> Result<(), Trouble> {
        if depth > LISTS_DEPTH_MAX {
            return Err(Trouble::limit(at, "levels of lists", LISTS_DEPTH_MAX));
        }
        self.step(at)?;
        match value {
            Value::List(list) => list.iter().try_for_each(|v| self.weigh(v, depth + 1, at)),
            Value::Map(map) => map.values().try_for_each(|v| self.weigh(v, depth + 1, at)),
            _ => Ok(()),
        }
    }

    /// The first argument that decides, or the last; the others are not looked at.
    fn short_circuit(
        &mut self,
        name: &str,
        at: usize,
        operands: &[Operand],
        piped: Option<Value>,
    ) -> Result<Value, Trouble> {
        let decides = name == "or";
        let mut last = None;
        for operand in operands {
            let value = self.operand(operand)?;
            if value.is_true() == decides {
                return Ok(value);
            }
            last = Some(value);
        }
        let last = piped.or(last);
        last.ok_or_else(|| Trouble::failed(at, format!("{name} takes at least 1 argument, not 0")))
    }

    fn operand(&mut self, operand: &Operand) -> Result<Value, Trouble> {
        self.step(operand.at)?;
        self.fields(operand, &[])
    }

    /// A term and its fields; the arguments are for the last of them.
    fn fields(&mut self, operand: &Operand, arguments: &[Value]) -> Result<Value, Trouble> {
        let mut value = self.term(&operand.term, operand.at)?;
        let last = operand.fields.len().saturating_sub(1);
        for (place, name) in operand.fields.iter().enumerate() {
            let arguments = if place == last { arguments } else { &[] };
            value = method::field(&value, name, arguments)
                .map_err(|problem| Trouble::failed(operand.at, problem))?;
        }
        Ok(value)
    }

    fn term(&mut self, term: &Term, at: usize) -> Result<Value, Trouble> {
        Ok(match term {
            Term::Dot => self.scope.dot.clone(),
            Term::Nil => Value::Nil,
            Term::Bool(value) => Value::Bool(*value),
            Term::Int(value) => Value::Int(*value),
            Term::Float(value) => Value::Float(*value),
            Term::Text(text) => Value::Text(Arc::clone(text)),
            Term::Variable(name) => {
                let mut known = self.scope.variables.iter().rev();
                let found = known.find(|(known, _)| known == name);
                let found = found.map(|(_, value)| value.clone());
                found
                    .ok_or_else(|| Trouble::failed(at, format!("undefined variable \"${name}\"")))?
            }
            Term::Function(name) => self.function(name, at, &[], None)?,
            Term::Pipe(pipe) => self.pipe(pipe)?,
        })
    }
}
