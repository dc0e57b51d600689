use std::ops::Range;

use crate::Reason;
use crate::rejection::Bad;

/// One line, with its escapes resolved; used again for the next.
#[derive(Debug, Default)]
pub(super) struct Point {
    text: String,
    measurement: Range<usize>,
    tags: Vec<(Range<usize>, Range<usize>)>,
    fields: Vec<(Range<usize>, FieldValue)>,
    pub(super) timestamp: Option<i64>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum FieldValue {
    Number(f64),
    Text,
}

impl Point {
    /// Takes a line in; `false` when it is blank or a comment.
    pub(super) fn scan(&mut self, line: &str) -> Result<bool, Bad> {
        self.text.clear();
        self.tags.clear();
        self.fields.clear();
        self.timestamp = None;
        let mut rest = line.trim_start_matches([' ', '\t']);
        if rest.is_empty() || rest.starts_with('#') {
            return Ok(false);
        }
        self.measurement = self.take(&mut rest, ", ");
        if self.measurement.is_empty() {
            return Err(Bad::new(Reason::NoName, "the measurement is empty"));
        }
        while eat(&mut rest, ',') {
            let name = self.take(&mut rest, ",= ");
            if name.is_empty() || !eat(&mut rest, '=') {
                return Err(syntax("a tag is not name=value"));
            }
            let value = self.take(&mut rest, ", ");
            self.tags.push((name, value));
        }
        rest = rest.trim_start_matches(' ');
        if rest.is_empty() {
            return Err(syntax(
                "there is no field: write field=value after the tags and a space",
            ));
        }
        self.scan_fields(&mut rest)?;
        self.timestamp = scan_timestamp(rest.trim_matches(' '))?;
        Ok(true)
    }

    pub(super) fn measurement(&self) -> &str {
        &self.text[self.measurement.clone()]
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.tags.iter();
        tags.map(|(name, value)| (&self.text[name.clone()], &self.text[value.clone()]))
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, FieldValue)> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (&self.text[name.clone()], *value))
    }

    fn scan_fields(&mut self, rest: &mut &str) -> Result<(), Bad> {
        loop {
            let name = self.take(rest, ",= ");
            if name.is_empty() || !eat(rest, '=') {
                return Err(syntax("a field is not name=value"));
            }
            let value = scan_value(rest)?;
            self.fields.push((name, value));
            if !eat(rest, ',') {
                break;
            }
        }
        match rest.is_empty() || rest.starts_with(' ') {
            true => Ok(()),
            false => Err(syntax("a field is followed by neither a comma nor a space")),
        }
    }

    /// Takes text up to one of `ends` that no backslash precedes; a backslash before anything else stays.
    fn take(&mut self, rest: &mut &str, ends: &str) -> Range<usize> {
        let begin = self.text.len();
        let mut chars = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, char)) = chars.next() {
            if ends.contains(char) {
                end = at;
                break;
            }
            if char == '\\'
                && let Some(escaped @ (',' | '=' | ' ')) = chars.as_str().chars().next()
            {
                chars.next();
                self.text.push(escaped);
                continue;
            }
            self.text.push(char);
        }
        *rest = &rest[end..];
        begin..self.text.len()
    }
}

fn eat(rest: &mut &str, wanted: char) -> bool {
    let stripped = rest.strip_prefix(wanted);
    *rest = stripped.unwrap_or(rest);
    stripped.is_some()
}

fn scan_value(rest: &mut &str) -> Result<FieldValue, Bad> {
    if eat(rest, '"') {
        return skip_text(rest);
    }
    let end = rest.find([',', ' ']).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    number(word).map(FieldValue::Number).ok_or_else(|| {
        let word: String = word.chars().take(40).collect();
        let right = "1.5, 1i, 1u, true, false or text in quotes";
        Bad::new(
            Reason::BadValue,
            format!("the value {word:?} is none of {right}"),
        )
    })
}

fn number(word: &str) -> Option<f64> {
    match word {
        "t" | "T" | "true" | "True" | "TRUE" => return Some(1.0),
        "f" | "F" | "false" | "False" | "FALSE" => return Some(0.0),
        _ => {}
    }
    if let Some(digits) = word.strip_suffix('i') {
        return digits.parse::<i64>().ok().map(|whole| whole as f64);
    }
    if let Some(digits) = word.strip_suffix('u') {
        return digits.parse::<u64>().ok().map(|whole| whole as f64);
    }
    // Neither NaN nor infinity can be written.
    let is_number = word.bytes().all(|byte| b"0123456789.eE+-".contains(&byte));
    is_number.then(|| word.parse().ok()).flatten()
}

fn skip_text(rest: &mut &str) -> Result<FieldValue, Bad> {
    let mut chars = rest.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => {
                chars.next();
            }
            '"' => {
                *rest = &rest[at + 1..];
                return Ok(FieldValue::Text);
            }
            _ => {}
        }
    }
    Err(syntax("a quote is not closed before the line ends"))
}

fn scan_timestamp(word: &str) -> Result<Option<i64>, Bad> {
    if word.is_empty() {
        return Ok(None);
    }
    let parsed = word.parse().map(Some);
    parsed.map_err(|_| Bad::new(Reason::BadTimestamp, "the timestamp is no whole number"))
}

fn syntax(detail: &str) -> Bad {
    Bad::new(Reason::Syntax, detail)
}
