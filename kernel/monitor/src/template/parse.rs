//! Tokens to nodes.

mod pipe;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TEXT_BYTES_MAX;
use super::error::{Error, Trouble};
use super::lex::{self, Kind, Token};
use super::node::{Branch, Node, Parsed};

/// Deepest nesting of blocks and parentheses: the parser and the evaluator call themselves.
const NESTING_MAX: usize = 50;

/// Parses a text; `variables` are those that are there from the start.
pub(super) fn parse(text: &str, variables: &[&str]) -> Result<Parsed, Error> {
    if text.len() > TEXT_BYTES_MAX {
        let trouble = Trouble::limit(0, "bytes of template", TEXT_BYTES_MAX);
        return Err(trouble.locate(""));
    }
    parse_all(text, variables).map_err(|trouble| trouble.locate(text))
}

fn parse_all(text: &str, variables: &[&str]) -> Result<Parsed, Trouble> {
    let mut parser = Parser {
        tokens: lex::tokens(text)?,
        next: 0,
        end: text.len(),
        variables: variables.iter().map(|v| (*v).to_owned()).collect(),
        defines: BTreeMap::new(),
        nesting: 0,
        loops: 0,
    };
    // `$` is the value that a template is called with.
    parser.variables.push(String::new());
    let (body, end) = parser.list()?;
    if let Some(end) = end {
        return Err(Trouble::syntax(
            end.at,
            format!("{} without a block", end.word),
        ));
    }
    Ok(Parsed {
        source: Arc::from(text),
        body: Arc::from(body),
        defines: parser.defines,
    })
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
    variables: Vec<String>,
    defines: BTreeMap<String, Arc<[Node]>>,
    nesting: usize,
    loops: usize,
}

/// What ended a list of nodes: `end`, or `else` whose own action is still open.
struct End {
    at: usize,
    word: &'static str,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn peek_kind(&self) -> Option<&Kind> {
        self.peek().map(|token| &token.kind)
    }

    fn at(&self) -> usize {
        self.peek().map_or(self.end, |token| token.at)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn eat(&mut self, kind: &Kind) -> bool {
        let found = self.peek_kind() == Some(kind);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, kind: &Kind, what: &str) -> Result<(), Trouble> {
        if self.eat(kind) {
            return Ok(());
        }
        Err(Trouble::syntax(
            self.at(),
            format!("{what} is missing here"),
        ))
    }

    fn close(&mut self) -> Result<(), Trouble> {
        self.expect(&Kind::Close, "}}")
    }

    fn word_is(&self, word: &str) -> bool {
        matches!(self.peek_kind(), Some(Kind::Word(found)) if found == word)
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(Trouble::limit(self.at(), "levels of nesting", NESTING_MAX));
        }
        let found = read(self);
        self.nesting -= 1;
        found
    }

    /// Nodes up to the end of the text, an `{{end}}` (passed) or an `{{else` (its rest not passed).
    fn list(&mut self) -> Result<(Vec<Node>, Option<End>), Trouble> {
        let mut nodes = Vec::new();
        while let Some(token) = self.take() {
            match token.kind {
                Kind::Text(text) => nodes.push(Node::Text(text.into())),
                Kind::Open => {
                    let at = self.at();
                    if self.word_is("end") {
                        self.next += 1;
                        self.close()?;
                        return Ok((nodes, Some(End { at, word: "end" })));
                    }
                    if self.word_is("else") {
                        self.next += 1;
                        return Ok((nodes, Some(End { at, word: "else" })));
                    }
                    nodes.extend(self.action(token.at)?);
                }
                _ => unreachable_token(token.at)?,
            }
        }
        Ok((nodes, None))
    }

    fn action(&mut self, open: usize) -> Result<Option<Node>, Trouble> {
        let word = match self.peek_kind() {
            Some(Kind::Word(word)) => word.clone(),
            _ => String::new(),
        };
        let is_block = matches!(
            word.as_str(),
            "if" | "with" | "range" | "template" | "block" | "define" | "break" | "continue"
        );
        self.next += usize::from(is_block);
        match word.as_str() {
            "if" => self.branch(open, "if").map(|b| Some(Node::If(b))),
            "with" => self.branch(open, "with").map(|b| Some(Node::With(b))),
            "range" => self.branch(open, "range").map(|b| Some(Node::Range(b))),
            "template" => self.template(open).map(Some),
            "block" => self.block(open).map(Some),
            "define" => self.define(open).map(|()| None),
            "break" => self.leave(open, Node::Break).map(Some),
            "continue" => self.leave(open, Node::Continue).map(Some),
            _ => {
                let pipe = self.pipe(open)?;
                self.close()?;
                Ok(Some(Node::Action(pipe)))
            }
        }
    }

    fn leave(&mut self, open: usize, node: Node) -> Result<Node, Trouble> {
        self.close()?;
        if self.loops == 0 {
            return Err(Trouble::syntax(open, "break and continue stand in a range"));
        }
        Ok(node)
    }

    fn branch(&mut self, open: usize, word: &'static str) -> Result<Branch, Trouble> {
        let scope = self.variables.len();
        let is_range = word == "range";
        let branch = self.nested(|parser| {
            let pipe = parser.pipe(open)?;
            if pipe.variables.len() > 1 && !is_range {
                let problem = "only range declares two variables";
                return Err(Trouble::syntax(open, problem));
            }
            parser.close()?;
            parser.loops += usize::from(is_range);
            let (body, end) = parser.list()?;
            parser.loops -= usize::from(is_range);
            let otherwise = parser.otherwise(open, word, end)?;
            Ok(Branch {
                pipe,
                body,
                otherwise,
            })
        })?;
        self.variables.truncate(scope);
        Ok(branch)
    }

    fn otherwise(
        &mut self,
        open: usize,
        word: &'static str,
        end: Option<End>,
    ) -> Result<Vec<Node>, Trouble> {
        let end = end.ok_or_else(|| not_ended(open, word))?;
        if end.word == "end" {
            return Ok(Vec::new());
        }
        for (chained, of) in [("if", "if"), ("with", "with")] {
            if self.word_is(chained) && word == of {
                self.next += 1;
                let branch = self.branch(end.at, of)?;
                let node = if of == "if" {
                    Node::If(branch)
                } else {
                    Node::With(branch)
                };
                return Ok(vec![node]);
            }
        }
        self.close()?;
        let (nodes, end) = self.list()?;
        match end {
            Some(end) if end.word == "end" => Ok(nodes),
            Some(end) => Err(Trouble::syntax(end.at, "a block has one else at most")),
            None => Err(not_ended(open, word)),
        }
    }

    fn name(&mut self) -> Result<String, Trouble> {
        let at = self.at();
        match self.take().map(|token| token.kind) {
            Some(Kind::Quoted(name)) => Ok(name),
            _ => Err(Trouble::syntax(
                at,
                "the template's name is missing: write it in quotes",
            )),
        }
    }

    fn template(&mut self, at: usize) -> Result<Node, Trouble> {
        let name = self.name()?;
        let argument = match self.peek_kind() {
            Some(Kind::Close) => None,
            _ => Some(self.pipe(at)?),
        };
        self.close()?;
        Ok(Node::Template { at, name, argument })
    }

    fn block(&mut self, at: usize) -> Result<Node, Trouble> {
        let name = self.name()?;
        let argument = Some(self.pipe(at)?);
        self.close()?;
        self.body_of(at, name.clone())?;
        Ok(Node::Template { at, name, argument })
    }

    fn define(&mut self, at: usize) -> Result<(), Trouble> {
        if self.nesting > 0 {
            return Err(Trouble::syntax(at, "define stands outside of other blocks"));
        }
        let name = self.name()?;
        self.close()?;
        self.body_of(at, name)
    }

    /// The body of a named template: it sees no variable but `$`.
    fn body_of(&mut self, at: usize, name: String) -> Result<(), Trouble> {
        let outer = std::mem::replace(&mut self.variables, vec![String::new()]);
        let outer_loops = std::mem::take(&mut self.loops);
        let (nodes, end) = self.nested(Self::list)?;
        self.variables = outer;
        self.loops = outer_loops;
        match end {
            Some(end) if end.word == "end" => {
                self.defines.insert(name, Arc::from(nodes));
                Ok(())
            }
            Some(end) => Err(Trouble::syntax(end.at, "else without if, with or range")),
            None => Err(not_ended(at, "define")),
        }
    }
}

fn not_ended(at: usize, word: &str) -> Trouble {
    Trouble::syntax(at, format!("this {word} is not ended: write {{{{end}}}}"))
}

fn unreachable_token(at: usize) -> Result<(), Trouble> {
    Err(Trouble::syntax(at, "this stands outside of {{ }}"))
}
