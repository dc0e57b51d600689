//! Reading.

use crate::head::HeadSeries;
use crate::{Error, Labels, Samples, Selected, Selection, Source};

use super::Store;

/// Series as they were when they were selected.
struct Found {
    series: Vec<FoundSeries>,
}

struct FoundSeries {
    labels: Labels,
    head: Option<HeadSeries>,
}

impl Source for Store {
    fn select(&self, selection: &Selection) -> Result<Box<dyn Selected>, Error> {
        let (from_ms, to_ms) = (selection.from_ms, selection.to_ms);
        let state = self.read_state();
        let head = &state.head;
        let mut slots = head.select(&selection.matchers);
        let out: Vec<u32> = slots
            .iter()
            .filter(|slot| !head.may_have(*slot, from_ms, to_ms))
            .collect();
        for slot in out {
            slots.remove(slot);
        }
        let found = head.sort(&slots).into_iter().filter_map(|slot| {
            let series = head.table.series(slot)?;
            Some(FoundSeries {
                labels: series.labels.clone(),
                head: Some(HeadSeries::new(series, head.table.last(slot))),
            })
        });
        Ok(Box::new(Found {
            series: found.collect(),
        }))
    }
}

impl Selected for Found {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.series[index].labels
    }

    fn read(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        into.clear();
        if let Some(head) = &self.series[index].head {
            head.read(from_ms, to_ms, into)?;
        }
        Ok(())
    }

    fn read_last(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        let last = self.series[index]
            .head
            .as_ref()
            .and_then(|head| head.last(to_ms));
        if let Some(last) = last {
            into.clear();
            if last.timestamp_ms >= from_ms {
                into.push_float(last.timestamp_ms, last.value);
            }
            return Ok(());
        }
        self.read(index, from_ms, to_ms, into)?;
        into.keep_last();
        Ok(())
    }
}
