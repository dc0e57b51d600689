use portique_clock::{Clock, Random, Timestamp};
use portique_event::{Event, EventId, Subject};
use portique_fleet::{Decision, Ended, Mode, Why, WorkerId};
use serde_json::{Value, json};

use super::SUBJECTS;

/// Something that happened to a pool: an event `fleet.POOL.KIND` on the bus.
#[derive(Debug, Clone)]
pub(super) struct FleetFact {
    pub(super) pool: String,
    pub(super) at: Timestamp,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// There are to be more or fewer workers.
    Decided(Box<Decision>),
    /// Somebody else decides.
    Mode(Mode),
    /// A worker's process runs.
    Started { worker: WorkerId, pid: u32 },
    /// A worker is asked to end what it has in hand and to go.
    Draining { worker: WorkerId },
    /// A worker that was asked to go is gone.
    Drained { worker: WorkerId, ended: Ended },
    /// A worker ended without being asked; the last line that it wrote.
    Died {
        worker: WorkerId,
        ended: Ended,
        last: String,
    },
    /// A worker is ended by force.
    GivenUp { worker: WorkerId, why: Why },
    /// So many died in a row, the last with this line.
    Looping { crashes: u32, last: String },
}

/// The third token of the subject of decisions.
pub(super) const DECIDED: &str = "decided";

impl FleetFact {
    /// The event that says it.
    pub(super) fn event(&self, clock: &dyn Clock, random: &mut dyn Random) -> Event {
        let kind = self.what.kind();
        let subject = Subject::new(format!("{SUBJECTS}.{}.{kind}", self.pool));
        let subject = subject.expect("names of pools are tokens");
        let id = EventId::generate(clock.now(), random);
        let event = Event::builder(id, "/fleet", format!("portique.fleet.{kind}"), subject);
        let event = event.time(self.at).json(self.data());
        let event = event.extension("partitionkey", self.pool.clone());
        event
            .build()
            .expect("a fact is within the limits of an event")
    }

    fn data(&self) -> Value {
        let pool = &self.pool;
        match &self.what {
            What::Decided(decision) => json!({
                "pool": pool, "sentence": decision.to_string(), "decision": decision,
            }),
            What::Mode(mode) => json!({ "pool": pool, "mode": mode }),
            What::Started { worker, pid } => {
                json!({ "pool": pool, "worker": worker, "pid": pid })
            }
            What::Draining { worker } => json!({ "pool": pool, "worker": worker }),
            What::Drained { worker, ended } => {
                json!({ "pool": pool, "worker": worker, "ended": ended })
            }
            What::Died {
                worker,
                ended,
                last,
            } => json!({
                "pool": pool, "worker": worker, "ended": ended, "sentence": ended.to_string(), "last_line": last,
            }),
            What::GivenUp { worker, why } => json!({
                "pool": pool, "worker": worker, "why": why, "sentence": why.to_string(),
            }),
            What::Looping { crashes, last } => {
                json!({ "pool": pool, "crashes": crashes, "last_line": last })
            }
        }
    }
}

impl What {
    fn kind(&self) -> &'static str {
        match self {
            Self::Decided(_) => DECIDED,
            Self::Mode(_) => "mode",
            Self::Started { .. } => "started",
            Self::Draining { .. } => "draining",
            Self::Drained { .. } => "drained",
            Self::Died { .. } => "died",
            Self::GivenUp { .. } => "given_up",
            Self::Looping { .. } => "looping",
        }
    }
}
