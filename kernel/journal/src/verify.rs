use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::survey::{Segment, check_durable, survey};
use crate::walk::Frame;
use crate::{Disk, Entry, Error, Sequence, StoreId, Torn};

/// What a journal holds, every byte of which was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The journal's identity; `None` in a folder that holds none.
    pub store: Option<StoreId>,
    /// Its segments, oldest first.
    pub segments: Vec<SegmentReport>,
    /// The first sequence kept.
    pub first: Sequence,
    /// The last durable sequence; one less than `first` when there is no record.
    pub last: Sequence,
    /// The unfinished write at the end that the next opening will cut off.
    pub torn: Option<Torn>,
}

/// What one segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its file.
    pub path: PathBuf,
    /// Its number.
    pub number: u64,
    /// Its first sequence.
    pub first: Sequence,
    /// Records in it.
    pub records: u64,
    /// Frames in it.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Checks every frame and record of a journal that no process has open, changing nothing.
///
/// # Errors
/// The first damage: [`Error::Corrupt`], [`Error::Foreign`] or [`Error::Version`] with its file;
/// [`Error::Io`].
pub fn verify(disk: &dyn Disk) -> Result<VerifyReport, Error> {
    let mut report = VerifyReport {
        store: None,
        segments: Vec::new(),
        first: Sequence::FIRST,
        last: Sequence(0),
        torn: None,
    };
    let Some(survey) = survey(disk)? else {
        return Ok(report);
    };
    report.store = Some(survey.store);
    for (index, segment) in survey.segments.iter().enumerate() {
        let mut records = 0;
        let check = |frame: &Frame| {
            records += entries(segment, frame)?.len() as u64;
            Ok(ControlFlow::Continue(()))
        };
        let frames = match survey.segments.get(index + 1) {
            Some(next) => segment.check_sealed(disk, next, check)?,
            None => {
                let tail = segment
                    .walk_to_tail(disk, check)?
                    .expect("the check does not break");
                check_durable(&survey, &tail)?;
                report.last = Sequence(tail.position.sequence - 1);
                report.torn = tail.torn;
                tail.frames
            }
        };
        report
            .segments
            .push(report_segment(segment, records, frames));
    }
    report.first = report
        .segments
        .first()
        .map_or(Sequence::FIRST, |segment| segment.first);
    Ok(report)
}

/// Gives every durable record from a sequence on to `sink`, until that breaks, without opening the
/// journal or changing anything.
///
/// # Errors
/// [`Error::Trimmed`] when the first one asked for is no longer kept; the first damage met, after
/// the records before it were given; [`Error::Io`].
pub fn dump(
    disk: &dyn Disk,
    from: Sequence,
    sink: &mut dyn FnMut(Entry) -> ControlFlow<()>,
) -> Result<(), Error> {
    let Some(survey) = survey(disk)? else {
        return Ok(());
    };
    let first = Sequence(
        survey
            .segments
            .first()
            .map_or(1, |segment| segment.header.first),
    );
    if from < first {
        return Err(Error::Trimmed {
            requested: from,
            first,
        });
    }
    let begin = survey
        .segments
        .partition_point(|segment| segment.header.first <= from.0);
    for (index, segment) in survey
        .segments
        .iter()
        .enumerate()
        .skip(begin.saturating_sub(1))
    {
        let mut flow = ControlFlow::Continue(());
        let give = |frame: &Frame| {
            for entry in entries(segment, frame)? {
                if flow.is_continue() && entry.sequence >= from {
                    flow = sink(entry);
                }
            }
            Ok(flow)
        };
        match survey.segments.get(index + 1) {
            Some(next) => drop(segment.check_sealed(disk, next, give)?),
            None => {
                if let Some(tail) = segment.walk_to_tail(disk, give)? {
                    check_durable(&survey, &tail)?;
                }
            }
        }
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

fn entries(segment: &Segment, frame: &Frame) -> Result<Vec<Entry>, Error> {
    frame
        .entries()
        .map_err(|reason| segment.corrupt(frame.start, reason))
}

fn report_segment(segment: &Segment, records: u64, frames: u64) -> SegmentReport {
    SegmentReport {
        path: segment.path.clone(),
        number: segment.header.number,
        first: Sequence(segment.header.first),
        records,
        frames,
        bytes: segment.header.bytes,
    }
}
