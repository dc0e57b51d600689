//! Taking back what was not kept.

use super::memory::Standing;
use super::{Account, Hold, Ledger, Slot};
use crate::Text;

/// How one thing was before.
#[derive(Debug)]
pub(super) enum Undo {
    Opened,
    Account(Slot, Account),
    Remembered,
    Standing(u64, Standing),
    Hold(Text, Option<Hold>),
}

impl Ledger {
    /// From here on, changes can be taken back.
    pub fn begin(&mut self) {
        self.undo.clear();
    }

    /// What changed since [`begin`](Self::begin) is so for good.
    pub fn settle(&mut self) {
        self.undo.clear();
        self.memory.shorten();
    }

    /// Everything is as it was at [`begin`](Self::begin).
    pub fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Opened => {
                    if let Some(account) = self.accounts.pop() {
                        self.slots.remove(&account.iban);
                    }
                }
                Undo::Account(slot, account) => self.accounts[slot as usize] = account,
                Undo::Remembered => self.memory.pop(),
                Undo::Standing(number, standing) => {
                    self.memory.move_on(number, standing);
                }
                Undo::Hold(id, Some(hold)) => {
                    self.holds.insert(id, hold);
                }
                Undo::Hold(id, None) => {
                    self.holds.remove(&id);
                }
            }
        }
    }
}
