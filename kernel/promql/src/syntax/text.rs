//! Quoted texts, as Go writes and reads them.

use std::fmt::Write as _;

/// In double quotes, with the escapes of Go: bytes that are no UTF-8 become `\xhh`.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            push_escaped(&mut quoted, char, '"');
        }
        for byte in chunk.invalid() {
            write!(quoted, "\\x{byte:02x}").expect("a String takes all");
        }
    }
    quoted.push('"');
    quoted
}

/// One character in single quotes.
pub(super) fn quote_char(char: char) -> String {
    let mut quoted = String::from("'");
    push_escaped(&mut quoted, char, '\'');
    quoted.push('\'');
    quoted
}

/// The first characters of a text.
pub(super) fn clip(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

fn push_escaped(quoted: &mut String, char: char, quote: char) {
    let point = u32::from(char);
    let written = match char {
        '\\' => quoted.write_str("\\\\"),
        '\x07' => quoted.write_str("\\a"),
        '\x08' => quoted.write_str("\\b"),
        '\x0c' => quoted.write_str("\\f"),
        '\n' => quoted.write_str("\\n"),
        '\r' => quoted.write_str("\\r"),
        '\t' => quoted.write_str("\\t"),
        '\x0b' => quoted.write_str("\\v"),
        '\0'..' ' | '\x7f' => write!(quoted, "\\x{point:02x}"),
        _ if char == quote => write!(quoted, "\\{char}"),
        _ if is_printable(char) => quoted.write_char(char),
        '\0'..='\u{ffff}' => write!(quoted, "\\u{point:04x}"),
        _ => write!(quoted, "\\U{point:08x}"),
    };
    written.expect("a String takes all");
}

/// Neither a control nor a space other than the plain one, nor invisible, nor for private use; nor the
/// replacement character, which may be written escaped only.
fn is_printable(char: char) -> bool {
    let hidden = matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffd}' | '\u{e0000}'..='\u{10ffff}');
    char == ' ' || !(char.is_control() || char.is_whitespace() || hidden)
}

/// What is within quotes, without its escapes; the lexer has made sure that they are right.
pub(super) fn unquote(quoted: &str) -> Vec<u8> {
    let inner = &quoted[1..quoted.len() - 1];
    if quoted.starts_with('`') {
        return inner.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => unescape(&mut chars, &mut bytes),
            _ => push_char(&mut bytes, char),
        }
    }
    bytes
}

fn push_char(bytes: &mut Vec<u8>, char: char) {
    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

fn unescape(chars: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) {
    let Some(escape) = chars.next() else { return };
    let (base, digits) = match escape {
        'a' => return bytes.push(7),
        'b' => return bytes.push(8),
        'f' => return bytes.push(12),
        'n' => return bytes.push(10),
        'r' => return bytes.push(13),
        't' => return bytes.push(9),
        'v' => return bytes.push(11),
        '0'..='7' => (8, 2),
        'x' => (16, 2),
        'u' => (16, 4),
        'U' => (16, 8),
        _ => return push_char(bytes, escape),
    };
    let mut point = if base == 8 { digit(escape, base) } else { 0 };
    for char in chars.by_ref().take(digits) {
        point = point * base + digit(char, base);
    }
    match escape {
        'u' | 'U' => push_char(bytes, char::from_u32(point).unwrap_or('\u{fffd}')),
        _ => bytes.push(u8::try_from(point).unwrap_or(u8::MAX)),
    }
}

fn digit(char: char, base: u32) -> u32 {
    char.to_digit(base).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_go_reads_them() {
        let cases: &[(&str, &[u8])] = &[
            (r#""a\xc5z""#, b"a\xc5z"),
            (r#"'\101\u00e9\U0001F600'"#, "A\u{e9}\u{1f600}".as_bytes()),
            (r"`a\n`", br"a\n"),
            (r#"'it\'s "so"\t'"#, b"it's \"so\"\t"),
        ];
        for (quoted, bytes) in cases {
            assert_eq!(unquote(quoted), *bytes, "{quoted}");
        }
    }

    #[test]
    fn quoting_escapes_what_is_not_seen() {
        assert_eq!(quote(b"a\xc5z"), r#""a\xc5z""#);
        assert_eq!(
            quote("\u{200b}é\u{1}'\"\u{a0}".as_bytes()),
            r#""\u200bé\x01'\"\u00a0""#
        );
        assert_eq!(quote_char('\''), r"'\''");
    }
}
