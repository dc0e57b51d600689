//! What is on the disk, judged without changing anything: see "Recovery" in
//! `docs/formats/journal.md`.

use std::ops::ControlFlow;
use std::path::PathBuf;

use portique_clock::Timestamp;

use crate::frame::{FRAME_HEADER_BYTES, FrameHeader, Place};
use crate::segment::{SegmentHeader, parse_segment_name, segment_name};
use crate::store::{FoundSlot, STORE, Slot, read_slot};
use crate::walk::{Found, Frame, Position, Walk};
use crate::{Disk, DiskFile, Error, SECTOR_BYTES, Sequence, StoreId, Torn};

/// How much of a segment's unwritten part is looked at in one read.
const SCAN_BYTES: u64 = 512 * 1024;
/// What an unwritten sector holds.
const ZEROS: [u8; SECTOR_BYTES] = [0; SECTOR_BYTES];

/// The segments of a journal whose headers fit together.
pub(crate) struct Survey {
    /// Absent when creation was interrupted before it was written.
    pub(crate) slot: Option<Slot>,
    pub(crate) store: StoreId,
    /// Where a slot of the store is damaged: what it says may be older than what is there.
    pub(crate) damaged_slot: Option<u64>,
    /// Never empty; numbers without gaps.
    pub(crate) segments: Vec<Segment>,
    /// Segments already dropped, whose files a crash left.
    pub(crate) dropped: Vec<u64>,
}

/// A segment with a valid header.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    /// The chain value in front of its first frame.
    pub(crate) chain: u32,
    pub(crate) path: PathBuf,
}

/// Where a journal ends.
pub(crate) struct Tail {
    pub(crate) position: Position,
    /// When its last frame was written.
    pub(crate) time: Timestamp,
    /// Whether nothing but the last frame itself says that its records are durable.
    pub(crate) uncovered: bool,
    pub(crate) frames: u64,
    /// Where its last frame begins, if it has one in its last segment.
    pub(crate) last_frame: Option<u64>,
    pub(crate) torn: Option<Torn>,
}

impl Segment {
    pub(crate) fn walk(&self, disk: &dyn Disk) -> Result<Walk, Error> {
        let file = disk
            .open_to_read(&segment_name(self.header.number))
            .map_err(|source| Error::Io {
                action: "open",
                path: self.path.clone(),
                source,
            })?;
        let start = Position::start(&self.header, self.chain);
        let SegmentHeader {
            store,
            number,
            bytes,
            ..
        } = self.header;
        Ok(Walk::new(file, store, number, bytes, start))
    }

    pub(crate) fn corrupt(&self, position: Position, reason: &str) -> Error {
        Error::Corrupt {
            path: self.path.clone(),
            offset: position.offset,
            sequence: Sequence(position.sequence),
            reason: reason.to_owned(),
        }
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Io {
            action: "read",
            path: self.path.clone(),
            source,
        }
    }

    /// Whether the next segment says that this one ends at `position`.
    pub(crate) fn ends_at(&self, next: &Self, position: Position) -> bool {
        next.header.first == position.sequence && next.header.previous == position.chain
    }

    /// Reads every frame of a segment that has a successor; fewer when `each` breaks.
    pub(crate) fn check_sealed(
        &self,
        disk: &dyn Disk,
        next: &Self,
        mut each: impl FnMut(&Frame) -> Result<ControlFlow<()>, Error>,
    ) -> Result<u64, Error> {
        let mut walk = self.walk(disk)?;
        let mut frames = 0;
        while !self.ends_at(next, walk.position) {
            let before = walk.position;
            match walk.step().map_err(|source| self.failed(source))? {
                Found::Frame(frame) => {
                    frames += 1;
                    if each(&frame)?.is_break() {
                        break;
                    }
                }
                Found::Nothing(reason) | Found::Misfit(reason) => {
                    return Err(self.corrupt(before, reason));
                }
            }
        }
        Ok(frames)
    }

    /// Reads every frame of the last segment and judges what follows them; `None` when `each` breaks.
    pub(crate) fn walk_to_tail(
        &self,
        disk: &dyn Disk,
        mut each: impl FnMut(&Frame) -> Result<ControlFlow<()>, Error>,
    ) -> Result<Option<Tail>, Error> {
        let mut walk = self.walk(disk)?;
        let (mut time, mut uncovered, mut frames) = (self.header.time, false, 0);
        let mut last_frame = None;
        let (position, reason) = loop {
            let before = walk.position;
            match walk.step().map_err(|source| self.failed(source))? {
                Found::Frame(frame) => {
                    if each(&frame)?.is_break() {
                        return Ok(None);
                    }
                    time = frame.header.stamp.time;
                    uncovered = frame.header.records > 0;
                    frames += 1;
                    last_frame = Some(before.offset);
                }
                Found::Nothing(reason) => break (before, reason),
                Found::Misfit(reason) => return Err(self.corrupt(before, reason)),
            }
        };
        let torn = self.judge_rest(disk, position, reason)?;
        Ok(Some(Tail {
            position,
            time,
            uncovered,
            frames,
            last_frame,
            torn,
        }))
    }

    /// Reads every frame of the last segment and judges what follows them.
    pub(crate) fn find_tail(&self, disk: &dyn Disk) -> Result<Tail, Error> {
        let tail = self.walk_to_tail(disk, |_| Ok(ControlFlow::Continue(())))?;
        Ok(tail.expect("a walk that nothing breaks reaches the end"))
    }

    /// Tells a torn write from a damaged frame: a later frame that knew this place to be durable
    /// proves damage.
    fn judge_rest(
        &self,
        disk: &dyn Disk,
        position: Position,
        reason: &str,
    ) -> Result<Option<Torn>, Error> {
        let file = disk
            .open_to_read(&segment_name(self.header.number))
            .map_err(|source| Error::Io {
                action: "open",
                path: self.path.clone(),
                source,
            })?;
        let mut end = position.offset;
        let mut at = position.offset;
        let left = usize::try_from(SCAN_BYTES.min(self.header.bytes - at)).unwrap_or(0);
        let mut chunk = vec![0; left];
        while at < self.header.bytes {
            let read = self.read_chunk(file.as_ref(), at, &mut chunk)?;
            for (index, sector) in chunk[..read].chunks(SECTOR_BYTES).enumerate() {
                let offset = at + (index * SECTOR_BYTES) as u64;
                if sector != ZEROS && self.proves(offset, sector, position) {
                    let reason = format!(
                        "{reason}, yet a frame at byte {offset} was written after it was durable"
                    );
                    return Err(self.corrupt(position, &reason));
                }
                if sector != ZEROS {
                    let last = sector.iter().rposition(|byte| *byte != 0).unwrap_or(0);
                    end = offset + last as u64 + 1;
                }
            }
            at += read as u64;
        }
        let bytes = end - position.offset;
        let torn = Torn {
            path: self.path.clone(),
            offset: position.offset,
            bytes,
        };
        Ok((bytes > 0).then_some(torn))
    }

    fn read_chunk(&self, file: &dyn DiskFile, at: u64, chunk: &mut [u8]) -> Result<usize, Error> {
        let wanted = usize::try_from(self.header.bytes - at)
            .unwrap_or(usize::MAX)
            .min(chunk.len());
        let read = file
            .read_at(at, &mut chunk[..wanted])
            .map_err(|source| self.failed(source))?;
        if read < wanted {
            let position = Position {
                offset: at + read as u64,
                chain: 0,
                sequence: self.header.first,
            };
            return Err(self.corrupt(position, "the file became shorter while it was read"));
        }
        Ok(read)
    }

    fn proves(&self, offset: u64, sector: &[u8], position: Position) -> bool {
        let SegmentHeader { store, number, .. } = self.header;
        let place = Place {
            store,
            segment: number,
            offset,
        };
        sector.len() >= FRAME_HEADER_BYTES
            && FrameHeader::decode(place, sector)
                .is_ok_and(|later| later.stamp.durable_offset > position.offset)
    }
}

/// Finds the segments and checks that their headers fit together; `None` in a folder without a
/// journal.
pub(crate) fn survey(disk: &dyn Disk) -> Result<Option<Survey>, Error> {
    let slot = read_slot(disk)?;
    let path = disk.path("");
    let names = disk.list().map_err(|source| Error::Io {
        action: "list",
        path,
        source,
    })?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| parse_segment_name(name))
        .collect();
    numbers.sort_unstable();
    match slot {
        Some(slot) => survey_known(disk, slot, numbers).map(Some),
        None if numbers.is_empty() => Ok(None),
        None => survey_unnamed(disk, &numbers).map(Some),
    }
}

fn survey_known(disk: &dyn Disk, found: FoundSlot, mut numbers: Vec<u64>) -> Result<Survey, Error> {
    let FoundSlot { slot, damaged } = found;
    let kept = numbers.split_off(numbers.partition_point(|number| *number < slot.first));
    let last = kept.last().map_or(slot.last, |last| slot.last.max(*last));
    let mut segments: Vec<Segment> = Vec::new();
    for number in slot.first..=last {
        let expected = segments
            .last()
            .map_or(0, |previous: &Segment| previous.header.first);
        if kept.binary_search(&number).is_err() {
            return Err(missing(disk, number, Sequence(expected), damaged));
        }
        let segment = read_segment(disk, number, Sequence(expected))?;
        check_fits(&segment, slot.store, segments.last())?;
        segments.push(segment);
    }
    Ok(Survey {
        store: slot.store,
        slot: Some(slot),
        damaged_slot: damaged,
        segments,
        dropped: numbers,
    })
}

/// Segment 1 without a store is a creation that was interrupted, if it holds nothing.
fn survey_unnamed(disk: &dyn Disk, numbers: &[u64]) -> Result<Survey, Error> {
    let absent = || Error::Corrupt {
        path: disk.path(STORE),
        offset: 0,
        sequence: Sequence::FIRST,
        reason: "there are segments but no store file".to_owned(),
    };
    if numbers != [1] {
        return Err(absent());
    }
    let segment = read_segment(disk, 1, Sequence::FIRST)?;
    let tail = segment.find_tail(disk)?;
    if tail.frames > 0 || tail.torn.is_some() {
        return Err(absent());
    }
    let store = segment.header.store;
    Ok(Survey {
        slot: None,
        store,
        damaged_slot: None,
        segments: vec![segment],
        dropped: Vec::new(),
    })
}

fn read_segment(disk: &dyn Disk, number: u64, expected: Sequence) -> Result<Segment, Error> {
    let name = segment_name(number);
    let path = disk.path(&name);
    let file = disk.open_to_read(&name).map_err(|source| Error::Io {
        action: "open",
        path: path.clone(),
        source,
    })?;
    let (header, chain) = SegmentHeader::read(file.as_ref(), &path, number, expected)?;
    Ok(Segment {
        header,
        chain,
        path,
    })
}

fn check_fits(segment: &Segment, store: StoreId, previous: Option<&Segment>) -> Result<(), Error> {
    let header = &segment.header;
    if header.store != store {
        let path = segment.path.clone();
        return Err(Error::Foreign {
            path,
            expected: store,
            found: header.store,
        });
    }
    if previous.is_some_and(|previous| header.first < previous.header.first) {
        let position = Position {
            offset: 40,
            chain: 0,
            sequence: header.first,
        };
        return Err(segment.corrupt(
            position,
            "its first sequence is before the previous segment's",
        ));
    }
    Ok(())
}

fn missing(disk: &dyn Disk, number: u64, sequence: Sequence, damaged: Option<u64>) -> Error {
    let mut reason = "the segment is missing".to_owned();
    if let Some(offset) = damaged {
        let store = disk.path(STORE);
        reason += &format!(
            ", or was dropped, as the slot at byte {offset} of {} might say that is damaged",
            store.display()
        );
    }
    Error::Corrupt {
        path: disk.path(&segment_name(number)),
        offset: 0,
        sequence,
        reason,
    }
}

/// Refuses a journal that ends before what its store knows to be durable.
pub(crate) fn check_durable(survey: &Survey, tail: &Tail) -> Result<(), Error> {
    let durable = survey.slot.as_ref().map_or(0, |slot| slot.durable);
    if tail.position.sequence > durable {
        return Ok(());
    }
    let last = survey.segments.last().expect("a survey has a segment");
    let reason = format!("the store knows sequence {durable} to be durable");
    Err(last.corrupt(tail.position, &reason))
}
