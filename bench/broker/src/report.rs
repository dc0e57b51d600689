//! The figures, for people and as JSON lines.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Context;
use serde_json::{Value, json};

/// What ours is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Its name in the JSON.
    key: &'static str,
    version: &'static str,
    /// When it syncs what it stores, in its own word.
    pub(crate) sync: &'static str,
}

impl Peer {
    pub(crate) const BULLMQ_EVERYSEC: Self =
        Self::new("BullMQ on Redis", "bullmq_everysec", "6.7.0", "everysec");
    pub(crate) const BULLMQ_ALWAYS: Self =
        Self::new("BullMQ on Redis", "bullmq_always", "6.7.0", "always");
    pub(crate) const NATS: Self = Self::new(
        "NATS JetStream, file storage",
        "nats",
        "2.10",
        "as it ships",
    );
    pub(crate) const NATS_ALWAYS: Self = Self::new(
        "NATS JetStream, file storage",
        "nats_sync_always",
        "2.10",
        "always",
    );
    pub(crate) const STREAMS_EVERYSEC: Self =
        Self::new("Redis Streams", "redis_streams", "7.0", "everysec");
    pub(crate) const STREAMS_ALWAYS: Self = Self::new(
        "Redis Streams",
        "redis_streams_sync_always",
        "7.0",
        "always",
    );
    /// The machine's own limit.
    pub(crate) const DISK: Self =
        Self::new("write and fdatasync of a sector", "disk", "", "always");

    const fn new(
        name: &'static str,
        key: &'static str,
        version: &'static str,
        sync: &'static str,
    ) -> Self {
        Self {
            name,
            key,
            version,
            sync,
        }
    }

    fn title(self) -> String {
        format!("{} {} (sync {})", self.name, self.version, self.sync)
    }

    fn json(self, value: f64) -> Value {
        let name = format!("{} (sync {})", self.name, self.sync);
        json!({ "name": name, "version": self.version, "value": value })
    }
}

/// A value, and another number that says more about it.
#[derive(Debug, Clone, Copy)]
struct Run {
    value: f64,
    beside: f64,
}

/// One thing measured on both sides.
#[derive(Debug)]
pub(crate) struct Figure {
    name: String,
    /// Its name in the JSON, before that of whom it is held against.
    key: String,
    unit: &'static str,
    more_is_better: bool,
    ours: Vec<Run>,
    peers: Vec<(Peer, Vec<Run>)>,
    targets: Vec<(Peer, f64)>,
    at_most: Option<f64>,
    beside: &'static str,
}

impl Figure {
    /// More is better; beside it, what the server's processors did for each.
    pub(crate) fn rate(
        key: impl Into<String>,
        name: impl Into<String>,
        unit: &'static str,
    ) -> Self {
        Self::new(
            key.into(),
            name.into(),
            unit,
            true,
            "us of the server's processors each",
        )
    }

    /// Less is better; beside it, the median.
    pub(crate) fn latency(
        key: impl Into<String>,
        name: impl Into<String>,
        unit: &'static str,
    ) -> Self {
        Self::new(key.into(), name.into(), unit, false, "p50")
    }

    /// Less is better.
    pub(crate) fn least(
        key: impl Into<String>,
        name: impl Into<String>,
        unit: &'static str,
    ) -> Self {
        Self::new(key.into(), name.into(), unit, false, "")
    }

    fn new(
        key: String,
        name: String,
        unit: &'static str,
        more_is_better: bool,
        beside: &'static str,
    ) -> Self {
        Self {
            name,
            key,
            unit,
            more_is_better,
            ours: Vec::new(),
            peers: Vec::new(),
            targets: Vec::new(),
            at_most: None,
            beside,
        }
    }

    /// Adds a run of ours.
    pub(crate) fn ours(&mut self, value: f64, beside: f64) {
        self.ours.push(Run { value, beside });
    }

    /// Adds a run of a peer.
    pub(crate) fn peer(&mut self, peer: Peer, value: f64, beside: f64) {
        let run = Run { value, beside };
        match self.peers.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, runs)) => runs.push(run),
            None => self.peers.push((peer, vec![run])),
        }
    }

    /// How many times better than this peer it has to be.
    pub(crate) fn target(mut self, peer: Peer, ratio: f64) -> Self {
        self.targets.push((peer, ratio));
        self
    }

    /// What it may be at most.
    pub(crate) fn at_most(mut self, value: f64) -> Self {
        self.at_most = Some(value);
        self
    }

    /// What the number beside a value is.
    pub(crate) fn note(mut self, beside: &'static str) -> Self {
        self.beside = beside;
        self
    }

    fn ratio(&self, peer: f64) -> f64 {
        let ours = median(&self.ours).value;
        if self.more_is_better {
            ours / peer
        } else {
            peer / ours
        }
    }

    fn target_against(&self, peer: Peer) -> Option<f64> {
        let mut targets = self.targets.iter();
        targets.find(|(of, _)| *of == peer).map(|(_, ratio)| *ratio)
    }

    fn print(&self) {
        let ours = median(&self.ours);
        println!("{}", self.name);
        self.print_line("portique (sync always)", ours, "");
        for (peer, runs) in &self.peers {
            let run = median(runs);
            let target = match self.target_against(*peer) {
                Some(target) => format!(", target {target:.2} x"),
                None => String::new(),
            };
            let end = format!("ours is {:.2} x{target}", self.ratio(run.value));
            self.print_line(&peer.title(), run, &end);
        }
        if let Some(most) = self.at_most {
            println!("  target: at most {most} {}", self.unit);
        }
    }

    fn print_line(&self, who: &str, run: Run, end: &str) {
        let beside = match self.beside {
            "" => String::new(),
            words => format!("({:.2} {words})", run.beside),
        };
        println!(
            "  {who:52} {:>12.2} {} {beside} {end}",
            run.value, self.unit
        );
    }

    fn lines(&self) -> Vec<Value> {
        let mut lines: Vec<_> = self
            .peers
            .iter()
            .map(|(peer, runs)| {
                let value = median(runs).value;
                let target = self.target_against(*peer);
                let figure = format!("{}_vs_{}", self.key, peer.key);
                self.line(&figure, peer.json(value), Some(self.ratio(value)), target)
            })
            .collect();
        if lines.is_empty() || self.at_most.is_some() {
            let ratio = self.at_most.map(|most| most / median(&self.ours).value);
            lines.push(self.line(&self.key, Value::Null, ratio, self.at_most));
        }
        lines
    }

    fn line(&self, figure: &str, peer: Value, ratio: Option<f64>, target: Option<f64>) -> Value {
        let ours = median(&self.ours);
        let values = || self.ours.iter().map(|run| run.value);
        json!({
            "bench": "broker",
            "figure": figure,
            "unit": self.unit,
            "ours": ours.value,
            "peer": peer,
            "ratio": ratio,
            "target": target,
            "runs": self.ours.len(),
            "min": values().fold(f64::INFINITY, f64::min),
            "max": values().fold(f64::NEG_INFINITY, f64::max),
            "note": format!("{}; {:.2} {}", self.name, ours.beside, self.beside),
        })
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Figure>);

impl Report {
    /// Prints a figure and keeps it.
    pub(crate) fn add(&mut self, figure: Figure) -> anyhow::Result<()> {
        figure.print();
        self.0.push(figure);
        Ok(())
    }

    /// Appends one JSON object a line to the file that `BENCH_JSON` names, if it does.
    pub(crate) fn append_json(&self) -> anyhow::Result<()> {
        let Some(path) = std::env::var_os("BENCH_JSON") else {
            return Ok(());
        };
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        for line in self.0.iter().flat_map(Figure::lines) {
            writeln!(file, "{line}")?;
        }
        Ok(())
    }
}

fn median(runs: &[Run]) -> Run {
    let mut runs = runs.to_vec();
    runs.sort_by(|a, b| a.value.total_cmp(&b.value));
    let none = Run {
        value: f64::NAN,
        beside: f64::NAN,
    };
    runs.get(runs.len() / 2).copied().unwrap_or(none)
}
