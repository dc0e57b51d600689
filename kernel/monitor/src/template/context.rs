use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Labels;

use super::Error;
use super::node::{Node, Parsed};
use super::parse;
use super::value::{Sample, Value};

/// Who answers `query` in an annotation.
pub trait Queries {
    /// The instant vector of a PromQL expression.
    ///
    /// # Errors
    /// Why it could not be evaluated, in words.
    fn query(&self, expression: &str) -> Result<Vec<Sample>, String>;
}

/// What a template is expanded against.
pub struct Context<'a> {
    /// The dot.
    pub data: Value,
    /// `$variables`, without `$`.
    pub variables: Vec<(&'a str, Value)>,
    /// What `now` and `since` go by.
    pub now: Timestamp,
    /// The address under which people reach this server.
    pub external_url: &'a str,
    /// Who answers `query`; without it, `query` is an error.
    pub queries: Option<&'a dyn Queries>,
    /// Templates that may be called by name.
    pub library: Option<&'a Library>,
}

impl<'a> Context<'a> {
    /// A context of a message: data, a time and nothing else.
    pub fn new(data: Value, now: Timestamp) -> Self {
        Self {
            data,
            variables: Vec::new(),
            now,
            external_url: "",
            queries: None,
            library: None,
        }
    }

    /// What a rule's labels and annotations see: `.Labels`, `.Value`, `.ExternalLabels`,
    /// `.ExternalURL`, and the same as `$labels`, `$value`, `$externalLabels`, `$externalURL`.
    pub fn of_rule(
        labels: &Labels,
        value: f64,
        external_labels: &Labels,
        external_url: &'a str,
        now: Timestamp,
    ) -> Self {
        let labels = Value::labels(labels);
        let external = Value::labels(external_labels);
        let url = Value::text(external_url);
        let value = Value::Float(value);
        let data = Value::record(
            "alert",
            [
                ("Labels", labels.clone()),
                ("Value", value.clone()),
                ("ExternalLabels", external.clone()),
                ("ExternalURL", url.clone()),
            ],
        );
        let variables = vec![
            ("labels", labels),
            ("value", value),
            ("externalLabels", external),
            ("externalURL", url),
        ];
        Self {
            variables,
            external_url,
            ..Self::new(data, now)
        }
    }

    pub(super) fn variable_names(&self) -> Vec<&str> {
        self.variables.iter().map(|(name, _)| *name).collect()
    }
}

/// Named templates that messages share.
#[derive(Debug, Clone, Default)]
pub struct Library {
    templates: BTreeMap<String, Named>,
}

/// A named template with the text it stands in, for positions.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) source: Arc<str>,
    pub(super) body: Arc<[Node]>,
}

impl Library {
    /// Adds what a text defines; of one name, the last definition counts.
    ///
    /// # Errors
    /// As [`check`](super::check).
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        self.take_in(&parse::parse(text, &[])?);
        Ok(())
    }

    /// The names defined, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(String::as_str)
    }

    pub(super) fn take_in(&mut self, parsed: &Parsed) {
        for (name, body) in &parsed.defines {
            let named = Named {
                source: Arc::clone(&parsed.source),
                body: Arc::clone(body),
            };
            self.templates.insert(name.clone(), named);
        }
    }

    pub(super) fn template(&self, name: &str) -> Option<&Named> {
        self.templates.get(name)
    }
}
