//! The part of a statement that says which documents: conditions and full text.

use super::layout::Layout;
use crate::definition::excerpt;
use crate::limits::{CONDITIONS_MAX, TEXT_BYTES_MAX};
use crate::scalar::Scalar;
use crate::{Comparison, Condition, Error};

/// A filter with its parameters, in the order of their places.
#[derive(Debug)]
pub(super) struct Selection {
    clauses: Vec<String>,
    values: Vec<Scalar>,
}

impl Selection {
    /// What conditions and text select in a collection.
    pub(super) fn new(
        layout: &Layout,
        conditions: &[Condition],
        text: Option<&str>,
    ) -> Result<Self, Error> {
        let mut selection = Self {
            clauses: Vec::new(),
            values: Vec::new(),
        };
        if conditions.len() > CONDITIONS_MAX {
            let found = conditions.len();
            return refuse(format!("{found} conditions, at most {CONDITIONS_MAX}"));
        }
        for condition in conditions {
            selection.add_condition(layout, condition)?;
        }
        if let Some(text) = text {
            selection.add_text(layout, text)?;
        }
        Ok(selection)
    }

    /// Adds a clause that holds as many places as there are values.
    pub(super) fn and(&mut self, clause: &str, values: impl IntoIterator<Item = Scalar>) {
        self.clauses.push(clause.to_owned());
        self.values.extend(values);
    }

    /// The expression after `WHERE`.
    pub(super) fn filter(&self) -> String {
        if self.clauses.is_empty() {
            "TRUE".to_owned()
        } else {
            self.clauses.join(" AND ")
        }
    }

    /// The parameters of [`Self::filter`].
    pub(super) fn values(&self) -> &[Scalar] {
        &self.values
    }

    fn add_condition(&mut self, layout: &Layout, condition: &Condition) -> Result<(), Error> {
        let column = layout.column(&condition.field)?;
        let value = Scalar::read(&condition.value, column.kind).map_err(|found| Error::Query {
            reason: format!(
                "field `{}` is {}, compared with {found}",
                column.field, column.kind
            ),
        })?;
        // SQL's comparison with an absent value is never true, which is what the port says.
        let operator = match condition.comparison {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        };
        self.and(&format!("{} {operator} ?", column.name()), [value]);
        Ok(())
    }

    fn add_text(&mut self, layout: &Layout, text: &str) -> Result<(), Error> {
        if layout.full_text.is_empty() {
            let collection = &layout.collection;
            return refuse(format!(
                "collection `{collection}` declares no full-text field"
            ));
        }
        if text.len() > TEXT_BYTES_MAX {
            let shown = excerpt(text);
            return refuse(format!("text `{shown}` is over {TEXT_BYTES_MAX} bytes"));
        }
        if let Some(words) = words(text) {
            let search = layout.search();
            self.and(
                &format!("seq IN (SELECT rowid FROM {search} WHERE {search} MATCH ?)"),
                [Scalar::Text(words)],
            );
        }
        Ok(())
    }
}

/// The words of a text, each as a quoted string of FTS5, which all must occur; `None` when the text
/// has no letter and no digit.
///
/// ASCII punctuation and controls separate words here; what other characters separate, FTS5's own
/// tokenizer knows, and a word that holds one is searched as a phrase.
fn words(text: &str) -> Option<String> {
    let separates = |c: char| c.is_whitespace() || (c.is_ascii() && !c.is_ascii_alphanumeric());
    let words: Vec<String> = text
        .split(separates)
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn refuse<T>(reason: String) -> Result<T, Error> {
    Err(Error::Query { reason })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn operators_and_quotes_are_plain_text() {
        assert_eq!(words("Max Q").as_deref(), Some(r#""Max" "Q""#));
        assert_eq!(
            words(r#"a AND "b* NEAR(c)"#).as_deref(),
            Some(r#""a" "AND" "b" "NEAR" "c""#)
        );
        assert_eq!(words("t+10\0x").as_deref(), Some(r#""t" "10" "x""#));
        assert_eq!(words("été 🚀").as_deref(), Some(r#""été""#));
        for nothing in ["", "  ", "\"*\"", "🚀", "-- ;"] {
            assert_eq!(words(nothing), None, "{nothing:?}");
        }
    }
}
