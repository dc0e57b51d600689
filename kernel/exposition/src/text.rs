//! The text formats of Prometheus (0.0.4) and OpenMetrics (1.0), line by line.
//!
//! A line is scanned into places in the body first and goes into the batch once it is known to be whole, so a bad
//! line leaves nothing behind. Names in quotes may hold any UTF-8. What a text calls NaN becomes the ordinary NaN:
//! a stale marker cannot be written in text.
//!
//! Sources: Prometheus, exposition formats; OpenMetrics 1.0.

mod family;
mod line;
mod sample;
mod start;
mod write;

pub use write::{NameEscaping, TextWriter};

use portique_series::{Batch, METRIC_NAME};

use crate::exemplar::exemplar_labels;
use crate::lines::{lines, text_of};
use crate::rejection::Bad;
use crate::{Place, Reason, Rejections, ScrapeCounts, ScrapeOptions};
use family::{Bound, Family};
use line::Line;
use sample::{Sample, Scratch};
use start::Starts;

/// Which text format a body is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// Prometheus' own, version 0.0.4: blanks where they please, milliseconds, comments.
    Prometheus,
    /// OpenMetrics 1.0: one space, seconds, exemplars, a last line `# EOF`.
    OpenMetrics,
}

/// Adds what a body holds to the batch, each line as a series of its own, in its order.
///
/// An OpenMetrics body without its last line `# EOF` may have been cut: its lines are kept, that is rejected, and
/// [`is_complete`](ScrapeCounts::is_complete) says so.
pub fn read_text(
    body: &[u8],
    format: TextFormat,
    options: &ScrapeOptions,
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> ScrapeCounts {
    let mut reader = Reader {
        format,
        options,
        batch,
        rejections,
        starts: match format {
            TextFormat::Prometheus => Starts::default(),
            TextFormat::OpenMetrics => Starts::of(body),
        },
        family: Family::default(),
        scratch: Scratch::default(),
        bound: Bound::default(),
        counts: ScrapeCounts::default(),
        has_ended: false,
    };
    for (index, line) in lines(body).enumerate() {
        let place = Place::Line(index as u64 + 1);
        if let Err(bad) = reader.line(line, place) {
            reader.rejections.add(place, bad, line);
        }
    }
    reader.finish(body)
}

struct Reader<'o, 'b> {
    format: TextFormat,
    options: &'o ScrapeOptions,
    batch: &'b mut Batch,
    rejections: &'b mut Rejections,
    starts: Starts,
    family: Family,
    scratch: Scratch,
    bound: Bound,
    counts: ScrapeCounts,
    has_ended: bool,
}

impl Reader<'_, '_> {
    fn line(&mut self, bytes: &[u8], place: Place) -> Result<(), Bad> {
        if self.has_ended {
            return Err(Bad::new(Reason::AfterEnd, "there is more after # EOF"));
        }
        let text = text_of(bytes)?;
        let mut line = Line::new(text);
        if self.format == TextFormat::Prometheus {
            line.skip_blanks();
            if line.is_at_end() {
                return Ok(());
            }
        }
        if line.eat('#') {
            return self.comment(line);
        }
        let sample = Sample::scan(line, self.format, &mut self.scratch)?;
        self.sample(text, &sample, place)
    }

    fn comment(&mut self, line: Line<'_>) -> Result<(), Bad> {
        let is_open = self.format == TextFormat::OpenMetrics;
        if is_open && line.rest() == " EOF" {
            self.has_ended = true;
            return Ok(());
        }
        let known = self.family.comment(line, self.format, self.batch)?;
        if is_open && !known {
            let wrong = "OpenMetrics has no comments: write HELP, TYPE, UNIT or EOF after #";
            return Err(Bad::new(Reason::Syntax, wrong));
        }
        Ok(())
    }

    fn sample(&mut self, text: &str, sample: &Sample, place: Place) -> Result<(), Bad> {
        let texts = self.scratch.texts(text);
        let name = texts.at(sample.name);
        let family = self.family.with_starts(name);
        if family.is_some_and(|family| name.strip_prefix(family) == Some("_created")) {
            return Ok(());
        }
        self.batch.begin();
        self.batch.label(METRIC_NAME, name);
        for (name, value) in texts.labels() {
            match self.family.is_bound(name) {
                true => self.bound.label(self.batch, name, value),
                false => self.batch.label(name, value),
            }
        }
        self.batch.end_labels()?;
        let timestamp_ms = self.options.timestamp_ms(sample.timestamp_ms);
        self.batch.float(timestamp_ms, sample.value);
        self.counts.samples += 1;
        if let Some(family) = family {
            self.batch.start(self.starts.find(family, texts.labels()));
        }
        if let Some(exemplar) = &sample.exemplar {
            match exemplar_labels(texts.exemplar_labels()) {
                Ok(labels) => {
                    let at_ms = exemplar.timestamp_ms.unwrap_or(timestamp_ms);
                    self.batch.exemplar(labels, exemplar.value, at_ms);
                    self.counts.exemplars += 1;
                }
                Err(bad) => self.rejections.add(place, bad, text.as_bytes()),
            }
        }
        Ok(())
    }

    fn finish(mut self, body: &[u8]) -> ScrapeCounts {
        self.family.flush(self.batch);
        self.counts.is_complete = self.has_ended || self.format == TextFormat::Prometheus;
        if !self.counts.is_complete {
            let wrong = "the last line is not # EOF: the body may have been cut";
            let place = Place::Line(lines(body).count() as u64 + 1);
            self.rejections
                .add(place, Bad::new(Reason::NoEnd, wrong), b"");
        }
        self.counts
    }
}

#[cfg(test)]
mod tests;
