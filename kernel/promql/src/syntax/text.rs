//! Quoted texts, as Go writes and reads them.

use std::fmt::Write as _;

/// In double quotes, with the escapes of Go: bytes that are no UTF-8 become `\xhh`.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            push_escaped(&mut quoted, char);
        }
        for byte in chunk.invalid() {
            write!(quoted, "\\x{byte:02x}").expect("a String takes all");
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(quoted: &mut String, char: char) {
    match char {
        '"' => quoted.push_str("\\\""),
        '\\' => quoted.push_str("\\\\"),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        '\0'..' ' | '\x7f' => {
            write!(quoted, "\\x{:02x}", u32::from(char)).expect("a String takes all");
        }
        _ => quoted.push(char),
    }
}
