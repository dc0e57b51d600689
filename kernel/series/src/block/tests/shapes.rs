//! What telemetry looks like, and how many bytes it takes.

use super::*;

const SAMPLES: usize = 20_000;

/// A generator that gives the same shapes everywhere.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// Nearly normal, around 0 with a deviation of 1.
    fn normal(&mut self) -> f64 {
        let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
        (0..12).map(|_| unit(self.bits())).sum::<f64>() - 6.0
    }
}

fn rounded(float: f64, decimals: i32) -> f64 {
    let power = 10f64.powi(decimals);
    (float * power).round() / power
}

/// The shape's name, and the float after another at a step.
type Shape = (&'static str, fn(&mut Random, usize, f64) -> f64);

/// Shapes of machines, meters and a rocket.
const SHAPES: [Shape; 11] = [
    ("up", |random, _, _| {
        f64::from(u8::from(random.below(5_000) != 0))
    }),
    ("sparse bucket counter", |random, _, last| {
        last + f64::from(u8::from(random.below(40) == 0))
    }),
    ("integer counter", |random, _, last| {
        last + (random.below(60) + random.below(60)) as f64
    }),
    ("memory in pages", |random, i, last| {
        let base = if i == 0 { 3_200_000_000.0 } else { last };
        let step = if random.below(5) == 0 {
            random.below(31) as f64 - 15.0
        } else {
            0.0
        };
        base + step * 4096.0
    }),
    ("energy register", |random, _, last| {
        rounded(last + random.below(9) as f64 / 1000.0, 3)
    }),
    ("power", |random, i, last| match (i, random.below(12)) {
        (0, _) => 0.4,
        (_, 0) => random.below(4_000) as f64 / 1000.0,
        _ => rounded((last + random.normal() * 0.006).abs(), 3),
    }),
    ("voltage", |random, i, last| {
        let base = if i == 0 { 240.0 } else { last };
        rounded(base + (240.0 - base) * 0.05 + random.normal() * 0.4, 2)
    }),
    ("velocity", |random, i, last| match i % 30 {
        0 => rounded(last + 0.2 + random.normal().abs() * 0.1, 1),
        _ => last,
    }),
    ("altitude", |random, i, last| match i % 60 {
        0 => rounded(last + 0.1 * (1 + random.below(3)) as f64, 1),
        _ => last,
    }),
    ("latency sum", |random, _, last| {
        last + 0.05 * random.normal().abs() * random.below(20) as f64
    }),
    ("sensor noise", |random, _, _| 21.5 + random.normal() * 0.3),
];

/// Scraped every 15 s with a millisecond or two of jitter; the rocket 30 times a second, meters each minute.
fn timestamps(random: &mut Random, shape: &str) -> Vec<i64> {
    let (interval, jitter) = match shape {
        "velocity" | "altitude" => (33, 2),
        "energy register" | "power" | "voltage" => (60_000, 1),
        _ => (15_000, 3),
    };
    let first = 1_700_000_000_000;
    (0..SAMPLES as i64)
        .map(|i| first + i * interval + random.below(jitter) as i64)
        .collect()
}

fn shape(index: usize, random: &mut Random, times: &[i64]) -> Samples {
    let mut last = 0.0;
    let mut samples = Samples::default();
    for (i, time) in times.iter().enumerate() {
        last = SHAPES[index].1(random, i, last);
        samples.push_float(*time, last);
    }
    samples
}

/// A shape in a block of its own, as a few series that are scraped together.
fn measure(index: usize) -> (f64, Arc<Block>, TempDir) {
    let mut random = Random(index as u64);
    let times = timestamps(&mut random, SHAPES[index].0);
    let name = |i: usize| {
        labels(&[
            ("__name__", "m"),
            ("instance", &format!("host-{i}:9100")),
            ("job", "node"),
        ])
    };
    let series: Series = (0..8)
        .map(|i| (name(i), shape(index, &mut random, &times)))
        .collect();
    let (root, block) = written(&series);
    let meta = block.meta();
    (meta.bytes as f64 / meta.samples as f64, block, root)
}

#[test]
fn mixed_telemetry_takes_at_most_1_6_bytes_a_sample() {
    let mut total = 0.0;
    for (index, (name, _)) in SHAPES.iter().enumerate() {
        let (bytes, block, _root) = measure(index);
        println!("{name:24} {bytes:.3} bytes a sample");
        total += bytes;
        let mut random = Random(index as u64);
        let times = timestamps(&mut random, name);
        assert_eq!(
            exactly(&read_all(&block, 0)),
            exactly(&shape(index, &mut random, &times))
        );
    }
    let mean = total / SHAPES.len() as f64;
    println!("{:24} {mean:.3} bytes a sample", "mean");
    assert!(mean <= 1.6, "{mean} bytes a sample");
}
