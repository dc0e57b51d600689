use crate::Reason;
use crate::float_text::{parse_seconds, parse_value};
use crate::rejection::Bad;
use crate::text::TextFormat;
use crate::text::line::{Line, Run};

/// One line with a value, as places in it.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: Run,
    pub(super) value: f64,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) exemplar: Option<Exemplar>,
}

#[derive(Debug)]
pub(super) struct Exemplar {
    pub(super) value: f64,
    pub(super) timestamp_ms: Option<i64>,
}

/// Room for the labels of one line, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    labels: Vec<(Run, Run)>,
    exemplar: Vec<(Run, Run)>,
    resolved: String,
}

/// The runs of a line as texts.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    line: &'a str,
    scratch: &'a Scratch,
}

impl Scratch {
    pub(super) fn texts<'a>(&'a self, line: &'a str) -> Texts<'a> {
        Texts {
            line,
            scratch: self,
        }
    }
}

impl<'a> Texts<'a> {
    pub(super) fn at(self, run: Run) -> &'a str {
        match run.is_resolved {
            true => &self.scratch.resolved[run.begin..run.end],
            false => &self.line[run.begin..run.end],
        }
    }

    pub(super) fn labels(self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        let labels = self.scratch.labels.iter();
        labels.map(move |(name, value)| (self.at(*name), self.at(*value)))
    }

    pub(super) fn exemplar_labels(self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        let labels = self.scratch.exemplar.iter();
        labels.map(move |(name, value)| (self.at(*name), self.at(*value)))
    }
}

impl Sample {
    pub(super) fn scan(
        mut line: Line<'_>,
        format: TextFormat,
        scratch: &mut Scratch,
    ) -> Result<Self, Bad> {
        scratch.labels.clear();
        scratch.exemplar.clear();
        scratch.resolved.clear();
        let name = scan_series(&mut line, format, scratch)?;
        let value = scan_value(&mut line)?;
        let timestamp_ms = scan_timestamp(&mut line, format)?;
        let exemplar = match format {
            TextFormat::OpenMetrics => scan_exemplar(&mut line, scratch)?,
            TextFormat::Prometheus => None,
        };
        line.skip_blanks();
        if !line.is_at_end() {
            return Err(line.wrong("nothing may follow the timestamp"));
        }
        Ok(Self {
            name,
            value,
            timestamp_ms,
            exemplar,
        })
    }
}

/// Takes the name and the labels up to where the value begins.
fn scan_series(line: &mut Line<'_>, format: TextFormat, scratch: &mut Scratch) -> Result<Run, Bad> {
    let mut name = line.name(true);
    let has_name = name.begin < name.end;
    if format == TextFormat::Prometheus {
        line.skip_blanks();
    }
    if !line.eat('{') {
        if !has_name {
            let right = "begin with a letter, _ or :, or write the name in quotes within {}";
            return Err(line.wrong(&format!("a metric name is missing: {right}")));
        }
        let is_blank_before = line.at() > name.end;
        if !is_blank_before && !line.skip_blanks() {
            let right = "a space, or labels in {}";
            return Err(line.wrong(&format!("the metric name is followed by neither {right}")));
        }
        return Ok(name);
    }
    let Scratch {
        labels, resolved, ..
    } = scratch;
    let quoted = scan_labels(line, labels, resolved)?;
    match (has_name, quoted) {
        (true, None) => {}
        (false, Some(quoted)) => name = quoted,
        (true, Some(_)) => return Err(line.wrong("there are two metric names")),
        (false, None) => return Err(line.wrong("no metric name, neither before { nor in quotes")),
    }
    let is_separated = line.skip_blanks();
    if !is_separated && format == TextFormat::OpenMetrics {
        return Err(line.wrong("a space is missing after }"));
    }
    Ok(name)
}

/// Takes labels up to and with the closing brace; returns a name in quotes that has no value: the metric's.
fn scan_labels(
    line: &mut Line<'_>,
    labels: &mut Vec<(Run, Run)>,
    resolved: &mut String,
) -> Result<Option<Run>, Bad> {
    let mut metric = None;
    loop {
        line.skip_blanks();
        if line.eat('}') {
            return Ok(metric);
        }
        let (name, is_quoted) = match line.quoted(resolved) {
            Some(name) => (name?, true),
            None => (line.name(false), false),
        };
        if !is_quoted && name.begin == name.end {
            let right = "begin it with a letter or _, or write it in quotes";
            return Err(line.wrong(&format!("a label name is missing: {right}")));
        }
        line.skip_blanks();
        if line.eat('=') {
            line.skip_blanks();
            let value = line.quoted(resolved);
            let value = value.ok_or_else(|| line.wrong("a label value is not in quotes"))?;
            labels.push((name, value?));
        } else if is_quoted && metric.is_none() && labels.is_empty() {
            metric = Some(name);
        } else {
            return Err(line.wrong("a label name is not followed by ="));
        }
        line.skip_blanks();
        if !line.eat(',') && line.peek() != Some(b'}') {
            return Err(line.wrong("a label is followed by neither , nor }"));
        }
    }
}

fn scan_value(line: &mut Line<'_>) -> Result<f64, Bad> {
    let before = *line;
    let word = line.word();
    if word.is_empty() {
        return Err(before.wrong("the value is missing"));
    }
    parse_value(word).ok_or_else(|| {
        let wrong = format!("the value {:?} is no number", cut(word));
        Bad {
            reason: Reason::BadValue,
            ..before.wrong(&wrong)
        }
    })
}

fn scan_timestamp(line: &mut Line<'_>, format: TextFormat) -> Result<Option<i64>, Bad> {
    line.skip_blanks();
    let before = *line;
    if line.is_at_end() || line.peek() == Some(b'#') && format == TextFormat::OpenMetrics {
        return Ok(None);
    }
    let word = line.word();
    let (timestamp_ms, unit) = match format {
        TextFormat::Prometheus => (word.parse().ok(), "whole milliseconds"),
        TextFormat::OpenMetrics => (parse_seconds(word), "seconds"),
    };
    match timestamp_ms {
        Some(timestamp_ms) => Ok(Some(timestamp_ms)),
        None => {
            let wrong = format!("the timestamp {:?} is not in {unit} since 1970", cut(word));
            Err(Bad {
                reason: Reason::BadTimestamp,
                ..before.wrong(&wrong)
            })
        }
    }
}

fn scan_exemplar(line: &mut Line<'_>, scratch: &mut Scratch) -> Result<Option<Exemplar>, Bad> {
    line.skip_blanks();
    if !line.eat('#') {
        return Ok(None);
    }
    line.skip_blanks();
    if !line.eat('{') {
        return Err(line.wrong("an exemplar begins with its labels in {}"));
    }
    let Scratch {
        exemplar, resolved, ..
    } = scratch;
    if scan_labels(line, exemplar, resolved)?.is_some() {
        return Err(line.wrong("an exemplar has no metric name"));
    }
    line.skip_blanks();
    let value = scan_value(line)?;
    let timestamp_ms = scan_timestamp(line, TextFormat::OpenMetrics)?;
    Ok(Some(Exemplar {
        value,
        timestamp_ms,
    }))
}

/// So much of a word goes into a message.
const WORD_CHARS_MAX: usize = 40;

fn cut(word: &str) -> String {
    word.chars().take(WORD_CHARS_MAX).collect()
}
