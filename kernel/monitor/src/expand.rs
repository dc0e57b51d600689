//! Templates in labels and annotations of rules.

use portique_clock::Timestamp;
use portique_series::{Labels, Source, Value};

use crate::{Language, template};

/// What rules' templates see besides their alert.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The language of `query` in a template.
    pub language: &'a dyn Language,
    /// `$externalLabels`.
    pub external_labels: &'a Labels,
    /// `$externalURL`.
    pub external_url: &'a str,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn texts(
        &self,
        source: &'a dyn Source,
        at: Timestamp,
        query_at: Timestamp,
    ) -> Texts<'a> {
        Texts {
            surroundings: *self,
            source,
            at,
            query_at,
        }
    }
}

/// Expands the templates of one evaluation.
pub(crate) struct Texts<'a> {
    surroundings: Surroundings<'a>,
    source: &'a dyn Source,
    at: Timestamp,
    query_at: Timestamp,
}

impl Texts<'_> {
    /// The text with its templates expanded; what is wrong with them stands in it, as in Prometheus: an
    /// alert is raised even if its words are wrong.
    pub(crate) fn expand(&self, text: &str, labels: &Labels, value: f64) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let Surroundings {
            external_labels,
            external_url,
            ..
        } = self.surroundings;
        let mut context =
            template::Context::of_rule(labels, value, external_labels, external_url, self.at);
        context.queries = Some(self);
        template::expand(text, &context)
            .unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }
}

impl template::Queries for Texts<'_> {
    fn query(&self, expression: &str) -> Result<Vec<template::Sample>, String> {
        let query = self.surroundings.language.compile(expression);
        let points = query.and_then(|q| q.instant(self.source, self.query_at.as_millis()));
        let points = points.map_err(|error| error.to_string())?;
        let samples = points.into_iter().map(|point| template::Sample {
            labels: point.labels,
            value: match point.value {
                Value::Float(value) => value,
                Value::Histogram(_) => 0.0,
            },
        });
        Ok(samples.collect())
    }
}

/// Checks a template of a rule without expanding it.
///
/// # Errors
/// Where it is wrong, and what would be right.
pub(crate) fn check(text: &str) -> Result<(), template::Error> {
    let nobody = Labels::empty();
    let context = template::Context::of_rule(&nobody, 0.0, &nobody, "", Timestamp::EPOCH);
    template::check(text, &context)
}
