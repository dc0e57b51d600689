//! Numbers for names that many jobs share, so that a job holds four bytes instead of a text.

use std::collections::HashMap;

use super::entry::Number;

/// Things with names, by number; numbers of things that went are used again.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    numbers: HashMap<Box<str>, Number>,
    slots: Vec<Option<(Box<str>, T)>>,
    free: Vec<Number>,
}

impl<T> Named<T> {
    /// None yet; the number 0 is never given.
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            slots: vec![None],
            free: Vec::new(),
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<Number> {
        self.numbers.get(name).copied()
    }

    /// The number of a name, which is made when it is new.
    pub(super) fn number_or_insert(&mut self, name: &str, make: impl FnOnce() -> T) -> Number {
        if let Some(number) = self.number(name) {
            return number;
        }
        let slot = Some((Box::from(name), make()));
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                Number::try_from(self.slots.len() - 1).expect("memory ends before numbers do")
            }
        };
        self.numbers.insert(name.into(), number);
        number
    }

    pub(super) fn find(&self, number: Number) -> Option<&T> {
        Some(&self.slots.get(number as usize)?.as_ref()?.1)
    }

    pub(super) fn find_mut(&mut self, number: Number) -> Option<&mut T> {
        Some(&mut self.slots.get_mut(number as usize)?.as_mut()?.1)
    }

    pub(super) fn remove(&mut self, number: Number) {
        let slot = self.slots.get_mut(number as usize);
        if let Some((name, _)) = slot.and_then(Option::take) {
            self.numbers.remove(&name);
            self.free.push(number);
        }
    }

    /// All of them, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Number, &T)> {
        let numbered = (0..).zip(&self.slots);
        numbered.filter_map(|(number, slot)| Some((number, &slot.as_ref()?.1)))
    }
}
