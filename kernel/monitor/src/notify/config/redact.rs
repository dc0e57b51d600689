//! The configuration as it may be shown: its YAML again, with secrets blotted out.

use crate::yaml::{Content, Node};

/// Keys whose values are not shown.
const SECRET_KEYS: [&str; 13] = [
    "api_url",
    "auth_password",
    "auth_secret",
    "bearer_token",
    "credentials",
    "password",
    "secrets",
    "slack_api_url",
    "smtp_auth_password",
    "smtp_auth_secret",
    "token",
    "url",
    "webhook_url",
];
const BLOT: &str = "<secret>";

/// Writes a document in block style; comments and the style of quotes are lost.
pub(crate) fn redacted(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, 0, false);
    out
}

/// Writes a node; scalars and empty collections follow on the line that is open, others begin new ones.
fn write(out: &mut String, node: &Node, indent: usize, is_secret: bool) {
    match &node.content {
        Content::Scalar(text, _) if is_secret && !node.is_null() => line(out, &blotted(text)),
        Content::Scalar(text, is_plain) => line(out, &scalar(text, *is_plain)),
        Content::Sequence(items) if items.is_empty() => line(out, "[]"),
        Content::Mapping(pairs) if pairs.is_empty() => line(out, "{}"),
        Content::Sequence(items) => {
            end_line(out);
            for item in items {
                pad(out, indent);
                out.push('-');
                write(out, item, indent + 1, is_secret);
            }
        }
        Content::Mapping(pairs) => {
            end_line(out);
            for (key, value) in pairs {
                let name = key.scalar().unwrap_or("");
                pad(out, indent);
                out.push_str(&scalar(name, true));
                out.push(':');
                write(
                    out,
                    value,
                    indent + 1,
                    is_secret || SECRET_KEYS.contains(&name),
                );
            }
        }
    }
}

/// Of an address, where it leads is left: clients want to read one.
fn blotted(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return BLOT.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    scalar(&format!("{scheme}://{host}/{BLOT}"), false)
}

fn line(out: &mut String, text: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push(' ');
    }
    out.push_str(text);
    out.push('\n');
}

fn end_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

fn pad(out: &mut String, indent: usize) {
    out.push_str(&"  ".repeat(indent));
}

/// Without quotes where that means the same: JSON's quotes are YAML's too.
fn scalar(text: &str, is_plain: bool) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '+');
    let begins_safe = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let continues_safe = text.chars().all(|c| is_safe(c) || c == '-');
    if is_plain && begins_safe && continues_safe {
        return text.to_owned();
    }
    if is_plain && text.is_empty() {
        return "null".to_owned();
    }
    serde_json::Value::from(text).to_string()
}
