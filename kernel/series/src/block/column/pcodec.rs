//! The numeric codec pco, without the headers of its own file format.

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};

use crate::chunk::{ByteReader, Damage, put_varint};

/// Below this its own metadata outweighs what it saves.
pub(super) const COUNT_MIN: usize = 24;

/// Of 0 to 12; higher ones take more time than they save bytes on pages of a thousand.
const LEVEL: usize = 8;

/// The version that the format page names; a file header of pco would repeat it in each page.
const VERSION: [u8; 2] = [4, 1];

/// The numbers as pco writes them, or nothing when it cannot.
pub(super) fn compress<T: Number>(numbers: &[T]) -> Option<Vec<u8>> {
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(numbers, &config).ok()?;
    let bytes = chunk.write_meta(Vec::new()).ok()?;
    chunk.write_page(0, bytes).ok()
}

/// Appends how many bytes there are, and the bytes.
pub(super) fn put(into: &mut Vec<u8>, compressed: &[u8]) {
    put_varint(into, compressed.len() as u64);
    into.extend_from_slice(compressed);
}

/// Fills the numbers from what [`put`] wrote.
pub(super) fn read<T: Number>(from: &mut ByteReader<'_>, into: &mut [T]) -> Result<(), Damage> {
    const BAD: Damage = "a column of pco cannot be read";
    let bytes = from.count(usize::MAX)?;
    let compressed = from.take(bytes)?;
    let (file, _) = FileDecompressor::new(&VERSION[..]).map_err(|_| BAD)?;
    let (mut chunk, page) = file
        .chunk_decompressor::<T, _>(compressed)
        .map_err(|_| BAD)?;
    let mut page = chunk.page_decompressor(page, into.len()).map_err(|_| BAD)?;
    let progress = page.read(into).map_err(|_| BAD)?;
    match progress.n_processed == into.len() && progress.finished {
        true => Ok(()),
        false => Err(BAD),
    }
}
