//! The data: what a fleet of services and machines exposes, and many series that are alike.

use std::f64::consts::TAU;

use portique_clock::{Clock, WallClock};

use crate::wire::{Body, Request, encode_labels};

/// Between two samples of a series, as usual scrapes.
pub(crate) const INTERVAL_MS: i64 = 15_000;
/// Series of one body: what a Prometheus sends by default.
const SERIES_A_BODY: usize = 2_000;
/// Of the many alike: what a large sender is set to.
const WIDE_SERIES_A_BODY: usize = 5_000;

/// The newest sample lies so far before the present: no side holds anything back as unfinished.
const BEFORE_NOW_MS: i64 = 10 * 60 * 1000;

/// Upper bounds of a histogram's buckets, and the share of observations in each.
const BUCKETS: [(&str, f64); 12] = [
    ("0.005", 0.02),
    ("0.01", 0.08),
    ("0.025", 0.2),
    ("0.05", 0.25),
    ("0.1", 0.2),
    ("0.25", 0.12),
    ("0.5", 0.06),
    ("1", 0.04),
    ("2.5", 0.02),
    ("5", 0.007),
    ("10", 0.002),
    ("+Inf", 1.0),
];

/// The same numbers in every run.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal, around 0 with a deviation of 1.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Events a second of something, from one in ten seconds to a thousand.
    fn rate(&mut self) -> f64 {
        10_f64.powf(self.unit() * 4.0 - 1.0)
    }

    /// How many events there were in an interval.
    fn events(&mut self, rate: f64) -> f64 {
        let mean = rate * INTERVAL_MS as f64 / 1000.0;
        (mean + mean.sqrt() * self.normal()).max(0.0).round()
    }
}

/// The time of the newest samples, a multiple of the interval.
pub(crate) fn end_ms() -> i64 {
    let end_ms = WallClock::new().now().as_millis() - BEFORE_NOW_MS;
    end_ms - end_ms.rem_euclid(INTERVAL_MS)
}

pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let power = 10_f64.powi(decimals);
    (value * power).round() / power
}

/// What a series counts or shows.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Counter,
    /// Processor seconds, with two decimals.
    Seconds,
    /// Two decimals.
    Gauge,
    /// The cumulative bucket with this index.
    Bucket(usize),
}

#[derive(Debug)]
struct Series {
    labels: Vec<u8>,
    shape: Shape,
    rate: f64,
    value: f64,
}

/// 100,000 series, or so many percent of each family.
pub(crate) fn mixed(percent: usize, samples: usize, end_ms: i64) -> anyhow::Result<Vec<Body>> {
    let mut random = Random(7);
    let mut all = Families {
        random: &mut random,
        percent,
        series: Vec::new(),
    };
    all.fill();
    bodies(all.series, &mut random, SERIES_A_BODY, samples, end_ms)
}

/// Each series' samples at every interval up to the end, so many series in a body.
fn bodies(
    mut series: Vec<Series>,
    random: &mut Random,
    series_a_body: usize,
    samples: usize,
    end_ms: i64,
) -> anyhow::Result<Vec<Body>> {
    let mut bodies = Vec::new();
    let mut request = Request::default();
    for step in (0..samples as i64).rev() {
        let time_ms = end_ms - step * INTERVAL_MS;
        advance(&mut series, random);
        for (lane, chunk) in series.chunks(series_a_body).enumerate() {
            for one in chunk {
                request.series(&one.labels, &[(time_ms, one.value)]);
            }
            bodies.push(request.finish(lane)?);
        }
    }
    Ok(bodies)
}

struct Families<'a> {
    random: &'a mut Random,
    percent: usize,
    series: Vec<Series>,
}

impl Families<'_> {
    fn fill(&mut self) {
        let service = |i: usize| format!("svc-{i:02}");
        self.family(1_000, Shape::Seconds, |i| {
            let labels = [("job", "node".into()), ("cpu", (i % 10).to_string())];
            ("cpu_seconds_total".into(), i / 10, labels.into())
        });
        self.family(10_000, Shape::Counter, |i| {
            let method = ["GET", "POST", "PUT", "DELETE"][i % 4];
            let status = ["200", "201", "404", "500", "503"][i / 4 % 5];
            let labels = [
                ("job", service(i / 20 % 20)),
                ("method", method.into()),
                ("status", status.into()),
            ];
            ("http_requests_total".into(), i / 20, labels.into())
        });
        self.family(10_000, Shape::Gauge, |i| {
            let queue = format!("q{:02}", i % 20);
            let labels = [("job", service(i / 20 % 20)), ("queue", queue)];
            ("queue_depth".into(), i / 20, labels.into())
        });
        self.family(12_000, Shape::Bucket(0), |i| {
            let (histogram, bucket) = (i / BUCKETS.len(), BUCKETS[i % BUCKETS.len()].0);
            let handler = ["/api/v1/query", "/api/v1/write"][histogram % 2];
            let labels = [
                ("job", service(histogram / 2 % 20)),
                ("handler", handler.into()),
                ("le", bucket.into()),
            ];
            let metric = "http_request_duration_seconds_bucket";
            (metric.into(), histogram / 2, labels.into())
        });
        for (shape, metric) in [(Shape::Counter, "app_events"), (Shape::Gauge, "app_level")] {
            self.family(33_500, shape, |i| {
                let zone = ["eu-1a", "eu-1b", "eu-1c"][i % 3];
                let labels = [("job", service(i % 670 / 34)), ("zone", zone.into())];
                (format!("{metric}_{:02}", i / 670), i % 670, labels.into())
            });
        }
    }

    /// So many series: a metric, the number of the instance, and other labels.
    fn family(
        &mut self,
        count: usize,
        shape: Shape,
        name: impl Fn(usize) -> (String, usize, Vec<(&'static str, String)>),
    ) {
        let mut rate = 0.0;
        for index in 0..count * self.percent / 100 {
            let (metric, instance, labels) = name(index);
            let instance = format!("10.1.{}.{}:9100", instance / 250, instance % 250);
            let mut pairs = vec![("__name__", &*metric), ("instance", &*instance)];
            pairs.extend(labels.iter().map(|(name, value)| (*name, &**value)));
            let shape = match shape {
                Shape::Bucket(_) => Shape::Bucket(index % BUCKETS.len()),
                other => other,
            };
            // The buckets of a histogram have one rate.
            rate = match shape {
                Shape::Bucket(1..) => rate,
                Shape::Seconds => self.random.unit(),
                Shape::Gauge => 0.05 + self.random.unit() * 4.95,
                Shape::Bucket(0) | Shape::Counter => self.random.rate(),
            };
            let value = match shape {
                Shape::Bucket(_) => 0.0,
                Shape::Counter => self.random.below(10_000_000) as f64,
                Shape::Seconds => self.random.below(1_000_000) as f64 / 100.0,
                Shape::Gauge => self.random.below(100_000) as f64 / 100.0,
            };
            self.series.push(Series {
                labels: encode_labels(&pairs),
                shape,
                rate,
                value,
            });
        }
    }
}

/// One interval on.
fn advance(series: &mut [Series], random: &mut Random) {
    let (mut observed, mut below) = (0.0, 0.0);
    for one in series {
        match one.shape {
            Shape::Counter => one.value += random.events(one.rate),
            Shape::Seconds => {
                let busy = (one.rate + 0.05 * random.normal()).clamp(0.0, 1.0);
                one.value = rounded(one.value + busy * 15.0, 2);
            }
            Shape::Gauge => {
                one.value = rounded((one.value + one.rate * random.normal()).max(0.0), 2);
            }
            Shape::Bucket(index) => {
                if index == 0 {
                    (observed, below) = (random.events(one.rate), 0.0);
                }
                let share = BUCKETS[index].1 * (1.0 + 0.2 * random.normal());
                below = match index + 1 == BUCKETS.len() {
                    true => observed,
                    false => observed.min(below + (observed * share).max(0.0).round()),
                };
                one.value += below;
            }
        }
    }
}

/// So many counters of machines with eight labels each.
pub(crate) fn wide(count: usize, samples: usize, end_ms: i64) -> anyhow::Result<Vec<Body>> {
    let mut random = Random(11);
    let series = (0..count).map(|index| Series {
        labels: wide_labels(index),
        shape: Shape::Counter,
        rate: random.rate(),
        value: random.below(10_000_000) as f64,
    });
    let series = series.collect();
    bodies(series, &mut random, WIDE_SERIES_A_BODY, samples, end_ms)
}

fn wide_labels(index: usize) -> Vec<u8> {
    let machine = index / 20;
    let words = [
        format!("svc-{:02}", machine % 20),
        format!("10.2.{}.{}:9100", machine / 250, machine % 250),
        format!("pod-{machine:05}"),
        format!("node-{:03}", machine % 300),
        format!("port-{:02}", index % 20),
    ];
    encode_labels(&[
        ("__name__", "machine_packets_total"),
        ("job", &words[0]),
        ("instance", &words[1]),
        ("pod", &words[2]),
        ("node", &words[3]),
        ("port", &words[4]),
        ("region", ["eu-1", "eu-2", "us-1"][machine % 3]),
        ("environment", ["production", "staging"][machine % 2]),
    ])
}
