/// Text of others as a terminal may have it: what would steer the terminal, or turn the order of
/// letters around, is written out, such as `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || is_turning(letter) {
            plain.extend(letter.escape_unicode());
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// Unicode's bidirectional controls (UAX 9, section 2), which make text look like another.
fn is_turning(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(printable("\u{1b}[2Jgo\r\n"), r"\u{1b}[2Jgo\u{d}\u{a}");
        assert_eq!(printable("\u{9b}31m \u{7f}"), r"\u{9b}31m \u{7f}");
        assert_eq!(printable("on\u{202e}og"), r"on\u{202e}og");
        assert_eq!(printable("Größe 3 µm ✓ \\u{1b}"), "Größe 3 µm ✓ \\u{1b}");
    }
}
