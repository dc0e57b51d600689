//! Pools as people and programs see them.

use portique_fleet::{Decision, Mode, WorkerState};
use serde::Serialize;

use super::desk::word;

/// A pool of workers, as it is now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct PoolView {
    /// Its name.
    pub(crate) name: String,
    /// The queue whose jobs its workers do.
    pub(crate) queue: String,
    /// The program that they run, without its arguments: those may hold what is not for everybody.
    pub(crate) runs: String,
    /// Who decides how many there are to be.
    pub(crate) mode: ModeView,
    /// How many a person wants, when a person decides.
    pub(crate) manual: Option<u32>,
    /// Fewest workers.
    pub(crate) min: u32,
    /// Most workers.
    pub(crate) max: u32,
    /// Jobs that a worker does at a time.
    pub(crate) slots: u32,
    /// Seconds that a worker has to end what it has in hand.
    pub(crate) drain_s: f64,
    /// Bytes of data that a process of a worker may hold.
    pub(crate) memory_bytes: Option<u64>,
    /// Workers that there are to be; none before the first look at the queue.
    pub(crate) target: Option<u32>,
    /// Those there are, in the order in which they were started.
    pub(crate) workers: Vec<WorkerView>,
    /// Workers die again and again.
    pub(crate) is_crash_looping: bool,
    /// How the last worker that died ended, and its last line.
    pub(crate) last_death: Option<String>,
    /// Workers started since the hub's start.
    pub(crate) starts: u64,
    /// Workers that died, or were ended because something was wrong with them, since the hub's start.
    pub(crate) deaths: u64,
    /// Why there are as many as there are.
    pub(crate) decision: Option<DecisionView>,
}

/// Who decides how many workers there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeView {
    /// The backlog.
    Automatic,
    /// Nobody: the number stays.
    Paused,
    /// A person.
    Manual,
    /// Nobody; what the backlog would do is said.
    DryRun,
}

/// One worker of a pool.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct WorkerView {
    /// Its name, also in leases and in the hub's log.
    pub(crate) name: String,
    /// Where it is in its life.
    pub(crate) state: WorkerStateView,
    /// Since when (RFC 3339).
    pub(crate) since: String,
    /// Its process; none while it is being started.
    pub(crate) pid: Option<u32>,
    /// Jobs in hand.
    pub(crate) leased: u32,
    /// Jobs ended.
    pub(crate) finished: u64,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerStateView {
    /// Started, and not ready yet.
    Starting,
    /// Takes work.
    Ready,
    /// Ends what it has in hand.
    Draining,
    /// Is ended now.
    Ending,
}

/// A decision how many workers there are to be, and what it was made of.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct DecisionView {
    /// When (RFC 3339).
    pub(crate) at: String,
    /// The decision in one sentence.
    pub(crate) sentence: String,
    /// `up`, `down` or `stay`.
    #[serde(rename = "move")]
    pub(crate) way: &'static str,
    /// Workers that there are to be.
    pub(crate) target: u32,
    /// Workers that the backlog needs, within the bounds of policy and machine.
    pub(crate) wanted: u32,
    /// Why the target is another number than what is wanted, in a word.
    #[schema(value_type = Option<String>)]
    pub(crate) hold: Option<portique_fleet::Hold>,
    /// The pool went up and down often.
    pub(crate) is_flapping: bool,
    /// What it was made from.
    pub(crate) inputs: InputsView,
    /// Slots that the parts of the formula ask for; none while the backlog is unknown.
    pub(crate) terms: Option<TermsView>,
}

/// What a decision was made from.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct InputsView {
    /// Jobs that a worker could claim; none, here and below, when the queue could not be read.
    pub(crate) ready: Option<u64>,
    /// Jobs in the hands of workers.
    pub(crate) leased: Option<u64>,
    /// Jobs whose time comes before a worker that is started now is ready.
    pub(crate) due_soon: Option<u64>,
    /// Age of the oldest ready job.
    pub(crate) oldest_s: Option<f64>,
    /// Workers that were there to stay.
    pub(crate) present: u32,
    /// Those of them that were not ready yet.
    pub(crate) starting: u32,
    /// Workers that were about to go.
    pub(crate) draining: u32,
    /// Workers that the machine had room for.
    pub(crate) room: u32,
    /// Jobs that became ready a second.
    pub(crate) jobs_per_s: f64,
    /// What a job takes.
    pub(crate) service_s: f64,
    /// What the start of a worker takes.
    pub(crate) start_s: f64,
}

/// Slots that the parts of the formula ask for.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct TermsView {
    /// For what arrives.
    pub(crate) arrivals: f64,
    /// For catching up with what waits.
    pub(crate) backlog: f64,
    /// By how much both grow because a job has waited for long; 1 to 2.
    pub(crate) urgency: f64,
    /// More hands than jobs are of no use.
    pub(crate) hands_max: f64,
    /// What is in work.
    pub(crate) busy: f64,
    /// All together.
    pub(crate) slots: f64,
}

impl ModeView {
    pub(super) fn of(mode: Mode) -> Self {
        match mode {
            Mode::Automatic => Self::Automatic,
            Mode::Paused => Self::Paused,
            Mode::Manual(_) => Self::Manual,
            Mode::DryRun => Self::DryRun,
        }
    }
}

impl From<WorkerState> for WorkerStateView {
    fn from(state: WorkerState) -> Self {
        match state {
            WorkerState::Starting => Self::Starting,
            WorkerState::Ready => Self::Ready,
            WorkerState::Draining => Self::Draining,
            WorkerState::Ending => Self::Ending,
        }
    }
}

impl WorkerStateView {
    /// All of them, with the words of metrics.
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Starting, "starting"),
        (Self::Ready, "ready"),
        (Self::Draining, "draining"),
        (Self::Ending, "ending"),
    ];
}

impl DecisionView {
    pub(super) fn of(decision: &Decision) -> Self {
        let inputs = &decision.inputs;
        let backlog = inputs.backlog.as_ref();
        let way = word(decision.movement());
        Self {
            at: decision.at.to_string(),
            sentence: decision.to_string(),
            way,
            target: decision.target,
            wanted: decision.wanted,
            hold: decision.hold,
            is_flapping: decision.is_flapping,
            inputs: InputsView {
                ready: backlog.map(|backlog| backlog.ready),
                leased: backlog.map(|backlog| backlog.leased),
                due_soon: backlog.map(|backlog| backlog.due_soon),
                oldest_s: backlog.and_then(|backlog| Some(backlog.oldest?.as_secs_f64())),
                present: inputs.workforce.present,
                starting: inputs.workforce.starting,
                draining: inputs.workforce.draining,
                room: inputs.room,
                jobs_per_s: inputs.jobs_per_second,
                service_s: inputs.service.as_secs_f64(),
                start_s: inputs.start_time.as_secs_f64(),
            },
            terms: decision.terms.as_ref().map(|terms| TermsView {
                arrivals: terms.arrivals,
                backlog: terms.backlog,
                urgency: terms.urgency,
                hands_max: terms.hands_max,
                busy: terms.busy,
                slots: terms.slots(),
            }),
        }
    }
}
