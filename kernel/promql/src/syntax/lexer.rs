//! From a text to words.

mod number;
mod string;

use super::operator::BinaryOp;
use super::span::Span;
use super::text::{quote, quote_char};
use super::token::{Keyword, Kind, Token, word_kind};

/// The words of a text; the last is [`Kind::End`] or [`Kind::Error`].
pub(super) fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text);
    loop {
        let kind = match lexer.next_kind() {
            Ok(Some(kind)) => kind,
            Ok(None) => continue,
            Err(reason) => Kind::Error(reason),
        };
        let last = matches!(kind, Kind::End | Kind::Error(_));
        let end = if last { text.len() } else { lexer.position };
        let span = Span::new(lexer.start, end);
        lexer.tokens.push(Token { kind, span });
        if last {
            return lexer.tokens;
        }
    }
}

/// Where the lexer is, which decides how words are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Expression,
    /// Between `{` and `}`.
    Braces,
    /// Between `[` and `]`.
    Brackets,
}

struct Lexer<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Where the word that is being read begins.
    start: usize,
    position: usize,
    place: Place,
    open_parens: usize,
    /// Whether a duration, and a colon, came since the last `[`.
    duration_seen: bool,
    colon_seen: bool,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            tokens: Vec::new(),
            start: 0,
            position: 0,
            place: Place::Expression,
            open_parens: 0,
            duration_seen: false,
            colon_seen: false,
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.position += char.len_utf8();
        Some(char)
    }

    fn take_if(&mut self, wanted: impl FnOnce(char) -> bool) -> bool {
        match self.peek() {
            Some(char) if wanted(char) => {
                self.position += char.len_utf8();
                true
            }
            _ => false,
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.take_if(&wanted) {}
    }

    fn written(&self) -> &'a str {
        &self.text[self.start..self.position]
    }

    /// The next word, or nothing where there is only room between words.
    fn next_kind(&mut self) -> Result<Option<Kind>, String> {
        self.start = self.position;
        match self.peek() {
            Some(char) if is_space(char) => {
                self.take_while(is_space);
                return Ok(None);
            }
            Some('#') => {
                self.take_while(|char| !matches!(char, '\n' | '\r'));
                return Ok(None);
            }
            _ => {}
        }
        let kind = match self.place {
            Place::Braces => self.in_braces(),
            Place::Brackets => self.in_brackets(),
            Place::Expression => self.in_expression(),
        };
        kind.map(Some)
    }

    fn in_expression(&mut self) -> Result<Kind, String> {
        let Some(char) = self.take() else {
            return match self.open_parens {
                0 => Ok(Kind::End),
                _ => Err("unclosed left parenthesis".to_owned()),
            };
        };
        match char {
            '!' => match self.take() {
                Some('=') => Ok(Kind::Operator(BinaryOp::NotEqual)),
                other => Err(format!("unexpected character after '!': {}", shown(other))),
            },
            '=' if self.peek() == Some('~') => {
                Err("unexpected character after '=': '~'".to_owned())
            }
            '=' if self.take_if(|char| char == '=') => Ok(Kind::Operator(BinaryOp::Equal)),
            '=' => Ok(Kind::Assign),
            '<' | '>' => Ok(self.comparison(char)),
            '"' | '\'' => self.string(char),
            '`' => self.raw_string(),
            '@' => Ok(Kind::At),
            '{' => {
                self.place = Place::Braces;
                Ok(Kind::LeftBrace)
            }
            '[' => {
                self.place = Place::Brackets;
                self.duration_seen = false;
                self.colon_seen = false;
                Ok(Kind::LeftBracket)
            }
            ']' => Err(format!("unexpected right bracket {}", quote_char(char))),
            _ if self.starts_number(char) => self.number_or_duration(),
            _ if is_alpha(char) || char == ':' => Ok(self.word()),
            _ => self.punctuation(char, "unexpected character"),
        }
    }

    fn comparison(&mut self, first: char) -> Kind {
        let (plain, or_equal, trim) = match first {
            '<' => (BinaryOp::Less, BinaryOp::LessOrEqual, BinaryOp::TrimUpper),
            _ => (
                BinaryOp::Greater,
                BinaryOp::GreaterOrEqual,
                BinaryOp::TrimLower,
            ),
        };
        let op = if self.take_if(|char| char == '=') {
            or_equal
        } else if self.take_if(|char| char == '/') {
            trim
        } else {
            plain
        };
        Kind::Operator(op)
    }

    /// What is the same within and outside brackets.
    fn punctuation(&mut self, char: char, otherwise: &str) -> Result<Kind, String> {
        Ok(match char {
            ',' => Kind::Comma,
            '+' => Kind::Operator(BinaryOp::Add),
            '-' => Kind::Operator(BinaryOp::Sub),
            '*' => Kind::Operator(BinaryOp::Mul),
            '/' => Kind::Operator(BinaryOp::Div),
            '%' => Kind::Operator(BinaryOp::Mod),
            '^' => Kind::Operator(BinaryOp::Pow),
            '(' => {
                self.open_parens += 1;
                Kind::LeftParen
            }
            ')' => match self.open_parens.checked_sub(1) {
                Some(open) => {
                    self.open_parens = open;
                    Kind::RightParen
                }
                None => return Err("unexpected right parenthesis ')'".to_owned()),
            },
            _ => return Err(format!("{otherwise}: {}", quote_char(char))),
        })
    }

    fn starts_number(&self, first: char) -> bool {
        first.is_ascii_digit()
            || (first == '.' && self.peek().is_some_and(|next| next.is_ascii_digit()))
    }

    fn word(&mut self) -> Kind {
        self.take_while(|char| is_alphanumeric(char) || char == ':');
        let after = self.text[self.position..].trim_start_matches(is_space);
        word_kind(self.written(), after.starts_with('('))
    }

    fn in_braces(&mut self) -> Result<Kind, String> {
        let Some(char) = self.take() else {
            return Err("unexpected end of input inside braces".to_owned());
        };
        match char {
            ',' => Ok(Kind::Comma),
            '"' | '\'' => self.string(char),
            '`' => self.raw_string(),
            '=' if self.take_if(|char| char == '~') => Ok(Kind::MatchRegex),
            '=' => Ok(Kind::Assign),
            '!' => match self.take() {
                Some('~') => Ok(Kind::MatchNotRegex),
                Some('=') => Ok(Kind::Operator(BinaryOp::NotEqual)),
                other => {
                    let other = shown(other);
                    Err(format!(
                        "unexpected character after '!' inside braces: {other}"
                    ))
                }
            },
            '{' => Err("unexpected left brace '{'".to_owned()),
            '}' => {
                self.place = Place::Expression;
                Ok(Kind::RightBrace)
            }
            _ if is_alpha(char) => {
                self.take_while(is_alphanumeric);
                Ok(Kind::Identifier)
            }
            _ => Err(format!(
                "unexpected character inside braces: {}",
                quote_char(char)
            )),
        }
    }

    fn in_brackets(&mut self) -> Result<Kind, String> {
        let Some(char) = self.take() else {
            return Err(match self.duration_seen {
                true => "unclosed left bracket".to_owned(),
                false => "unexpected end of input in duration expression".to_owned(),
            });
        };
        match char {
            ']' => {
                self.place = Place::Expression;
                Ok(Kind::RightBracket)
            }
            ':' => self.colon(),
            '[' => Err("unexpected left bracket '['".to_owned()),
            _ if self.starts_number(char) => {
                self.duration_seen = true;
                self.number_or_duration()
            }
            _ if is_alpha(char) => {
                self.take_while(is_alphanumeric);
                self.duration_word(char)
            }
            _ => self.punctuation(char, "unexpected character in duration expression"),
        }
    }

    fn colon(&mut self) -> Result<Kind, String> {
        if !self.duration_seen && !self.word_seen_in_brackets() {
            return Err("unexpected colon before duration in duration expression".to_owned());
        }
        if self.colon_seen {
            return Err("unexpected repeated colon in duration expression".to_owned());
        }
        self.colon_seen = true;
        Ok(Kind::Colon)
    }

    /// Whether a duration of the query stands before the colon, as in `[step():]`.
    fn word_seen_in_brackets(&self) -> bool {
        !matches!(
            self.tokens.last(),
            Some(Token {
                kind: Kind::LeftBracket,
                ..
            }) | None
        )
    }

    fn duration_word(&self, first: char) -> Result<Kind, String> {
        match word_kind(self.written(), true) {
            Kind::Keyword(
                keyword @ (Keyword::Step | Keyword::Range | Keyword::MinOf | Keyword::MaxOf),
            ) => Ok(Kind::Keyword(keyword)),
            _ if self.duration_seen => {
                let first = quote_char(first);
                Err(format!("unexpected character: {first}, expected ':'"))
            }
            _ => {
                let first = quote_char(first);
                Err(format!(
                    "unexpected character in duration expression: {first}"
                ))
            }
        }
    }

    fn bad_number(&self) -> String {
        let written = quote(self.written().as_bytes());
        format!("bad number or duration syntax: {written}")
    }
}

fn shown(char: Option<char>) -> String {
    // The end of the input is shown as the character that stands for it in Prometheus.
    quote_char(char.unwrap_or('\u{fffd}'))
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r')
}

fn is_alpha(char: char) -> bool {
    char == '_' || char.is_ascii_alphabetic()
}

fn is_alphanumeric(char: char) -> bool {
    is_alpha(char) || char.is_ascii_digit()
}
