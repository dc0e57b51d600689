//! The space records go to: the next segment, what the disk has left, and what retention frees.

use std::collections::BTreeMap;
use std::task::Waker;

use super::Shared;
use crate::catalog::{CatalogEntry, Oldest};
use crate::{DiskFile, State};

impl Shared {
    /// The spare became the active segment.
    pub(crate) fn begin_segment(&self, entry: CatalogEntry) {
        let mut inner = self.lock();
        inner.catalog.push(entry);
        inner.spare_ready = false;
        inner.starving = false;
        inner.upkeep_signal = true;
        drop(inner);
        self.upkeep.notify_one();
    }

    pub(crate) fn spare_ready(&self) -> bool {
        self.lock().spare_ready
    }

    /// The file of the next segment, which stays ready until that is begun.
    pub(crate) fn take_spare(&self) -> Option<Box<dyn DiskFile>> {
        self.lock().spare.take()
    }

    /// The next segment is needed now; with `starving`, for records that were accepted.
    pub(crate) fn want_spare(&self, starving: bool) {
        let mut inner = self.lock();
        inner.upkeep_signal |= starving && !inner.starving;
        inner.starving = starving;
        drop(inner);
        self.upkeep.notify_one();
    }

    /// The next segment stands ready.
    pub(crate) fn offer_spare(&self, file: Box<dyn DiskFile>, from_reserve: bool) {
        let mut inner = self.lock();
        inner.spare = Some(file);
        inner.spare_ready = true;
        inner.starved = None;
        inner.work_signal = true;
        let opens = !from_reserve && matches!(inner.state, State::DrainOnly { .. });
        if opens {
            inner.state = State::Open;
        }
        drop(inner);
        self.work.notify_one();
        if opens {
            tracing::info!("the disk has room again: the journal takes all records");
        }
    }

    /// The disk is nearly full: takes only draining work from now on.
    pub(crate) fn drain_only(&self, free_bytes: u64) {
        let reserve_bytes = self.config.reserve_bytes;
        let mut inner = self.lock();
        if inner.ended().is_some() {
            return;
        }
        let begins = inner.state == State::Open;
        inner.state = State::DrainOnly {
            free_bytes,
            reserve_bytes,
        };
        let room = if begins {
            std::mem::take(&mut inner.room)
        } else {
            BTreeMap::new()
        };
        drop(inner);
        room.into_values().for_each(Waker::wake);
        if begins {
            warn_of_drain_only(free_bytes, reserve_bytes);
        }
    }

    /// Records that were accepted have no place to go for now, so no more are.
    pub(crate) fn starve_out(&self, reason: String) {
        let mut inner = self.lock();
        if !inner.starving {
            return;
        }
        inner.work_signal |= inner.closing;
        let begins = inner.starved.is_none();
        if begins {
            tracing::error!(reason, "the journal takes no records for now");
        }
        inner.starved = Some(reason);
        let room = std::mem::take(&mut inner.room);
        drop(inner);
        self.work.notify_one();
        room.into_values().for_each(Waker::wake);
    }

    /// Why there is no place for records that were accepted, if there is none for now.
    pub(crate) fn starved(&self) -> Option<String> {
        self.lock().starved.clone()
    }

    /// The first segment kept.
    pub(crate) fn oldest(&self) -> Oldest {
        let now = self.clock.now();
        self.lock().catalog.oldest(&self.config.retention, now)
    }

    /// Takes the first segment out of the catalogue if retention says so.
    pub(crate) fn drop_first(&self) -> Option<CatalogEntry> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let floor = inner.floor;
        inner.catalog.drop_first(&self.config.retention, floor, now)
    }
}

/// Says so once, however often the disk is looked at.
pub(crate) fn warn_of_drain_only(free_bytes: u64, reserve_bytes: u64) {
    tracing::warn!(
        free_bytes,
        reserve_bytes,
        "the disk is nearly full: the journal takes draining work only"
    );
}
