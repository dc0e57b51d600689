//! Instant selectors: the newest sample within the lookback, at every step.

use portique_series::{Matcher, Samples, Selected, Selection, is_stale};

use crate::annotations::Annotations;
use crate::column::Column;
use crate::error::Error;
use crate::steps::{Shift, Steps};
use crate::syntax::{Extension, VectorSelector};

use super::{Evaluation, Item, Sink, parallel};

/// What is taken from the sample that a step sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Its value.
    Value,
    /// Its timestamp, in seconds.
    Timestamp,
    /// Its timestamp in milliseconds; where it is a histogram, that.
    Info,
    /// When the counter behind it began, in seconds; 0 where that is not known.
    Start,
}

/// What is read, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Of which series.
    pub(super) matchers: &'a [Matcher],
    /// At which times.
    pub(super) shift: Shift,
    /// What of a sample.
    pub(super) reading: Reading,
    /// Whether histograms get hints about counter resets.
    pub(super) hinted: bool,
}

impl Evaluation<'_> {
    /// Hands the selected series on.
    pub(super) fn select(
        &self,
        selector: &VectorSelector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if selector.extension == Some(Extension::Smoothed) {
            return self.smoothed(selector, steps, sink);
        }
        self.read_instants(selector, Reading::Value, steps, sink)
    }

    /// As [`select`](Self::select), of the sample's value or one of its times.
    pub(super) fn read_instants(
        &self,
        selector: &VectorSelector,
        reading: Reading,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let shift = self.shift(selector.at, selector.offset.as_ref())?;
        let wanted = Wanted {
            matchers: &selector.matchers,
            shift,
            reading,
            hinted: self.hinted.contains(&selector.span.start),
        };
        self.read_matching(wanted, steps, sink)
    }

    /// The same of series that match, read at shifted times.
    pub(super) fn read_matching(
        &self,
        wanted: Wanted<'_>,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (first, last_ms) = wanted.shift.span(steps);
        let from_ms = first.saturating_sub(self.lookback_ms).saturating_add(1);
        let selected = self.selected(wanted.matchers, from_ms, last_ms)?;
        let instants = Instants {
            shift: wanted.shift,
            steps,
            lookback_ms: self.lookback_ms,
            reading: wanted.reading,
        };
        let last_only = steps.count == 1 && !wanted.hinted;
        let read = |index: usize, samples: &mut Samples, column: &mut Column| {
            self.check()?;
            match last_only {
                true => selected.read_last(index, from_ms, last_ms, samples),
                false => selected.read(index, from_ms, last_ms, samples),
            }
            .map_err(Error::Source)?;
            if wanted.hinted {
                super::hints::detect(samples);
            }
            column.reset(steps.count);
            instants.fill(samples, column);
            Ok(!column.is_empty())
        };
        let threads = self.config.threads;
        // Last values are read faster than handed over.
        if last_only || threads < 2 || selected.len() < parallel::SERIES_MIN {
            let (mut samples, mut column) = (Samples::default(), Column::default());
            for index in 0..selected.len() {
                if read(index, &mut samples, &mut column)? {
                    self.hand_on(selected.labels(index), &column, sink)?;
                }
            }
            return Ok(());
        }
        let work = || {
            let (mut samples, read) = (Samples::default(), &read);
            move |index: usize| {
                let mut column = Column::default();
                Ok(read(index, &mut samples, &mut column)?.then_some(column))
            }
        };
        parallel::in_order(
            selected.len(),
            threads,
            steps.count,
            work,
            &mut |index, column| self.hand_on(selected.labels(index), &column, sink),
        )
    }

    /// The series that match.
    pub(super) fn selected(
        &self,
        matchers: &[Matcher],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Box<dyn Selected>, Error> {
        let selection = Selection {
            matchers: matchers.to_vec(),
            from_ms,
            to_ms,
        };
        self.source.select(&selection).map_err(Error::Source)
    }

    /// `smoothed`: the value at the step's time itself, between the samples around it.
    fn smoothed(
        &self,
        selector: &VectorSelector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let shift = self.shift(selector.at, selector.offset.as_ref())?;
        let (first, last) = shift.span(steps);
        let from_ms = first.saturating_sub(self.lookback_ms).saturating_add(1);
        let to_ms = last.saturating_add(self.lookback_ms);
        let selected = self.selected(&selector.matchers, from_ms, to_ms)?;
        let (mut samples, mut column) = (Samples::default(), Column::default());
        let mut decoded = super::Decoded::default();
        let mut notes = Annotations::default();
        for index in 0..selected.len() {
            self.check()?;
            let read = selected.read(index, from_ms, to_ms, &mut samples);
            read.map_err(Error::Source)?;
            decoded.fill(&mut samples);
            column.reset(steps.count);
            let labels = selected.labels(index);
            for step in 0..steps.count {
                let reference = shift.reference(steps.time(step));
                let window = decoded.around(reference, self.lookback_ms);
                let place = (labels.metric(), selector.span.start);
                column.set(step, crate::smooth::value(&window, place, &mut notes));
            }
            if !column.is_empty() {
                self.hand_on(labels, &column, sink)?;
            }
        }
        self.note(notes);
        Ok(())
    }

    /// Gives one series with its name to a sink, on the budget for as long as the sink has it.
    pub(super) fn hand_on(
        &self,
        labels: &portique_series::Labels,
        column: &Column,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let size = column.size();
        self.budget.charge(size)?;
        sink(Item {
            labels,
            drop_name: false,
            column,
        })?;
        self.budget.release(size);
        Ok(())
    }
}

struct Instants {
    shift: Shift,
    steps: Steps,
    lookback_ms: i64,
    reading: Reading,
}

impl Instants {
    fn fill(&self, samples: &Samples, column: &mut Column) {
        let mut seen = 0;
        for step in 0..self.steps.count {
            let reference = self.shift.reference(self.steps.time(step));
            while seen < samples.len() && samples.timestamps[seen] <= reference {
                seen += 1;
            }
            let Some(newest) = seen.checked_sub(1) else {
                continue;
            };
            if samples.timestamps[newest] > reference.saturating_sub(self.lookback_ms) {
                self.take(samples, newest, column, step);
            }
        }
    }

    fn take(&self, samples: &Samples, index: usize, column: &mut Column, step: usize) {
        let histogram = samples.histograms.get(index).and_then(Option::as_ref);
        let stale = match histogram {
            Some(histogram) => is_stale(histogram.sum),
            None => is_stale(samples.floats[index]),
        };
        if stale {
            return;
        }
        match (self.reading, histogram) {
            (Reading::Value | Reading::Info, Some(histogram)) => {
                column.set_histogram(step, histogram.clone());
            }
            (Reading::Value, None) => column.set_float(step, samples.floats[index]),
            (Reading::Info, None) => column.set_float(step, samples.timestamps[index] as f64),
            (Reading::Timestamp, _) => {
                column.set_float(step, seconds(samples.timestamps[index]));
            }
            (Reading::Start, _) => {
                let start_ms = samples.starts.get(index).copied().unwrap_or(0);
                column.set_float(step, seconds(start_ms));
            }
        }
    }
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
