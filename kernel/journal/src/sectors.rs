use std::ops::{Deref, DerefMut};

/// The unit of writing, and the alignment direct I/O asks for on every disk in use.
pub const SECTOR_BYTES: usize = 4096;

/// A buffer that starts on a sector boundary in memory and holds whole sectors.
#[derive(Debug)]
pub struct Sectors {
    memory: Vec<u8>,
    start: usize,
    bytes: usize,
}

impl Sectors {
    /// Room for `bytes_max`, rounded up to whole sectors, all zero; the length is zero.
    pub fn new(bytes_max: usize) -> Self {
        let memory = vec![0; bytes_max.next_multiple_of(SECTOR_BYTES) + SECTOR_BYTES];
        // The heap block never moves while the vector is neither grown nor replaced.
        let start = memory.as_ptr().align_offset(SECTOR_BYTES);
        assert!(start <= SECTOR_BYTES, "byte pointers can always be aligned");
        Self {
            memory,
            start,
            bytes: 0,
        }
    }

    /// As many zero bytes, rounded up to whole sectors.
    pub fn zeroed(bytes: usize) -> Self {
        let mut sectors = Self::new(bytes);
        sectors.bytes = bytes.next_multiple_of(SECTOR_BYTES);
        sectors
    }

    /// Bytes it can hold.
    pub fn capacity(&self) -> usize {
        self.memory.len() - SECTOR_BYTES
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.bytes = 0;
    }

    /// Adds bytes at the end.
    ///
    /// # Panics
    /// When they exceed the capacity.
    pub fn extend(&mut self, bytes: &[u8]) {
        let end = self.bytes + bytes.len();
        assert!(
            end <= self.capacity(),
            "the caller bounds a frame before it encodes it"
        );
        self.memory[self.start + self.bytes..self.start + end].copy_from_slice(bytes);
        self.bytes = end;
    }

    /// Fills the last sector with zeros.
    pub fn pad(&mut self) {
        let end = self.bytes.next_multiple_of(SECTOR_BYTES);
        self.memory[self.start + self.bytes..self.start + end].fill(0);
        self.bytes = end;
    }
}

impl Deref for Sectors {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.bytes]
    }
}

impl DerefMut for Sectors {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.bytes]
    }
}
