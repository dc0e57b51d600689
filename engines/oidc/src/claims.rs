use std::collections::BTreeSet;

use portique_access::Name;
use serde_json::Value;

use crate::Error;

/// Longest subject that the standard allows.
const SUBJECT_BYTES_MAX: usize = 255;
/// Levels of a dotted path.
const DEPTH_MAX: usize = 8;
/// What stands in a name for the sign of an e-mail address, which names do not have.
const AT: &str = "-at-";

/// Who a provider says that somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Who, at that provider: never another person's. 1 to 255 bytes.
    pub subject: String,
    /// What they would be called here.
    pub name: Name,
    /// What they belong to there, in the provider's words.
    pub groups: BTreeSet<String>,
}

/// Reads the claims of a token that is verified.
///
/// # Errors
/// [`Error::Claims`].
pub(crate) fn identified(
    claims: &Value,
    name_claim: &str,
    groups_claim: &str,
) -> Result<Identified, Error> {
    Ok(Identified {
        subject: subject(claims)?,
        name: name(claims, name_claim)?,
        groups: groups(claims, groups_claim)?,
    })
}

fn subject(claims: &Value) -> Result<String, Error> {
    let subject = claims
        .get("sub")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (1..=SUBJECT_BYTES_MAX).contains(&subject.len()) {
        true => Ok(subject.to_owned()),
        false => refuse(format!("its sub has not 1 to {SUBJECT_BYTES_MAX} bytes")),
    }
}

/// In lower case, as all names are; of an e-mail address, its sign in letters.
fn name(claims: &Value, path: &str) -> Result<Name, Error> {
    let Some(said) = find(claims, path).and_then(Value::as_str) else {
        return refuse(format!(
            "it has no text {path:?}, which the name is taken from: have the provider add it, ask for the scope \
             that has it, or set name_claim"
        ));
    };
    let plain = said.trim().to_ascii_lowercase().replace('@', AT);
    plain.parse().or_else(|_| {
        refuse(format!(
            "its {path:?} is no name here, which is 1 to 64 of `a-z 0-9 . _ -`: set name_claim to another"
        ))
    })
}

/// None where there is no such claim.
fn groups(claims: &Value, path: &str) -> Result<BTreeSet<String>, Error> {
    let wrong = || {
        refuse(format!(
            "its {path:?} is neither a text nor a list of texts: set groups_claim to what has the groups' names"
        ))
    };
    match find(claims, path) {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::String(group)) => Ok([group.clone()].into()),
        Some(Value::Array(items)) => {
            let groups = items.iter().map(|item| item.as_str().map(str::to_owned));
            groups.collect::<Option<_>>().map_or_else(wrong, Ok)
        }
        Some(_) => wrong(),
    }
}

/// A claim by its name, which may have dots in it, or by a path of names with dots between them.
fn find<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let parts = path.split('.').take(DEPTH_MAX + 1);
    let mut found = claims;
    for (depth, part) in parts.enumerate() {
        found = found.get(part).filter(|_| depth < DEPTH_MAX)?;
    }
    Some(found)
}

fn refuse<T>(reason: String) -> Result<T, Error> {
    Err(Error::Claims { reason })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: &Value) -> Result<Identified, String> {
        identified(claims, "profile.name", "access.groups").map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_groups_are_found_by_paths() {
        let claims = json!({
            "sub": "1", "profile": { "name": " Alice@Club.example " },
            "access": { "groups": ["captains", "members", "captains"] },
        });
        let found = read(&claims).unwrap();
        assert_eq!(found.name.as_str(), "alice-at-club.example");
        assert_eq!(found.groups, ["captains".into(), "members".into()].into());
        let claims = json!({
            "sub": "1", "profile.name": "al", "https://club.example/groups": "one group, a text",
        });
        let found = identified(&claims, "profile.name", "https://club.example/groups").unwrap();
        assert_eq!(found.groups, ["one group, a text".into()].into());
        let none = json!({ "sub": "1", "profile": { "name": "al" }, "access": { "groups": null } });
        assert!(read(&none).unwrap().groups.is_empty());
    }

    #[track_caller]
    fn refused(claims: &Value, said: &str) {
        let error = read(claims).unwrap_err();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn what_is_missing_or_of_another_form_is_said_and_not_repeated() {
        let named = |name: Value, groups: Value| json!({ "sub": "1", "profile": { "name": name }, "access": { "groups": groups } });
        refused(&json!({ "sub": "" }), "its sub has not 1 to 255 bytes");
        refused(&json!({ "sub": "x".repeat(256) }), "its sub has not");
        refused(&json!({ "sub": 7 }), "its sub has not");
        refused(&json!({ "sub": "1" }), "it has no text \"profile.name\"");
        refused(&named(json!(7), json!([])), "it has no text");
        refused(&named(json!(""), json!([])), "is no name here");
        refused(
            &named(json!("<script>"), json!([])),
            "its \"profile.name\" is no name here",
        );
        refused(
            &named(json!("al"), json!({})),
            "neither a text nor a list of texts",
        );
        refused(
            &named(json!("al"), json!(["a", 7])),
            "neither a text nor a list of texts",
        );
        assert!(
            !read(&named(json!("<script>"), json!([])))
                .unwrap_err()
                .contains("script")
        );
    }

    #[test]
    fn a_path_ends() {
        let mut deep = json!("end");
        for _ in 0..=DEPTH_MAX {
            deep = json!({ "a": deep });
        }
        let path = ["a"; DEPTH_MAX + 1].join(".");
        assert_eq!(find(&deep, &path), None);
        assert!(find(&deep, &path[2..]).is_some());
    }
}
