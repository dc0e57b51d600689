use std::io;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::catalog::CatalogEntry;
use crate::frame::{Place, Stamp, encode, frame_bytes};
use crate::segment::{SPARE, SegmentHeader, segment_name};
use crate::shared::{Batch, Shared};
use crate::store::STORE;
use crate::survey::{Segment, Tail};
use crate::walk::Position;
use crate::{DiskFile, Sectors, State, Step};

/// Writes frames: the only one that touches the active segment.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    active: Active,
    frame: Sectors,
    /// Records taken from the queue that wait for room on the disk.
    batches: Vec<Batch>,
    /// When the last frame was written.
    wrote_at: Duration,
    ended: bool,
}

/// The segment being written.
pub(crate) struct Active {
    file: Box<dyn DiskFile>,
    number: u64,
    bytes: u64,
    position: Position,
    time: Timestamp,
    /// Whether the last frame has records that no later frame says are durable.
    uncovered: bool,
}

impl Active {
    pub(crate) fn new(file: Box<dyn DiskFile>, header: &SegmentHeader, tail: &Tail) -> Self {
        Self {
            file,
            number: header.number,
            bytes: header.bytes,
            position: tail.position,
            time: tail.time,
            uncovered: tail.uncovered,
        }
    }

    fn fits(&self, body_bytes: usize) -> bool {
        self.position.offset + frame_bytes(body_bytes) as u64 <= self.bytes
    }
}

/// What failed, on which file.
struct Failure(&'static str, String, io::Error);

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, active: Active) -> Self {
        let frame = Sectors::new(shared.config.frame_bytes_max);
        let wrote_at = shared.clock.monotonic();
        Self {
            shared,
            active,
            frame,
            batches: Vec::new(),
            wrote_at,
            ended: false,
        }
    }

    /// Writes one frame, if there is reason to.
    pub(crate) fn step(&mut self) -> Step {
        if self.ended {
            return Step::Done;
        }
        let Some(closing) = self.take() else {
            self.ended = true;
            return Step::Done;
        };
        match self.advance(closing) {
            Ok(step) => step,
            Err(failure) => self.poison(&failure),
        }
    }

    /// Whether the next frame may begin a segment, which takes longer than writing.
    pub(crate) fn is_near_end(&self) -> bool {
        !self.batches.is_empty() || !self.active.fits(self.shared.config.body_bytes_max())
    }

    fn advance(&mut self, closing: bool) -> Result<Step, Failure> {
        let rests = self.batches.is_empty();
        if rests && closing {
            return self.finish();
        }
        if rests && !self.active.uncovered {
            return Ok(Step::Idle(None));
        }
        if rests && let Some(wait) = self.watermark_wait() {
            return Ok(Step::Idle(Some(wait)));
        }
        let mut count = self.batches_that_fit();
        if count.is_none_or(|count| count < self.batches.len()) && self.shared.spare_ready() {
            self.roll()?;
            count = Some(self.batches.len());
        }
        let Some(count) = count.filter(|count| *count > 0 || rests) else {
            return Ok(self.starve(closing));
        };
        // The header of the next segment covers the last frame of the one before.
        if !rests || self.active.uncovered {
            self.write(count)?;
        }
        Ok(Step::Worked)
    }

    /// How many of the batches, from the first on, fit in the active segment as one frame; `None`
    /// when not even an empty one does.
    fn batches_that_fit(&self) -> Option<usize> {
        let mut body_bytes = 0;
        let fits = |batch: &&Batch| {
            body_bytes += batch.bytes;
            self.active.fits(body_bytes)
        };
        let count = self.batches.iter().take_while(fits).count();
        self.active.fits(0).then_some(count)
    }

    /// How long an idle journal still waits for records before it notes its watermark.
    fn watermark_wait(&self) -> Option<Duration> {
        let idle = self.shared.clock.monotonic().saturating_sub(self.wrote_at);
        let wait = self.shared.config.idle_watermark.checked_sub(idle)?;
        (!wait.is_zero()).then_some(wait)
    }

    /// Fills the next frame from the queue, and says whether the journal is closing; `None` when it
    /// has ended, after which nothing may be written.
    fn take(&mut self) -> Option<bool> {
        let body_bytes_max = self.shared.config.body_bytes_max();
        let records_max = self.shared.config.frame_records_max;
        let mut bytes: usize = self.batches.iter().map(|batch| batch.bytes).sum();
        let mut records: usize = self.batches.iter().map(|batch| batch.records.len()).sum();
        let mut inner = self.shared.lock();
        inner.work_signal = false;
        if inner.ended().is_some() {
            return None;
        }
        while let Some(batch) = inner.queue.front() {
            let is_full =
                bytes + batch.bytes > body_bytes_max || records + batch.records.len() > records_max;
            if is_full {
                break;
            }
            let batch = inner.queue.pop_front().expect("the queue has a front");
            inner.queued_bytes -= batch.bytes;
            bytes += batch.bytes;
            records += batch.records.len();
            self.batches.push(batch);
        }
        inner.is_writing = !self.batches.is_empty();
        if inner.is_writing {
            inner.taken_bytes = bytes;
        }
        let closing = inner.closing;
        self.shared.wake_for_room(inner);
        Some(closing)
    }

    /// Writes the first `count` batches as one frame.
    fn write(&mut self, count: usize) -> Result<(), Failure> {
        let active = &mut self.active;
        let place = Place {
            store: self.shared.id,
            segment: active.number,
            offset: active.position.offset,
        };
        active.time = active.time.max(self.shared.clock.now());
        let stamp = Stamp {
            first: active.position.sequence,
            time: active.time,
            durable_sequence: active.position.sequence - 1,
            durable_offset: active.position.offset,
            epoch: self.shared.epoch,
            previous: active.position.chain,
        };
        let records = self.batches[..count]
            .iter()
            .flat_map(|batch| &batch.records);
        let began = self.shared.clock.monotonic();
        let chain = encode(&mut self.frame, place, stamp, records);
        let written = active.file.write_at(place.offset, &self.frame);
        written
            .and_then(|()| active.file.sync())
            .map_err(|error| Failure("write", segment_name(active.number), error))?;
        let records: usize = self
            .batches
            .drain(..count)
            .map(|batch| batch.records.len())
            .sum();
        active.uncovered = records > 0;
        active.position = Position {
            offset: place.offset + self.frame.len() as u64,
            chain,
            sequence: active.position.sequence + records as u64,
        };
        self.wrote_at = self.shared.clock.monotonic();
        let took = self.wrote_at.saturating_sub(began);
        self.shared.note_write(took);
        self.shared.advance(active.position);
        Ok(())
    }

    /// Begins the next segment in the spare.
    fn roll(&mut self) -> Result<(), Failure> {
        let active = &mut self.active;
        let disk = self.shared.disk.as_ref();
        let number = active.number + 1;
        let name = segment_name(number);
        let failed = |action, name: &str| {
            let name = name.to_owned();
            move |error| Failure(action, name, error)
        };
        let file = self
            .shared
            .take_spare()
            .expect("a spare is ready with its file, and only the writer takes that");
        let header = SegmentHeader {
            store: self.shared.id,
            number,
            first: active.position.sequence,
            time: active.time,
            bytes: file.bytes().map_err(failed("read", SPARE))?,
            previous: active.position.chain,
        };
        let (sectors, chain) = header.encode();
        let written = file.write_at(0, &sectors).and_then(|()| file.sync());
        written.map_err(failed("write", SPARE))?;
        let renamed = disk.rename(SPARE, &name).and_then(|()| disk.sync());
        renamed.map_err(failed("begin", &name))?;
        let durable = active.position.sequence - 1;
        let noted = self.shared.store().update(|slot| {
            slot.last = number;
            slot.durable = durable;
        });
        noted.map_err(failed("write", STORE))?;
        active.file = file;
        active.number = number;
        active.bytes = header.bytes;
        active.position = Position::start(&header, chain);
        active.uncovered = false;
        let segment = Segment {
            path: disk.path(&name),
            header,
            chain,
        };
        self.shared.begin_segment(CatalogEntry::new(&segment));
        Ok(())
    }

    /// There is no segment to write to: waits, unless nobody will make one.
    fn starve(&mut self, closing: bool) -> Step {
        if closing && let Some(lack) = self.shared.starved() {
            let reason = format!("closed with accepted records that are not on the disk: {lack}");
            self.shared.end(State::Poisoned { reason });
            self.ended = true;
            return Step::Done;
        }
        self.shared.want_spare(!self.batches.is_empty());
        Step::Idle(None)
    }

    /// All that was accepted is durable; notes so and ends.
    fn finish(&mut self) -> Result<Step, Failure> {
        if self.active.uncovered && self.active.fits(0) {
            self.write(0)?;
        }
        let durable = self.active.position.sequence - 1;
        let noted = self.shared.store().update(|slot| slot.durable = durable);
        noted.map_err(|error| Failure("write", STORE.to_owned(), error))?;
        self.shared.end(State::Closed);
        self.ended = true;
        Ok(Step::Done)
    }

    fn poison(&mut self, Failure(action, name, error): &Failure) -> Step {
        let path = self.shared.disk.path(name);
        let reason = format!("cannot {action} {}: {error}", path.display());
        self.shared.end(State::Poisoned { reason });
        self.ended = true;
        Step::Done
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody will write any more, so nobody may go on waiting.
        if !self.ended {
            let reason = "the committer stopped before the journal was closed".to_owned();
            self.shared.end(State::Poisoned { reason });
        }
    }
}
