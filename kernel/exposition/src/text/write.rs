use std::fmt::Write;

use portique_series::{Histogram, Labels, METRIC_NAME, Metadata, MetricKind};

use crate::float_text::{write_bound, write_value};
use crate::text::TextFormat;

/// What becomes of names that older readers do not know: those with other characters than letters, digits, `_`
/// and, in metric names, `:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NameEscaping {
    /// They are written in quotes.
    AllowUtf8,
    /// Each other character becomes `_`.
    #[default]
    Underscores,
}

impl NameEscaping {
    /// What an `Accept` header asks for with `escaping=`; underscores when it says nothing that is known.
    pub fn of_accept(accept: &str) -> Self {
        match accept.contains("escaping=allow-utf-8") {
            true => Self::AllowUtf8,
            false => Self::Underscores,
        }
    }
}

/// Writes a body: for each metric its [`family`](Self::family), then its samples.
#[derive(Debug)]
pub struct TextWriter {
    format: TextFormat,
    escaping: NameEscaping,
    out: String,
}

impl TextWriter {
    /// An empty body.
    pub fn new(format: TextFormat, escaping: NameEscaping) -> Self {
        Self {
            format,
            escaping,
            out: String::new(),
        }
    }

    /// Begins a metric: its samples follow. OpenMetrics names counters without `_total`.
    pub fn family(&mut self, name: &str, metadata: &Metadata) {
        let is_open = self.format == TextFormat::OpenMetrics;
        let kind = match metadata.kind {
            MetricKind::Unknown if !is_open => "untyped",
            kind => kind.as_str(),
        };
        let name = match metadata.kind {
            MetricKind::Counter if is_open => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        if !metadata.help.is_empty() {
            self.comment("HELP", name);
            let help = metadata.help.replace('\\', "\\\\").replace('\n', "\\n");
            self.out.push_str(&match is_open {
                true => help.replace('"', "\\\""),
                false => help,
            });
            self.out.push('\n');
        }
        self.comment("TYPE", name);
        self.out.push_str(kind);
        self.out.push('\n');
        if is_open && !metadata.unit.is_empty() {
            self.comment("UNIT", name);
            self.out.push_str(&metadata.unit);
            self.out.push('\n');
        }
    }

    /// Writes a float; labels hold the metric's name.
    pub fn float(&mut self, labels: &Labels, value: f64, timestamp_ms: Option<i64>) {
        self.series(labels, "", None);
        self.value(value, timestamp_ms);
    }

    /// Writes a native histogram as text can: with its bounds when they are custom, as one bucket otherwise.
    pub fn histogram(&mut self, labels: &Labels, histogram: &Histogram, timestamp_ms: Option<i64>) {
        for (bound, count) in cumulative(histogram) {
            let mut le = String::new();
            write_bound(&mut le, bound);
            self.series(labels, "_bucket", Some(&le));
            self.value(count, timestamp_ms);
        }
        self.series(labels, "_sum", None);
        self.value(histogram.sum, timestamp_ms);
        self.series(labels, "_count", None);
        self.value(histogram.count, timestamp_ms);
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is nothing in it yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The body, with the end that OpenMetrics marks.
    pub fn finish(mut self) -> String {
        if self.format == TextFormat::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn comment(&mut self, keyword: &str, name: &str) {
        self.out.extend(["# ", keyword, " "]);
        match self.is_plain(name, true) {
            true => self.name(name, true),
            false => self.quoted(name),
        }
        self.out.push(' ');
    }

    fn series(&mut self, labels: &Labels, suffix: &str, le: Option<&str>) {
        let metric = format!("{}{suffix}", labels.metric());
        let is_plain = self.is_plain(&metric, true);
        let mut separator = '{';
        if is_plain {
            self.name(&metric, true);
        } else {
            self.out.push('{');
            self.quoted(&metric);
            separator = ',';
        }
        let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        for (name, value) in others.chain(le.map(|le| ("le", le))) {
            self.out.push(separator);
            match self.is_plain(name, false) {
                true => self.name(name, false),
                false => self.quoted(name),
            }
            self.out.push('=');
            self.quoted(value);
            separator = ',';
        }
        if separator == ',' {
            self.out.push('}');
        }
    }

    fn value(&mut self, value: f64, timestamp_ms: Option<i64>) {
        self.out.push(' ');
        write_value(&mut self.out, value);
        let written = match (timestamp_ms, self.format) {
            (None, _) => Ok(()),
            (Some(at_ms), TextFormat::Prometheus) => write!(self.out, " {at_ms}"),
            (Some(at_ms), TextFormat::OpenMetrics) => {
                let sign = if at_ms < 0 { "-" } else { "" };
                let (seconds, rest) = (at_ms.unsigned_abs() / 1000, at_ms.unsigned_abs() % 1000);
                write!(self.out, " {sign}{seconds}.{rest:03}")
            }
        };
        written.expect("a string takes everything");
        self.out.push('\n');
    }

    /// Whether a name is written without quotes.
    fn is_plain(&self, name: &str, is_metric: bool) -> bool {
        self.escaping == NameEscaping::Underscores || is_legacy_name(name, is_metric)
    }

    fn name(&mut self, name: &str, is_metric: bool) {
        if is_legacy_name(name, is_metric) {
            self.out.push_str(name);
            return;
        }
        let is_kept = |index: usize, char: char| {
            char.is_ascii_alphabetic()
                || char == '_'
                || char == ':' && is_metric
                || char.is_ascii_digit() && index > 0
        };
        let chars = name.char_indices();
        let kept = chars.map(|(index, char)| if is_kept(index, char) { char } else { '_' });
        self.out.extend(kept);
        if name.is_empty() {
            self.out.push('_');
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for char in text.chars() {
            match char {
                '\\' => self.out.push_str("\\\\"),
                '"' => self.out.push_str("\\\""),
                '\n' => self.out.push_str("\\n"),
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }
}

fn is_legacy_name(name: &str, is_metric: bool) -> bool {
    let is_inner =
        |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b':' && is_metric;
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| !first.is_ascii_digit()) && bytes.iter().all(is_inner)
}

/// Upper bounds with the observations up to them; +Inf is the last.
fn cumulative(histogram: &Histogram) -> Vec<(f64, f64)> {
    let mut buckets = vec![0.0; histogram.custom_bounds.len()];
    let mut counts = histogram.positive_buckets.iter();
    let mut index = 0_usize;
    for span in &histogram.positive_spans {
        index = index.saturating_add_signed(span.offset as isize);
        for count in counts.by_ref().take(span.length as usize) {
            if let Some(bucket) = buckets.get_mut(index) {
                *bucket = *count;
            }
            index = index.saturating_add(1);
        }
    }
    let mut total = 0.0;
    let bounds = histogram.custom_bounds.iter().zip(buckets);
    let mut all: Vec<_> = bounds
        .map(|(bound, count)| {
            total += count;
            (*bound, total)
        })
        .collect();
    all.push((f64::INFINITY, histogram.count));
    all
}
