//! Events that ask for transactions, published by anybody who may publish.

use std::time::Duration;

use portique_bus::{ConsumerName, ConsumerOptions, Delivery};
use portique_event::Data;
use portique_jobs::Transaction as JobTransaction;
use serde_json::Value;

use super::accept::post_jobs;
use super::{Payments, facts};
use crate::lines::{Read, read_json_values};
use crate::refused::refuse;
use crate::{Error, batch};

const CONSUMER: &str = "payments-requests";
/// Events that are taken at once.
const EVENTS_AT_ONCE: usize = 16;
/// How long one look waits for an event.
const WAIT: Duration = Duration::from_secs(30);
/// After a failure, and while the pipeline is behind.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(payments: Payments) {
    loop {
        if let Err(error) = follow(&payments).await {
            tracing::warn!(%error, "events that ask for transactions wait");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow(payments: &Payments) -> Result<(), Error> {
    let bus = &payments.parts.bus;
    let consumer = ConsumerName::new(CONSUMER).expect("a constant that is a name");
    let options = ConsumerOptions::new(facts::filter(facts::REQUESTED));
    bus.consumer(&consumer, options).await?;
    loop {
        payments.check_pace().await?;
        for delivery in bus.fetch(&consumer, EVENTS_AT_ONCE, WAIT).await? {
            take(payments, &consumer, delivery).await?;
        }
    }
}

/// Takes one event in: what it asks for is in the queue in the frame that acknowledges it.
async fn take(
    payments: &Payments,
    consumer: &ConsumerName,
    delivery: Delivery,
) -> Result<(), Error> {
    let request = delivery.delivered.sequence;
    let id = format!("request/{request}");
    let of = delivery.delivered.event.id().to_string();
    let read = match delivery.delivered.event.into_data() {
        Some(Data::Json(Value::Array(values))) => read_json_values(values),
        Some(Data::Json(value)) => read_json_values(vec![value]),
        _ => {
            let reason = "this event has no JSON: send a transaction, or an array of them";
            Read {
                refused: vec![refuse(1, 1, reason.into())],
                refused_lines: 1,
                ..Read::default()
            }
        }
    };
    let mut publish = vec![facts::accepted(&id, read.taken.len())];
    if !read.refused.is_empty() {
        publish.push(facts::refused(request, &of, &read.refused));
    }
    let transaction = JobTransaction {
        publish,
        enqueue: post_jobs(&batch::cut(&read.taken)),
        acknowledge: vec![(consumer.clone(), vec![delivery.token])],
        ..JobTransaction::default()
    };
    payments.parts.transact.commit(transaction).await?;
    Ok(())
}
