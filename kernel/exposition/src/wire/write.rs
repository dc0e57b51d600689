/// Builds a message field by field; numbers that are zero are left out, as the third version of the language does.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn uint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.uint_always(number, value);
        }
    }

    /// For members of a oneof, whose zero says something.
    pub(crate) fn uint_always(&mut self, number: u32, value: u64) {
        self.tag(number, 0);
        self.varint(value);
    }

    pub(crate) fn int(&mut self, number: u32, value: i64) {
        self.uint(number, value.cast_unsigned());
    }

    pub(crate) fn sint32(&mut self, number: u32, value: i32) {
        let zigzag = ((value << 1) ^ (value >> 31)).cast_unsigned();
        self.uint(number, u64::from(zigzag));
    }

    pub(crate) fn double(&mut self, number: u32, value: f64) {
        // Minus zero is not the default, bit by bit.
        if value.to_bits() != 0 {
            self.double_always(number, value);
        }
    }

    /// For members of a oneof, whose zero says something.
    pub(crate) fn double_always(&mut self, number: u32, value: f64) {
        self.tag(number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed64(&mut self, number: u32, value: u64) {
        self.tag(number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn text(&mut self, number: u32, value: &str) {
        if !value.is_empty() {
            self.text_always(number, value);
        }
    }

    /// For repeated fields, whose empty members count.
    pub(crate) fn text_always(&mut self, number: u32, value: &str) {
        self.bytes(number, value.as_bytes());
    }

    /// Bytes, or a message that is encoded already.
    pub(crate) fn bytes(&mut self, number: u32, value: &[u8]) {
        self.tag(number, 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    pub(crate) fn doubles(&mut self, number: u32, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        self.tag(number, 2);
        self.varint(values.len() as u64 * 8);
        for value in values {
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// A packed field of varints.
    pub(crate) fn varints(&mut self, number: u32, values: impl IntoIterator<Item = u64>) {
        self.message(number, |packed| {
            for value in values {
                packed.varint(value);
            }
        });
    }

    /// A message inside: its length is filled in once it is known.
    pub(crate) fn message(&mut self, number: u32, fill: impl FnOnce(&mut Self)) {
        self.tag(number, 2);
        self.delimited(fill);
    }

    /// A message after its length, without a tag.
    pub(crate) fn delimited(&mut self, fill: impl FnOnce(&mut Self)) {
        let at = self.bytes.len();
        // Room for a length below 128; longer ones move the message, which is rare and short of it.
        self.bytes.push(0);
        fill(self);
        let length = self.bytes.len() - at - 1;
        if let Ok(short @ 0..0x80) = u8::try_from(length) {
            self.bytes[at] = short;
            return;
        }
        let mut prefix = Self::default();
        prefix.varint(length as u64);
        self.bytes.splice(at..=at, prefix.bytes);
    }

    fn tag(&mut self, number: u32, wire_type: u64) {
        self.varint(u64::from(number) << 3 | wire_type);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
