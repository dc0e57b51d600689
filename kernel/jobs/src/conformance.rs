//! What every engine must do, as tests over the port.
//!
//! An engine's own tests hand [`suite`] a factory of [`Harness`]es, each around a fresh and empty
//! engine, and the [`Capabilities`] it claims. What is claimed is tested; what is not claimed must be
//! refused with [`Unsupported`](crate::Error::Unsupported), so that the table stays true. A failing
//! case panics.
//!
//! The suite knows of an engine what the port says and no more: ids rise, and an answer may take a
//! while over a network.

mod absent;
mod binding;
mod capabilities;
mod control;
mod dead;
mod delay;
mod deliver;
mod durability;
mod fence;
mod flow;
mod group;
mod idempotency;
mod limits;
mod list;
mod order;
mod refuse;
mod result;
mod retry;
mod schedule;
mod support;
mod suspect;
mod transaction;
mod unique;
mod waits;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use portique_bus::Bus;
use portique_clock::Timestamp;

pub use capabilities::{Capabilities, markdown};

use crate::{Jobs, Transact};

/// One engine under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The engine; after [`reopen`](Self::reopen) it is another one.
    fn jobs(&self) -> Arc<dyn Jobs>;

    /// The time by the engine's clock.
    fn now(&self) -> Timestamp;

    /// Lets this much time pass for the engine, and what becomes due take place.
    async fn advance(&mut self, by: Duration);

    /// Stops the engine, lets this much time pass, and starts it again on what it stored.
    async fn reopen(&mut self, down: Duration);

    /// The bus whose events are bound to queues; needed for `bindings` and `transactions`.
    fn bus(&self) -> Option<Arc<dyn Bus>> {
        None
    }

    /// What commits jobs and events together; needed for `transactions`.
    fn transact(&self) -> Option<Arc<dyn Transact>> {
        None
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One promise, and what an engine must claim for it to be tested.
struct Case {
    name: &'static str,
    needs: fn(&Capabilities) -> bool,
    run: for<'a> fn(&'a mut dyn Harness, Capabilities) -> Running<'a>,
}

/// Cases with what each needs, from functions of a harness and the claims.
macro_rules! cases {
    ($($case:ident: $needs:expr),* $(,)?) => {
        pub(super) const CASES: &[$crate::conformance::Case] = &[
            $($crate::conformance::Case {
                name: stringify!($case),
                needs: $needs,
                run: |harness, claims| Box::pin($case(harness, claims)),
            }),*
        ];
    };
}
use cases;

const CASES: [&[Case]; 21] = [
    deliver::CASES,
    fence::CASES,
    order::CASES,
    retry::CASES,
    suspect::CASES,
    control::CASES,
    dead::CASES,
    list::CASES,
    refuse::CASES,
    result::CASES,
    durability::CASES,
    delay::CASES,
    group::CASES,
    limits::CASES,
    idempotency::CASES,
    unique::CASES,
    flow::CASES,
    schedule::CASES,
    binding::CASES,
    waits::CASES,
    transaction::CASES,
];

const ABSENT: Case = Case {
    name: "what_is_not_claimed_is_refused",
    needs: |_| true,
    run: |harness, claims| Box::pin(absent::what_is_not_claimed_is_refused(harness, claims)),
};

/// Runs every case that is claimed, each on an engine of its own, and sees that the rest is refused.
///
/// # Panics
/// When the engine does not do what the port promises, or does what it does not claim: after the last
/// case, with the names of those that failed.
pub async fn suite<F, Fut>(capabilities: Capabilities, factory: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Box<dyn Harness>>,
{
    let absent = [ABSENT];
    let mut failed = Vec::new();
    for case in CASES.into_iter().flatten().chain(&absent) {
        if (case.needs)(&capabilities) {
            let mut harness = factory().await;
            let running = (case.run)(&mut *harness, capabilities);
            if !passes(running).await {
                failed.push(case.name);
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases failed: {failed:?}",
        failed.len()
    );
}

/// Whether a case comes to its end; the hook for panics has said why when it does not.
async fn passes(mut running: Running<'_>) -> bool {
    std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| running.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(|()| true),
            Err(_) => Poll::Ready(false),
        }
    })
    .await
}
