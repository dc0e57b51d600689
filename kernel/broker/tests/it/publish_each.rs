//! Batches that are published together come to what they come to one after the other.

use std::sync::Arc;

use portique_broker::Config;
use portique_bus::{Error, Sequence};
use portique_event::{Data, Event, Filter, Subject};
use portique_jobs::{Binding, JobKind, JobOptions, QueueOptions, ScheduleName};
use portique_journal::SimulatedDisk;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::jobs::{bodies, claim, queue};
use crate::rig::{Rig, event, ids, journal_config};

/// Jobs that the queue takes before it is full.
const JOBS_MAX: u64 = 4;
/// Three of them are more than a batch may hold, and two batches of two more than a frame of one.
const LARGE_BYTES: usize = 800 * 1024;

/// What a batch is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Nobody's business.
    Plain,
    /// A job is bound to it, and it is refused when the queue is full.
    Bound,
    /// A job is bound to it, and it goes without when the queue is full.
    Unhindered,
    Large,
}

/// A publish of somebody.
#[derive(Debug, Clone)]
enum Batch {
    Of(Vec<Kind>),
    /// More events than a batch may have.
    TooMany,
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let kind = prop_oneof![
        6 => Just(Kind::Plain),
        2 => Just(Kind::Bound),
        2 => Just(Kind::Unhindered),
        1 => Just(Kind::Large),
    ];
    prop_oneof![
        12 => vec(kind, 0..4).prop_map(Batch::Of),
        1 => Just(Batch::Of(vec![Kind::Large; 3])),
        1 => Just(Batch::TooMany),
    ]
}

fn events(index: usize, batch: &Batch) -> Vec<Event> {
    let one = |number: usize, kind: Kind| {
        let id = format!("{index}-{number}");
        match kind {
            Kind::Plain => event(&id, "plain"),
            Kind::Bound => event(&id, "bound.a"),
            Kind::Unhindered => event(&id, "bound.own"),
            Kind::Large => Event::builder(id, "/rig", "large", Subject::new("large").unwrap())
                .data(Data::Binary(vec![7; LARGE_BYTES]))
                .build()
                .unwrap(),
        }
    };
    match batch {
        Batch::Of(kinds) => {
            let kinds = kinds.iter().enumerate();
            kinds.map(|(number, kind)| one(number, *kind)).collect()
        }
        Batch::TooMany => (0..1_001).map(|number| one(number, Kind::Plain)).collect(),
    }
}

async fn rig() -> Rig {
    let config = Config {
        unhindered: vec![Filter::new("bound.own").unwrap()],
        // What is read is on the disk.
        tail_bytes_max: 0,
        ..Config::default()
    };
    let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
    let rig = Rig::open_with(disk, config, journal_config()).await;
    let jobs = rig.broker().jobs();
    let few = QueueOptions {
        jobs_max: JOBS_MAX,
        ..QueueOptions::default()
    };
    jobs.define_queue(&queue(), few).await.unwrap();
    let binding = Binding {
        name: ScheduleName::new("all").unwrap(),
        filter: Filter::new("bound.*").unwrap(),
        queue: queue(),
        kind: JobKind::new("seen").unwrap(),
        options: JobOptions::default(),
    };
    jobs.bind(binding).await.unwrap();
    rig
}

/// What publishers and everybody after them see.
#[derive(Debug, PartialEq)]
struct Seen {
    answers: Vec<Result<Vec<Sequence>, String>>,
    events: Vec<String>,
    jobs: Vec<String>,
    jobs_missed: u64,
}

async fn seen(rig: Rig, answers: Vec<Result<Vec<Sequence>, Error>>) -> Seen {
    let answers = answers.into_iter();
    Seen {
        answers: answers
            .map(|answer| answer.map_err(|error| error.to_string()))
            .collect(),
        events: ids(&*rig.bus(), ">").await,
        jobs: bodies(&claim(&*rig.broker().jobs(), 100).await),
        jobs_missed: rig.broker().bus_figures().jobs_missed,
    }
}

async fn together(batches: &[Batch]) -> Seen {
    let rig = rig().await;
    let batches = batches.iter().enumerate();
    let batches = batches.map(|(index, batch)| events(index, batch)).collect();
    let answers = rig.bus().publish_each(batches).await;
    seen(rig, answers).await
}

async fn one_by_one(batches: &[Batch]) -> Seen {
    let rig = rig().await;
    let mut answers = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        answers.push(rig.bus().publish(events(index, batch)).await);
    }
    seen(rig, answers).await
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn together_or_one_by_one_is_the_same(batches in vec(any_batch(), 1..12)) {
        let (together, one_by_one) = block_on(async {
            (together(&batches).await, one_by_one(&batches).await)
        });
        prop_assert_eq!(together, one_by_one);
    }
}

#[tokio::test]
async fn a_job_in_the_middle_is_made_and_those_behind_it_keep_their_order() {
    let rig = rig().await;
    let batches = [Kind::Plain, Kind::Plain, Kind::Bound, Kind::Plain].map(|kind| vec![kind]);
    let batches = batches.into_iter().map(Batch::Of).enumerate();
    let batches = batches
        .map(|(index, batch)| events(index, &batch))
        .collect();
    let answers = rig.bus().publish_each(batches).await;
    let sequences: Vec<u64> = answers
        .into_iter()
        .map(|answer| answer.unwrap()[0].0)
        .collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    assert_eq!(sequences[3] - sequences[2], 2, "the job stands between");
    assert_eq!(ids(&*rig.bus(), ">").await, ["0-0", "1-0", "2-0", "3-0"]);
    assert_eq!(claim(&*rig.broker().jobs(), 10).await.len(), 1);
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_each_and_takes_what_is_reserved() {
    let mut config = journal_config();
    config.reserve_bytes = u64::MAX / 2;
    let disk = Arc::new(SimulatedDisk::new(1, 1 << 30));
    let rig = Rig::open_with(disk, Config::default(), config).await;
    let bus = rig.bus();
    let is_draining = || {
        matches!(
            rig.journal().state(),
            portique_journal::State::DrainOnly { .. }
        )
    };
    while !is_draining() {
        tokio::task::yield_now().await;
    }
    let batches: Vec<_> = (0..3)
        .map(|index| events(index, &Batch::Of(vec![Kind::Plain; index])))
        .collect();
    let answers = bus.publish_each(batches.clone()).await;
    assert_eq!(answers[0].as_ref().unwrap(), &[], "nothing needs no room");
    for answer in &answers[1..] {
        assert!(matches!(answer, Err(Error::Exhausted { .. })), "{answer:?}");
    }
    bus.publish_reserved(batches[2].clone()).await.unwrap();
    assert_eq!(ids(&*bus, ">").await, ["2-0", "2-1"]);
}
