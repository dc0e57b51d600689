//! Series with equal labels become one, as long as they never have a value at the same step.

use hashbrown::HashMap;

use portique_series::{Labels, Value};

use crate::column::{Column, SeriesColumn};
use crate::error::Error;

/// Collects results by their labels, in the order they first come.
#[derive(Debug, Default)]
pub(crate) struct Merger {
    places: HashMap<Labels, usize>,
    series: Vec<SeriesColumn>,
    steps: usize,
}

impl Merger {
    /// For columns of so many steps.
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    /// Where a series is kept; it begins without values.
    pub(crate) fn place(&mut self, labels: &Labels, drop_name: bool) -> usize {
        if let Some(place) = self.places.get(labels) {
            return *place;
        }
        let place = self.series.len();
        self.places.insert(labels.clone(), place);
        self.series.push(SeriesColumn {
            labels: labels.clone(),
            drop_name,
            column: Column::new(self.steps),
        });
        place
    }

    /// Puts a value in.
    ///
    /// # Errors
    /// When another series with these labels has one at this step.
    pub(crate) fn put(&mut self, place: usize, step: usize, value: Value) -> Result<(), Error> {
        let column = &mut self.series[place].column;
        if column.presence(step) != crate::column::Presence::Absent {
            return Err(Error::same_labels());
        }
        column.set(step, Some(value));
        Ok(())
    }

    /// Takes a whole series in.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub(crate) fn add(&mut self, series: SeriesColumn) -> Result<(), Error> {
        let Some(place) = self.places.get(&series.labels).copied() else {
            self.places.insert(series.labels.clone(), self.series.len());
            self.series.push(series);
            return Ok(());
        };
        for step in 0..self.steps {
            if let Some(value) = series.column.value(step) {
                self.put(place, step, value)?;
            }
        }
        Ok(())
    }

    /// All series, those without values too.
    pub(crate) fn into_series(self) -> Vec<SeriesColumn> {
        self.series
    }
}
