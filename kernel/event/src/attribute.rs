use crate::Error;

/// Longest `id`, `source`, `type` or extension, in bytes.
pub(crate) const ATTRIBUTE_BYTES_MAX: usize = 1024;
/// Longest extension name, in bytes; CloudEvents asks for 20, we carry what others chose.
pub(crate) const EXTENSION_NAME_BYTES_MAX: usize = 64;
/// Most extensions of an event: tracing, partitioning and origin together take about ten.
pub const EXTENSIONS_MAX: usize = 64;

/// Attributes with a meaning of their own, which an extension cannot take.
const RESERVED: [&str; 9] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data",
];

/// Checks a required or given text attribute: 1 to 1024 bytes without control characters.
pub(crate) fn check_text(name: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::attribute(
            name,
            "empty: leave it out or give it a value",
        ));
    }
    check_value(name, text)
}

/// Checks a URI or URI reference as far as a carrier must: text without spaces.
pub(crate) fn check_uri(name: &str, text: &str) -> Result<(), Error> {
    check_text(name, text)?;
    if text.contains(char::is_whitespace) {
        return Err(Error::attribute(
            name,
            format!("{text:?}, which has a space and is no URI"),
        ));
    }
    Ok(())
}

/// Checks the name and the value of an extension.
pub(crate) fn check_extension(name: &str, value: &str) -> Result<(), Error> {
    let is_name = (1..=EXTENSION_NAME_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !is_name {
        let problem = "no extension name: write 1 to 64 of a-z 0-9";
        return Err(Error::attribute(&format!("{name:?}"), problem));
    }
    if RESERVED.contains(&name) {
        return Err(Error::attribute(
            name,
            "reserved, and cannot be an extension",
        ));
    }
    check_value(name, value)
}

fn check_value(name: &str, text: &str) -> Result<(), Error> {
    if text.len() > ATTRIBUTE_BYTES_MAX {
        let problem = format!(
            "{} bytes, over the limit of {ATTRIBUTE_BYTES_MAX}",
            text.len()
        );
        return Err(Error::attribute(name, problem));
    }
    if text.contains(char::is_control) {
        let problem = format!("{text:?}, which has a control character");
        return Err(Error::attribute(name, problem));
    }
    Ok(())
}
