/// Little-endian numbers at fixed offsets of a structure.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0[offset..offset + N]
            .try_into()
            .expect("the slice has the array's length")
    }

    pub(crate) fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.array(offset))
    }

    pub(crate) fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.array(offset))
    }

    pub(crate) fn i64(&self, offset: usize) -> i64 {
        i64::from_le_bytes(self.array(offset))
    }
}

/// Writes a field at a fixed offset.
pub(crate) fn put(into: &mut [u8], offset: usize, field: &[u8]) {
    into[offset..offset + field.len()].copy_from_slice(field);
}
