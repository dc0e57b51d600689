//! The figures, for people and as JSON lines.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Context;
use serde_json::{Value, json};

/// What ours is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// As its users call it.
    pub name: &'static str,
    /// Its name in the JSON, after that of the figure.
    pub key: &'static str,
    /// Such as `7.0`; empty for a limit of the machine.
    pub version: &'static str,
    /// How it is set up, where that matters; may be empty.
    pub setting: &'static str,
}

impl Peer {
    /// A peer.
    pub const fn new(
        name: &'static str,
        key: &'static str,
        version: &'static str,
        setting: &'static str,
    ) -> Self {
        Self {
            name,
            key,
            version,
            setting,
        }
    }

    fn title(self) -> String {
        let words = [self.name, self.version].join(" ");
        match self.setting {
            "" => words,
            setting => format!("{words} ({setting})"),
        }
    }

    fn json(self, value: f64) -> Value {
        let name = match self.setting {
            "" => self.name.to_owned(),
            setting => format!("{} ({setting})", self.name),
        };
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
pub struct Figure {
    name: String,
    unit: &'static str,
    more_is_better: bool,
    ours: Vec<Run>,
    peers: Vec<(Peer, Vec<Run>)>,
    targets: Vec<(Peer, f64)>,
    at_most: Option<f64>,
    at_least: Option<f64>,
    beside: &'static str,
}

impl Figure {
    /// More is better; beside it, what the server's processors did for each.
    pub fn rate(name: impl Into<String>, unit: &'static str) -> Self {
        Self::new(
            name.into(),
            unit,
            true,
            "us of the server's processors each",
        )
    }

    /// Less is better; beside it, the median.
    pub fn latency(name: impl Into<String>, unit: &'static str) -> Self {
        Self::new(name.into(), unit, false, "p50")
    }

    /// Less is better.
    pub fn least(name: impl Into<String>, unit: &'static str) -> Self {
        Self::new(name.into(), unit, false, "")
    }

    fn new(name: String, unit: &'static str, more_is_better: bool, beside: &'static str) -> Self {
        Self {
            name,
            unit,
            more_is_better,
            ours: Vec::new(),
            peers: Vec::new(),
            targets: Vec::new(),
            at_most: None,
            at_least: None,
            beside,
        }
    }

    /// Adds a run of ours.
    pub fn ours(&mut self, value: f64, beside: f64) {
        self.ours.push(Run { value, beside });
    }

    /// Adds a run of a peer.
    pub fn peer(&mut self, peer: Peer, value: f64, beside: f64) {
        let run = Run { value, beside };
        match self.peers.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, runs)) => runs.push(run),
            None => self.peers.push((peer, vec![run])),
        }
    }

    /// How many times better than this peer it has to be.
    pub fn target(mut self, peer: Peer, ratio: f64) -> Self {
        self.targets.push((peer, ratio));
        self
    }

    /// What it may be at most.
    pub fn at_most(mut self, value: f64) -> Self {
        self.at_most = Some(value);
        self
    }

    /// What it has to be at least.
    pub fn at_least(mut self, value: f64) -> Self {
        self.at_least = Some(value);
        self
    }

    /// What the number beside a value is.
    pub fn note(mut self, beside: &'static str) -> Self {
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
        self.print_line("portique", ours, "");
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
        if let Some(least) = self.at_least {
            println!("  target: at least {least} {}", self.unit);
        }
    }

    fn print_line(&self, who: &str, run: Run, end: &str) {
        let beside = match &*self.beside_text(run) {
            "" => String::new(),
            text => format!("({text})"),
        };
        println!(
            "  {who:52} {:>12.2} {} {beside} {end}",
            run.value, self.unit
        );
    }

    fn beside_text(&self, run: Run) -> String {
        match self.beside {
            "" => String::new(),
            words => format!("{:.2} {words}", run.beside),
        }
    }

    fn lines(&self, bench: &str) -> Vec<Value> {
        let mut lines: Vec<_> = self
            .peers
            .iter()
            .map(|(peer, runs)| {
                let value = median(runs).value;
                let target = self.target_against(*peer);
                let figure = format!("{}_vs_{}", self.name, peer.key);
                self.line(
                    bench,
                    &figure,
                    peer.json(value),
                    Some(self.ratio(value)),
                    target,
                )
            })
            .collect();
        let most = self.at_most.map(|most| most / median(&self.ours).value);
        let least = self.at_least.map(|least| median(&self.ours).value / least);
        let bound = self.at_most.or(self.at_least);
        if lines.is_empty() || bound.is_some() {
            lines.push(self.line(bench, &self.name, Value::Null, most.or(least), bound));
        }
        lines
    }

    fn line(
        &self,
        bench: &str,
        figure: &str,
        peer: Value,
        ratio: Option<f64>,
        target: Option<f64>,
    ) -> Value {
        let ours = median(&self.ours);
        let values = || self.ours.iter().map(|run| run.value);
        json!({
            "bench": bench,
            "figure": figure,
            "unit": self.unit,
            "ours": ours.value,
            "peer": peer,
            "ratio": ratio,
            "target": target,
            "runs": self.ours.len(),
            "min": values().fold(f64::INFINITY, f64::min),
            "max": values().fold(f64::NEG_INFINITY, f64::max),
            "note": self.beside_text(ours),
        })
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub struct Report {
    bench: &'static str,
    figures: Vec<Figure>,
}

impl Report {
    /// An empty report of a benchmark: the name of its folder.
    pub fn new(bench: &'static str) -> Self {
        Self {
            bench,
            figures: Vec::new(),
        }
    }

    /// Prints a figure and keeps it.
    pub fn add(&mut self, figure: Figure) {
        figure.print();
        self.figures.push(figure);
    }

    /// Appends one JSON object a line to the file that `BENCH_JSON` names, if it does.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append_json(&self) -> anyhow::Result<()> {
        let Some(path) = std::env::var_os("BENCH_JSON") else {
            return Ok(());
        };
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let lines = self.figures.iter();
        for line in lines.flat_map(|figure| figure.lines(self.bench)) {
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
