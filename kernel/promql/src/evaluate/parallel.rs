//! Work on many series, shared among threads.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::error::Error;

/// Below this many series threads cost more than they save.
pub(super) const SERIES_MIN: usize = 1_000;
/// Values that a thread works out before it hands them over: enough that this costs little beside, also where a
/// thread that is woken waits for a processor, and little memory.
const BATCH_VALUES: usize = 16 << 10;
/// Series that they are of, at least and at most.
const BATCH_SERIES: std::ops::RangeInclusive<usize> = 16..=1024;
/// Batches of each thread, at least, so that none is left alone with the last.
const BATCHES_MIN: usize = 4;
/// Batches a thread may be ahead of whoever takes the results; more would only be memory.
const BATCHES_AHEAD: usize = 4;

/// What came of a batch: the results there are, each with its index.
type Batch<T> = Result<Vec<(usize, T)>, Error>;

/// How many series make a batch, when each has so many values.
fn batch_series(count: usize, threads: usize, values: usize) -> usize {
    let fair = count.div_ceil(threads * BATCHES_MIN);
    let wanted = (BATCH_VALUES / values.max(1)).min(fair);
    wanted.clamp(*BATCH_SERIES.start(), *BATCH_SERIES.end())
}

/// Has `threads` threads work on the indexes below `count` and takes the results in order of the indexes, so that
/// what is made of them does not depend on who was faster. A result has up to `values` values; `work` makes what one
/// thread works with.
///
/// # Errors
/// The first, in order of the indexes.
pub(super) fn in_order<T: Send, W: FnMut(usize) -> Result<Option<T>, Error>>(
    count: usize,
    threads: usize,
    values: usize,
    work: impl Fn() -> W + Sync,
    take: &mut dyn FnMut(usize, T) -> Result<(), Error>,
) -> Result<(), Error> {
    let batch_series = batch_series(count, threads, values);
    std::thread::scope(|scope| {
        let mut results: Vec<Receiver<Batch<T>>> = Vec::with_capacity(threads);
        for thread in 0..threads {
            let (sender, receiver) = sync_channel(BATCHES_AHEAD);
            let work = &work;
            let firsts = (thread * batch_series..count).step_by(threads * batch_series);
            scope.spawn(move || send_batches(firsts, batch_series, count, work(), &sender));
            results.push(receiver);
        }
        for batch in 0..count.div_ceil(batch_series) {
            // A thread that ends early has panicked; the scope passes that on.
            let Ok(batch) = results[batch % threads].recv() else {
                break;
            };
            for (index, result) in batch? {
                take(index, result)?;
            }
        }
        Ok(())
    })
}

/// Works off batches, each beginning with one of `firsts`, until nobody takes them any more.
fn send_batches<T>(
    firsts: impl Iterator<Item = usize>,
    batch_series: usize,
    count: usize,
    mut work: impl FnMut(usize) -> Result<Option<T>, Error>,
    sender: &SyncSender<Batch<T>>,
) {
    for first in firsts {
        let indexes = first..(first + batch_series).min(count);
        let results = indexes.filter_map(|index| match work(index) {
            Ok(result) => result.map(|result| Ok((index, result))),
            Err(error) => Some(Err(error)),
        });
        let batch: Batch<T> = results.collect();
        let failed = batch.is_err();
        if sender.send(batch).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(count: usize, threads: usize, fails_at: usize) -> (Vec<usize>, bool) {
        let mut taken = Vec::new();
        let work = || {
            |index: usize| match index {
                _ if index == fails_at => Err(Error::execution("stop")),
                _ if index.is_multiple_of(3) => Ok(None),
                _ => Ok(Some(index * index)),
            }
        };
        let result = in_order(count, threads, 256, work, &mut |index, square| {
            assert_eq!(square, index * index);
            taken.push(index);
            Ok(())
        });
        (taken, result.is_ok())
    }

    #[test]
    fn results_come_in_order_however_many_threads() {
        let wanted: Vec<usize> = (0..10_000).filter(|index| index % 3 != 0).collect();
        for threads in [1, 2, 7] {
            assert_eq!(squares(10_000, threads, usize::MAX), (wanted.clone(), true));
        }
    }

    #[test]
    fn batches_are_few_but_never_large() {
        assert_eq!(batch_series(200_000, 2, 1), 1024);
        assert_eq!(batch_series(2_000, 2, 1), 250);
        assert_eq!(batch_series(200_000, 2, 240), 68);
        assert_eq!(batch_series(200_000, 2, 11_000), 16);
    }

    #[test]
    fn an_error_ends_all_threads_after_what_was_before_it() {
        let (taken, ended_well) = squares(100_000, 4, 640);
        assert!(!ended_well);
        assert_eq!(taken.last(), Some(&638));
    }
}
