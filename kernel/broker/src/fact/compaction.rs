use portique_bus::CompactionName;
use portique_event::Filter;
use prost::Message;

use super::DecodeError;

/// A compaction made.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Compacting {
    #[prost(uint64, tag = "1")]
    pub(crate) compaction: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    filter: String,
    /// The first sequence it looks at.
    #[prost(uint64, tag = "4")]
    pub(crate) cursor: u64,
}

impl Compacting {
    pub(crate) fn new(
        compaction: u64,
        name: &CompactionName,
        filter: &Filter,
        cursor: u64,
    ) -> Self {
        Self {
            compaction,
            name: name.to_string(),
            filter: filter.to_string(),
            cursor,
        }
    }

    /// Itself, when its name and filter keep the rules of the bus.
    pub(crate) fn checked(self) -> Result<Self, DecodeError> {
        self.name()?;
        self.filter()?;
        Ok(self)
    }

    pub(crate) fn name(&self) -> Result<CompactionName, DecodeError> {
        Ok(CompactionName::new(self.name.as_str())?)
    }

    pub(crate) fn filter(&self) -> Result<Filter, DecodeError> {
        Ok(Filter::new(self.filter.as_str())?)
    }
}

/// A compaction ended.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct CompactionEnded {
    #[prost(uint64, tag = "1")]
    pub(crate) compaction: u64,
}

/// Events a compaction holds from now on, side by side, each in the place of an earlier one of its
/// key.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Indexed {
    #[prost(uint64, tag = "1")]
    pub(crate) compaction: u64,
    /// Everything below was looked at.
    #[prost(uint64, tag = "2")]
    pub(crate) cursor: u64,
    /// Sixteen bytes for each: the hash of its key.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) keys: Vec<u8>,
    #[prost(uint64, repeated, tag = "4")]
    pub(crate) sequences: Vec<u64>,
    /// Bytes of their records.
    #[prost(uint32, repeated, tag = "5")]
    pub(crate) sizes: Vec<u32>,
    /// Events it can no longer hold, because they are damaged.
    #[prost(uint64, repeated, tag = "6")]
    pub(crate) gone: Vec<u64>,
}

impl Indexed {
    /// Itself, when its columns fit together.
    pub(crate) fn checked(self) -> Result<Self, DecodeError> {
        let count = self.sequences.len();
        if self.sizes.len() != count || self.keys.len() != 16 * count {
            return Err(DecodeError::Shape("its columns differ in length"));
        }
        Ok(self)
    }

    pub(crate) fn push(&mut self, key: u128, sequence: u64, size: u32) {
        self.keys.extend(key.to_le_bytes());
        self.sequences.push(sequence);
        self.sizes.push(size);
    }

    /// Key, sequence and size of each.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u128, u64, u32)> {
        let keys = self.keys.as_chunks::<16>().0.iter();
        let keys = keys.map(|bytes| u128::from_le_bytes(*bytes));
        let places = self.sequences.iter().zip(&self.sizes);
        keys.zip(places)
            .map(|(key, (sequence, size))| (key, *sequence, *size))
    }
}

/// A compaction as it stood, or a piece of one: pieces of one number add up.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CheckpointedCompaction {
    #[prost(message, optional, tag = "1")]
    pub(crate) made: Option<Compacting>,
    #[prost(uint64, tag = "2")]
    pub(crate) refused: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) held: Option<Indexed>,
    /// The number of the next compaction.
    #[prost(uint64, tag = "4")]
    pub(crate) next: u64,
}
