//! Which definitions of a collection are accepted; the same for every engine.

use std::collections::HashSet;

use crate::limits::{FIELD_BYTES_MAX, FULL_TEXT_FIELDS_MAX, INDEXES_MAX, NAME_BYTES_MAX};
use crate::{Collection, Error};

/// Refuses a definition that breaks the port's rules, naming the first that it breaks.
pub(crate) fn check(collection: &Collection) -> Result<(), Error> {
    let refuse = |reason: String| {
        Err(Error::Definition {
            collection: excerpt(&collection.name),
            reason,
        })
    };
    if !is_name(&collection.name) {
        return refuse(format!(
            "a name is 1 to {NAME_BYTES_MAX} of `a-z 0-9 _`, starting with a letter"
        ));
    }
    if collection.indexes.len() > INDEXES_MAX {
        return refuse(format!(
            "{} indexes, at most {INDEXES_MAX}",
            collection.indexes.len()
        ));
    }
    if collection.full_text.len() > FULL_TEXT_FIELDS_MAX {
        let found = collection.full_text.len();
        return refuse(format!(
            "{found} full-text fields, at most {FULL_TEXT_FIELDS_MAX}"
        ));
    }
    let indexed = collection.indexes.iter().map(|index| index.field.as_str());
    if let Err(reason) = check_fields(indexed, "indexed") {
        return refuse(reason);
    }
    if let Err(reason) = check_fields(collection.full_text.iter().map(String::as_str), "searched") {
        return refuse(reason);
    }
    Ok(())
}

/// The first 64 characters, for a message about text that may be long.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 64;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(plain)
}

fn check_fields<'a>(fields: impl Iterator<Item = &'a str>, role: &str) -> Result<(), String> {
    let mut seen = HashSet::new();
    for field in fields {
        if !is_path(field) {
            return Err(format!(
                "`{}` is not a field: a dotted path of 1 to {FIELD_BYTES_MAX} bytes with no empty part",
                excerpt(field)
            ));
        }
        if !seen.insert(field) {
            return Err(format!("field `{field}` is {role} twice"));
        }
    }
    Ok(())
}

fn is_path(field: &str) -> bool {
    field.len() <= FIELD_BYTES_MAX
        && field.split('.').all(|part| !part.is_empty())
        && !field.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FieldKind, Index};

    fn collection(name: &str, fields: &[&str]) -> Collection {
        let index = |field: &&str| Index {
            field: (*field).to_owned(),
            kind: FieldKind::Text,
        };
        Collection {
            name: name.to_owned(),
            indexes: fields.iter().map(index).collect(),
            full_text: vec![],
        }
    }

    #[test]
    fn names_and_paths_that_the_port_allows_are_accepted() {
        for name in ["a", "mission_log", "log2", &"x".repeat(48)] {
            check(&collection(
                name,
                &["actor.station", "t \"quoted\"; drop", "é"],
            ))
            .unwrap();
        }
    }

    #[test]
    fn other_names_and_paths_are_refused() {
        for name in [
            "",
            "2log",
            "_log",
            "Log",
            "log-2",
            "log;",
            "é",
            &"x".repeat(49),
        ] {
            check(&collection(name, &[])).unwrap_err();
        }
        for field in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a\0b",
            "a\nb",
            &"x".repeat(129),
        ] {
            check(&collection("log", &[field])).unwrap_err();
        }
        check(&collection("log", &["a", "a"])).unwrap_err();
    }
}
