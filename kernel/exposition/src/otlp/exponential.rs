use portique_series::{Histogram, STALE, Span};

use crate::native::{BUCKETS_MAX, check};
use crate::otlp::Sink;
use crate::otlp::point::{Point, Stop};
use crate::rejection::Bad;
use crate::wire::Message;
use crate::{Error, Reason};

/// The finest schema that native histograms have; finer ones are merged into it.
const SCALE_MAX: i32 = 8;
/// The coarsest.
const SCALE_MIN: i32 = -4;
/// The width of a zero bucket that says nothing of its width.
///
/// Source: OpenTelemetry specification, compatibility with Prometheus.
const DEFAULT_ZERO_THRESHOLD: f64 = 1e-128;
/// So many empty buckets cost less than another span.
const GAP_MAX: i64 = 2;

/// Counts of one side, where the first has the index `offset`.
#[derive(Default)]
struct Buckets {
    offset: i32,
    counts: Vec<u64>,
}

/// Reads a point of an exponential histogram into a native one.
pub(super) fn read<'a>(
    point: &mut Point<'a, '_>,
    mut fields: Message<'a>,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let (mut count, mut sum, mut scale) = (0, f64::NAN, 0);
    let (mut zero_count, mut zero_threshold) = (0, DEFAULT_ZERO_THRESHOLD);
    let (mut positive, mut negative) = (Buckets::default(), Buckets::default());
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => point.attributes.take(fields.inner(field.bytes()))?,
            2 => point.start(field.uint()),
            3 => point.time(field.uint()),
            4 => count = field.uint(),
            5 => sum = field.double(),
            6 => scale = field.sint32(),
            7 => zero_count = field.uint(),
            8 => positive = buckets(fields.inner(field.bytes()))?,
            9 => negative = buckets(fields.inner(field.bytes()))?,
            10 => point.flags(field.uint32()),
            11 => point.exemplars.push(fields.inner(field.bytes())),
            14 => zero_threshold = field.double(),
            _ => {}
        }
    }
    point.end_attributes();
    if scale < SCALE_MIN {
        let wrong = format!("the scale {scale} is coarser than {SCALE_MIN}: use a finer one");
        return Err(Bad::new(Reason::BadHistogram, wrong).into());
    }
    let shift = scale.saturating_sub(SCALE_MAX).max(0).cast_unsigned();
    let (positive_spans, positive_buckets) = positive.spans(shift)?;
    let (negative_spans, negative_buckets) = negative.spans(shift)?;
    let histogram = Histogram {
        schema: scale.min(SCALE_MAX),
        zero_threshold,
        zero_count: zero_count as f64,
        count: count as f64,
        sum: if point.is_absent { STALE } else { sum },
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..Histogram::default()
    };
    check(&histogram)?;
    point.native(sink, histogram)
}

fn buckets(mut fields: Message<'_>) -> Result<Buckets, Error> {
    let mut buckets = Buckets::default();
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => buckets.offset = field.sint32(),
            2 => fields.varints(field, |count| buckets.counts.push(count))?,
            _ => {}
        }
    }
    Ok(buckets)
}

impl Buckets {
    /// Spans and counts, each 2^shift buckets merged into one; empty runs become gaps.
    ///
    /// An exponential bucket names its lower bound and a native one its upper: their indexes differ by one.
    fn spans(&self, shift: u32) -> Result<(Vec<Span>, Vec<f64>), Bad> {
        if self.counts.len() > BUCKETS_MAX {
            let given = self.counts.len();
            let wrong =
                format!("{given} buckets, at most {BUCKETS_MAX} are allowed: use a coarser scale");
            return Err(Bad::new(Reason::BadHistogram, wrong));
        }
        let (mut spans, mut counts): (Vec<Span>, Vec<f64>) = (Vec::new(), Vec::new());
        // The index after the last bucket, counted as spans do.
        let mut end = 0_i64;
        for (index, count) in (i64::from(self.offset)..).zip(&self.counts) {
            if *count == 0 {
                continue;
            }
            // A shift by more than an index has bits would overflow.
            let index = (index >> shift.min(i64::BITS - 1)) + 1;
            let gap = index - end;
            match (spans.last_mut(), counts.last_mut()) {
                (Some(_), Some(last)) if gap == -1 => {
                    *last += *count as f64;
                    continue;
                }
                (Some(span), _) if gap <= GAP_MAX => {
                    span.length += 1 + u32::try_from(gap).unwrap_or(0);
                    let filled = counts.len() + usize::try_from(gap).unwrap_or(0);
                    counts.resize(filled, 0.0);
                }
                _ => {
                    let offset = i32::try_from(gap).map_err(|_| {
                        let wrong = "the offset of the buckets is out of range";
                        Bad::new(Reason::BadHistogram, wrong)
                    })?;
                    spans.push(Span { offset, length: 1 });
                }
            }
            counts.push(*count as f64);
            end = index + 1;
        }
        Ok((spans, counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(offset: i32, counts: &[u64], shift: u32) -> (Vec<(i32, u32)>, Vec<f64>) {
        let buckets = Buckets {
            offset,
            counts: counts.to_vec(),
        };
        let (spans, counts) = buckets.spans(shift).unwrap();
        (
            spans
                .iter()
                .map(|span| (span.offset, span.length))
                .collect(),
            counts,
        )
    }

    #[test]
    fn buckets_move_by_one_and_gaps_become_spans() {
        assert_eq!(spans(0, &[1, 2], 0), (vec![(1, 2)], vec![1.0, 2.0]));
        assert_eq!(
            spans(-5, &[1, 0, 0, 2], 0),
            (vec![(-4, 4)], vec![1.0, 0.0, 0.0, 2.0])
        );
        assert_eq!(
            spans(0, &[1, 0, 0, 0, 2], 0),
            (vec![(1, 1), (3, 1)], vec![1.0, 2.0])
        );
        assert_eq!(spans(3, &[0, 0], 0), (vec![], vec![]));
    }

    #[test]
    fn finer_buckets_are_merged() {
        // Indexes -3 to 4, by fours: -1 holds -3..-1, 0 holds 0..3, 1 holds 4.
        assert_eq!(
            spans(-3, &[1, 1, 1, 2, 2, 2, 2, 5], 2),
            (vec![(0, 3)], vec![3.0, 8.0, 5.0])
        );
        assert_eq!(spans(i32::MAX, &[1, 1], 31), (vec![(1, 2)], vec![1.0, 1.0]));
        let buckets = Buckets {
            offset: i32::MAX,
            counts: vec![1],
        };
        assert!(buckets.spans(0).is_err());
    }
}
