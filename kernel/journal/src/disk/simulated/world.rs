use std::collections::BTreeMap;
use std::io;

use portique_clock::{Random, Seeded};

use super::SimulatedFaults;

/// What a disk may lose, keep or tear by itself.
const SECTOR_BYTES: usize = 512;

/// The state of a simulated disk.
#[derive(Debug)]
pub(super) struct World {
    random: Seeded,
    pub(super) capacity_bytes: u64,
    contents: BTreeMap<u64, Content>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// The names after each change that is not durable yet.
    pending_names: Vec<BTreeMap<String, u64>>,
    next_id: u64,
    faults: SimulatedFaults,
    pub(super) read_error_after: Option<u64>,
    state: Power,
    erred: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Power {
    On,
    Off,
}

#[derive(Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Where each sector not synced yet begins, in the order of writing, with its bytes.
    pending: Vec<(usize, Vec<u8>)>,
}

/// How far an operation goes.
enum Go {
    Whole,
    /// Not at all.
    Nothing,
    /// It takes effect, or part of it, and says it failed.
    Fails,
}

impl World {
    pub(super) fn new(seed: u64, capacity_bytes: u64) -> Self {
        Self {
            random: Seeded::new(seed),
            capacity_bytes,
            contents: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            next_id: 0,
            faults: SimulatedFaults::default(),
            read_error_after: None,
            state: Power::On,
            erred: false,
        }
    }

    pub(super) fn load(&mut self, files: BTreeMap<String, Vec<u8>>) {
        for (name, bytes) in files {
            let content = Content {
                live: bytes.clone(),
                durable: bytes,
                pending: Vec::new(),
            };
            self.contents.insert(self.next_id, content);
            self.names.insert(name, self.next_id);
            self.next_id += 1;
        }
        self.durable_names = self.names.clone();
    }

    pub(super) fn live_files(&self) -> BTreeMap<String, Vec<u8>> {
        let bytes = |id: &u64| {
            self.contents
                .get(id)
                .map_or(Vec::new(), |file| file.live.clone())
        };
        self.names
            .iter()
            .map(|(name, id)| (name.clone(), bytes(id)))
            .collect()
    }

    pub(super) fn arrange(&mut self, faults: SimulatedFaults) {
        self.faults = faults;
    }

    pub(super) fn has_failed(&self) -> bool {
        self.erred || self.state == Power::Off
    }

    pub(super) fn power_cut(&mut self) {
        let kept = self.random.below(self.pending_names.len() as u64 + 1);
        if let Some(last) = kept.checked_sub(1) {
            let last = usize::try_from(last).expect("it indexes a vector");
            self.durable_names = self.pending_names[last].clone();
        }
        self.pending_names.clear();
        self.names = self.durable_names.clone();
        for content in self.contents.values_mut() {
            content.power_cut(&mut self.random);
        }
        self.restart();
    }

    pub(super) fn kill(&mut self) {
        self.restart();
    }

    fn restart(&mut self) {
        let held: Vec<u64> = self.names.values().copied().collect();
        self.contents.retain(|id, _| held.contains(id));
        self.faults = SimulatedFaults::default();
        self.read_error_after = None;
        self.state = Power::On;
        self.erred = false;
    }

    pub(super) fn flip(&mut self, name: &str, byte: usize, bit: u8) {
        let Ok(id) = self.find(name) else { return };
        let Some(content) = self.contents.get_mut(&id) else {
            return;
        };
        for bytes in [&mut content.live, &mut content.durable] {
            if let Some(byte) = bytes.get_mut(byte) {
                *byte ^= 1 << bit;
            }
        }
    }

    pub(super) fn free_bytes(&self) -> u64 {
        let held = self.names.values().filter_map(|id| self.contents.get(id));
        let used: usize = held.map(|content| content.live.len()).sum();
        self.capacity_bytes.saturating_sub(used as u64)
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        self.powered()?;
        Ok(self.names.keys().cloned().collect())
    }

    pub(super) fn find(&self, name: &str) -> io::Result<u64> {
        self.powered()?;
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<u64> {
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.next_id;
        self.next_id += 1;
        // Before the name, which a power cut may leave behind.
        self.contents.insert(id, Content::default());
        self.change_names(|names| {
            names.insert(name.to_owned(), id);
        })?;
        Ok(id)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let id = self.find(from)?;
        self.change_names(|names| {
            names.remove(from);
            names.insert(to.to_owned(), id);
        })
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.find(name)?;
        self.change_names(|names| {
            names.remove(name);
        })
    }

    pub(super) fn sync_names(&mut self) -> io::Result<()> {
        self.operate(|world, go| {
            if let Go::Whole = go {
                world.pending_names.clear();
                world.durable_names = world.names.clone();
            }
        })
    }

    pub(super) fn bytes(&self, id: u64) -> io::Result<u64> {
        self.powered()?;
        Ok(self
            .contents
            .get(&id)
            .map_or(0, |content| content.live.len() as u64))
    }

    pub(super) fn read(&mut self, id: u64, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.powered()?;
        if count_down(&mut self.read_error_after) {
            self.erred = true;
            return Err(io::Error::other("simulated input/output error"));
        }
        let live = self
            .contents
            .get(&id)
            .map_or(&[][..], |content| &content.live);
        let begin = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(live.len());
        let bytes = into.len().min(live.len() - begin);
        into[..bytes].copy_from_slice(&live[begin..begin + bytes]);
        Ok(bytes)
    }

    pub(super) fn write(&mut self, id: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.powered()?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = offset + bytes.len();
        let held = self
            .contents
            .get(&id)
            .map_or(0, |content| content.live.len());
        if end.saturating_sub(held) as u64 > self.free_bytes() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.operate(|world, go| {
            let whole = match go {
                Go::Whole => true,
                Go::Nothing => return,
                Go::Fails => false,
            };
            let Some(content) = world.contents.get_mut(&id) else {
                return;
            };
            for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if whole || world.random.below(2) == 0 {
                    content.write(offset + index * SECTOR_BYTES, sector);
                }
            }
        })
    }

    pub(super) fn sync_file(&mut self, id: u64) -> io::Result<()> {
        self.operate(|world, go| {
            let Some(content) = world.contents.get_mut(&id) else {
                return;
            };
            match go {
                Go::Whole => {
                    for (offset, sector) in content.pending.drain(..) {
                        overwrite(&mut content.durable, offset, &sector);
                    }
                }
                Go::Nothing => {}
                // The system forgets what it could not write: a second sync would succeed.
                Go::Fails => content.pending.clear(),
            }
        })
    }

    fn change_names(&mut self, change: impl FnOnce(&mut BTreeMap<String, u64>)) -> io::Result<()> {
        self.operate(|world, go| {
            if let Go::Whole = go {
                change(&mut world.names);
                world.pending_names.push(world.names.clone());
            }
        })
    }

    fn powered(&self) -> io::Result<()> {
        match self.state {
            Power::On => Ok(()),
            Power::Off => Err(io::Error::other("the power is off")),
        }
    }

    /// Counts an operation and lets it go as far as the faults arranged allow.
    fn operate(&mut self, effect: impl FnOnce(&mut Self, Go)) -> io::Result<()> {
        self.powered()?;
        if count_down(&mut self.faults.power_cut_after) {
            self.state = Power::Off;
            let go = if self.random.below(2) == 0 {
                Go::Whole
            } else {
                Go::Nothing
            };
            effect(self, go);
            return self.powered();
        }
        if count_down(&mut self.faults.error_after) {
            self.erred = true;
            effect(self, Go::Fails);
            return Err(io::Error::other("simulated input/output error"));
        }
        effect(self, Go::Whole);
        Ok(())
    }
}

/// Whether a fault's time has come.
fn count_down(left: &mut Option<u64>) -> bool {
    match left {
        Some(0) => {
            *left = None;
            true
        }
        Some(more) => {
            *more -= 1;
            false
        }
        None => false,
    }
}

impl Content {
    fn write(&mut self, offset: usize, sector: &[u8]) {
        overwrite(&mut self.live, offset, sector);
        self.pending.push((offset, sector.to_vec()));
    }

    fn power_cut(&mut self, random: &mut Seeded) {
        for (offset, sector) in self.pending.drain(..) {
            match random.below(5) {
                0 | 1 => overwrite(&mut self.durable, offset, &sector),
                2 => {
                    let torn = random.below(sector.len() as u64);
                    let torn = usize::try_from(torn).expect("a sector is small");
                    overwrite(&mut self.durable, offset, &sector[..torn]);
                }
                _ => {}
            }
        }
        self.live.clone_from(&self.durable);
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, with: &[u8]) {
    let end = offset + with.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(with);
}
