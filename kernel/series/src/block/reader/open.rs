//! Opening: everything but the pages is checked, by reading the file, before it is mapped.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, RwLock};

use super::super::contents::{
    Contents, HEADER_BYTES, SectionKind, TRAILER_BYTES, Trailer, check_header,
};
use super::super::deleted::Deleted;
use super::super::folder::{deleted_path, failed};
use super::super::map::Mapped;
use super::{Block, Name};
use crate::Error;
use crate::chunk::{ByteReader, Damage};

/// Bytes that are checked at a time.
const CHECK_BYTES: usize = 256 << 10;

/// A series' contents name at most 4,096 blocks: more is damage.
const CONTENTS_BYTES_MAX: u64 = 64 << 10;

/// A label's name has at most so many bytes.
const NAME_BYTES_MAX: usize = crate::labels::LABEL_BYTES_MAX;

const TIME_BYTES: usize = 32;

struct Opening<'a> {
    path: &'a Path,
    file: File,
    bytes: u64,
}

impl Block {
    /// Opens a published block.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when its index does not match its checksums, [`Error::Io`] when it cannot be read.
    pub fn open(path: &Path, number: u64) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| failed(path, "open", source))?;
        let metadata = file
            .metadata()
            .map_err(|source| failed(path, "open", source))?;
        let opening = Opening {
            path,
            file,
            bytes: metadata.len(),
        };
        let contents = opening.contents(number)?;
        let deleted = read_deleted(path, number)?;
        let map = Mapped::open(&opening.file).map_err(|source| failed(path, "map", source))?;
        let mut block = Self {
            path: path.to_owned(),
            map,
            meta: contents.meta,
            sections: contents.sections,
            names: Vec::new(),
            deleted: RwLock::new(Arc::new(deleted)),
        };
        let section = block.section(SectionKind::Names);
        let mut names = ByteReader::new(section);
        let parsed = parse_names(&mut names, block.section(SectionKind::Values).len());
        let at = names.at();
        block.names = parsed.map_err(|reason| block.damaged_in(SectionKind::Names, at, reason))?;
        Ok(block)
    }
}

impl Opening<'_> {
    fn contents(&self, number: u64) -> Result<Contents, Error> {
        let end = self.bytes.checked_sub(TRAILER_BYTES as u64);
        let end = end.filter(|end| *end >= HEADER_BYTES as u64);
        let end = end.ok_or_else(|| self.damaged(self.bytes, "it ends early"))?;
        let header = self.read(0, HEADER_BYTES)?;
        check_header(&header, number).map_err(|reason| self.damaged(0, reason))?;
        let trailer = self.read(end, TRAILER_BYTES)?;
        let trailer =
            Trailer::decode(&trailer, self.bytes).map_err(|reason| self.damaged(end, reason))?;
        let place = trailer.contents;
        if place.bytes > CONTENTS_BYTES_MAX {
            return Err(self.damaged(place.offset, "its contents are too long"));
        }
        let contents = self.read(place.offset, place.bytes as usize)?;
        if crc32c::crc32c(&contents) != place.crc {
            return Err(self.damaged(place.offset, "its contents do not match their checksum"));
        }
        let contents = Contents::decode(&contents, self.bytes)
            .map_err(|reason| self.damaged(place.offset, reason))?;
        self.check_sections(&contents, place.offset)?;
        Ok(contents)
    }

    /// The sections follow one another up to the contents, and each matches its checksum.
    fn check_sections(&self, contents: &Contents, end: u64) -> Result<(), Error> {
        let mut at = contents.sections[0].offset;
        for section in &contents.sections {
            if section.offset != at {
                return Err(self.damaged(section.offset, "a section is not where it should be"));
            }
            if self.checksum(at, section.bytes)? != section.crc {
                return Err(self.damaged(at, "a section does not match its checksum"));
            }
            at += section.bytes;
        }
        let offsets = contents.sections[SectionKind::Offsets as usize].bytes;
        let times = contents.sections[SectionKind::Times as usize].bytes;
        let fits = at == end
            && offsets == u64::from(contents.meta.series) * 4
            && times.is_multiple_of(TIME_BYTES as u64);
        match fits {
            true => Ok(()),
            false => Err(self.damaged(at, "its sections do not fit together")),
        }
    }

    fn checksum(&self, offset: u64, bytes: u64) -> Result<u32, Error> {
        let (mut at, end, mut crc) = (offset, offset + bytes, 0);
        while at < end {
            let length = (end - at).min(CHECK_BYTES as u64);
            crc = crc32c::crc32c_append(crc, &self.read(at, length as usize)?);
            at += length;
        }
        Ok(crc)
    }

    fn read(&self, offset: u64, bytes: usize) -> Result<Vec<u8>, Error> {
        let mut found = vec![0; bytes];
        let read = self.file.read_exact_at(&mut found, offset);
        read.map_err(|source| failed(self.path, "read", source))?;
        Ok(found)
    }

    fn damaged(&self, offset: u64, reason: Damage) -> Error {
        Error::DamagedFile {
            path: self.path.to_owned(),
            offset,
            reason,
        }
    }
}

fn read_deleted(block: &Path, number: u64) -> Result<Deleted, Error> {
    let path = deleted_path(block);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Deleted::default()),
        Err(source) => return Err(failed(&path, "read", source)),
    };
    Deleted::decode(&bytes, number).map_err(|reason| Error::DamagedFile {
        path,
        offset: 0,
        reason,
    })
}

fn parse_names(names: &mut ByteReader<'_>, values_bytes: usize) -> Result<Vec<Name>, Damage> {
    let count = names.count(u32::MAX as usize)?;
    let mut parsed = Vec::new();
    for _ in 0..count {
        let bytes = names.count(NAME_BYTES_MAX)?;
        let text = std::str::from_utf8(names.take(bytes)?).map_err(|_| "a name is no UTF-8")?;
        parsed.push(Name {
            text: text.to_owned(),
            values: names.count(values_bytes)?,
            at: names.count(values_bytes)?,
        });
    }
    match names.is_at_end() && parsed.is_sorted_by(|a, b| a.text < b.text) {
        true => Ok(parsed),
        false => Err("names are not sorted"),
    }
}
