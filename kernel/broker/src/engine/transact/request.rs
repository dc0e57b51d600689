//! What tells one request from another: a hash that is the same in every version.

use std::hash::Hasher;

use bytes::Bytes;
use portique_clock::Timestamp;
use portique_jobs::{
    Completion, Dependency, JobOptions, NewJob, OnDeadChild, Payload, Transaction, UniqueMode,
};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::fact::{Hash, Published, nanos};

/// How the hashes are keyed; part of the format of records.
const HASH_KEY: &[u8; 16] = b"portique request";

/// The hash of a transaction's key.
pub(super) fn key_hash(key: &str) -> Hash {
    let mut digest = Digest::new();
    digest.bytes(key.as_bytes());
    digest.finish()
}

/// The hash of all that a transaction asks for.
pub(super) fn content_hash(transaction: &Transaction) -> Hash {
    let mut digest = Digest::new();
    digest.number(transaction.publish.len() as u64);
    for event in &transaction.publish {
        digest.bytes(&Published::encode(Timestamp::EPOCH, event));
    }
    digest.number(transaction.enqueue.len() as u64);
    for job in &transaction.enqueue {
        digest.job(job);
    }
    digest.number(transaction.complete.len() as u64);
    for completion in &transaction.complete {
        digest.completion(completion);
    }
    digest.number(transaction.acknowledge.len() as u64);
    for (consumer, tokens) in &transaction.acknowledge {
        digest.bytes(consumer.as_str().as_bytes());
        digest.number(tokens.len() as u64);
        tokens.iter().for_each(|token| digest.number(token.0));
    }
    for cursor in &transaction.seek {
        digest.bytes(cursor.consumer.as_str().as_bytes());
        digest.number(cursor.next.0);
    }
    digest.finish()
}

struct Digest(SipHasher24);

impl Digest {
    fn new() -> Self {
        Self(SipHasher24::new_with_key(HASH_KEY))
    }

    fn finish(self) -> Hash {
        let (low, high) = self.0.finish128().as_u64();
        Hash { low, high }
    }

    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    /// Its length counts, so that no two texts side by side are another two.
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.write(bytes);
    }

    fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn time(&mut self, time: Timestamp) {
        self.0.write(&time.as_nanos().to_le_bytes());
    }

    fn payload(&mut self, payload: &Payload) {
        self.bytes(payload.content_type.as_bytes());
        let body: &Bytes = &payload.body;
        self.bytes(body);
    }

    fn completion(&mut self, completion: &Completion) {
        self.number(completion.lease.id.0);
        self.number(completion.lease.token.0);
        self.maybe(completion.result.as_ref(), Self::payload);
    }

    fn job(&mut self, job: &NewJob) {
        self.bytes(job.queue.as_str().as_bytes());
        self.bytes(job.kind.as_str().as_bytes());
        self.payload(&job.payload);
        self.options(&job.options);
    }

    fn options(&mut self, options: &JobOptions) {
        self.0.write(&options.priority.to_le_bytes());
        self.maybe(options.run_at, Self::time);
        for label in [&options.group, &options.key] {
            self.maybe(label.as_ref(), |digest, label| {
                digest.bytes(label.as_str().as_bytes());
            });
        }
        self.maybe(options.retry.as_ref(), |digest, retry| {
            digest.number(u64::from(retry.attempts));
            digest.number(nanos(retry.backoff.first));
            digest.number(retry.backoff.factor.to_bits());
            digest.number(nanos(retry.backoff.max));
            digest.number(retry.backoff.jitter.to_bits());
        });
        self.maybe(options.deadline, Self::time);
        self.maybe(options.idempotency_key.as_ref(), |digest, key| {
            digest.bytes(key.as_bytes());
        });
        self.maybe(options.unique.as_ref(), |digest, unique| {
            digest.bytes(unique.key.as_bytes());
            digest.number(match unique.mode {
                UniqueMode::UntilFinished => 0,
                UniqueMode::UntilClaimed => 1,
                UniqueMode::Replace => 2,
                UniqueMode::For(time) => 3_u64.saturating_add(nanos(time)),
            });
        });
        self.maybe(options.result_ttl, |digest, ttl| digest.number(nanos(ttl)));
        self.number(options.headers.len() as u64);
        for (name, value) in &options.headers {
            self.bytes(name.as_bytes());
            self.bytes(value.as_bytes());
        }
        self.number(options.after.len() as u64);
        for dependency in &options.after {
            let (kind, number) = match dependency {
                Dependency::Job(id) => (0, id.0),
                Dependency::InBatch(index) => (1, *index as u64),
            };
            self.number(kind);
            self.number(number);
        }
        self.number(match options.on_dead_child {
            OnDeadChild::Wait => 0,
            OnDeadChild::Ignore => 1,
            OnDeadChild::Die => 2,
        });
    }
}
