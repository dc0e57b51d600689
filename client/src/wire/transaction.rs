use portique_bus::{ConsumerName, DeliveryToken, Sequence};
use portique_event::Event;
use portique_jobs::{Committed, Cursor, Error, Transaction};

use crate::proto::bus::v1::AckRequest;
use crate::proto::jobs::v1 as pb;

impl From<Transaction> for pb::Transaction {
    fn from(transaction: Transaction) -> Self {
        let acknowledge = transaction.acknowledge.into_iter();
        Self {
            idempotency_key: transaction.idempotency_key,
            publish: each(transaction.publish),
            enqueue: each(transaction.enqueue),
            complete: each(transaction.complete),
            acknowledge: acknowledge
                .map(|(consumer, tokens)| AckRequest {
                    consumer: consumer.to_string(),
                    tokens: tokens.into_iter().map(|token| token.0).collect(),
                })
                .collect(),
            seek: each(transaction.seek),
        }
    }
}

impl TryFrom<pb::Transaction> for Transaction {
    type Error = Error;

    fn try_from(transaction: pb::Transaction) -> Result<Self, Error> {
        let publish = transaction.publish.into_iter().map(|event| {
            let event = Event::try_from(event).map_err(portique_bus::Error::from)?;
            Ok(event)
        });
        let acknowledge = transaction.acknowledge.into_iter().map(|request| {
            let tokens = request.tokens.into_iter().map(DeliveryToken).collect();
            Ok((ConsumerName::new(request.consumer)?, tokens))
        });
        Ok(Self {
            idempotency_key: transaction.idempotency_key,
            publish: publish.collect::<Result<_, Error>>()?,
            enqueue: try_each(transaction.enqueue)?,
            complete: try_each(transaction.complete)?,
            acknowledge: acknowledge.collect::<Result<_, Error>>()?,
            seek: try_each(transaction.seek)?,
        })
    }
}

impl From<Cursor> for pb::Cursor {
    fn from(cursor: Cursor) -> Self {
        Self {
            consumer: cursor.consumer.to_string(),
            next: cursor.next.0,
        }
    }
}

impl TryFrom<pb::Cursor> for Cursor {
    type Error = Error;

    fn try_from(cursor: pb::Cursor) -> Result<Self, Error> {
        Ok(Self {
            consumer: ConsumerName::new(cursor.consumer)?,
            next: Sequence(cursor.next),
        })
    }
}

impl From<Committed> for pb::Committed {
    fn from(committed: Committed) -> Self {
        Self {
            sequences: committed.sequences.into_iter().map(|at| at.0).collect(),
            jobs: each(committed.jobs),
        }
    }
}

impl From<pb::Committed> for Committed {
    fn from(committed: pb::Committed) -> Self {
        Self {
            sequences: committed.sequences.into_iter().map(Sequence).collect(),
            jobs: each(committed.jobs),
        }
    }
}

/// Every entry of a list as the other side's.
pub fn each<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

/// Every entry of a list as the other side's.
///
/// # Errors
/// Why the first that is not is none.
pub fn try_each<A, B, E>(list: Vec<A>) -> Result<Vec<B>, E>
where
    B: TryFrom<A, Error = E>,
{
    list.into_iter().map(TryInto::try_into).collect()
}
