use std::fs;

use super::identity::golden;
use super::*;
use crate::{MatchOp, Matcher};

/// Opens a block and reads all of it; or the first refusal.
fn read(path: &std::path::Path) -> Result<Vec<(String, Vec<Exact>)>, Error> {
    let block = Block::open(path, 1)?;
    block.verify()?;
    let mut all = Vec::new();
    for id in 0..block.meta().series {
        let mut samples = Samples::default();
        block.read(id, i64::MIN, i64::MAX, &mut samples)?;
        all.push((block.labels(id)?.to_string(), exactly(&samples)));
    }
    Ok(all)
}

fn small() -> Series {
    let mut series = golden();
    series.truncate(4);
    for (_, samples) in &mut series {
        samples.timestamps.truncate(40);
        samples.floats.truncate(40);
        samples.histograms.truncate(40);
    }
    series
}

#[test]
fn every_flipped_bit_is_named_by_file_and_offset() {
    let (root, block) = written(&small());
    let mut bytes = fs::read(block.path()).unwrap();
    // A file of its own: one that is mapped is not written to.
    let path = root.path().join("damaged");
    fs::write(&path, &bytes).unwrap();
    assert!(read(&path).is_ok());
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        match read(&path) {
            Err(Error::DamagedFile {
                path: named,
                offset,
                ..
            }) => {
                assert_eq!(named, path);
                assert!(offset <= bytes.len() as u64, "bit {bit}: offset {offset}");
            }
            other => panic!("bit {bit} of {}: {other:?}", bytes.len() * 8),
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_file_that_was_cut_or_grew_is_refused() {
    let (root, block) = written(&small());
    let bytes = fs::read(block.path()).unwrap();
    let path = root.path().join("damaged");
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(
            matches!(read(&path), Err(Error::DamagedFile { .. })),
            "cut to {length}"
        );
    }
    fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
    assert!(matches!(read(&path), Err(Error::DamagedFile { .. })));
    fs::write(&path, &bytes).unwrap();
    let other = Block::open(&path, 2);
    assert!(
        matches!(other, Err(Error::DamagedFile { offset: 0, .. })),
        "another number's name"
    );
}

#[test]
fn a_damaged_page_hides_nothing_of_the_other_series() {
    let (root, block) = written(&small());
    let mut bytes = fs::read(block.path()).unwrap();
    bytes[40] ^= 1;
    let path = root.path().join("damaged");
    fs::write(&path, &bytes).unwrap();
    let damaged = Block::open(&path, 1).unwrap();
    let mut column = floats(&[(-1, 1.0)]);
    assert!(damaged.read(0, 0, i64::MAX, &mut column).is_err());
    assert_eq!(
        exactly(&column),
        exactly(&floats(&[(-1, 1.0)])),
        "nothing of it is served"
    );
    let last = block.meta().series - 1;
    assert_eq!(
        exactly(&read_all(&damaged, last)),
        exactly(&read_all(&block, last))
    );
}

#[test]
fn a_folder_with_a_damaged_block_opens_with_the_others() {
    let (root, folder) = folder();
    for _ in 0..2 {
        write(&folder, &small()).unwrap();
    }
    let path = folder.block_path(1);
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.len() - 40;
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    let opened = BlockFolder::open(root.path()).unwrap();
    assert_eq!(opened.blocks.len(), 1);
    assert!(
        opened.damaged[0]
            .to_string()
            .contains("00000000000000000001.block is damaged at byte")
    );
    assert!(path.exists(), "it is left for whoever repairs it");
    let next = write(&opened.folder, &small()).unwrap();
    assert_eq!(next.number, 3);
}

/// Puts the checksums of a changed file right, as somebody who writes nonsense on purpose would.
fn sign(bytes: &mut [u8]) {
    let end = bytes.len() - contents::TRAILER_BYTES;
    let field = |bytes: &[u8], at: usize| {
        let four = bytes[at..at + 4].try_into().unwrap();
        u32::from_le_bytes(four) as usize
    };
    let contents_at = field(bytes, end);
    for section in 0..contents::SECTIONS {
        let record = contents_at + 40 + section * 20;
        let (offset, length) = (field(bytes, record), field(bytes, record + 8));
        if let Some(section) = bytes.get(offset..offset.saturating_add(length)) {
            let crc = crc32c::crc32c(section);
            bytes[record + 16..record + 20].copy_from_slice(&crc.to_le_bytes());
        }
    }
    let crc = crc32c::crc32c(&bytes[contents_at..end]);
    bytes[end + 12..end + 16].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[end..end + 28]);
    bytes[end + 28..].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn an_index_that_was_signed_and_makes_no_sense_is_refused_or_read() {
    let (root, block) = written(&small());
    let bytes = fs::read(block.path()).unwrap();
    let end = bytes.len() - contents::TRAILER_BYTES;
    let index = block.sections[contents::SectionKind::Times as usize].offset as usize;
    let mut refused = 0;
    for place in index..end {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            sign(&mut changed);
            let path = root.path().join("damaged");
            fs::write(&path, &changed).unwrap();
            let everything = |block: &Block| {
                let _ = block.select(
                    &[Matcher::new("kind", MatchOp::Regex, "d.*").unwrap()],
                    0,
                    9,
                );
                let _ = block.label_values("kind", None, &mut Default::default());
                let _ = block.label_names(Some(&[0]), &mut Default::default());
            };
            match Block::open(&path, 1) {
                Ok(block) => everything(&block),
                Err(_) => refused += 1,
            }
            // Whatever it comes to, it comes to an end without a panic.
            let _ = read(&path);
        }
    }
    assert!(
        refused > 100,
        "checksums were not put right, or nothing is checked: {refused}"
    );
}
