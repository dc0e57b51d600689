use std::sync::Arc;

use portique_clock::{Clock, Random};

use crate::catalog::{Catalog, CatalogEntry};
use crate::frame::{FrameHeader, Place};
use crate::segment::{PREPARING, SPARE, SegmentHeader, segment_name};
use crate::shared::{Birth, Shared, warn_of_drain_only};
use crate::store::{STORE, Slot, Store};
use crate::survey::{Segment, Survey, Tail, check_durable, survey};
use crate::walk::Position;
use crate::write::{Active, Writer};
use crate::{
    Committer, Config, Disk, DiskFile, Error, Journal, Opened, Recovery, SECTOR_BYTES, Sectors,
    Sequence, State, StoreId, Torn,
};

/// Zeros written at once: large enough for the disk, small enough to let commits in between.
pub(crate) const ZEROS_BYTES: usize = 1024 * 1024;

/// Opens or makes the journal on a disk.
pub(crate) fn open(
    config: Config,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    random: &mut dyn Random,
) -> Result<Opened, Error> {
    config.check()?;
    let found = survey(disk.as_ref())?;
    let created = found.as_ref().is_none_or(|survey| survey.slot.is_none());
    let survey = match found {
        Some(survey) => survey,
        None => create(&config, disk.as_ref(), clock.as_ref(), random)?,
    };
    let last = survey
        .segments
        .last()
        .expect("a survey has a segment")
        .clone();
    let mut catalog = Catalog::new(survey.segments.iter().map(CatalogEntry::new));
    let tail = last.find_tail(disk.as_ref())?;
    check_durable(&survey, &tail)?;
    catalog.mark(tail.position);
    let file = settle(disk.as_ref(), &last, &tail)?;
    // The store may name only what a power cut leaves in the folder.
    let path = disk.path("");
    disk.sync().map_err(|source| Error::Io {
        action: "sync",
        path,
        source,
    })?;
    let store = settle_store(disk.as_ref(), &survey, &last)?;
    settle_names(disk.as_ref(), &survey)?;
    let recovery = Recovery {
        created,
        segments: survey.segments.len(),
        first: catalog.first(),
        last: Sequence(tail.position.sequence - 1),
        torn: tail.torn.clone(),
        damaged_slot: survey.damaged_slot,
    };
    if let Some(offset) = recovery.damaged_slot {
        let path = disk.path(STORE);
        tracing::warn!(path = %path.display(), offset, "a slot of the journal's store was damaged");
    }
    let state = first_state(&config, disk.as_ref())?;
    let active = Active::new(file, &last.header, &tail);
    let epoch = random.next_u64();
    let birth = Birth {
        config,
        disk,
        clock,
        id: survey.store,
        epoch,
        store,
        catalog,
        next: tail.position.sequence,
        state,
    };
    let shared = Arc::new(Shared::new(birth));
    let writer = Writer::new(shared.clone(), active);
    Ok(Opened {
        journal: Journal::new(shared.clone()),
        committer: Committer::new(shared, writer),
        recovery,
    })
}

/// Whether the disk has room for a next segment beside the reserve.
fn first_state(config: &Config, disk: &dyn Disk) -> Result<State, Error> {
    let path = disk.path(PREPARING);
    let failed = |action| {
        let path = path.clone();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    let held = match disk.open_to_read(PREPARING) {
        Ok(file) => file.bytes().map_err(failed("read"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(failed("open")(error)),
    };
    let free_bytes = disk
        .free_bytes()
        .map_err(failed("look for free space for"))?;
    let reserve_bytes = config.reserve_bytes;
    let needed = config.segment_bytes.saturating_sub(held);
    if needed == 0 || free_bytes >= reserve_bytes.saturating_add(needed) {
        return Ok(State::Open);
    }
    warn_of_drain_only(free_bytes, reserve_bytes);
    Ok(State::DrainOnly {
        free_bytes,
        reserve_bytes,
    })
}

/// Makes segment 1, and leaves the store to be written when it stands.
fn create(
    config: &Config,
    disk: &dyn Disk,
    clock: &dyn Clock,
    random: &mut dyn Random,
) -> Result<Survey, Error> {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next_u64().to_le_bytes());
    id[8..].copy_from_slice(&random.next_u64().to_le_bytes());
    let header = SegmentHeader {
        store: StoreId(id),
        number: 1,
        first: 1,
        time: clock.now(),
        bytes: config.segment_bytes,
        previous: 0,
    };
    let path = disk.path(PREPARING);
    let failed = |source| Error::Io {
        action: "make",
        path: path.clone(),
        source,
    };
    let chain = make_first(disk, &header).map_err(failed)?;
    let path = disk.path(&segment_name(1));
    let store = header.store;
    let segments = vec![Segment {
        header,
        chain,
        path,
    }];
    Ok(Survey {
        slot: None,
        store,
        damaged_slot: None,
        segments,
        dropped: Vec::new(),
    })
}

fn make_first(disk: &dyn Disk, header: &SegmentHeader) -> std::io::Result<u32> {
    match disk.remove(PREPARING) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(PREPARING)?;
    zero(file.as_ref(), 0, header.bytes)?;
    let (sectors, chain) = header.encode();
    file.write_at(0, &sectors)?;
    file.sync()?;
    disk.rename(PREPARING, &segment_name(header.number))?;
    disk.sync()?;
    Ok(chain)
}

/// Overwrites whole sectors with zeros; not durable until synced.
fn zero(file: &dyn DiskFile, from: u64, to: u64) -> std::io::Result<()> {
    let mut at = from;
    while at < to {
        let bytes = usize::try_from(to - at)
            .unwrap_or(usize::MAX)
            .min(ZEROS_BYTES);
        file.write_at(at, &Sectors::zeroed(bytes))?;
        at += bytes as u64;
    }
    Ok(())
}

/// Cuts the torn write off, and makes what a killed process left in the page cache durable.
fn settle(disk: &dyn Disk, last: &Segment, tail: &Tail) -> Result<Box<dyn DiskFile>, Error> {
    let failed = |action| {
        let path = last.path.clone();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    let file = disk
        .open(&segment_name(last.header.number))
        .map_err(failed("open"))?;
    if let Some(Torn { offset, bytes, .. }) = tail.torn {
        let end = (offset + bytes).next_multiple_of(SECTOR_BYTES as u64);
        zero(file.as_ref(), offset, end).map_err(failed("cut the torn end of"))?;
    }
    if let Some(offset) = tail.last_frame {
        rewrite(file.as_ref(), last, offset, tail.position)?;
    }
    file.sync().map_err(failed("sync"))?;
    Ok(file)
}

/// Writes the last frame once more, as it is. A sync that failed before the crash may have left it
/// in the page cache only, marked clean, where the next sync would pass over it. Nothing is written
/// unless it reads as the very frame that was found.
fn rewrite(file: &dyn DiskFile, last: &Segment, from: u64, end: Position) -> Result<(), Error> {
    let failed = |action| {
        let path = last.path.clone();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    let mut frame = Sectors::zeroed(usize::try_from(end.offset - from).unwrap_or(usize::MAX));
    let read = file
        .read_at(from, &mut frame)
        .map_err(failed("read the end of"))?;
    let place = Place {
        store: last.header.store,
        segment: last.header.number,
        offset: from,
    };
    let again = FrameHeader::decode(place, &frame).and_then(|header| {
        header.body(place, &frame)?;
        Ok(header)
    });
    let same = again.is_ok_and(|header| {
        (header.chain, header.end(), header.frame_bytes()) == (end.chain, end.sequence, frame.len())
    });
    if read < frame.len() || !same {
        let start = Position {
            offset: from,
            ..end
        };
        return Err(last.corrupt(start, "the last frame reads differently a second time"));
    }
    file.write_at(from, &frame)
        .map_err(failed("rewrite the end of"))
}

/// Finishes what a crash left between a change of the segments and its note in the store.
fn settle_store(disk: &dyn Disk, survey: &Survey, last: &Segment) -> Result<Store, Error> {
    let number = last.header.number;
    let done = match survey.slot.clone() {
        None => {
            let slot = Slot {
                store: survey.store,
                counter: 0,
                first: 1,
                last: number,
                durable: 0,
            };
            Store::create(disk, slot)
        }
        Some(slot) => Store::open(disk, slot).and_then(|mut store| {
            if store.slot.last != number {
                store.update(|slot| slot.last = number)?;
            }
            Ok(store)
        }),
    };
    done.map_err(|source| Error::Io {
        action: "write",
        path: disk.path(STORE),
        source,
    })
}

/// Removes dropped segments; a spare that a crash left is filled with zeros again.
fn settle_names(disk: &dyn Disk, survey: &Survey) -> Result<(), Error> {
    let failed = |action, name: &str| {
        let path = disk.path(name);
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    for number in &survey.dropped {
        let name = segment_name(*number);
        disk.remove(&name).map_err(failed("remove", &name))?;
    }
    match disk.rename(SPARE, PREPARING) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed("rename", SPARE)(error));
        }
        _ => {}
    }
    disk.sync().map_err(failed("sync", ""))
}

impl CatalogEntry {
    pub(crate) fn new(segment: &Segment) -> Self {
        let SegmentHeader {
            number,
            first,
            time,
            bytes,
            previous,
            ..
        } = segment.header;
        let start = Position::start(&segment.header, segment.chain);
        Self {
            number,
            first,
            time,
            bytes,
            previous,
            marks: vec![start],
        }
    }
}
