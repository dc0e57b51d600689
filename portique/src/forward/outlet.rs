//! What waits for a receiver.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use portique_monitor::scrape::{RelabelRule, RemoteWriteConfig, relabel};
use portique_series::{Appended, Batch, Exemplar, Labels, REFUSALS_LISTED_MAX, Value};
use tokio::sync::Notify;

use super::lock;

/// Bytes that wait for one receiver, labels counted with each sample.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Series whose labels are remembered for one receiver; beyond it all are forgotten and built anew.
const KNOWN_MAX: usize = 2_000_000;
/// What a sample takes beside its labels.
const ITEM_BYTES: usize = 64;
/// Samples come so late at most: a scrape is written down at the time it began.
pub(super) const LATE_MS: i64 = 60_000;
/// Nothing was acknowledged yet.
const NEVER_MS: i64 = i64::MIN;

/// A series as the receiver knows it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) labels: Labels,
    /// The newest sample that is acknowledged, Unix milliseconds.
    acknowledged_ms: AtomicI64,
}

impl Sent {
    pub(super) fn acknowledged_ms(&self) -> i64 {
        self.acknowledged_ms.load(Ordering::Relaxed)
    }
}

/// A sample that waits.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) series: Arc<Sent>,
    pub(super) at_ms: i64,
    pub(super) value: Value,
    pub(super) start_ms: i64,
    pub(super) exemplars: Vec<Exemplar>,
}

/// What a receiver was not sent, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LeftOut {
    /// It refused them: sending them again would not help.
    Refused,
    /// They are older than `sample_age_limit`.
    TooOld,
    /// They arrived after the time that they belong to had been sent, while the receiver was behind.
    Late,
    /// The store refused so many of the same batch that not all of them are named.
    RefusedHere,
}

impl LeftOut {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TooOld => "too_old",
            Self::Late => "late",
            Self::RefusedHere => "refused_here",
        }
    }
}

/// What is counted of a receiver since it is sent to.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) retries: u64,
    pub(super) samples: u64,
    pub(super) bytes: u64,
    pub(super) left_out: BTreeMap<LeftOut, u64>,
    /// What it said last that was no yes.
    pub(super) last_error: String,
    /// When it said yes last, Unix milliseconds.
    pub(super) last_sent_ms: Option<i64>,
}

/// A receiver's queue, and where it stands.
pub(super) struct Outlet {
    pub(super) config: Arc<RemoteWriteConfig>,
    external: Labels,
    state: Mutex<State>,
    /// Told when there is a full request, or the receiver is behind.
    pub(super) ready: Notify,
}

struct State {
    /// From when on the store is to be read, Unix milliseconds; none while samples go through the queue.
    behind_ms: Option<i64>,
    items: VecDeque<Item>,
    bytes: usize,
    known: HashMap<Box<str>, Option<Arc<Sent>>>,
    /// The oldest sample that is on its way.
    on_its_way_ms: Option<i64>,
    /// The newest sample that is acknowledged.
    acknowledged_ms: i64,
    counts: Counts,
}

/// A look at it.
pub(super) struct View {
    pub(super) behind_ms: Option<i64>,
    pub(super) pending: usize,
    pub(super) counts: Counts,
}

impl Outlet {
    /// Of a receiver that has acknowledged all up to a time, or was never sent anything.
    pub(super) fn new(
        config: Arc<RemoteWriteConfig>,
        external: Labels,
        acknowledged_ms: Option<i64>,
    ) -> Self {
        Self {
            config,
            external,
            state: Mutex::new(State {
                behind_ms: acknowledged_ms.map(|at_ms| at_ms.saturating_add(1)),
                items: VecDeque::new(),
                bytes: 0,
                known: HashMap::new(),
                on_its_way_ms: None,
                acknowledged_ms: acknowledged_ms.unwrap_or(NEVER_MS),
                counts: Counts::default(),
            }),
            ready: Notify::new(),
        }
    }

    /// Takes what the store took.
    pub(super) fn offer(&self, batch: &Batch, appended: &Appended) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        if let Some(behind_ms) = state.behind_ms {
            state.count_late(batch, behind_ms);
            return;
        }
        let listed = appended.refused.len();
        if listed == REFUSALS_LISTED_MAX && appended.refused_samples() > listed {
            let all = batch.samples() as u64;
            state.counts.leave_out(LeftOut::RefusedHere, all);
            return;
        }
        let mut refused: Vec<usize> = appended.refused.iter().map(|r| r.series).collect();
        refused.sort_unstable();
        let mut exemplars = batch.exemplars().peekable();
        for (index, series) in batch.iter().enumerate() {
            let mut own = Vec::new();
            while let Some((_, exemplar)) = exemplars.next_if(|(of, _)| *of <= index) {
                if self.config.sends_exemplars {
                    own.push(exemplar.clone());
                }
            }
            if refused.binary_search(&index).is_ok() {
                continue;
            }
            let Some(sent) = self.sent(state, series.key(), || series.to_labels()) else {
                continue;
            };
            let last = series.timestamps().len().saturating_sub(1);
            for (nth, at_ms) in series.timestamps().iter().enumerate() {
                let item = Item {
                    series: sent.clone(),
                    at_ms: *at_ms,
                    value: series.value(nth),
                    start_ms: series.start(nth),
                    exemplars: if nth == last {
                        std::mem::take(&mut own)
                    } else {
                        Vec::new()
                    },
                };
                self.push(state, item);
            }
        }
        if state.bytes > QUEUE_BYTES_MAX || state.items.len() > self.config.queue.capacity {
            state.fall_behind();
            self.ready.notify_one();
        } else if state.items.len() >= self.config.queue.samples_per_send {
            self.ready.notify_one();
        }
    }

    fn push(&self, state: &mut State, item: Item) {
        if matches!(item.value, Value::Histogram(_)) && !self.config.sends_native_histograms {
            return;
        }
        state.bytes += bytes_of(&item);
        state.items.push_back(item);
    }

    /// A series as the receiver knows it; none when it is not sent.
    fn sent(
        &self,
        state: &mut State,
        key: &str,
        labels: impl FnOnce() -> Labels,
    ) -> Option<Arc<Sent>> {
        if let Some(known) = state.known.get(key) {
            return known.clone();
        }
        if state.known.len() >= KNOWN_MAX {
            state.known.clear();
        }
        let labels = rewritten(labels(), &self.external, &self.config.relabel);
        let sent = labels.map(|labels| {
            Arc::new(Sent {
                labels,
                acknowledged_ms: AtomicI64::new(NEVER_MS),
            })
        });
        state.known.insert(Box::from(key), sent.clone());
        sent
    }

    /// The same for labels of the store.
    pub(super) fn sent_of(&self, labels: &Labels) -> Option<Arc<Sent>> {
        self.sent(&mut lock(&self.state), labels.key(), || labels.clone())
    }

    /// From when on the store is to be read; none while samples go through the queue.
    pub(super) fn behind_ms(&self) -> Option<i64> {
        lock(&self.state).behind_ms
    }

    pub(super) fn pending(&self) -> usize {
        lock(&self.state).items.len()
    }

    /// The next request's samples, which are on their way until they are settled.
    pub(super) fn take(&self) -> Vec<Item> {
        let state = &mut *lock(&self.state);
        if state.behind_ms.is_some() {
            return Vec::new();
        }
        let count = state.items.len().min(self.config.queue.samples_per_send);
        let items: Vec<Item> = state.items.drain(..count).collect();
        state.bytes -= items.iter().map(bytes_of).sum::<usize>();
        state.on_its_way_ms = items.iter().map(|item| item.at_ms).min();
        items
    }

    /// Says that samples are on their way from here on, read from the store.
    pub(super) fn on_its_way(&self, from_ms: i64) {
        lock(&self.state).on_its_way_ms = Some(from_ms);
    }

    /// Samples are acknowledged, or refused for ever: they are not sent again.
    pub(super) fn settle(&self, items: &[Item], refused: bool, now_ms: i64) {
        let state = &mut *lock(&self.state);
        for item in items {
            item.series
                .acknowledged_ms
                .fetch_max(item.at_ms, Ordering::Relaxed);
            state.acknowledged_ms = state.acknowledged_ms.max(item.at_ms);
        }
        let samples = items.len() as u64;
        match refused {
            true => state.counts.leave_out(LeftOut::Refused, samples),
            false => {
                state.counts.samples += samples;
                state.counts.last_sent_ms = Some(now_ms);
            }
        }
    }

    /// Nothing is on its way any more.
    pub(super) fn arrived(&self) {
        lock(&self.state).on_its_way_ms = None;
    }

    /// All up to a time was read from the store and sent.
    pub(super) fn caught_up_to(&self, to_ms: i64) {
        let state = &mut *lock(&self.state);
        state.on_its_way_ms = None;
        if let Some(behind_ms) = &mut state.behind_ms {
            *behind_ms = (*behind_ms).max(to_ms.saturating_add(1));
        }
    }

    /// From now on samples go through the queue; what `look` sees of the store are those before.
    pub(super) fn go_live<T>(&self, look: impl FnOnce() -> T) -> T {
        let state = &mut *lock(&self.state);
        state.on_its_way_ms = state.behind_ms.take();
        state.items.clear();
        state.bytes = 0;
        // Whoever gives samples to the store now waits for the lock: its samples are seen here or come next.
        look()
    }

    /// Up to where all is acknowledged, Unix milliseconds; none when there was nothing to acknowledge yet.
    pub(super) fn cursor_ms(&self) -> Option<i64> {
        let state = lock(&self.state);
        let queued = state.items.iter().map(|item| item.at_ms).min();
        let waiting = [state.behind_ms, state.on_its_way_ms, queued];
        match waiting.into_iter().flatten().min() {
            Some(oldest_ms) => Some(oldest_ms.saturating_sub(1)),
            None => (state.acknowledged_ms != NEVER_MS).then_some(state.acknowledged_ms),
        }
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.state).counts);
    }

    pub(super) fn view(&self) -> View {
        let state = lock(&self.state);
        View {
            behind_ms: state.behind_ms,
            pending: state.items.len(),
            counts: state.counts.clone(),
        }
    }
}

impl State {
    /// Empties the queue: what it held is read from the store later.
    fn fall_behind(&mut self) {
        let oldest = self.items.iter().map(|item| item.at_ms).min();
        let oldest_ms = oldest.unwrap_or(self.acknowledged_ms.saturating_add(1));
        // Samples that came hours late are not worth reading hours again for.
        let from_ms = oldest_ms.max(self.acknowledged_ms.saturating_sub(LATE_MS));
        let late = self.items.iter().filter(|item| item.at_ms < from_ms);
        let late = late.count() as u64;
        self.counts.leave_out(LeftOut::Late, late);
        self.items.clear();
        self.items.shrink_to_fit();
        self.bytes = 0;
        self.behind_ms = Some(from_ms);
    }

    fn count_late(&mut self, batch: &Batch, behind_ms: i64) {
        let series = batch.iter();
        let late = series.map(|series| {
            let stamps = series.timestamps().iter();
            stamps.filter(|at_ms| **at_ms < behind_ms).count() as u64
        });
        self.counts.leave_out(LeftOut::Late, late.sum());
    }
}

impl Counts {
    pub(super) fn leave_out(&mut self, why: LeftOut, samples: u64) {
        if samples > 0 {
            *self.left_out.entry(why).or_default() += samples;
        }
    }
}

fn bytes_of(item: &Item) -> usize {
    ITEM_BYTES + item.series.labels.packed_bytes()
}

/// External labels, where the series has none of the name; then the rules.
fn rewritten(labels: Labels, external: &Labels, rules: &[RelabelRule]) -> Option<Labels> {
    if external.is_empty() && rules.is_empty() {
        return Some(labels);
    }
    let mut labels = labels.to_builder();
    for (name, value) in external.iter() {
        if labels.value(name).is_none() {
            labels.set(name, value);
        }
    }
    if !relabel(rules, &mut labels) {
        return None;
    }
    let labels = labels.build();
    (!labels.is_empty()).then_some(labels)
}

#[cfg(test)]
mod tests;
