//! The slots of one value of one label.

use roaring::RoaringBitmap;

/// Up to so many slots a sorted list is smaller than a bitmap and as fast.
const FEW_MAX: usize = 32;

/// A set of slots; most values are carried by one series or few.
#[derive(Debug)]
pub(super) enum Postings {
    One(u32),
    Few(Vec<u32>),
    Many(Box<RoaringBitmap>),
}

impl Default for Postings {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Postings {
    pub(super) fn insert(&mut self, slot: u32) {
        match self {
            Self::One(one) if *one == slot => {}
            Self::One(one) => *self = Self::Few(vec![slot.min(*one), slot.max(*one)]),
            Self::Few(few) if few.is_empty() => *self = Self::One(slot),
            Self::Few(few) => {
                if few.last().is_some_and(|last| *last < slot) {
                    few.push(slot);
                } else if let Err(at) = few.binary_search(&slot) {
                    few.insert(at, slot);
                }
                if few.len() > FEW_MAX {
                    *self = Self::Many(Box::new(few.drain(..).collect()));
                }
            }
            Self::Many(many) => {
                many.insert(slot);
            }
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        match self {
            Self::One(one) if *one == slot => *self = Self::default(),
            Self::One(_) => {}
            Self::Few(few) => few.retain(|found| *found != slot),
            Self::Many(many) => {
                many.remove(slot);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len() as usize,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn add_to(&self, set: &mut RoaringBitmap) {
        match self {
            Self::One(one) => {
                set.insert(*one);
            }
            Self::Few(few) => set.extend(few),
            Self::Many(many) => *set |= &**many,
        }
    }

    pub(super) fn keep_in(&self, set: &mut RoaringBitmap) {
        match self {
            Self::Many(many) => *set &= &**many,
            _ => {
                let mut few = RoaringBitmap::new();
                self.add_to(&mut few);
                *set &= few;
            }
        }
    }
}
