//! A store on a simulated disk, driven step by step.

use std::sync::Arc;

use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_journal::{Committer, SimulatedDisk, Step};
use portique_series::{
    Appended, Batch, Config, Error, Histogram, Labels, Matcher, Samples, Selection, Sink, Source,
    Span, Store, Value,
};

/// A sample as tests compare them: floats by their bits.
pub(crate) type Float = (i64, u64);

pub(crate) struct Rig {
    pub(crate) disk: Arc<SimulatedDisk>,
    pub(crate) store: Store,
    pub(crate) clock: Arc<SimulatedClock>,
    committer: Committer,
}

impl Rig {
    pub(crate) fn open(disk: &Arc<SimulatedDisk>, config: Config) -> Result<Self, Error> {
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000_000_000)));
        let (store, committer) =
            Store::open_on(config, disk.clone(), clock.clone(), &mut Seeded::new(7))?;
        Ok(Self {
            disk: disk.clone(),
            store,
            clock,
            committer,
        })
    }

    pub(crate) fn new(config: Config) -> Self {
        let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
        Self::open(&disk, config).expect("an empty disk")
    }

    /// Appends and drives the log until that is durable, or never will be.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<Appended, Error> {
        let submitted = self.store.submit(batch)?;
        self.settle();
        submitted.wait()
    }

    pub(crate) fn settle(&mut self) {
        while self.committer.step() == Step::Worked {}
    }

    /// Opens the log again after a failure, in the same process.
    pub(crate) fn reopen_log(&mut self) {
        self.settle();
        let committer = self.store.reopen().expect("the disk is well again");
        if let Some(committer) = committer {
            self.committer = committer;
        }
    }

    /// Ends in good order and starts again.
    pub(crate) fn reopen(self, config: Config) -> Self {
        let Self {
            disk,
            store,
            mut committer,
            ..
        } = self;
        drop(store);
        while committer.step() != Step::Done {}
        Self::open(&disk, config).expect("it ended in good order")
    }

    /// Dies and starts again.
    pub(crate) fn kill(self, config: Config) -> Self {
        let Self {
            disk,
            store,
            committer,
            ..
        } = self;
        disk.restart_after_kill();
        // The dead process does not close its journal: what it still holds must not reach the disk.
        std::mem::forget(store);
        drop(committer);
        Self::open(&disk, config).expect("what was written is there")
    }

    pub(crate) fn floats(&self, series: &Labels, from_ms: i64, to_ms: i64) -> Vec<Float> {
        floats(&self.store, series, from_ms, to_ms)
    }

    pub(crate) fn samples(&self, series: &Labels, from_ms: i64, to_ms: i64) -> Samples {
        samples(&self.store, series, from_ms, to_ms)
    }
}

pub(crate) fn floats(store: &Store, series: &Labels, from_ms: i64, to_ms: i64) -> Vec<Float> {
    let samples = samples(store, series, from_ms, to_ms);
    let bits = samples.floats.iter().map(|value| value.to_bits());
    samples.timestamps.iter().copied().zip(bits).collect()
}

pub(crate) fn samples(store: &Store, series: &Labels, from_ms: i64, to_ms: i64) -> Samples {
    let selection = Selection {
        matchers: matchers(series),
        from_ms,
        to_ms,
    };
    let selected = store.select(&selection).expect("a selection");
    let mut samples = Samples::default();
    let mut last = Samples::default();
    if let Some(index) = (0..selected.len()).find(|index| selected.labels(*index) == series) {
        selected
            .read(index, from_ms, to_ms, &mut samples)
            .expect("samples");
        selected
            .read_last(index, from_ms, to_ms, &mut last)
            .expect("the last");
    }
    let newest = samples.timestamps.last().copied();
    assert_eq!(
        last.timestamps.last().copied(),
        newest,
        "read_last is the last of read"
    );
    samples
}

pub(crate) fn matchers(series: &Labels) -> Vec<Matcher> {
    series
        .iter()
        .map(|(name, value)| Matcher::equal(name, value))
        .collect()
}

pub(crate) fn series(metric: &str, pairs: &[(&str, &str)]) -> Labels {
    let name = [("__name__", metric)];
    Labels::from_pairs(name.iter().chain(pairs).copied())
}

/// A batch of one series.
pub(crate) fn batch(series: &Labels, samples: &[(i64, f64)]) -> Batch {
    let mut batch = Batch::new();
    add(&mut batch, series, samples);
    batch
}

pub(crate) fn add(batch: &mut Batch, series: &Labels, samples: &[(i64, f64)]) {
    batch.series(series).expect("labels");
    for (timestamp_ms, value) in samples {
        batch.float(*timestamp_ms, *value);
    }
}

pub(crate) fn bits(samples: &[(i64, f64)]) -> Vec<Float> {
    samples.iter().map(|(t, v)| (*t, v.to_bits())).collect()
}

pub(crate) fn value(samples: &Samples, index: usize) -> Value {
    samples.value(index)
}

pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) fn histogram(count: f64) -> Arc<Histogram> {
    Arc::new(Histogram {
        schema: 0,
        count,
        sum: count,
        positive_spans: vec![Span {
            offset: 0,
            length: 1,
        }],
        positive_buckets: vec![count],
        ..Histogram::default()
    })
}
