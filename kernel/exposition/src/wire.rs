//! Protocol buffers as bytes: fields of a message one after the other, without intermediate structs.

mod write;

pub(crate) use write::Writer;

use crate::Error;

/// What a field holds, as far as the bytes tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Field<'a> {
    /// The bytes of a string or message; other kinds are empty, as fields of a kind that is not known are skipped.
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    pub(crate) fn uint(self) -> u64 {
        match self {
            Self::Varint(value) | Self::Fixed64(value) => value,
            Self::Fixed32(value) => u64::from(value),
            Self::Bytes(_) => 0,
        }
    }

    pub(crate) fn int(self) -> i64 {
        self.uint().cast_signed()
    }

    pub(crate) fn uint32(self) -> u32 {
        // The wire may hold more bits than the field: they are dropped, as every decoder does.
        (self.uint() & u64::from(u32::MAX)) as u32
    }

    pub(crate) fn sint32(self) -> i32 {
        zigzag32(self.uint())
    }

    pub(crate) fn double(self) -> f64 {
        match self {
            Self::Fixed64(bits) => f64::from_bits(bits),
            _ => 0.0,
        }
    }
}

fn zigzag32(value: u64) -> i32 {
    let value = (value & u64::from(u32::MAX)) as u32;
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

fn zigzag64(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// What does not fit; [`Message`] adds where.
type Problem = &'static str;

const TRUNCATED: Problem = "it ends inside a field";
const VARINT_TOO_LONG: Problem = "a varint takes more than ten bytes";
const BAD_WIRE_TYPE: Problem = "a field has a wire type that does not exist, or a group";
const FIELD_ZERO: Problem = "a field has the number 0";

/// The fields of one message, in the order they come.
#[derive(Debug, Clone)]
pub(crate) struct Message<'a> {
    rest: &'a [u8],
    /// Where the whole body begins, as an address: offsets in errors count from there.
    body: &'a [u8],
    name: &'static str,
}

impl<'a> Message<'a> {
    /// The message that is all of `body`; `name` is what errors call it.
    pub(crate) fn new(body: &'a [u8], name: &'static str) -> Self {
        Self {
            rest: body,
            body,
            name,
        }
    }

    /// A message inside this one.
    pub(crate) fn inner(&self, bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            body: self.body,
            name: self.name,
        }
    }

    /// Takes a message that follows its length off the front; `None` at the end.
    pub(crate) fn next_delimited(&mut self) -> Result<Option<&'a [u8]>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let taken = self.length_and_bytes();
        taken.map(Some).map_err(|problem| self.malformed(problem))
    }

    /// The next field with its number; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.field()
            .map(Some)
            .map_err(|problem| self.malformed(problem))
    }

    pub(crate) fn malformed(&self, problem: Problem) -> Error {
        Error::Malformed {
            message: self.name,
            offset: self.rest.as_ptr().addr() - self.body.as_ptr().addr(),
            problem,
        }
    }

    #[inline]
    fn field(&mut self) -> Result<(u32, Field<'a>), Problem> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| VARINT_TOO_LONG)?;
        if number == 0 {
            return Err(FIELD_ZERO);
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Field::Bytes(self.length_and_bytes()?),
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(BAD_WIRE_TYPE),
        };
        Ok((number, field))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Problem> {
        let (value, rest) = varint(self.rest)?;
        self.rest = rest;
        Ok(value)
    }

    #[inline]
    fn length_and_bytes(&mut self) -> Result<&'a [u8], Problem> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// Adds the doubles of a repeated field, packed or one by one.
    pub(crate) fn doubles(&self, field: Field<'a>, into: &mut Vec<f64>) -> Result<(), Error> {
        let Field::Bytes(packed) = field else {
            into.push(field.double());
            return Ok(());
        };
        let (chunks, rest) = packed.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(self.malformed("packed doubles do not take eight bytes each"));
        }
        into.extend(chunks.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        Ok(())
    }

    /// Adds the eight-byte integers of a repeated field, packed or one by one.
    pub(crate) fn fixed64s(&self, field: Field<'a>, into: &mut Vec<u64>) -> Result<(), Error> {
        let Field::Bytes(packed) = field else {
            into.push(field.uint());
            return Ok(());
        };
        let (chunks, rest) = packed.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(self.malformed("packed integers do not take eight bytes each"));
        }
        into.extend(chunks.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        Ok(())
    }

    /// Adds the varints of a repeated field, packed or one by one.
    pub(crate) fn varints(&self, field: Field<'a>, mut add: impl FnMut(u64)) -> Result<(), Error> {
        let Field::Bytes(mut packed) = field else {
            add(field.uint());
            return Ok(());
        };
        while !packed.is_empty() {
            let (value, rest) = varint(packed).map_err(|problem| self.malformed(problem))?;
            packed = rest;
            add(value);
        }
        Ok(())
    }

    /// Adds the zigzag integers of a repeated field, packed or one by one.
    pub(crate) fn sint64s(&self, field: Field<'a>, into: &mut Vec<i64>) -> Result<(), Error> {
        self.varints(field, |value| into.push(zigzag64(value)))
    }
}

#[inline]
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Problem> {
    // Tags and lengths are nearly always below 128.
    if let Some((&first, rest)) = bytes.split_first()
        && first < 0x80
    {
        return Ok((u64::from(first), rest));
    }
    long_varint(bytes)
}

fn long_varint(bytes: &[u8]) -> Result<(u64, &[u8]), Problem> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(match bytes.len() {
        0..10 => TRUNCATED,
        _ => VARINT_TOO_LONG,
    })
}

#[cfg(test)]
mod tests;
