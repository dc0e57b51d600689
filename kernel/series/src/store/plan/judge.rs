//! What becomes of one sample.

use crate::batch::BatchSeries;
use crate::head::Head;
use crate::store::blocks::OpenBlock;
use crate::store::plan::Taken;
use crate::{Config, Error, Matcher, RefusalReason, Samples, Value, is_stale};

/// So many samples of one series are looked through for one at the same time.
const COMPARED_MAX: usize = 1024;

/// No sample is before this: what comes as the lowest of all times is a mistake.
const OLDEST_MS: i64 = -(1 << 53);

/// What the plan goes by.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Rules<'a> {
    pub(in crate::store) config: &'a Config,
    pub(in crate::store) newest_allowed_ms: i64,
    pub(in crate::store) blocks: &'a [OpenBlock],
    /// The newest timestamp of the blocks.
    pub(in crate::store) flushed_ms: i64,
}

/// What becomes of a sample.
pub(super) enum Verdict {
    Newer,
    Late,
    /// It is there already.
    Known,
    Refused(RefusalReason),
    /// It cannot be told before what was planned is applied.
    NextPart,
}

/// Judges the samples of one series, one after another.
pub(super) struct Judge<'a> {
    series: &'a BatchSeries<'a>,
    slot: u32,
    last_ms: i64,
    head: &'a Head,
    rules: Rules<'a>,
    /// Where the series is in blocks, once that was looked for.
    stored: Option<Vec<(usize, u32)>>,
}

impl Rules<'_> {
    /// Why no series would take this sample.
    #[inline]
    pub(super) fn refuse(&self, series: &BatchSeries<'_>, index: usize) -> Option<RefusalReason> {
        let timestamp_ms = series.timestamps()[index];
        if timestamp_ms > self.newest_allowed_ms {
            let newest_ms = self.newest_allowed_ms;
            return Some(RefusalReason::TooNew { newest_ms });
        }
        if timestamp_ms < OLDEST_MS {
            let oldest_ms = OLDEST_MS;
            return Some(RefusalReason::TooOld { oldest_ms });
        }
        let problem = histogram_problem(series, index)?;
        Some(RefusalReason::BadHistogram { problem })
    }
}

impl<'a> Judge<'a> {
    #[inline]
    pub(super) fn new(
        series: &'a BatchSeries<'a>,
        slot: u32,
        head: &'a Head,
        rules: Rules<'a>,
    ) -> Self {
        Self {
            series,
            slot,
            last_ms: head.table.last(slot).timestamp_ms,
            head,
            rules,
            stored: None,
        }
    }

    /// Judges a sample; `planned` are those of the series that were taken in this part.
    ///
    /// # Errors
    /// When what is stored cannot be read.
    #[inline]
    pub(super) fn judge(&mut self, index: usize, planned: &[Taken]) -> Result<Verdict, Error> {
        let timestamp_ms = self.series.timestamps()[index];
        if let Some(reason) = self.rules.refuse(self.series, index) {
            return Ok(Verdict::Refused(reason));
        }
        if timestamp_ms > self.last_ms && timestamp_ms > self.rules.flushed_ms {
            self.last_ms = timestamp_ms;
            return Ok(Verdict::Newer);
        }
        self.judge_old(index, planned)
    }

    /// Judges a sample that something at its time, or after it, may be there of.
    fn judge_old(&mut self, index: usize, planned: &[Taken]) -> Result<Verdict, Error> {
        let timestamp_ms = self.series.timestamps()[index];
        if planned.len() > COMPARED_MAX && timestamp_ms <= self.last_ms {
            return Ok(Verdict::NextPart);
        }
        if let Some(known) = self.known(timestamp_ms, planned)? {
            return Ok(match is_same(&known, &self.series.value(index)) {
                true => Verdict::Known,
                false => Verdict::Refused(RefusalReason::Duplicate),
            });
        }
        if timestamp_ms > self.last_ms {
            self.last_ms = timestamp_ms;
            return Ok(Verdict::Newer);
        }
        let config = self.rules.config;
        let class = self
            .head
            .table
            .series(self.slot)
            .map_or(0, |series| series.class);
        let window_ms = config
            .retention
            .window_ms(class, config.out_of_order_window);
        let oldest_ms = self.last_ms.saturating_sub(window_ms);
        if timestamp_ms < oldest_ms {
            return Ok(Verdict::Refused(RefusalReason::TooOld { oldest_ms }));
        }
        Ok(Verdict::Late)
    }

    fn known(&mut self, timestamp_ms: i64, planned: &[Taken]) -> Result<Option<Value>, Error> {
        if timestamp_ms <= self.last_ms {
            let times = self.series.timestamps();
            let same = planned
                .iter()
                .find(|taken| times[taken.sample as usize] == timestamp_ms);
            if let Some(taken) = same {
                return Ok(Some(self.series.value(taken.sample as usize)));
            }
            if let Some(value) = self.head.value_at(self.slot, timestamp_ms)? {
                return Ok(Some(value));
            }
        }
        if timestamp_ms > self.rules.flushed_ms {
            return Ok(None);
        }
        let blocks = self.rules.blocks;
        let mut found = Samples::default();
        for (index, id) in self.stored()? {
            let block = &blocks[*index];
            if found.is_empty() && (block.first_ms..=block.last_ms).contains(&timestamp_ms) {
                block
                    .block
                    .read(*id, timestamp_ms, timestamp_ms, &mut found)?;
            }
        }
        Ok((!found.is_empty()).then(|| found.value(0)))
    }

    fn stored(&mut self) -> Result<&[(usize, u32)], Error> {
        if self.stored.is_none() {
            self.stored = Some(self.find_stored()?);
        }
        Ok(self.stored.as_deref().unwrap_or_default())
    }

    fn find_stored(&self) -> Result<Vec<(usize, u32)>, Error> {
        let labels = self.series.to_labels();
        let matchers: Vec<_> = labels
            .iter()
            .map(|(name, value)| Matcher::equal(name, value))
            .collect();
        let mut stored = Vec::new();
        for (index, block) in self.rules.blocks.iter().enumerate() {
            if block.resolution_ms > 0 {
                continue;
            }
            for id in block.block.select(&matchers, i64::MIN, i64::MAX)? {
                // Others may have more labels than these.
                if block.block.labels(id)? == labels {
                    stored.push((index, id));
                }
            }
        }
        Ok(stored)
    }
}

#[inline]
fn histogram_problem(series: &BatchSeries<'_>, index: usize) -> Option<String> {
    let histogram = series.histogram(index)?;
    // A marker of the end needs no buckets.
    if is_stale(histogram.sum) {
        return None;
    }
    histogram.check().err().map(|problem| problem.to_string())
}

/// Bit by bit, as NaN is not equal to itself.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::Histogram(one), Value::Histogram(other)) => {
            one == other || (is_stale(one.sum) && is_stale(other.sum))
        }
        _ => false,
    }
}
