use portique_series::{Batch, MetricKind};

use crate::Reason;
use crate::float_text::{parse_value, write_bound};
use crate::metric_kind::of_word;
use crate::rejection::Bad;
use crate::text::TextFormat;
use crate::text::line::Line;

/// The metric that HELP, TYPE and UNIT lines speak of, and that the samples after them belong to.
#[derive(Debug, Default)]
pub(super) struct Family {
    name: String,
    kind: Option<MetricKind>,
    help: Option<String>,
    unit: Option<String>,
}

impl Family {
    /// Takes a line after its `#`; `false` when it is a comment like any other.
    pub(super) fn comment(
        &mut self,
        mut line: Line<'_>,
        format: TextFormat,
        batch: &mut Batch,
    ) -> Result<bool, Bad> {
        if !line.skip_blanks() {
            return Ok(false);
        }
        let keyword = line.word();
        if !["HELP", "TYPE", "UNIT"].contains(&keyword) {
            return Ok(false);
        }
        line.skip_blanks();
        let name = name(&mut line, keyword)?;
        let text = line.rest().strip_prefix([' ', '\t']).unwrap_or("");
        match keyword {
            "HELP" => {
                self.enter(&name, batch);
                self.help = Some(unescape(text, format));
            }
            "TYPE" => {
                let kind = kind(text.trim_matches([' ', '\t']))?;
                self.enter(&name, batch);
                self.kind = Some(kind);
            }
            _ => {
                self.enter(&name, batch);
                self.unit = Some(text.trim_matches([' ', '\t']).to_owned());
            }
        }
        Ok(true)
    }

    /// The name, when the series belongs to it and its kind has start times.
    pub(super) fn with_starts(&self, series: &str) -> Option<&str> {
        let has_starts = matches!(
            self.kind,
            Some(
                MetricKind::Counter
                    | MetricKind::Histogram
                    | MetricKind::GaugeHistogram
                    | MetricKind::Summary
            )
        );
        let is_member = series.starts_with(&self.name) && !self.name.is_empty();
        (has_starts && is_member).then_some(self.name.as_str())
    }

    /// Whether a label is a bucket's bound or a quantile, which have one spelling whoever sends them.
    pub(super) fn is_bound(&self, label: &str) -> bool {
        match self.kind {
            Some(MetricKind::Histogram | MetricKind::GaugeHistogram) => label == "le",
            Some(MetricKind::Summary) => label == "quantile",
            _ => false,
        }
    }

    /// Hands over what was said so far.
    pub(super) fn flush(&mut self, batch: &mut Batch) {
        let (kind, help, unit) = (self.kind.take(), self.help.take(), self.unit.take());
        if kind.is_some() || help.is_some() || unit.is_some() {
            let (help, unit) = (help.unwrap_or_default(), unit.unwrap_or_default());
            batch.metadata(&self.name, kind.unwrap_or_default(), &help, &unit);
        }
    }

    fn enter(&mut self, name: &str, batch: &mut Batch) {
        if self.name != name {
            self.flush(batch);
            name.clone_into(&mut self.name);
        }
    }
}

/// Room to spell a bound in.
#[derive(Debug, Default)]
pub(super) struct Bound {
    spelt: String,
}

impl Bound {
    pub(super) fn label(&mut self, batch: &mut Batch, name: &str, value: &str) {
        let Some(bound) = parse_value(value) else {
            batch.label(name, value);
            return;
        };
        self.spelt.clear();
        write_bound(&mut self.spelt, bound);
        batch.label(name, &self.spelt);
    }
}

fn name(line: &mut Line<'_>, keyword: &str) -> Result<String, Bad> {
    let before = *line;
    let mut resolved = String::new();
    if let Some(run) = line.quoted(&mut resolved) {
        let run = run?;
        return Ok(match run.is_resolved {
            true => resolved,
            false => before.rest()[1..=run.end - run.begin].to_owned(),
        });
    }
    let run = line.name(true);
    let name = &before.rest()[..run.end - run.begin];
    let is_followed = matches!(line.peek(), None | Some(b' ' | b'\t'));
    if name.is_empty() || !is_followed {
        let wrong = format!("{keyword} is not followed by a metric name");
        return Err(Bad {
            reason: Reason::BadMetadata,
            ..before.wrong(&wrong)
        });
    }
    Ok(name.to_owned())
}

fn kind(word: &str) -> Result<MetricKind, Bad> {
    of_word(word).ok_or_else(|| {
        let word: String = word.chars().take(40).collect();
        let right = "counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown";
        Bad::new(
            Reason::BadMetadata,
            format!("the type {word:?} is none of {right}"),
        )
    })
}

fn unescape(text: &str, format: TextFormat) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('\\') => plain.push('\\'),
            Some('"') if format == TextFormat::OpenMetrics => plain.push('"'),
            other => plain.extend(['\\'].into_iter().chain(other)),
        }
    }
    plain
}
