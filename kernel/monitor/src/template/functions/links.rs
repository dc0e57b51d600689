//! Functions that only rules' annotations have: queries, their samples, links.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::context::Context;
use super::super::method;
use super::super::print::url_query;
use super::super::value::Value;
use super::text;

/// Most samples of a query that a message looks at.
const SAMPLES_MAX: usize = 10_000;

pub(super) fn query(context: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let queries = context.queries.ok_or("queries cannot be asked here")?;
    let samples = queries.query(text(&arguments[0])?)?;
    if samples.len() > SAMPLES_MAX {
        return Err(format!(
            "the answer has more than {SAMPLES_MAX} samples: aggregate them"
        ));
    }
    Ok(Value::samples(&samples))
}

pub(super) fn first(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let found = arguments[0].at(0);
    found.ok_or_else(|| "the query found nothing".to_owned())
}

fn label_of(sample: &Value, name: &str) -> Result<Value, String> {
    method::field(&method::field(sample, "Labels", &[])?, name, &[])
}

/// `label name sample`.
pub(super) fn label(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    label_of(&arguments[1], text(&arguments[0])?)
}

pub(super) fn value(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    method::field(&arguments[0], "Value", &[])
}

/// The text that a query of a string leaves in a label.
pub(super) fn strvalue(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    label_of(&arguments[0], "__value__")
}

/// `sortByLabel name samples`.
pub(super) fn sort_by_label(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let name = text(&arguments[0])?;
    let Value::List(samples) = &arguments[1] else {
        return Err(format!(
            "takes what a query found, not a {}",
            arguments[1].kind()
        ));
    };
    let mut keyed = Vec::with_capacity(samples.len());
    for sample in samples.iter() {
        let key = label_of(sample, name)?;
        keyed.push((key.as_text().unwrap_or("").to_owned(), sample.clone()));
    }
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Value::list(keyed.into_iter().map(|(_, sample)| sample)))
}

/// A map of its arguments, for a template that takes several.
pub(super) fn args(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    let named = arguments.iter().enumerate();
    let map: BTreeMap<_, _> = named.map(|(i, v)| (format!("arg{i}"), v.clone())).collect();
    Ok(Value::Map(Arc::new(map)))
}

pub(super) fn graph_link(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    link(&arguments[0], 0)
}

pub(super) fn table_link(_: &Context<'_>, arguments: &[Value]) -> Result<Value, String> {
    link(&arguments[0], 1)
}

fn link(expression: &Value, tab: u8) -> Result<Value, String> {
    let expression = url_query(text(expression)?);
    Ok(Value::text(format!(
        "/graph?g0.expr={expression}&g0.tab={tab}"
    )))
}

/// The path of the address under which people reach this server.
pub(super) fn path_prefix(context: &Context<'_>, _: &[Value]) -> Result<Value, String> {
    let after_scheme = context.external_url.split_once("://");
    let after_host = after_scheme.and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let path = after_host
        .unwrap_or("")
        .split(['?', '#'])
        .next()
        .unwrap_or("");
    Ok(Value::text(path.trim_end_matches('/')))
}

pub(super) fn external_url(context: &Context<'_>, _: &[Value]) -> Result<Value, String> {
    Ok(Value::text(context.external_url))
}
