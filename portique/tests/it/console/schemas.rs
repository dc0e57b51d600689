use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where types are that stand in the API's document.
const SOURCES: [&str; 3] = ["../portique/src", "../systems", "../kernel"];
/// What the console's types are made of; another test holds it to what is served.
const DOCUMENT: &str = "../web/openapi.json";
/// Made by a macro of their own, which makes each name once.
const BY_MACRO: [&str; 4] = ["ModuleId", "PadId", "RocketId", "Station"];

/// The document is put together from routers, and of two schemas of one name the later one silently takes the
/// place of the other: answers would be described by what they are not.
#[test]
fn no_two_types_have_one_name_in_the_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join(DOCUMENT)).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let named = document["components"]["schemas"].as_object().unwrap();
    let named: BTreeSet<&str> = named.keys().map(String::as_str).collect();
    let mut types = BTreeMap::<String, Vec<PathBuf>>::new();
    for source in SOURCES {
        walk(&root.join(source), &mut types);
    }
    let unfound: Vec<_> = (named.iter())
        .filter(|name| !types.contains_key(**name) && !BY_MACRO.contains(name))
        .collect();
    assert!(
        unfound.is_empty(),
        "no type was found of these names, so this test does not see them: {unfound:?}"
    );
    types.retain(|name, places| named.contains(name.as_str()) && places.len() > 1);
    assert!(
        types.is_empty(),
        "these names stand for several types in the API's document, and only one of each is described: \
         give the others a name with `#[schema(as = …)]`, or rename them: {types:#?}"
    );
}

#[test]
fn two_types_of_one_name_are_seen_whatever_stands_between() {
    let source = "#[derive(Debug, utoipa::ToSchema)]\n#[serde(\n    rename_all = \"snake_case\",\n)]\n\
                  // A word.\npub(crate) enum Mode {}\n#[derive(Debug)]\nstruct Other;\n\
                  #[derive(ToSchema)]\n#[schema(as = OtherMode)]\npub struct Mode;\n";
    assert_eq!(described(source), ["Mode", "OtherMode"]);
}

/// Every type below a folder that a document may describe.
fn walk(folder: &Path, types: &mut BTreeMap<String, Vec<PathBuf>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        if path.is_dir() && !["tests", "target", "fuzz"].contains(&name) {
            walk(&path, types);
        } else if path.extension().is_some_and(|end| end == "rs") {
            for name in described(&fs::read_to_string(&path).unwrap()) {
                types.entry(name).or_default().push(path.clone());
            }
        }
    }
}

/// The names, in a document, of a source's types.
fn described(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut attributes = String::new();
    let mut is_inside = false;
    for line in source.lines().map(str::trim) {
        if is_inside || line.starts_with("#[") {
            attributes.push_str(line);
            is_inside = attributes.matches('[').count() > attributes.matches(']').count();
        } else if !line.starts_with("//") {
            if attributes.contains("ToSchema")
                && let Some(name) = type_name(line)
            {
                names.push(other_name(&attributes).unwrap_or(name).to_owned());
            }
            attributes.clear();
        }
    }
    names
}

/// The type that a line begins to define.
fn type_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words.find(|word| ["struct", "enum"].contains(word))?;
    first_word(words.next()?)
}

/// The name that a type has in a document only.
fn other_name(attributes: &str) -> Option<&str> {
    let (_, after) = attributes.split_once("schema(")?;
    let (_, name) = after.split_once("as = ")?;
    first_word(name)
}

fn first_word(text: &str) -> Option<&str> {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.next().filter(|word| !word.is_empty())
}
