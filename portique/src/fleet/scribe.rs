use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portique_bus::Bus;
use portique_clock::{Clock, Seeded};
use tokio::sync::mpsc;

use super::facts::{FleetFact, What};
use super::history::History;

/// Facts that wait to be written: minutes of a restless fleet.
const WAITING_MAX: usize = 4_096;
/// Facts of one frame.
const FRAME_MAX: usize = 100;
/// What the bus did not take is tried again after this long.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Times that a frame is tried; a bus that takes nothing for so long is told of elsewhere.
const TRIES_MAX: u32 = 30;

/// Where facts are given to be written; cheap to clone.
#[derive(Clone)]
pub(super) struct Facts {
    to: mpsc::Sender<FleetFact>,
    lost: Arc<AtomicU64>,
}

impl Facts {
    /// Has a fact written soon; when too many wait already, it is left out and counted.
    pub(super) fn say(&self, fact: FleetFact) {
        if let Err(error) = self.to.try_send(fact) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, "what happened in the fleet is not written down");
        }
    }

    /// Facts that were not written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Writes facts in the order in which they were said.
pub(super) struct Scribe {
    from: mpsc::Receiver<FleetFact>,
    bus: Arc<dyn Bus>,
    history: History,
    clock: Arc<dyn Clock>,
    random: Seeded,
    lost: Arc<AtomicU64>,
}

impl Scribe {
    pub(super) fn new(
        bus: Arc<dyn Bus>,
        history: History,
        clock: Arc<dyn Clock>,
        random: Seeded,
    ) -> (Self, Facts) {
        let (to, from) = mpsc::channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let facts = Facts {
            to,
            lost: lost.clone(),
        };
        let scribe = Self {
            from,
            bus,
            history,
            clock,
            random,
            lost,
        };
        (scribe, facts)
    }

    /// Writes until nobody is left who could say something.
    pub(super) async fn run(mut self) {
        let mut facts = Vec::new();
        while self.from.recv_many(&mut facts, FRAME_MAX).await > 0 {
            self.write(&facts).await;
            facts.clear();
        }
    }

    async fn write(&mut self, facts: &[FleetFact]) {
        let clock = self.clock.clone();
        let events: Vec<_> = facts
            .iter()
            .map(|fact| fact.event(&*clock, &mut self.random))
            .collect();
        for _ in 0..TRIES_MAX {
            match self.bus.publish_reserved(events.clone()).await {
                Ok(sequences) => {
                    let decided = facts.iter().zip(sequences);
                    let decided = decided.filter_map(|(fact, sequence)| match &fact.what {
                        What::Decided(decision) => {
                            Some((fact.pool.as_str(), sequence, &**decision))
                        }
                        _ => None,
                    });
                    self.history.add(decided).await;
                    return;
                }
                Err(error) => {
                    let problem = portique_fault::chain(&error);
                    tracing::warn!(problem, "the bus does not take what happened in the fleet");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
        self.lost.fetch_add(facts.len() as u64, Ordering::Relaxed);
    }
}
