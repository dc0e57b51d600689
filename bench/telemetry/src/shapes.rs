//! What telemetry looks like: machines, meters and a rocket.

use crate::series::{Random, rounded};
use crate::wire::{Body, Request, encode_labels};

/// Samples of a series.
const SAMPLES: i64 = 20_000;
/// Series of each shape, which are read together.
const SERIES: u64 = 8;
/// Samples of a series in one body: several scrapes at once, as a sender does that lags.
const SAMPLES_A_BODY: i64 = 100;

/// The float after another, at a step.
type Next = fn(&mut Random, i64, f64) -> f64;

/// Shapes read at the same times.
struct Group {
    interval_ms: i64,
    /// A timestamp is late by less than this.
    jitter_ms: u64,
    shapes: &'static [(&'static str, Next)],
}

const GROUPS: [Group; 3] = [
    Group {
        interval_ms: 60_000,
        jitter_ms: 1,
        shapes: &[
            ("energy_register", |random, _, last| {
                rounded(last + random.below(9) as f64 / 1000.0, 3)
            }),
            ("power", |random, step, last| {
                match (step, random.below(12)) {
                    (0, _) => 0.4,
                    (_, 0) => random.below(4_000) as f64 / 1000.0,
                    _ => rounded((last + random.normal() * 0.006).abs(), 3),
                }
            }),
            ("voltage", |random, step, last| {
                let base = if step == 0 { 240.0 } else { last };
                rounded(base + (240.0 - base) * 0.05 + random.normal() * 0.4, 2)
            }),
        ],
    },
    Group {
        interval_ms: 15_000,
        jitter_ms: 3,
        shapes: &[
            ("up", |random, _, _| f64::from(random.below(5_000) != 0)),
            ("sparse_bucket", |random, _, last| {
                last + f64::from(random.below(40) == 0)
            }),
            ("requests", |random, _, last| {
                last + (random.below(60) + random.below(60)) as f64
            }),
            ("memory", |random, step, last| {
                let base = if step == 0 { 3_200_000_000.0 } else { last };
                match random.below(5) {
                    0 => base + (random.below(31) as f64 - 15.0) * 4096.0,
                    _ => base,
                }
            }),
            ("latency_sum", |random, _, last| {
                last + 0.05 * random.normal().abs() * random.below(20) as f64
            }),
            ("sensor", |random, _, _| 21.5 + random.normal() * 0.3),
        ],
    },
    Group {
        interval_ms: 33,
        jitter_ms: 2,
        shapes: &[
            ("velocity", |random, step, last| match step % 30 {
                0 => rounded(last + 0.2 + random.normal().abs() * 0.1, 1),
                _ => last,
            }),
            ("altitude", |random, step, last| match step % 60 {
                0 => rounded(last + 0.1 * (1 + random.below(3)) as f64, 1),
                _ => last,
            }),
        ],
    },
];

/// All shapes, oldest samples first, the last of them at the end; how many samples.
pub(crate) fn bodies(end_ms: i64) -> anyhow::Result<(Vec<Body>, usize)> {
    let spans = GROUPS.iter().map(|group| group.interval_ms * SAMPLES);
    let mut begin_ms = end_ms - spans.sum::<i64>();
    let mut bodies = Vec::new();
    for group in &GROUPS {
        group.fill(begin_ms, &mut bodies)?;
        begin_ms += group.interval_ms * SAMPLES;
    }
    let samples = bodies.iter().map(|body| body.samples).sum();
    Ok((bodies, samples))
}

/// A sample that is so much later that everything before it is history, on every side.
pub(crate) fn later(at_ms: i64) -> anyhow::Result<Vec<Body>> {
    let mut request = Request::default();
    let labels = encode_labels(&[("__name__", "later"), ("job", "bench")]);
    request.series(&labels, &[(at_ms, 1.0)]);
    Ok(vec![request.finish(0)?])
}

impl Group {
    fn fill(&self, begin_ms: i64, bodies: &mut Vec<Body>) -> anyhow::Result<()> {
        let mut random = Random(self.interval_ms as u64);
        let mut request = Request::default();
        let mut all = self.series();
        for first in (0..SAMPLES).step_by(SAMPLES_A_BODY as usize) {
            let steps = first..first + SAMPLES_A_BODY;
            let times: Vec<i64> = steps
                .clone()
                .map(|step| {
                    begin_ms + step * self.interval_ms + random.below(self.jitter_ms) as i64
                })
                .collect();
            for (labels, next, last) in &mut all {
                let mut samples = Vec::new();
                for (step, time_ms) in steps.clone().zip(&times) {
                    *last = next(&mut random, step, *last);
                    samples.push((*time_ms, *last));
                }
                request.series(labels, &samples);
            }
            bodies.push(request.finish(0)?);
        }
        Ok(())
    }

    /// Labels, shape and last value of each series.
    fn series(&self) -> Vec<(Vec<u8>, Next, f64)> {
        let mut all = Vec::new();
        for (metric, next) in self.shapes {
            for number in 0..SERIES {
                let instance = format!("host-{number}:9100");
                let labels = [
                    ("__name__", *metric),
                    ("instance", &instance),
                    ("job", "node"),
                ];
                all.push((encode_labels(&labels), *next, 0.0));
            }
        }
        all
    }
}
