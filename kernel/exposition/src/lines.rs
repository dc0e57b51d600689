//! Lines of a body, and the text of a line.

use crate::Reason;
use crate::rejection::Bad;

/// Most bytes of one line: a label may take as many.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// The lines of a body without their newlines; what follows the last newline is a line if there is anything.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or(&[]);
        Some(line)
    })
}

/// The line as text, if it is one.
pub(crate) fn text_of(line: &[u8]) -> Result<&str, Bad> {
    if line.len() > LINE_BYTES_MAX {
        let bytes = line.len();
        let wrong = format!("the line takes {bytes} bytes, at most {LINE_BYTES_MAX} are allowed");
        return Err(Bad::new(Reason::LineTooLong, wrong));
    }
    if line.last() == Some(&b'\r') {
        let wrong = "the line ends with a carriage return: end lines with a newline alone";
        return Err(Bad::new(Reason::CarriageReturn, wrong));
    }
    str::from_utf8(line).map_err(|fault| {
        let byte = fault.valid_up_to() + 1;
        Bad::new(
            Reason::NotUtf8,
            format!("byte {byte} of the line is not UTF-8"),
        )
    })
}

/// The same for formats whose senders may end lines with a carriage return and a newline.
pub(crate) fn lenient_text_of(line: &[u8]) -> Result<&str, Bad> {
    text_of(line.strip_suffix(b"\r").unwrap_or(line))
}
