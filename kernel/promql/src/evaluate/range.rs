//! Range selectors: a series is read once, then a window slides over it.

use std::ops::Range;
use std::sync::Arc;

use portique_series::{Aggregate, Histogram, Labels, Samples, Selected, Value};

use crate::error::Error;
use crate::functions::{Bounds, Edges, Points, Window};
use crate::steps::{Shift, Steps};
use crate::syntax::{Expr, Extension, MatrixSelector};

use super::Evaluation;

/// A series' samples without stale markers, floats and histograms apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decoded {
    floats: Track<f64>,
    histograms: Track<Arc<Histogram>>,
}

/// Samples of one kind.
#[derive(Debug, Clone)]
struct Track<T> {
    times: Vec<i64>,
    values: Vec<T>,
    /// Empty while no start timestamp is known.
    starts: Vec<i64>,
}

/// What a range expression reads at each step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeShape {
    /// Which time it reads.
    pub(crate) shift: Shift,
    /// How long the range is.
    pub(crate) range_ms: i64,
    /// What is seen around it.
    pub(crate) edges: Edges,
    /// How much of that.
    pub(crate) lookback_ms: i64,
}

/// Takes the series of a range expression one after another: labels, whether the name goes, samples.
pub(crate) type RangeSink<'s> = dyn FnMut(&Labels, bool, &Decoded) -> Result<(), Error> + 's;

impl Evaluation<'_> {
    /// What a range expression reads.
    pub(crate) fn range_shape(&self, expr: &Expr) -> Result<RangeShape, Error> {
        let (shift, range, edges) = match expr {
            Expr::Matrix(matrix) => {
                let selector = &matrix.selector;
                let shift = self.shift(selector.at, selector.offset.as_ref())?;
                let edges = match selector.extension {
                    None => Edges::Inside,
                    Some(Extension::Anchored) => Edges::Anchored,
                    Some(Extension::Smoothed) => Edges::Smoothed,
                };
                (shift, &matrix.range, edges)
            }
            Expr::Subquery(subquery) => {
                let shift = self.shift(subquery.at, subquery.offset.as_ref())?;
                (shift, &subquery.range, Edges::Inside)
            }
            _ => return Err(Error::execution("expected a range vector")),
        };
        Ok(RangeShape {
            shift,
            range_ms: self.duration(range.length_ms(self.durations))?,
            edges,
            lookback_ms: self.lookback_ms,
        })
    }

    /// Hands every series of a range expression on, with all samples that some step's window needs.
    pub(crate) fn each_range(
        &self,
        expr: &Expr,
        shape: RangeShape,
        steps: Steps,
        sink: &mut RangeSink<'_>,
    ) -> Result<(), Error> {
        match expr {
            Expr::Matrix(matrix) => {
                let reader = self.reader(matrix, shape, steps)?;
                self.each_read(&reader, sink)
            }
            Expr::Subquery(subquery) => self.each_subquery(subquery, shape, steps, sink),
            _ => Err(Error::execution("expected a range vector")),
        }
    }

    /// Reads the series of a range selector, with all samples that some step's window needs.
    pub(super) fn reader(
        &self,
        matrix: &MatrixSelector,
        shape: RangeShape,
        steps: Steps,
    ) -> Result<Reader, Error> {
        let (first, last) = shape.shift.span(steps);
        let (start_ms, _) = shape.bounds(first);
        let (_, to_ms) = shape.bounds(last);
        let hinted = self.hinted.contains(&matrix.selector.span.start);
        // The sample just outside says whether the first inside is a counter reset.
        let from_ms = match hinted {
            true => start_ms,
            false => start_ms.saturating_add(1),
        };
        Ok(Reader {
            selected: self.selected(&matrix.selector.matchers, from_ms, to_ms)?,
            from_ms,
            to_ms,
            hinted,
            starts: self.config.start_timestamps,
            aggregate: Aggregate::Last,
        })
    }

    /// Reads one series after another.
    pub(super) fn each_read(&self, reader: &Reader, sink: &mut RangeSink<'_>) -> Result<(), Error> {
        let (mut samples, mut decoded) = (Samples::default(), Decoded::default());
        for index in 0..reader.len() {
            self.check()?;
            reader.read(index, &mut samples, &mut decoded)?;
            let size = decoded.size();
            self.budget.charge(size)?;
            if size > 0 {
                sink(reader.labels(index), false, &decoded)?;
            }
            self.budget.release(size);
        }
        Ok(())
    }
}

/// The series of a range selector.
pub(super) struct Reader {
    selected: Box<dyn Selected>,
    from_ms: i64,
    to_ms: i64,
    /// Whether histograms get hints about counter resets.
    hinted: bool,
    /// Whether start timestamps are wanted.
    starts: bool,
    /// What is read where only intervals are kept.
    pub(super) aggregate: Aggregate,
}

impl Reader {
    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.selected.len()
    }

    /// The labels of a series.
    pub(super) fn labels(&self, index: usize) -> &Labels {
        self.selected.labels(index)
    }

    /// The samples of a series; what else is in the buffers goes.
    pub(super) fn read(
        &self,
        index: usize,
        samples: &mut Samples,
        decoded: &mut Decoded,
    ) -> Result<(), Error> {
        let (from_ms, to_ms) = (self.from_ms, self.to_ms);
        let read = self
            .selected
            .read_as(index, self.aggregate, from_ms, to_ms, samples);
        read.map_err(Error::Source)?;
        if self.hinted {
            super::hints::detect(samples);
        }
        decoded.fill(samples);
        if !self.starts {
            decoded.floats.starts.clear();
            decoded.histograms.starts.clear();
        }
        Ok(())
    }
}

impl RangeShape {
    /// First (exclusive) and last (inclusive) time seen when `reference` is read.
    pub(crate) fn bounds(self, reference: i64) -> (i64, i64) {
        let start = reference.saturating_sub(self.range_ms);
        match self.edges {
            Edges::Inside => (start, reference),
            Edges::Anchored => (start.saturating_sub(self.lookback_ms), reference),
            Edges::Smoothed => (
                start.saturating_sub(self.lookback_ms),
                reference.saturating_add(self.lookback_ms),
            ),
        }
    }
}

impl Decoded {
    /// Takes the samples over; `samples` may hold anything afterwards.
    pub(crate) fn fill(&mut self, samples: &mut Samples) {
        self.clear();
        let plain = samples.histograms.is_empty()
            && !samples
                .floats
                .iter()
                .any(|value| portique_series::is_stale(*value));
        if plain {
            std::mem::swap(&mut self.floats.times, &mut samples.timestamps);
            std::mem::swap(&mut self.floats.values, &mut samples.floats);
            std::mem::swap(&mut self.floats.starts, &mut samples.starts);
            return;
        }
        for index in 0..samples.len() {
            let start = samples.starts.get(index).copied();
            let time = samples.timestamps[index];
            match samples.histograms.get(index).and_then(Option::as_ref) {
                Some(histogram) if portique_series::is_stale(histogram.sum) => {}
                Some(histogram) => self.histograms.push(time, histogram.clone(), start),
                None if portique_series::is_stale(samples.floats[index]) => {}
                None => self.floats.push(time, samples.floats[index], start),
            }
        }
    }

    /// Takes everything out and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
    }

    /// Adds a float.
    pub(crate) fn push_float(&mut self, time_ms: i64, value: f64) {
        self.floats.push(time_ms, value, None);
    }

    /// Adds a histogram.
    pub(crate) fn push_histogram(&mut self, time_ms: i64, histogram: Arc<Histogram>) {
        self.histograms.push(time_ms, histogram, None);
    }

    /// How many samples there are, a histogram counting as several.
    pub(crate) fn size(&self) -> usize {
        let histograms = self.histograms.values.iter();
        self.floats.times.len() + histograms.map(|h| crate::column::weight(h)).sum::<usize>()
    }

    /// What lies within one lookback around a time.
    pub(crate) fn around(&self, time_ms: i64, lookback_ms: i64) -> Window<'_> {
        let start_ms = time_ms.saturating_sub(lookback_ms);
        let end_ms = time_ms.saturating_add(lookback_ms);
        Window {
            floats: self.floats.between(start_ms, end_ms),
            histograms: self.histograms.between(start_ms, end_ms),
            start_ms: time_ms,
            end_ms: time_ms,
            edges: Edges::Smoothed,
            falls: &[],
        }
    }

    /// The floats, when there is nothing else.
    pub(crate) fn only_floats(&self) -> Option<Points<'_, f64>> {
        let all = Cursor {
            first: 0,
            end: self.floats.times.len(),
        };
        let only = self.histograms.times.is_empty();
        only.then(|| self.floats.part(all))
    }

    /// Which floats are in the window of each step, and where that begins and ends.
    pub(crate) fn float_windows(
        &self,
        shape: RangeShape,
        steps: Steps,
    ) -> impl Iterator<Item = (Range<usize>, Bounds)> {
        let mut cursor = Cursor::default();
        (0..steps.count).map(move |step| {
            let (start_ms, end_ms) = shape.bounds(shape.shift.reference(steps.time(step)));
            cursor.slide(&self.floats.times, start_ms, end_ms);
            (cursor.first..cursor.end, Bounds { start_ms, end_ms })
        })
    }

    /// How often the floats have fallen by the time of each.
    pub(crate) fn count_falls(&self, into: &mut Vec<u32>) {
        into.clear();
        let (mut falls, mut before) = (0, f64::NEG_INFINITY);
        into.extend(self.floats.values.iter().map(|value| {
            falls += u32::from(*value < before);
            before = *value;
            falls
        }));
    }

    /// The window of each step in turn; `None` where nothing is in it.
    pub(crate) fn windows(&self, shape: RangeShape, steps: Steps) -> Windows<'_> {
        Windows {
            decoded: self,
            falls: &[],
            shape,
            steps,
            step: 0,
            floats: Cursor::default(),
            histograms: Cursor::default(),
        }
    }
}

/// Slides over a series.
pub(crate) struct Windows<'a> {
    decoded: &'a Decoded,
    falls: &'a [u32],
    shape: RangeShape,
    steps: Steps,
    step: usize,
    floats: Cursor,
    histograms: Cursor,
}

/// From the first sample after a window's start to the first after its end.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    first: usize,
    end: usize,
}

impl<'a> Windows<'a> {
    /// With what [`Decoded::count_falls`] found.
    pub(crate) fn with_falls(self, falls: &'a [u32]) -> Self {
        Self { falls, ..self }
    }
}

impl<'a> Iterator for Windows<'a> {
    type Item = Option<Window<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.step >= self.steps.count {
            return None;
        }
        let reference = self.shape.shift.reference(self.steps.time(self.step));
        self.step += 1;
        let (start, end) = self.shape.bounds(reference);
        self.floats.slide(&self.decoded.floats.times, start, end);
        self.histograms
            .slide(&self.decoded.histograms.times, start, end);
        let window = Window {
            floats: self.decoded.floats.part(self.floats),
            histograms: self.decoded.histograms.part(self.histograms),
            start_ms: reference.saturating_sub(self.shape.range_ms),
            end_ms: reference,
            edges: self.shape.edges,
            falls: self
                .falls
                .get(self.floats.first..self.floats.end)
                .unwrap_or_default(),
        };
        let empty = window.floats.times.is_empty() && window.histograms.times.is_empty();
        Some((!empty).then_some(window))
    }
}

impl Cursor {
    fn slide(&mut self, times: &[i64], start_ms: i64, end_ms: i64) {
        while self.first < times.len() && times[self.first] <= start_ms {
            self.first += 1;
        }
        self.end = self.end.max(self.first);
        while self.end < times.len() && times[self.end] <= end_ms {
            self.end += 1;
        }
    }
}

/// The samples of a window by time; of an `anchored` or `smoothed` one, with values at both ends.
///
/// # Errors
/// When an `anchored` or `smoothed` one has histograms.
pub(crate) fn points(window: &Window<'_>) -> Result<Vec<(i64, Value)>, Error> {
    let floats = window
        .floats
        .times
        .iter()
        .copied()
        .zip(window.floats.values.iter().copied());
    if window.edges != Edges::Inside {
        if !window.histograms.times.is_empty() {
            let reason = "anchored and smoothed ranges of native histograms need a function";
            return Err(Error::execution(reason));
        }
        let floats: Vec<(i64, f64)> = floats.collect();
        return Ok(crate::smooth::extended(&floats, window));
    }
    let mut points: Vec<(i64, Value)> = floats
        .map(|(time, value)| (time, Value::Float(value)))
        .collect();
    let histograms = window.histograms.times.iter().zip(window.histograms.values);
    points.extend(histograms.map(|(time, value)| (*time, Value::Histogram(Arc::clone(value)))));
    points.sort_by_key(|(time, _)| *time);
    Ok(points)
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self {
            times: Vec::new(),
            values: Vec::new(),
            starts: Vec::new(),
        }
    }
}

impl<T> Track<T> {
    fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
    }

    fn push(&mut self, time_ms: i64, value: T, start_ms: Option<i64>) {
        if start_ms.is_some() || !self.starts.is_empty() {
            self.starts.resize(self.times.len(), 0);
            self.starts.push(start_ms.unwrap_or(0));
        }
        self.times.push(time_ms);
        self.values.push(value);
    }

    fn between(&self, start_ms: i64, end_ms: i64) -> Points<'_, T> {
        let mut cursor = Cursor::default();
        cursor.slide(&self.times, start_ms, end_ms);
        self.part(cursor)
    }

    fn part(&self, cursor: Cursor) -> Points<'_, T> {
        let range = cursor.first..cursor.end;
        Points {
            times: &self.times[range.clone()],
            values: &self.values[range.clone()],
            starts: self.starts.get(range).unwrap_or_default(),
        }
    }
}
