use std::path::PathBuf;

use portique_bus::{CompactionName, ConsumerName, DeliveryToken, Error as BusError};
use portique_event::{Error as EventError, Filter};
use portique_fault::Fault;
use portique_jobs::{Error as JobsError, JobId, Lease, LeaseToken, QueueName};

use super::*;

fn bus_errors() -> Vec<BusError> {
    let name = ConsumerName::new("billing").unwrap();
    let compaction = CompactionName::new("latest").unwrap();
    vec![
        BusError::ConsumerName { text: "?".into() },
        BusError::CompactionName { text: "?".into() },
        BusError::UnknownConsumer { name: name.clone() },
        BusError::UnknownCompaction {
            name: compaction.clone(),
        },
        BusError::CompactionDiffers {
            name: compaction,
            existing: Filter::new("a.>").unwrap(),
            requested: Filter::all(),
        },
        BusError::Unsupported { what: "seek" },
        BusError::ConsumerDiffers {
            name: name.clone(),
            option: "max_deliver",
            existing: "5".into(),
            requested: "6".into(),
        },
        BusError::StaleDelivery {
            consumer: name,
            token: DeliveryToken(7),
        },
        BusError::InvalidOption {
            name: "ack_wait",
            problem: "0 ns: write 1 ms to 24 h".into(),
        },
        BusError::BatchTooLarge {
            given: 1_001,
            max: 1_000,
            unit: "events",
        },
        BusError::Exhausted {
            resource: "disk space",
            remedy: "free some".into(),
        },
        BusError::Unavailable {
            reason: "closed".into(),
        },
        BusError::InDoubt {
            reason: "it stopped".into(),
        },
        BusError::Damaged {
            path: PathBuf::from("/data/journal/1"),
            offset: 4_096,
            problem: "its checksum".into(),
        },
        BusError::Event(EventError::Subject { text: "..".into() }),
        BusError::Event(EventError::Attribute {
            name: "source".into(),
            problem: "empty".into(),
        }),
        BusError::Event(EventError::TooManyExtensions { count: 65, max: 64 }),
        BusError::Event(EventError::DataTooLarge { bytes: 9, max: 8 }),
    ]
}

fn jobs_errors() -> Vec<JobsError> {
    let queue = QueueName::new("mail").unwrap();
    let lease = Lease {
        id: JobId(3),
        token: LeaseToken(4),
    };
    vec![
        QueueName::new("no name").unwrap_err(),
        JobsError::InvalidOption {
            name: "lease",
            problem: "1 ms: write 100 ms to 24 h".into(),
        },
        JobsError::PayloadTooLarge { given: 9, max: 8 },
        JobsError::BatchTooLarge {
            given: 1_001,
            max: 1_000,
            unit: "jobs",
        },
        JobsError::OwnedQueue {
            queue: QueueName::new("q").unwrap(),
        },
        JobsError::UnknownQueue {
            queue: queue.clone(),
        },
        JobsError::UnknownJob { id: JobId(1) },
        JobsError::UnknownName {
            what: "schedule",
            name: "nightly".into(),
        },
        JobsError::QueueNotEmpty {
            queue: queue.clone(),
            jobs: 2,
        },
        JobsError::QueueFull {
            queue: queue.clone(),
            max: 10,
        },
        JobsError::Draining { queue },
        JobsError::KeyConflict {
            key: "order-1".into(),
            existing: Some(JobId(1)),
        },
        JobsError::StaleLease { lease },
        JobsError::WrongState {
            id: JobId(1),
            state: "active",
            rule: "only dead jobs are edited",
        },
        JobsError::Unsupported { what: "bindings" },
        JobsError::Exhausted {
            resource: "idempotency keys",
            remedy: "wait".into(),
        },
        JobsError::Unavailable {
            reason: "closed".into(),
        },
        JobsError::InDoubt {
            reason: "it stopped".into(),
        },
    ]
}

#[test]
fn errors_of_the_bus_arrive_as_they_left() {
    for error in bus_errors() {
        let arrived = bus_error(&bus_status(&error));
        assert_eq!(format!("{arrived:?}"), format!("{error:?}"));
        let on_a_stream = BusError::from(bus_pb::Failure::from(&error));
        assert_eq!(format!("{on_a_stream:?}"), format!("{error:?}"));
    }
}

#[test]
fn errors_of_the_queues_arrive_as_they_left() {
    let of_the_bus = bus_errors().into_iter().map(JobsError::Bus);
    for error in jobs_errors().into_iter().chain(of_the_bus) {
        let arrived = jobs_error(&jobs_status(&error));
        assert_eq!(format!("{arrived:?}"), format!("{error:?}"));
        let on_a_stream = JobsError::from(jobs_pb::Failure::from(&error));
        assert_eq!(format!("{on_a_stream:?}"), format!("{error:?}"));
    }
}

#[test]
fn a_word_that_is_not_known_is_told_in_the_text() {
    let error = JobsError::InvalidOption {
        name: "an option of tomorrow",
        problem: "7: write 8".into(),
    };
    let arrived = jobs_error(&jobs_status(&error));
    assert_eq!(arrived.code(), error.code());
    let told = arrived.to_string();
    assert!(told.contains(&error.to_string()), "{told}");
}

#[test]
fn a_status_says_when_to_try_again() {
    let full = JobsError::Exhausted {
        resource: "queues",
        remedy: "remove some".into(),
    };
    let status = jobs_status(&full);
    assert_eq!(status.code(), GrpcCode::ResourceExhausted);
    assert_eq!(status.metadata().get("retry-after-ms").unwrap(), "1000");
    assert_eq!(
        status::retry_after(&status),
        Some(std::time::Duration::from_secs(1))
    );
    let unknown = JobsError::UnknownJob { id: JobId(1) };
    assert_eq!(status::retry_after(&jobs_status(&unknown)), None);
}
