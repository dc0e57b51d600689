//! Messages from templates: the part of Go's `text/template` that annotations and notifications use.
//!
//! A text is cut into tokens, parsed into nodes with positions and evaluated against [`Context`]: its
//! dot, its `$variables`, and the named templates of a [`Library`]. The functions are those of
//! Prometheus' annotations and of Alertmanager's messages, in one table; a name that is in neither is
//! refused before anything is expanded. What a text can cost is limited: bytes, steps and depth.
//!
//! Not here: methods other than those of times, durations, label sets and alert lists; complex
//! numbers; contextual escaping (in HTML every value is escaped as text of an element or of a quoted
//! attribute).

mod context;
mod error;
mod eval;
mod functions;
mod layout;
mod lex;
mod method;
mod node;
mod number;
mod parse;
mod print;
mod printf;
#[cfg(test)]
mod tests;
mod value;

pub use context::{Context, Library, Queries};
pub use error::Error;
pub use layout::Time;
pub use value::{Record, Sample, Value};

/// Most bytes of a template and of what becomes of it: no receiver takes a longer message, and an
/// annotation this long is a mistake.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Expands a template as text.
///
/// # Errors
/// [`Error`] says where the template is wrong, which function it needs that is not there, what went
/// wrong with the values it met, or which limit it reached.
pub fn expand(text: &str, context: &Context<'_>) -> Result<String, Error> {
    expand_with(text, context, eval::Escape::None)
}

/// Expands a template, escaping what it inserts for HTML except what `safeHtml` let through.
///
/// # Errors
/// As [`expand`].
pub fn expand_html(text: &str, context: &Context<'_>) -> Result<String, Error> {
    expand_with(text, context, eval::Escape::Html)
}

/// Parses a template without expanding it: for checks of files.
///
/// # Errors
/// [`Error::Syntax`], [`Error::UnknownFunction`] or [`Error::Limit`].
pub fn check(text: &str, context: &Context<'_>) -> Result<(), Error> {
    parse::parse(text, &context.variable_names()).map(|_| ())
}

fn expand_with(text: &str, context: &Context<'_>, escape: eval::Escape) -> Result<String, Error> {
    // Most annotations have nothing to expand.
    if !text.contains("{{") && text.len() <= TEXT_BYTES_MAX {
        return Ok(text.to_owned());
    }
    let parsed = parse::parse(text, &context.variable_names())?;
    eval::run(&parsed, context, escape)
}
