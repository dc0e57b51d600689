//! One float against the float before it: unchanged, a decimal step, or the bytes that differ.

use super::bytes::{ByteReader, Damage, signed_bytes};

/// Highest scale: six decimals are what meters, sensors and clocks print.
pub(super) const SCALE_MAX: u8 = 6;

const POWERS: [f64; SCALE_MAX as usize + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

/// Adding and subtracting it rounds to an integer; beyond `MANTISSA_MAX` it would not.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const MANTISSA_MAX: f64 = 2_251_799_813_685_248.0;

/// After a float that is no decimal at any scale, this many are tried at the present scale only:
/// looking costs more than all else.
const PATIENCE: u8 = 16;

pub(super) const SAME: u8 = 0;
const XOR_HIGH: u8 = 8;
const XOR_BELOW: u8 = 15;
const DECIMAL: u8 = 21;
const DECIMAL_BYTES_MAX: usize = 4;
const REPEATED: u8 = 26;
/// One more than the highest class.
pub(super) const CLASSES: u8 = 27;

/// What both sides remember of the floats so far.
///
/// Packed, so that what stands beside it in a chunk's state takes the place of padding.
#[derive(Debug, Clone, Copy, Default)]
#[repr(Rust, packed(2))]
pub(super) struct ValueState {
    /// The last float's bits.
    pub(super) bits: u64,
    /// Of the last decimal.
    difference: i64,
    pub(super) scale: u8,
    /// The writer's alone.
    patience: u8,
}

/// A float as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) class: u8,
    payload: u64,
    length: usize,
    /// Set when the scale must change first.
    pub(super) scale: Option<u8>,
}

impl Coded {
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Of which the first [`length`](Self::length) are written.
    pub(super) fn bytes(&self) -> [u8; 8] {
        self.payload.to_le_bytes()
    }

    pub(super) fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.bytes()[..self.length]);
    }
}

impl ValueState {
    /// At scale 0, as the numbers of histograms are coded.
    pub(super) fn after(bits: u64) -> Self {
        Self {
            bits,
            ..Self::default()
        }
    }

    /// Codes a float and remembers it; without `may_scale` the scale stays.
    pub(super) fn code(&mut self, value: f64, may_scale: bool) -> Coded {
        let bits = value.to_bits();
        let xor = bits ^ self.bits;
        if xor == 0 {
            return plain(SAME, 0, 0);
        }
        let as_xor = code_xor(xor);
        let coded = match self.code_decimal(value, may_scale) {
            Some((decimal, difference)) if decimal.length <= as_xor.length => {
                self.difference = difference;
                self.scale = decimal.scale.unwrap_or(self.scale);
                decimal
            }
            _ => as_xor,
        };
        self.bits = bits;
        coded
    }

    fn code_decimal(&mut self, value: f64, may_scale: bool) -> Option<(Coded, i64)> {
        if let Some(difference) = self.difference_at(value, self.scale) {
            let mut coded = decimal(difference);
            if difference == self.difference {
                coded = plain(REPEATED, 0, 0);
            }
            return Some((coded, difference));
        }
        if !may_scale {
            return None;
        }
        if self.patience > 0 {
            self.patience -= 1;
            return None;
        }
        for scale in 0..=SCALE_MAX {
            if let Some(difference) = self.difference_at(value, scale) {
                let mut coded = decimal(difference);
                coded.scale = Some(scale);
                return Some((coded, difference));
            }
        }
        self.patience = PATIENCE;
        None
    }

    /// The step from the last float to this one, if it is one of few bytes that leads to the very bits.
    fn difference_at(&self, value: f64, scale: u8) -> Option<i64> {
        let power = POWERS[usize::from(scale)];
        let scaled = value * power;
        if scaled.is_nan() || scaled.abs() > MANTISSA_MAX {
            return None;
        }
        let mantissa = round(scaled);
        if (mantissa as f64 / power).to_bits() != value.to_bits() {
            return None;
        }
        let difference = mantissa.wrapping_sub(self.mantissa(power));
        (signed_bytes(difference) <= DECIMAL_BYTES_MAX).then_some(difference)
    }

    #[inline]
    fn mantissa(&self, power: f64) -> i64 {
        round(f64::from_bits(self.bits) * power)
    }

    /// Reads a float of a class and remembers it.
    #[inline]
    pub(super) fn read(&mut self, class: u8, from: &mut ByteReader<'_>) -> Result<f64, Damage> {
        self.bits = match class {
            SAME => self.bits,
            1..=XOR_HIGH => self.bits ^ from.number(usize::from(class))?,
            9..=XOR_BELOW => {
                let count = class - XOR_HIGH;
                self.bits ^ from.number(usize::from(count))? << (64 - 8 * count)
            }
            16..=DECIMAL => {
                let count = class - XOR_BELOW;
                self.bits ^ from.number(usize::from(count))? << (56 - 8 * count)
            }
            22..=25 => {
                self.difference = from.signed(usize::from(class - DECIMAL))?;
                self.next_decimal()
            }
            REPEATED => self.next_decimal(),
            _ => return Err("a value has an unknown class"),
        };
        Ok(f64::from_bits(self.bits))
    }

    #[inline]
    fn next_decimal(&self) -> u64 {
        let power = POWERS[usize::from(self.scale.min(SCALE_MAX))];
        let mantissa = self.mantissa(power).wrapping_add(self.difference);
        (mantissa as f64 / power).to_bits()
    }
}

fn plain(class: u8, payload: u64, length: usize) -> Coded {
    Coded {
        class,
        payload,
        length,
        scale: None,
    }
}

fn decimal(difference: i64) -> Coded {
    let length = signed_bytes(difference);
    plain(DECIMAL + length as u8, difference as u64, length)
}

/// The fewest bytes that hold all that differs.
fn code_xor(xor: u64) -> Coded {
    let low = (64 - xor.leading_zeros() as usize).div_ceil(8);
    let high = 8 - xor.trailing_zeros() as usize / 8;
    let below = high - 1;
    if low == 8 && high < 8 {
        return plain(XOR_HIGH + high as u8, xor >> (64 - 8 * high), high);
    }
    if low <= 7 && (1..=6).contains(&below) && below < low {
        return plain(XOR_BELOW + below as u8, xor >> (56 - 8 * below), below);
    }
    plain(low as u8, xor, low)
}

/// To the nearest integer, ties to even; NaN is 0 and what is too large is some integer.
#[inline]
fn round(value: f64) -> i64 {
    ((value + ROUNDER) - ROUNDER) as i64
}
