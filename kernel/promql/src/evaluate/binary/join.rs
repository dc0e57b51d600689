//! Arithmetic and comparison between the series of two vectors.

use hashbrown::HashMap;

use portique_series::{Labels, Value};

use crate::annotations::Annotations;
use crate::column::{Presence, SeriesColumn};
use crate::error::Error;
use crate::evaluate::{Evaluation, Merger};
use crate::syntax::{Binary, Cardinality, VectorMatching, quote};

use super::changes_meaning;
use super::matching::Signatures;
use super::value::{Operand, Operation};

/// A join under way. The side of which only one series may match is `one`, the other `many`.
struct Join<'a> {
    matching: &'a VectorMatching,
    operation: Operation,
    /// Whether the left side is the one.
    swapped: bool,
    renames: bool,
    drop_name: bool,
    many: &'a [SeriesColumn],
    many_signatures: Vec<usize>,
    one: &'a [SeriesColumn],
    /// The series of the one side, by signature.
    ones: Vec<Vec<usize>>,
    /// Of which signatures it has to be known what has matched.
    tracked: Vec<bool>,
    steps: usize,
    merger: Merger,
    /// By signature, and by place of a result: the steps at which there is a match.
    matched: HashMap<usize, Vec<bool>>,
    results: HashMap<usize, Vec<bool>>,
}

impl Evaluation<'_> {
    /// The results of an operator between two vectors.
    pub(super) fn join(
        &self,
        binary: &Binary,
        matching: &VectorMatching,
        lhs: Vec<SeriesColumn>,
        rhs: Vec<SeriesColumn>,
        steps: usize,
    ) -> Result<Vec<SeriesColumn>, Error> {
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let (many, one) = match swapped {
            true => (&rhs, &lhs),
            false => (&lhs, &rhs),
        };
        let mut signatures = Signatures::default();
        let many_signatures = signatures.of(matching, many);
        let one_signatures = signatures.of(matching, one);
        let mut ones = vec![Vec::new(); signatures.count()];
        for (index, signature) in one_signatures.iter().enumerate() {
            ones[*signature].push(index);
        }
        // Only what may match twice has to be remembered.
        let mut tracked = vec![matching.fill_left.is_some(); ones.len()];
        let mut met = vec![false; ones.len()];
        for signature in &many_signatures {
            tracked[*signature] |= std::mem::replace(&mut met[*signature], true);
        }
        let mut join = Join {
            matching,
            operation: Operation::of(binary),
            swapped,
            renames: changes_meaning(binary.op),
            drop_name: binary.return_bool,
            many,
            many_signatures,
            one,
            matched: HashMap::new(),
            results: HashMap::new(),
            tracked,
            ones,
            steps,
            merger: Merger::new(steps),
        };
        let mut notes = Annotations::default();
        join.check_one_side()?;
        for index in 0..many.len() {
            self.check()?;
            join.match_many(index, &mut notes)?;
        }
        join.fill_unmatched(&mut notes)?;
        self.note(notes);
        let mut series = join.merger.into_series();
        if !self.config.delayed_name_removal {
            for series in series.iter_mut().filter(|series| series.drop_name) {
                series.labels = crate::evaluate::labels::without_metadata(&series.labels);
                series.drop_name = false;
            }
            let mut merger = Merger::new(steps);
            series
                .into_iter()
                .try_for_each(|series| merger.add(series))?;
            return Ok(merger.into_series());
        }
        Ok(series)
    }
}

impl Join<'_> {
    /// The value that stands for missing series of the one side, and of the other. Prometheus takes the one side for
    /// the right also where `group_right` makes it the left.
    fn fills(&self) -> (Option<f64>, Option<f64>) {
        (self.matching.fill_right, self.matching.fill_left)
    }

    /// Refuses two series of the one side with the same signature at the same step.
    fn check_one_side(&self) -> Result<(), Error> {
        let (fill_one, fill_many) = self.fills();
        let filled = fill_one.is_some() || fill_many.is_some();
        if self.ones.iter().all(|ones| ones.len() < 2) {
            return Ok(());
        }
        let mut other_side = vec![filled; self.steps];
        for series in self.many {
            for (step, present) in other_side.iter_mut().enumerate() {
                *present |= series.column.presence(step) != Presence::Absent;
            }
        }
        for ones in self.ones.iter().filter(|ones| ones.len() > 1) {
            for (step, needed) in other_side.iter().enumerate() {
                let present =
                    |index: &&usize| self.one[**index].column.presence(step) != Presence::Absent;
                let mut found = ones.iter().filter(present);
                if let (Some(first), Some(second)) = (found.next(), found.next())
                    && *needed
                {
                    return Err(self.duplicate(&self.one[*first].labels, &self.one[*second].labels));
                }
            }
        }
        Ok(())
    }

    fn duplicate(&self, first: &Labels, second: &Labels) -> Error {
        let side = if self.swapped { "left" } else { "right" };
        Error::execution(format!(
            "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            braced(&self.matching.matched(first)),
            braced(first.min(second)),
            braced(first.max(second)),
        ))
    }

    /// Meets one series of the many side with its partner at each step.
    fn match_many(&mut self, index: usize, notes: &mut Annotations) -> Result<(), Error> {
        let signature = self.many_signatures[index];
        let (fill_one, _) = self.fills();
        // The partner is the same at most steps: its place is looked up when it changes.
        let mut place: Option<(Option<usize>, usize)> = None;
        for step in 0..self.steps {
            let Some(operand) = Operand::of(&self.many[index].column, step) else {
                continue;
            };
            let partner = self.partner(signature, step);
            let other = match partner.and_then(|one| Operand::of(&self.one[one].column, step)) {
                Some(other) => other,
                None => match fill_one {
                    Some(fill) => Operand::Float(fill),
                    None => continue,
                },
            };
            let (lhs, rhs) = if self.swapped {
                (other, operand)
            } else {
                (operand, other)
            };
            let Some(value) = self.operation.matched(lhs, rhs, notes) else {
                continue;
            };
            let found = match place {
                Some((of, found)) if of == partner => found,
                _ => self.place(index, partner),
            };
            place = Some((partner, found));
            self.put(signature, found, step, value)?;
        }
        Ok(())
    }

    fn partner(&self, signature: usize, step: usize) -> Option<usize> {
        let present = |index: &&usize| self.one[**index].column.presence(step) != Presence::Absent;
        self.ones[signature].iter().find(present).copied()
    }

    /// Where results of a pair go.
    fn place(&mut self, many: usize, one: Option<usize>) -> usize {
        let series = &self.many[many];
        let labels = match one {
            Some(one) => {
                let one = &self.one[one].labels;
                self.matching.result(&series.labels, one, self.renames)
            }
            None => {
                let one = self.matching.matched(&series.labels);
                self.matching.result(&series.labels, &one, self.renames)
            }
        };
        self.merger
            .place(&labels, self.drop_name || series.drop_name)
    }

    fn put(
        &mut self,
        signature: usize,
        place: usize,
        step: usize,
        value: Option<Value>,
    ) -> Result<(), Error> {
        if self.tracked[signature] {
            self.track(signature, place, step)?;
        }
        match value {
            Some(value) => self.merger.put(place, step, value),
            None => Ok(()),
        }
    }

    /// Remembers that something has matched, and refuses what must not match again.
    fn track(&mut self, signature: usize, place: usize, step: usize) -> Result<(), Error> {
        let none = || vec![false; self.steps];
        let matched = &mut self.matched.entry(signature).or_insert_with(none)[step];
        let before = std::mem::replace(matched, true);
        if self.matching.cardinality == Cardinality::OneToOne {
            return match before {
                false => Ok(()),
                true => Err(Error::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                )),
            };
        }
        let result = &mut self.results.entry(place).or_insert_with(none)[step];
        match std::mem::replace(result, true) {
            false => Ok(()),
            true => Err(Error::execution(
                "multiple matches for labels: grouping labels must ensure unique matches",
            )),
        }
    }

    /// Meets what is left of the one side with the value that stands for missing series.
    fn fill_unmatched(&mut self, notes: &mut Annotations) -> Result<(), Error> {
        let (_, Some(fill)) = self.fills() else {
            return Ok(());
        };
        for signature in 0..self.ones.len() {
            for index in self.ones[signature].clone() {
                self.fill_one(signature, index, fill, notes)?;
            }
        }
        Ok(())
    }

    fn fill_one(
        &mut self,
        signature: usize,
        index: usize,
        fill: f64,
        notes: &mut Annotations,
    ) -> Result<(), Error> {
        let one = &self.one[index];
        let labels = self.matching.matched(&one.labels);
        let labels = self.matching.result(&labels, &one.labels, self.renames);
        let place = self.merger.place(&labels, self.drop_name);
        for step in 0..self.steps {
            let matched = self
                .matched
                .get(&signature)
                .is_some_and(|steps| steps[step]);
            let operand = Operand::of(&one.column, step).filter(|_| !matched);
            let Some(operand) = operand else { continue };
            let fill = Operand::Float(fill);
            let (lhs, rhs) = if self.swapped {
                (operand, fill)
            } else {
                (fill, operand)
            };
            if let Some(Some(value)) = self.operation.matched(lhs, rhs, notes) {
                self.merger.put(place, step, value)?;
            }
        }
        Ok(())
    }
}

/// All labels in braces, the metric's name among them, as these messages show them.
fn braced(labels: &Labels) -> String {
    let pairs = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", quote(value.as_bytes())));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}
