//! The times at which an expression is evaluated.

/// Times beyond this, about 140,000 years from 1970, are refused: within it no sum of a time and a few durations
/// leaves the integers.
pub(crate) const TIME_MS_MAX: i64 = 1 << 52;

/// Evenly spaced times; an instant query has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    /// The first, Unix milliseconds.
    pub(crate) start_ms: i64,
    /// Distance, over 0 where there is more than one.
    pub(crate) step_ms: i64,
    /// How many.
    pub(crate) count: usize,
}

impl Steps {
    /// One time.
    pub(crate) fn once(time_ms: i64) -> Self {
        Self {
            start_ms: time_ms,
            step_ms: 0,
            count: 1,
        }
    }

    /// From one time to another, both inclusive; none when they are the wrong way round.
    pub(crate) fn between(from_ms: i64, to_ms: i64, step_ms: i64) -> Self {
        let step_ms = step_ms.max(1);
        let count = match to_ms >= from_ms {
            true => to_ms.saturating_sub(from_ms) / step_ms + 1,
            false => 0,
        };
        Self {
            start_ms: from_ms,
            step_ms,
            count: usize::try_from(count).unwrap_or(usize::MAX),
        }
    }

    /// The same times' first one only.
    pub(crate) fn first(self) -> Self {
        Self {
            count: self.count.min(1),
            ..self
        }
    }

    /// A step's time.
    pub(crate) fn time(self, step: usize) -> i64 {
        self.start_ms + self.step_ms * step as i64
    }

    /// The last time.
    pub(crate) fn last_ms(self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }
}

/// Which time a selector reads at a step: its `@` and its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shift {
    /// Where `@` pins it, Unix milliseconds.
    pub(crate) at_ms: Option<i64>,
    /// How far before that it reads.
    pub(crate) offset_ms: i64,
}

impl Shift {
    /// The time that is read when the query is at `time_ms`.
    pub(crate) fn reference(self, time_ms: i64) -> i64 {
        self.at_ms.unwrap_or(time_ms).saturating_sub(self.offset_ms)
    }

    /// What is read when an expression shifted like `self` has one shifted like `inner` in it.
    pub(crate) fn then(self, inner: Self) -> Self {
        match inner.at_ms {
            Some(_) => inner,
            None => Self {
                at_ms: self.at_ms,
                offset_ms: self.offset_ms.saturating_add(inner.offset_ms),
            },
        }
    }

    /// First and last time that is read.
    pub(crate) fn span(self, steps: Steps) -> (i64, i64) {
        (
            self.reference(steps.start_ms),
            self.reference(steps.last_ms()),
        )
    }
}
