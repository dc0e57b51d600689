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

/// The numbers as pco writes them, or nothing when it cannot, or when reading gives other ones: what is written here
/// replaces the only other copy.
pub(super) fn compress<T: Number>(numbers: &[T], is_same: fn(&T, &T) -> bool) -> Option<Vec<u8>> {
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(numbers, &config).ok()?;
    let bytes = chunk.write_meta(Vec::new()).ok()?;
    let compressed = chunk.write_page(0, bytes).ok()?;
    let mut again = numbers.to_vec();
    decompress(&compressed, &mut again).ok()?;
    let is_kept = numbers.iter().zip(&again).all(|(a, b)| is_same(a, b));
    is_kept.then_some(compressed)
}

/// Appends how many bytes there are, and the bytes.
pub(super) fn put(into: &mut Vec<u8>, compressed: &[u8]) {
    put_varint(into, compressed.len() as u64);
    into.extend_from_slice(compressed);
}

/// Fills the numbers from what [`put`] wrote.
pub(super) fn read<T: Number>(from: &mut ByteReader<'_>, into: &mut [T]) -> Result<(), Damage> {
    let bytes = from.count(usize::MAX)?;
    decompress(from.take(bytes)?, into)
}

fn decompress<T: Number>(compressed: &[u8], into: &mut [T]) -> Result<(), Damage> {
    const BAD: Damage = "a column of pco cannot be read";
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
