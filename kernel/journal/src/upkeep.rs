use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::recover::ZEROS_BYTES;
use crate::segment::{PREPARING, SPARE, segment_name};
use crate::shared::Shared;
use crate::store::STORE;
use crate::{DiskFile, SECTOR_BYTES, Sectors, State, Step};

/// How often a full disk is looked at again, and old segments are looked for.
const PERIOD: Duration = Duration::from_secs(1);

const NO_SPACE: &str =
    "no space is left on the disk, not even in the reserve: free space or shorten retention";

/// Keeps the next segment ready and drops old ones, beside the committer.
pub(crate) struct Upkeep {
    shared: Arc<Shared>,
    filling: Option<Filling>,
    zeros: Sectors,
    looked_at: Option<Duration>,
    /// Whether the last attempt at a file failed, which was told then.
    is_put_off: bool,
}

/// A file being filled with zeros.
struct Filling {
    file: Box<dyn DiskFile>,
    offset: u64,
    /// Whether it takes the space kept for draining.
    from_reserve: bool,
}

impl Upkeep {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            filling: None,
            zeros: Sectors::zeroed(ZEROS_BYTES),
            looked_at: None,
            is_put_off: false,
        }
    }

    /// Does one bounded piece of work, if there is any.
    pub(crate) fn step(&mut self) -> Step {
        let (ended, wanted) = {
            let mut inner = self.shared.lock();
            inner.upkeep_signal = false;
            (inner.ended().is_some(), !inner.spare_ready)
        };
        if ended {
            return Step::Done;
        }
        match self.work(wanted) {
            Ok(step) => step,
            Err(error) if is_full(&error) => self.give_up(),
            Err(error) => {
                let reason = format!("cannot prepare a segment: {error}");
                self.shared.end(State::Poisoned { reason });
                Step::Done
            }
        }
    }

    fn work(&mut self, wanted: bool) -> io::Result<Step> {
        if self.filling.is_none() && self.drop_segment()? {
            return Ok(Step::Worked);
        }
        match self.filling.take() {
            Some(filling) => self.fill(filling).map(|()| Step::Worked),
            None if wanted => match self.begin() {
                Err(error) if !is_full(&error) => Ok(self.put_off(&error)),
                begun => begun,
            },
            None => Ok(Step::Idle(Some(PERIOD))),
        }
    }

    /// Drops the first segment if retention says so; its file becomes the next spare.
    fn drop_segment(&mut self) -> io::Result<bool> {
        let Some(dropped) = self.shared.drop_first() else {
            return Ok(false);
        };
        let disk = self.shared.disk.as_ref();
        let noted = self
            .shared
            .store()
            .update_both(|slot| slot.first = dropped.number + 1);
        noted.map_err(|error| io::Error::other(format!("{STORE}: {error}")))?;
        let name = segment_name(dropped.number);
        // Removing is right in any case, so that a folder that cannot be listed is no failure.
        let taken = disk
            .list()
            .map_or(true, |names| names.iter().any(|name| name == PREPARING));
        if taken || dropped.bytes > self.shared.config.segment_bytes {
            disk.remove(&name)?;
        } else {
            disk.rename(&name, PREPARING)?;
        }
        disk.sync()?;
        self.looked_at = None;
        Ok(true)
    }

    /// Opens the file of the next spare, if the disk has room for it.
    fn begin(&mut self) -> io::Result<Step> {
        let now = self.shared.clock.monotonic();
        let starving = self.shared.lock().starving;
        if let Some(wait) = self.wait(now)
            && !starving
        {
            return Ok(Step::Idle(Some(wait)));
        }
        let disk = self.shared.disk.as_ref();
        let wanted = self.shared.config.segment_bytes;
        let mut file = open_left(self.shared.as_ref())?;
        let held = file.as_ref().map_or(Ok(0), |file| file.bytes())?;
        let free_bytes = disk.free_bytes()?;
        let kept = self.shared.config.reserve_bytes;
        let from_reserve = held < wanted && free_bytes < kept.saturating_add(wanted - held);
        if from_reserve {
            self.looked_at = Some(now);
            self.shared.drain_only(free_bytes);
            if !starving || free_bytes < wanted - held {
                self.shared.starve_out(NO_SPACE.to_owned());
                return Ok(Step::Idle(Some(PERIOD)));
            }
        }
        let file = match file.take() {
            Some(file) => file,
            None => disk.create(PREPARING)?,
        };
        self.is_put_off = false;
        self.filling = Some(Filling {
            file,
            offset: 0,
            from_reserve,
        });
        Ok(Step::Worked)
    }

    fn wait(&self, now: Duration) -> Option<Duration> {
        let wait = PERIOD.checked_sub(now.saturating_sub(self.looked_at?))?;
        (!wait.is_zero()).then_some(wait)
    }

    /// Writes one piece of zeros, and makes the file the spare when it is full of them.
    fn fill(&mut self, mut filling: Filling) -> io::Result<()> {
        let left = self.shared.config.segment_bytes - filling.offset;
        let bytes = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS_BYTES);
        if bytes == ZEROS_BYTES {
            filling.file.write_at(filling.offset, &self.zeros)?;
        } else {
            filling
                .file
                .write_at(filling.offset, &Sectors::zeroed(bytes))?;
        }
        filling.file.sync()?;
        filling.offset += bytes as u64;
        if filling.offset < self.shared.config.segment_bytes {
            self.filling = Some(filling);
            return Ok(());
        }
        if filling.file.bytes()? != self.shared.config.segment_bytes {
            return Err(io::Error::other(
                "the file has not the length that was written to it",
            ));
        }
        let disk = self.shared.disk.as_ref();
        disk.rename(PREPARING, SPARE)?;
        disk.sync()?;
        self.looked_at = None;
        self.shared.offer_spare(filling.file, filling.from_reserve);
        Ok(())
    }

    /// Nothing was written yet, so nothing is in doubt: tries again, such as when other files of the
    /// process were closed.
    fn put_off(&mut self, error: &io::Error) -> Step {
        self.looked_at = Some(self.shared.clock.monotonic());
        if !std::mem::replace(&mut self.is_put_off, true) {
            tracing::warn!(error = %error, "cannot begin the next journal segment for now");
        }
        let reason = format!("cannot begin the next segment: {error}");
        self.shared.starve_out(reason);
        Step::Idle(Some(PERIOD))
    }

    /// The disk is full: frees what was begun, and lets only draining work in.
    fn give_up(&mut self) -> Step {
        self.filling = None;
        self.looked_at = Some(self.shared.clock.monotonic());
        let disk = self.shared.disk.as_ref();
        let removed = disk.remove(PREPARING);
        let free_bytes = disk.free_bytes().unwrap_or(0);
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(error = %error, "cannot remove an unfinished journal segment");
        }
        self.shared.drain_only(free_bytes);
        self.shared.starve_out(NO_SPACE.to_owned());
        Step::Idle(Some(PERIOD))
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        // Nobody will prepare a segment any more, so nobody may wait for one; an end that came
        // before stays.
        let reason = "the preparing of segments stopped before the journal was closed".to_owned();
        self.shared.end(State::Poisoned { reason });
    }
}

/// Whether space is lacking, on the disk or in what its owner may use of it.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// The file that an earlier segment or run left for the next spare, if its length allows.
fn open_left(shared: &Shared) -> io::Result<Option<Box<dyn DiskFile>>> {
    let file = match shared.disk.open(PREPARING) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = file.bytes()?;
    if bytes <= shared.config.segment_bytes && bytes.is_multiple_of(SECTOR_BYTES as u64) {
        return Ok(Some(file));
    }
    drop(file);
    shared.disk.remove(PREPARING)?;
    Ok(None)
}
