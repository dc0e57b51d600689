use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::vec;

use portique_clock::Timestamp;

use crate::catalog::{MARK_BYTES, Start};
use crate::segment::segment_name;
use crate::shared::Shared;
use crate::walk::{Found, Frame, Position, Walk};
use crate::{Entry, Error, Sequence};

/// Reads durable records in order.
///
/// It ends at the watermark of the moment; calling it again later goes on from there. It blocks on
/// the disk, so it belongs on a thread that may. After an error it ends for good, except that it can
/// [pass over damage](Self::pass_damage).
pub struct Reader {
    shared: Arc<Shared>,
    next: Sequence,
    walk: Option<Walk>,
    entries: vec::IntoIter<Entry>,
    failed: bool,
    /// Where it stopped because of damage.
    damage: Option<Start>,
    /// The offset that was last noted in the catalogue.
    marked: u64,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, next: Sequence) -> Self {
        Self {
            shared,
            next,
            walk: None,
            entries: Vec::new().into_iter(),
            failed: false,
            damage: None,
            marked: 0,
        }
    }

    /// The sequence it reads next.
    pub fn sequence(&self) -> Sequence {
        self.next
    }

    /// Passes over what [`Error::Corrupt`] told of last, so that reading goes on with the next whole
    /// frame. The records returned cannot be read; none when nothing that was asked for is lost, such
    /// as when a second look finds nothing wrong.
    ///
    /// The damage may be whole records or a whole segment: what is returned is all there was until
    /// the next frame that matches its checksums. Without such an error before it does nothing.
    ///
    /// # Errors
    /// [`Error::Trimmed`] or [`Error::Io`]; it ends for good then.
    pub fn pass_damage(&mut self) -> Result<Option<RangeInclusive<Sequence>>, Error> {
        let Some(damaged) = self.damage.take() else {
            return Ok(None);
        };
        let mut walk = open(&self.shared, damaged)?;
        if is_sound(&self.shared, &mut walk)? {
            walk = open(&self.shared, damaged)?;
        } else {
            walk = self.find_after(damaged)?;
        }
        let first_lost = self.next;
        self.next = self.next.max(Sequence(walk.position.sequence));
        self.walk = Some(walk);
        self.failed = false;
        let is_lost = first_lost < self.next;
        Ok(is_lost.then(|| first_lost..=Sequence(self.next.0 - 1)))
    }

    /// The next place from which something can be read.
    fn find_after(&self, damaged: Start) -> Result<Walk, Error> {
        let durable = self.shared.durable();
        let next = self.shared.lock().catalog.after(damaged.number);
        let last = next.map_or(durable + 1, |next| next.position.sequence);
        let first = damaged.position.sequence;
        let mut walk = open(&self.shared, damaged)?;
        let found = walk.find(first..=last);
        if found.map_err(|source| unreadable(&self.shared, walk.number, source))? {
            return Ok(walk);
        }
        if let Some(next) = next {
            return open(&self.shared, next);
        }
        // Nothing of the active segment is whole from here to its end. What is written later begins
        // behind the watermark, and is looked for then.
        walk.position.sequence = durable + 1;
        Ok(walk)
    }

    fn read(&mut self) -> Result<Entry, Error> {
        loop {
            for entry in self.entries.by_ref() {
                if entry.sequence == self.next {
                    self.next = self.next.next();
                    return Ok(entry);
                }
            }
            self.entries = self.read_frame()?.into_iter();
        }
    }

    fn read_frame(&mut self) -> Result<Vec<Entry>, Error> {
        let walk = match self.walk.take() {
            Some(walk) => walk,
            None => begin(&self.shared, self.next)?,
        };
        let mut walk = follow(&self.shared, walk)?;
        let start = walk.start();
        let entries = self.step(&mut walk);
        if let Err(Error::Corrupt { .. }) = entries {
            self.damage = Some(start);
        }
        self.walk = Some(walk);
        entries
    }

    fn step(&mut self, walk: &mut Walk) -> Result<Vec<Entry>, Error> {
        let (before, frame) = step(&self.shared, walk)?;
        let is_far = before.offset >= self.marked + MARK_BYTES;
        if is_far || before.offset < self.marked {
            self.marked = before.offset;
            let mut inner = self.shared.lock();
            inner.catalog.mark_in(walk.number, before);
        }
        // A frame that ends before the record wanted is only passed over.
        if frame.header.end() <= self.next.0 {
            return Ok(Vec::new());
        }
        let broken = |reason| defect(&self.shared, walk, before, reason);
        frame.entries().map_err(broken)
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.shared.durable() < self.next.0 {
            return None;
        }
        let entry = self.read();
        self.failed = entry.is_err();
        Some(entry)
    }
}

/// The first durable sequence written at or after a time.
pub(crate) fn sequence_at(shared: &Shared, time: Timestamp) -> Result<Sequence, Error> {
    let durable = shared.durable();
    let start = shared.lock().catalog.locate_time(time);
    let start = start.expect("a catalogue has a segment");
    let mut walk = open(shared, start)?;
    while walk.position.sequence <= durable {
        walk = follow(shared, walk)?;
        let (before, frame) = step(shared, &mut walk)?;
        if frame.header.stamp.time >= time && frame.header.records > 0 {
            return Ok(Sequence(before.sequence));
        }
    }
    Ok(Sequence(durable + 1))
}

fn begin(shared: &Shared, sequence: Sequence) -> Result<Walk, Error> {
    let start = shared.lock().catalog.locate(sequence.0);
    match start {
        Some(start) => open(shared, start),
        None => Err(trimmed(shared, sequence)),
    }
}

fn open(shared: &Shared, start: Start) -> Result<Walk, Error> {
    let Start {
        number,
        bytes,
        position,
    } = start;
    let name = segment_name(number);
    match shared.disk.open_to_read(&name) {
        Ok(file) => Ok(Walk::new(file, shared.id, number, bytes, position)),
        Err(_) if dropped(shared, number) => Err(trimmed(shared, Sequence(position.sequence))),
        Err(source) => Err(Error::Io {
            action: "open",
            path: shared.disk.path(&name),
            source,
        }),
    }
}

/// Goes to the next segment when this one is read to its end.
fn follow(shared: &Shared, walk: Walk) -> Result<Walk, Error> {
    let next = shared.lock().catalog.successor(walk.number, walk.position);
    match next {
        Some(start) => open(shared, start),
        None => Ok(walk),
    }
}

/// Reads a frame that is known to be durable.
fn step(shared: &Shared, walk: &mut Walk) -> Result<(Position, Frame), Error> {
    let before = walk.position;
    match walk.step() {
        Ok(Found::Frame(frame)) => Ok((before, frame)),
        Ok(Found::Nothing(reason) | Found::Misfit(reason)) => {
            Err(defect(shared, walk, before, reason))
        }
        Err(source) => Err(unreadable(shared, walk.number, source)),
    }
}

/// Whether a frame that was found damaged is not when it is read once more.
fn is_sound(shared: &Shared, walk: &mut Walk) -> Result<bool, Error> {
    let found = walk.step();
    let found = found.map_err(|source| unreadable(shared, walk.number, source))?;
    Ok(matches!(found, Found::Frame(frame) if frame.entries().is_ok()))
}

fn unreadable(shared: &Shared, number: u64, source: io::Error) -> Error {
    Error::Io {
        action: "read",
        path: shared.disk.path(&segment_name(number)),
        source,
    }
}

fn defect(shared: &Shared, walk: &Walk, position: Position, reason: &str) -> Error {
    let sequence = Sequence(position.sequence);
    // A dropped segment's file is overwritten while a slow reader still has it open.
    if dropped(shared, walk.number) {
        return trimmed(shared, sequence);
    }
    let path = shared.disk.path(&segment_name(walk.number));
    Error::Corrupt {
        path,
        offset: position.offset,
        sequence,
        reason: reason.to_owned(),
    }
}

fn dropped(shared: &Shared, number: u64) -> bool {
    number < shared.lock().catalog.first_number()
}

fn trimmed(shared: &Shared, requested: Sequence) -> Error {
    Error::Trimmed {
        requested,
        first: shared.lock().catalog.first(),
    }
}
