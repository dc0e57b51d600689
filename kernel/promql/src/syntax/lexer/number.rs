//! Numbers and durations.

use super::{Kind, Lexer, is_alphanumeric};

/// What may follow the digits of a number.
#[derive(Default)]
struct Seen {
    dot: bool,
    exponent: bool,
}

impl Lexer<'_> {
    /// Reads on from the first character of a number, which has been taken.
    pub(super) fn number_or_duration(&mut self) -> Result<Kind, String> {
        self.position = self.start;
        if self.number() {
            return Ok(Kind::Number);
        }
        if self.duration_rest() {
            return Ok(Kind::Duration);
        }
        Err(self.bad_number())
    }

    fn number(&mut self) -> bool {
        if self.text[self.start..].starts_with(['0']) && self.hexadecimal() {
            return self.ends_here();
        }
        let mut seen = Seen::default();
        loop {
            match self.peek() {
                Some('0'..='9') => {
                    self.take();
                }
                Some('.') if !seen.dot && !seen.exponent => {
                    self.take();
                    seen.dot = true;
                    if self.take_if(|char| matches!(char, '_' | '.')) {
                        return false;
                    }
                }
                Some('.') => {
                    self.take();
                    return false;
                }
                Some('_') => {
                    self.take();
                    if self.stops_digits() {
                        return false;
                    }
                }
                Some('e' | 'E') if !seen.exponent => {
                    self.take();
                    seen.exponent = true;
                    self.take_if(|char| matches!(char, '+' | '-'));
                    if self.stops_digits() {
                        return false;
                    }
                }
                _ => return self.ends_here(),
            }
        }
    }

    /// Whether no digit follows; what follows instead is taken, so that the message shows it.
    fn stops_digits(&mut self) -> bool {
        let stops = !matches!(self.peek(), Some('0'..='9'));
        if stops {
            self.take_if(|char| matches!(char, '.' | '_' | 'e' | 'E'));
        }
        stops
    }

    /// Reads `0x1f` if that is what stands here.
    fn hexadecimal(&mut self) -> bool {
        let rest = &self.text[self.start + 1..];
        if !rest.starts_with(['x', 'X']) {
            return false;
        }
        self.position = self.start + 2;
        self.take_while(|char| char.is_ascii_hexdigit() || char == '_');
        true
    }

    fn ends_here(&self) -> bool {
        self.position > self.start && !self.peek().is_some_and(is_alphanumeric)
    }

    /// Reads units and further numbers after the first digits; whether the units fit is checked later.
    fn duration_rest(&mut self) -> bool {
        if !self.take_if(|char| "smhdwy".contains(char)) {
            return false;
        }
        self.take_if(|char| char == 's');
        while matches!(self.peek(), Some('0'..='9')) {
            self.take_while(|char| char.is_ascii_digit());
            if !self.take_if(|char| "smhdw".contains(char)) {
                return false;
            }
            self.take_if(|char| char == 's');
        }
        !self.take_if(is_alphanumeric)
    }
}
