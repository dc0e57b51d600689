//! What happens to the queues, drawn at random.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

/// One step. Jobs and leases are named by an index into those seen so far; queues, workers, groups
/// and keys by a small number, so that they meet.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Define {
        queue: u8,
        options: Options,
    },
    Enqueue(Vec<Job>),
    Claim {
        queue: u8,
        worker: u8,
        limit: usize,
    },
    /// A claim that was picked and then refused by the journal.
    Unclaim {
        queue: u8,
        worker: u8,
        limit: usize,
    },
    Extend(Index),
    Complete(Vec<Index>),
    Fail {
        lease: Index,
        how: Failing,
    },
    Release {
        lease: Index,
        delay: Duration,
    },
    Cancel(Index),
    Retry(Index),
    Edit(Index),
    Drop(Index),
    Pause {
        queue: u8,
        group: Option<u8>,
    },
    Resume {
        queue: u8,
        group: Option<u8>,
    },
    Drain {
        queue: u8,
    },
    Pass(Duration),
    /// Writes again what stands before some record.
    Carry(Index),
    Checkpoint,
    /// Start again from the last checkpoint, and the facts after it.
    Restart,
    /// Start again from every fact there ever was.
    ReplayAll,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Failing {
    Policy,
    After(Duration),
    Reject,
}

/// The options of a queue that scheduling depends on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) has_ageing: bool,
    pub(crate) losses_max: u32,
    pub(crate) concurrency: Option<u32>,
    pub(crate) group_concurrency: Option<u32>,
    pub(crate) key_concurrency: Option<u32>,
    pub(crate) rate: Option<(u32, Duration)>,
    pub(crate) group_rate: Option<(u32, Duration)>,
    pub(crate) key_rate: Option<(u32, Duration)>,
    pub(crate) heavy_group: Option<u8>,
    pub(crate) jobs_max: u64,
    pub(crate) finished_max: u32,
}

/// A job to enqueue.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) queue: u8,
    pub(crate) payload: u8,
    pub(crate) priority: i16,
    pub(crate) delay: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) group: Option<u8>,
    pub(crate) key: Option<u8>,
    pub(crate) attempts: Option<u32>,
    pub(crate) idempotency_key: Option<u8>,
    pub(crate) unique: Option<(u8, Uniqueness)>,
    pub(crate) after: Vec<After>,
    pub(crate) on_dead_child: u8,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Uniqueness {
    UntilFinished,
    UntilClaimed,
    Replace,
    For(Duration),
}

#[derive(Debug, Clone)]
pub(crate) enum After {
    Seen(Index),
    InBatch(Index),
}

pub(crate) fn commands() -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec(command(), 1..70)
}

fn command() -> impl Strategy<Value = Command> {
    let index = any::<Index>;
    let (queue, group) = (|| 0_u8..2, || prop::option::of(0_u8..3));
    prop_oneof![
        1 => (queue(), options()).prop_map(|(queue, options)| Command::Define { queue, options }),
        8 => prop::collection::vec(job(), 1..8).prop_map(Command::Enqueue),
        4 => prop::collection::vec(plain_job(), 1..20).prop_map(Command::Enqueue),
        12 => (queue(), 0_u8..3, 1_usize..6)
            .prop_map(|(queue, worker, limit)| Command::Claim { queue, worker, limit }),
        1 => (queue(), 0_u8..3, 1_usize..6)
            .prop_map(|(queue, worker, limit)| Command::Unclaim { queue, worker, limit }),
        2 => index().prop_map(Command::Extend),
        8 => prop::collection::vec(index(), 1..4).prop_map(Command::Complete),
        5 => (index(), failing()).prop_map(|(lease, how)| Command::Fail { lease, how }),
        2 => (index(), millis(0..3_000)).prop_map(|(lease, delay)| Command::Release { lease, delay }),
        3 => index().prop_map(Command::Cancel),
        3 => index().prop_map(Command::Retry),
        1 => index().prop_map(Command::Edit),
        1 => index().prop_map(Command::Drop),
        1 => (queue(), group()).prop_map(|(queue, group)| Command::Pause { queue, group }),
        2 => (queue(), group()).prop_map(|(queue, group)| Command::Resume { queue, group }),
        1 => queue().prop_map(|queue| Command::Drain { queue }),
        6 => prop_oneof![3 => millis(1..900), 2 => millis(900..40_000), 1 => millis(40_000..4_000_000)]
            .prop_map(Command::Pass),
        1 => index().prop_map(Command::Carry),
        1 => Just(Command::Checkpoint),
        2 => Just(Command::Restart),
        1 => Just(Command::ReplayAll),
    ]
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn failing() -> impl Strategy<Value = Failing> {
    prop_oneof![
        4 => Just(Failing::Policy),
        1 => millis(0..5_000).prop_map(Failing::After),
        1 => Just(Failing::After(Duration::ZERO)),
        1 => Just(Failing::Reject),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let limit = || prop::option::weighted(0.3, 1_u32..4);
    let rate = || prop::option::weighted(0.2, (1_u32..5, millis(100..5_000)));
    let limits = (limit(), limit(), limit());
    let rates = (rate(), rate(), rate());
    let others = (
        any::<bool>(),
        1_u32..3,
        prop::option::of(0_u8..3),
        5_u64..60,
        0_u32..30,
    );
    (limits, rates, others).prop_map(|(limits, rates, others)| Options {
        concurrency: limits.0,
        group_concurrency: limits.1,
        key_concurrency: limits.2,
        rate: rates.0,
        group_rate: rates.1,
        key_rate: rates.2,
        has_ageing: others.0,
        losses_max: others.1,
        heavy_group: others.2,
        jobs_max: others.3,
        finished_max: others.4,
    })
}

fn plain_job() -> impl Strategy<Value = Job> {
    (0_u8..2, 0_u8..3).prop_map(|(queue, payload)| Job {
        queue,
        payload,
        priority: 0,
        delay: None,
        deadline: None,
        group: None,
        key: None,
        attempts: None,
        idempotency_key: None,
        unique: None,
        after: Vec::new(),
        on_dead_child: 0,
    })
}

fn job() -> impl Strategy<Value = Job> {
    let unique = prop_oneof![
        Just(Uniqueness::UntilFinished),
        Just(Uniqueness::UntilClaimed),
        Just(Uniqueness::Replace),
        millis(100..60_000).prop_map(Uniqueness::For),
    ];
    let after = prop_oneof![
        2 => any::<Index>().prop_map(After::Seen),
        1 => any::<Index>().prop_map(After::InBatch),
    ];
    let order = (
        prop_oneof![2 => Just(0_i16), 1 => -3_i16..4],
        prop::option::weighted(0.2, millis(1..20_000)),
        prop::option::weighted(0.1, millis(1..60_000)),
        prop::option::weighted(0.4, 0_u8..3),
        prop::option::weighted(0.3, 0_u8..3),
    );
    let keys = (
        prop::option::weighted(0.15, 0_u8..4),
        prop::option::weighted(0.15, (0_u8..3, unique)),
    );
    let flow = (
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(after, 1..4)],
        0_u8..3,
        prop::option::weighted(0.5, 1_u32..4),
    );
    (plain_job(), order, keys, flow).prop_map(|(plain, order, keys, flow)| Job {
        priority: order.0,
        delay: order.1,
        deadline: order.2,
        group: order.3,
        key: order.4,
        idempotency_key: keys.0,
        unique: keys.1,
        after: flow.0,
        on_dead_child: flow.1,
        attempts: flow.2,
        ..plain
    })
}
