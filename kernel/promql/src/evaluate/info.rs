//! `info`: series with the labels of what describes them.

use std::collections::HashMap;

use portique_series::{Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher};

use crate::column::{Column, SeriesColumn};
use crate::error::Error;
use crate::steps::{Shift, Steps};
use crate::syntax::{Call, Expr};

use super::labels::signature;
use super::select::{self, Reading};
use super::{Evaluation, Merger, Sink};

/// The info metric that is meant when none is named.
const TARGET_INFO: &str = "target_info";
/// The info metrics that are meant when it is only said which are not.
const INFO_NAMES: &str = ".+_info";
/// The labels by which an info series belongs to another.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// What is asked of info series.
struct Wanted {
    names: Vec<Matcher>,
    data: Vec<Matcher>,
}

/// The info series there are, by metric and identifying labels.
struct Infos {
    /// Sorted by name, so that conflicts show the same way each time.
    names: Vec<String>,
    series: Vec<SeriesColumn>,
    /// Name and identifying labels to the newest series at each step.
    newest: HashMap<(usize, Vec<u8>), Vec<Option<usize>>>,
}

impl Evaluation<'_> {
    /// Hands the series on with the labels of their info series.
    pub(super) fn info(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let wanted = Wanted::of(call)?;
        let shift = self.info_shift(&call.args[0])?.unwrap_or_default();
        let base = self.vector(&call.args[0], steps)?;
        let infos = self.infos(&wanted, &base, shift, steps)?;
        let mut merger = Merger::new(steps.count);
        for series in base {
            self.budget.release(series.column.size());
            let is_info = wanted
                .names
                .iter()
                .all(|m| m.matches(series.labels.metric()));
            match is_info {
                true => merger.add(series)?,
                false => infos.enrich(&series, &wanted, &mut merger)?,
            }
        }
        for series in merger.into_series() {
            if !series.column.is_empty() {
                sink(series.item())?;
            }
        }
        Ok(())
    }

    /// The time at which info series are read: that of the first selector.
    fn info_shift(&self, expr: &Expr) -> Result<Option<Shift>, Error> {
        match expr {
            Expr::Vector(selector) => self.shift(selector.at, selector.offset.as_ref()).map(Some),
            Expr::Matrix(matrix) => {
                let selector = &matrix.selector;
                self.shift(selector.at, selector.offset.as_ref()).map(Some)
            }
            Expr::Subquery(subquery) => {
                let outer = self.shift(subquery.at, subquery.offset.as_ref())?;
                let inner = self.info_shift(&subquery.expr)?;
                Ok(inner.map(|inner| outer.then(inner)))
            }
            _ => {
                for child in expr.children() {
                    if let Some(shift) = self.info_shift(child)? {
                        return Ok(Some(shift));
                    }
                }
                Ok(None)
            }
        }
    }

    fn infos(
        &self,
        wanted: &Wanted,
        base: &[SeriesColumn],
        shift: Shift,
        steps: Steps,
    ) -> Result<Infos, Error> {
        let mut infos = Infos {
            names: Vec::new(),
            series: Vec::new(),
            newest: HashMap::new(),
        };
        let mut key = Vec::new();
        let mut described = HashMap::new();
        for series in base {
            identity(&series.labels, &mut key);
            if !key.is_empty() {
                described.insert(key.clone(), ());
            }
        }
        if described.is_empty() {
            return Ok(infos);
        }
        let matchers: Vec<Matcher> = wanted.names.iter().chain(&wanted.data).cloned().collect();
        let reading = select::Wanted {
            matchers: &matchers,
            shift,
            reading: Reading::Info,
            hinted: false,
        };
        self.read_matching(reading, steps, &mut |item| {
            identity(item.labels, &mut key);
            if described.contains_key(&key) {
                infos.series.push(item.to_series());
            }
            Ok(())
        })?;
        infos.index(steps.count)?;
        Ok(infos)
    }
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Error> {
        let matchers: &[Matcher] = match call.args.get(1).map(Expr::without_parens) {
            None => &[],
            Some(Expr::Vector(selector)) => &selector.matchers,
            Some(_) => return Err(Error::execution("info takes a label selector")),
        };
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) = matchers
            .iter()
            .cloned()
            .partition(|matcher| matcher.name() == METRIC_NAME);
        let positive = |m: &Matcher| matches!(m.op(), MatchOp::Equal | MatchOp::Regex);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, TARGET_INFO));
        } else if !names.iter().any(positive) {
            let any = Matcher::new(METRIC_NAME, MatchOp::Regex, INFO_NAMES);
            names.push(any.map_err(Error::Source)?);
        }
        Ok(Self { names, data })
    }

    /// Whether a label is to be taken over.
    fn takes(&self, name: &str) -> bool {
        name != METRIC_NAME
            && (self.data.is_empty() || self.data.iter().any(|matcher| matcher.name() == name))
    }
}

impl Infos {
    /// Finds the newest series of each kind at each step.
    fn index(&mut self, steps: usize) -> Result<(), Error> {
        self.names = self
            .series
            .iter()
            .map(|s| s.labels.metric().to_owned())
            .collect();
        self.names.sort_unstable();
        self.names.dedup();
        let mut key = Vec::new();
        for index in 0..self.series.len() {
            let labels = &self.series[index].labels;
            let name = self
                .names
                .binary_search_by(|name| name.as_str().cmp(labels.metric()));
            let name = name.expect("every name of a series has been collected");
            identity(labels, &mut key);
            let newest = self
                .newest
                .entry((name, key.clone()))
                .or_insert_with(|| vec![None; steps]);
            for (step, newest) in newest.iter_mut().enumerate() {
                if newer(&self.series, *newest, index, step)? {
                    *newest = Some(index);
                }
            }
        }
        Ok(())
    }

    /// Puts a series into the result, under the labels that its info series give it at each step.
    fn enrich(
        &self,
        series: &SeriesColumn,
        wanted: &Wanted,
        merger: &mut Merger,
    ) -> Result<(), Error> {
        let mut key = Vec::new();
        identity(&series.labels, &mut key);
        let found: Vec<&Vec<Option<usize>>> = (0..self.names.len())
            .filter_map(|name| self.newest.get(&(name, key.clone())))
            .collect();
        let needed = wanted.data.iter().any(|matcher| !matcher.matches_empty());
        let mut places: HashMap<Vec<usize>, usize> = HashMap::new();
        for step in 0..series.column.steps() {
            let Some(value) = series.column.value(step) else {
                continue;
            };
            let infos: Vec<usize> = found.iter().filter_map(|newest| newest[step]).collect();
            if infos.is_empty() && needed {
                continue;
            }
            let place = match places.get(&infos) {
                Some(place) => *place,
                None => {
                    let labels = self.labels(&series.labels, &infos, wanted)?;
                    let place = merger.place(&labels, series.drop_name);
                    places.insert(infos, place);
                    place
                }
            };
            merger.put(place, step, value)?;
        }
        Ok(())
    }

    fn labels(&self, base: &Labels, infos: &[usize], wanted: &Wanted) -> Result<Labels, Error> {
        let mut added = LabelsBuilder::default();
        for index in infos {
            for (name, value) in self.series[*index].labels.iter() {
                if !wanted.takes(name) {
                    continue;
                }
                if added.value(name).is_some_and(|before| before != value) {
                    return Err(Error::execution(format!("conflicting label: {name}")));
                }
                if base.get(name).is_none() {
                    added.set(name, value);
                }
            }
        }
        let mut builder = base.to_builder();
        for (name, value) in added.build().iter() {
            builder.set(name, value);
        }
        Ok(builder.build())
    }
}

/// Whether the series at `index` has a newer sample at a step than the newest so far.
fn newer(
    series: &[SeriesColumn],
    newest: Option<usize>,
    index: usize,
    step: usize,
) -> Result<bool, Error> {
    let column: &Column = &series[index].column;
    if column.histogram(step).is_some() {
        let labels = &series[index].labels;
        return Err(Error::execution(format!(
            "this should be an info metric, with float samples: {labels}"
        )));
    }
    let Some(time) = column.float(step) else {
        return Ok(false);
    };
    let Some((before, labels)) = newest.and_then(|n| {
        series[n]
            .column
            .float(step)
            .map(|time| (time, &series[n].labels))
    }) else {
        return Ok(true);
    };
    if before == time {
        let new = &series[index].labels;
        return Err(Error::execution(format!(
            "found duplicate series for info metric: existing {labels} @ {before}, new {new} @ {time}"
        )));
    }
    Ok(time > before)
}

/// The identifying labels.
fn identity(labels: &Labels, into: &mut Vec<u8>) {
    signature(labels, |name| IDENTIFYING.contains(&name), into);
}
