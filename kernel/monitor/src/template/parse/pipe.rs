//! What stands between braces: commands, their operands, variables.

use std::sync::Arc;

use super::super::error::{Trouble, TroubleKind};
use super::super::lex::{Kind, Token};
use super::super::node::{Command, Operand, Pipe, Term};
use super::super::{functions, number};
use super::Parser;

impl Parser {
    pub(super) fn pipe(&mut self, at: usize) -> Result<Pipe, Trouble> {
        let (variables, is_assignment) = self.declarations()?;
        let mut commands = vec![self.command()?];
        while self.eat(&Kind::Pipe) {
            commands.push(self.command()?);
        }
        for command in &commands[1..] {
            check_callable(command)?;
        }
        // Only now: a declaration does not see itself.
        if !is_assignment {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipe {
            at,
            variables,
            is_assignment,
            commands,
        })
    }

    fn declarations(&mut self) -> Result<(Vec<String>, bool), Trouble> {
        let begin = self.next;
        let mut names = Vec::new();
        while let Some(Kind::Variable(name)) = self.peek_kind().cloned() {
            let at = self.at();
            self.next += 1;
            names.push(name);
            match self.peek_kind() {
                Some(Kind::Comma) if names.len() == 1 => self.next += 1,
                Some(Kind::Declare) => {
                    self.next += 1;
                    return Ok((names, false));
                }
                Some(Kind::Assign) => {
                    self.next += 1;
                    for name in &names {
                        self.check_variable(name, at)?;
                    }
                    return Ok((names, true));
                }
                _ => break,
            }
        }
        self.next = begin;
        Ok((Vec::new(), false))
    }

    fn check_variable(&self, name: &str, at: usize) -> Result<(), Trouble> {
        if self.variables.iter().any(|known| known == name) {
            return Ok(());
        }
        let known: Vec<_> = self.variables.iter().filter(|v| !v.is_empty()).collect();
        let hint = match known.as_slice() {
            [] => String::new(),
            known => format!(": there are ${}", join(known, ", $")),
        };
        Err(Trouble::syntax(
            at,
            format!("undefined variable \"${name}\"{hint}"),
        ))
    }

    fn command(&mut self) -> Result<Command, Trouble> {
        let at = self.at();
        let mut operands = Vec::new();
        loop {
            match self.peek_kind() {
                None | Some(Kind::Close | Kind::Pipe | Kind::CloseParen) => break,
                Some(Kind::Declare | Kind::Assign) => {
                    let problem = "only a $variable is declared or assigned";
                    return Err(Trouble::syntax(self.at(), problem));
                }
                Some(_) => {
                    if !operands.is_empty() && self.peek().is_some_and(|token| !token.is_apart) {
                        return Err(Trouble::syntax(self.at(), "a blank is missing here"));
                    }
                    operands.push(self.operand()?);
                }
            }
        }
        if operands.is_empty() {
            return Err(Trouble::syntax(at, "a value is missing here"));
        }
        Ok(Command { at, operands })
    }

    fn operand(&mut self) -> Result<Operand, Trouble> {
        let token = self
            .take()
            .ok_or_else(|| Trouble::syntax(self.end, "a value is missing"))?;
        let at = token.at;
        let mut fields = Vec::new();
        let term = match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field(name) => {
                fields.push(name);
                Term::Dot
            }
            Kind::Variable(name) => {
                self.check_variable(&name, at)?;
                Term::Variable(name)
            }
            Kind::Quoted(text) => Term::Text(Arc::from(text)),
            Kind::Int(value) => Term::Int(value),
            Kind::Float(value) => Term::Float(value),
            Kind::Word(word) => term_of(word, at)?,
            Kind::OpenParen => {
                let pipe = self.nested(|parser| parser.pipe(at))?;
                self.expect(&Kind::CloseParen, ")")?;
                Term::Pipe(Box::new(pipe))
            }
            Kind::Comma => {
                return Err(Trouble::syntax(
                    at,
                    "arguments are parted by blanks, not commas",
                ));
            }
            _ => return Err(Trouble::syntax(at, "a value is missing here")),
        };
        while let Some(Token {
            kind: Kind::Field(name),
            is_apart: false,
            ..
        }) = self.peek()
        {
            fields.push(name.clone());
            self.next += 1;
        }
        let takes_fields = !matches!(
            term,
            Term::Nil | Term::Bool(_) | Term::Int(_) | Term::Float(_) | Term::Text(_)
        );
        if !fields.is_empty() && !takes_fields {
            return Err(Trouble::syntax(at, "a constant has no fields"));
        }
        Ok(Operand { at, term, fields })
    }
}

fn term_of(word: String, at: usize) -> Result<Term, Trouble> {
    match word.as_str() {
        "true" => return Ok(Term::Bool(true)),
        "false" => return Ok(Term::Bool(false)),
        "nil" => return Ok(Term::Nil),
        "if" | "else" | "end" | "range" | "with" | "define" | "template" | "block" | "break"
        | "continue" => {
            let problem = format!("{word} stands first in its braces");
            return Err(Trouble::syntax(at, problem));
        }
        _ => {}
    }
    if functions::exists(&word) {
        return Ok(Term::Function(word));
    }
    let suggestion = match number::nearest(&word, functions::names()) {
        Some(name) => format!(": did you mean {name:?}?"),
        None => String::new(),
    };
    let kind = TroubleKind::Unknown {
        name: word,
        suggestion,
    };
    Err(Trouble { at, kind })
}

/// What stands after a `|` is given a value: it must be a function or a method.
fn check_callable(command: &Command) -> Result<(), Trouble> {
    let first = &command.operands[0];
    match (&first.term, first.fields.as_slice()) {
        (Term::Function(_), _) | (_, [_, ..]) => Ok(()),
        _ => {
            let problem = "a function stands after |, and this is a value";
            Err(Trouble::syntax(command.at, problem))
        }
    }
}

fn join(names: &[&String], separator: &str) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    names.join(separator)
}
