//! Tokens of a template.

use super::error::Trouble;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Outside of `{{ }}`, trimmed as its neighbours ask.
    Text(String),
    Open,
    Close,
    Dot,
    Field(String),
    Variable(String),
    Word(String),
    Quoted(String),
    Int(i64),
    Float(f64),
    Declare,
    Assign,
    Comma,
    Pipe,
    OpenParen,
    CloseParen,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
    /// Whether blanks stand before it: `a .b` is two operands, `a.b` is one.
    pub(super) is_apart: bool,
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Trouble> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, at: usize, is_apart: bool) {
        self.tokens.push(Token { kind, at, is_apart });
    }

    fn run(&mut self) -> Result<(), Trouble> {
        let mut trims_left = false;
        loop {
            let begin = self.at;
            let Some(length) = self.rest().find("{{") else {
                let rest = self.rest();
                self.push_text(rest, begin, trims_left, false);
                return Ok(());
            };
            let before = &self.rest()[..length];
            self.at += length + 2;
            let trims = starts_trim(self.rest());
            self.push_text(before, begin, trims_left, trims);
            if trims {
                self.at += 1;
            }
            trims_left = match self.comment(begin + length)? {
                Some(trims_after) => trims_after,
                None => self.action(begin + length)?,
            };
        }
    }

    fn push_text(&mut self, text: &str, at: usize, left: bool, right: bool) {
        let text = if left {
            text.trim_start_matches(BLANKS)
        } else {
            text
        };
        let text = if right {
            text.trim_end_matches(BLANKS)
        } else {
            text
        };
        if !text.is_empty() {
            self.push(Kind::Text(text.to_owned()), at, false);
        }
    }

    /// Passes a comment; says whether it trims what follows, or nothing when it is an action.
    fn comment(&mut self, open: usize) -> Result<Option<bool>, Trouble> {
        let rest = self.rest();
        let inner = rest.trim_start_matches(BLANKS);
        let blanks = rest.len() - inner.len();
        // Only a trim marker lets blanks stand before a comment.
        if !inner.starts_with("/*") || (blanks > 0 && !self.text[..self.at].ends_with('-')) {
            return Ok(None);
        }
        let end = inner
            .find("*/")
            .ok_or_else(|| Trouble::syntax(open, "this comment is not closed: write */}}"))?;
        self.at += blanks + end + 2;
        let Some(trims) = self.closing() else {
            let problem = "a comment ends with */}} and nothing else stands in its braces";
            return Err(Trouble::syntax(open, problem));
        };
        Ok(Some(trims))
    }

    /// Passes `}}` or ` -}}`; says whether it trims.
    fn closing(&mut self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            self.at += 2;
            return Some(false);
        }
        let inner = rest.trim_start_matches(BLANKS);
        let blanks = rest.len() - inner.len();
        if blanks > 0 && inner.starts_with("-}}") {
            self.at += blanks + 3;
            return Some(true);
        }
        None
    }

    fn action(&mut self, open: usize) -> Result<bool, Trouble> {
        self.push(Kind::Open, open, false);
        loop {
            let at = self.at;
            if let Some(trims) = self.closing() {
                self.push(Kind::Close, at, false);
                return Ok(trims);
            }
            let rest = self.rest();
            let inner = rest.trim_start_matches(BLANKS);
            let is_apart = inner.len() < rest.len();
            self.at += rest.len() - inner.len();
            if inner.is_empty() || inner.starts_with("{{") {
                return Err(Trouble::syntax(open, "this action is not closed: write }}"));
            }
            if inner.starts_with("}}") {
                continue;
            }
            let at = self.at;
            let kind = self.token(inner)?;
            self.push(kind, at, is_apart);
        }
    }

    fn token(&mut self, rest: &'a str) -> Result<Kind, Trouble> {
        let first = rest.chars().next().expect("the caller saw a character");
        let simple = match first {
            ',' => Some(Kind::Comma),
            '|' => Some(Kind::Pipe),
            '(' => Some(Kind::OpenParen),
            ')' => Some(Kind::CloseParen),
            '=' => Some(Kind::Assign),
            _ => None,
        };
        if let Some(kind) = simple {
            self.at += 1;
            return Ok(kind);
        }
        match first {
            ':' if rest.starts_with(":=") => {
                self.at += 2;
                Ok(Kind::Declare)
            }
            '"' => self.quoted(rest),
            '`' => self.raw(rest),
            '\'' => self.character(rest),
            '.' if !is_number(rest) => Ok(self.named(rest, 1, Kind::Field)),
            '$' => Ok(self.named(rest, 1, Kind::Variable)),
            c if is_number(rest) || c.is_ascii_digit() => self.number(rest),
            c if is_word(c) => Ok(self.named(rest, 0, Kind::Word)),
            c => Err(Trouble::syntax(
                self.at,
                format!("{c:?} has no meaning here"),
            )),
        }
    }

    fn named(&mut self, rest: &str, skip: usize, kind: fn(String) -> Kind) -> Kind {
        let name: String = rest[skip..].chars().take_while(|c| is_word(*c)).collect();
        self.at += skip + name.len();
        match kind(name) {
            Kind::Field(name) if name.is_empty() => Kind::Dot,
            kind => kind,
        }
    }

    fn raw(&mut self, rest: &str) -> Result<Kind, Trouble> {
        let inner = &rest[1..];
        let end = inner
            .find('`')
            .ok_or_else(|| Trouble::syntax(self.at, "this text is not closed: write `"))?;
        self.at += end + 2;
        Ok(Kind::Quoted(inner[..end].replace('\r', "")))
    }

    fn quoted(&mut self, rest: &str) -> Result<Kind, Trouble> {
        let (text, length) = unquote(rest, '"').map_err(|p| Trouble::syntax(self.at, p))?;
        self.at += length;
        Ok(Kind::Quoted(text))
    }

    fn character(&mut self, rest: &str) -> Result<Kind, Trouble> {
        let (text, length) = unquote(rest, '\'').map_err(|p| Trouble::syntax(self.at, p))?;
        let mut chars = text.chars();
        let (Some(only), None) = (chars.next(), chars.next()) else {
            let problem = "a constant in single quotes is one character: use \" for a text";
            return Err(Trouble::syntax(self.at, problem));
        };
        self.at += length;
        Ok(Kind::Int(i64::from(u32::from(only))))
    }

    fn number(&mut self, rest: &str) -> Result<Kind, Trouble> {
        let mut length = 0;
        let mut last = ' ';
        for c in rest.chars() {
            let is_sign = matches!(c, '+' | '-');
            let follows = length == 0 || (matches!(last, 'e' | 'E') && !rest.starts_with("0x"));
            if !(is_word(c) || c == '.' || (is_sign && follows)) {
                break;
            }
            length += c.len_utf8();
            last = c;
        }
        let text = &rest[..length];
        let kind = number(text).ok_or_else(|| {
            Trouble::syntax(
                self.at,
                format!("{text:?} is not a number: write 12 or 1.5e3"),
            )
        })?;
        self.at += length;
        Ok(kind)
    }
}

fn starts_trim(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('-') && chars.next().is_some_and(|c| BLANKS.contains(&c))
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether a number begins here, with its sign or its point.
fn is_number(rest: &str) -> bool {
    let unsigned = rest.trim_start_matches(['+', '-']);
    let signs = rest.len() - unsigned.len();
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    signs <= 1 && digits.starts_with(|c: char| c.is_ascii_digit())
}

fn number(text: &str) -> Option<Kind> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)];
    for (prefix, radix) in radix {
        if let Some(rest) = lower.strip_prefix(prefix) {
            let value = i64::from_str_radix(rest, radix).ok()?;
            return Some(Kind::Int(sign * value));
        }
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let is_octal = digits.len() > 1 && digits.starts_with('0');
        let value = i64::from_str_radix(digits, if is_octal { 8 } else { 10 }).ok()?;
        return Some(Kind::Int(sign * value));
    }
    // Rust reads words such as "inf" too; Go's constants have none.
    let is_float = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let value: f64 = is_float.then(|| plain.parse().ok()).flatten()?;
    value.is_finite().then_some(Kind::Float(value))
}

/// Reads a quoted text at the beginning of `rest`; returns it and the bytes it takes, quotes included.
fn unquote(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => return Err("a quoted text ends on its line: write `…` for several".into()),
            '\\' => {
                let (_, kind) = chars.next().ok_or("this text is not closed")?;
                out.push(escaped(kind, quote, &mut chars)?);
            }
            c if c == quote => return Ok((out, at + 1)),
            c => out.push(c),
        }
    }
    Err(format!("this text is not closed: write {quote}"))
}

fn escaped(
    kind: char,
    quote: char,
    chars: &mut impl Iterator<Item = (usize, char)>,
) -> Result<char, String> {
    let mut digits = |count: usize, radix: u32, begin: u32| {
        let mut value = begin;
        for _ in 0..count {
            let digit = chars.next().and_then(|(_, c)| c.to_digit(radix));
            value = value * radix + digit.ok_or("an escape has too few digits")?;
        }
        char::from_u32(value).ok_or_else(|| "an escape is no character".to_owned())
    };
    match kind {
        'n' => Ok('\n'),
        't' => Ok('\t'),
        'r' => Ok('\r'),
        'a' => Ok('\x07'),
        'b' => Ok('\x08'),
        'f' => Ok('\x0c'),
        'v' => Ok('\x0b'),
        '\\' => Ok('\\'),
        'x' => digits(2, 16, 0),
        'u' => digits(4, 16, 0),
        'U' => digits(8, 16, 0),
        '0'..='3' => digits(2, 8, u32::from(kind) - u32::from('0')),
        c if c == quote => Ok(c),
        c => Err(format!(
            "\\{c} is not an escape: write \\\\{c} for a backslash"
        )),
    }
}
