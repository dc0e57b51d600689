//! Which series are aggregated together.

use hashbrown::HashMap;

use portique_series::{Labels, METRIC_NAME};

use crate::evaluate::labels::signature;

/// The groups of an aggregation, numbered as they first come.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    grouping: &'a [String],
    without: bool,
    numbers: HashMap<Vec<u8>, usize>,
    labels: Vec<Labels>,
    buffer: Vec<u8>,
}

impl<'a> Groups<'a> {
    /// By these labels, or without them.
    pub(super) fn new(grouping: &'a [String], without: bool) -> Self {
        Self {
            grouping,
            without,
            numbers: HashMap::new(),
            labels: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// The number of a series' group.
    pub(super) fn of(&mut self, labels: &Labels) -> usize {
        let mut buffer = std::mem::take(&mut self.buffer);
        signature(labels, |name| self.keeps(name), &mut buffer);
        let number = match self.numbers.get(&buffer) {
            Some(number) => *number,
            None => {
                let number = self.numbers.len();
                self.numbers.insert(buffer.clone(), number);
                self.labels.push(self.kept(labels));
                number
            }
        };
        self.buffer = buffer;
        number
    }

    /// The labels of each group.
    pub(super) fn into_labels(self) -> Vec<Labels> {
        self.labels
    }

    /// The labels of one group.
    pub(super) fn labels(&self, group: usize) -> &Labels {
        &self.labels[group]
    }

    fn keeps(&self, name: &str) -> bool {
        let listed = self.grouping.iter().any(|label| label == name);
        match self.without {
            true => !listed && name != METRIC_NAME,
            false => listed,
        }
    }

    fn kept(&self, labels: &Labels) -> Labels {
        labels.only(|name| self.keeps(name))
    }
}
