use std::time::Duration;

use super::support::{
    LEASE, check_idle, claim, claim_one, complete, define, done, enqueue, fail, failing, jobs_of,
    options, queue, settle, view,
};
use super::{Capabilities, Harness, cases};
use crate::{Extension, JobId, Lease, LeaseToken, Settled};

cases! {
    a_lost_lease_is_claimed_again: |_| true,
    a_stale_token_does_nothing: |_| true,
    an_extension_keeps_a_lease: |_| true,
    settling_answers_for_each: |_| true,
    naming_a_job_twice_is_naming_it_once: |_| true,
    tokens_rise: |_| true,
}

async fn a_lost_lease_is_claimed_again(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let first = claim_one(&*jobs, "slow").await;
    check_idle(&*jobs).await;
    harness.advance(LEASE).await;
    let second = claim_one(&*jobs, "quick").await;
    assert_eq!(second.lease.id, id);
    assert_eq!((second.attempt, second.failures, second.losses), (2, 0, 1));
    assert!(second.lease.token > first.lease.token, "tokens rise");
    assert_eq!(settle(&*jobs, second.lease).await, Settled::Done);
    let state = jobs.queue(&queue()).await.expect("the queue is there");
    assert_eq!(
        (state.totals.losses, state.totals.failures),
        (1, 0),
        "counted apart"
    );
}

async fn a_stale_token_does_nothing(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = enqueue(&*jobs, jobs_of(&["1"])).await[0];
    let old = claim_one(&*jobs, "slow").await.lease;
    harness.advance(LEASE).await;
    let new = claim_one(&*jobs, "quick").await.lease;

    assert_eq!(settle(&*jobs, old).await, Settled::Stale);
    assert_eq!(fail(&*jobs, old, "late").await, Settled::Stale);
    let released = jobs.release(&[old], Duration::ZERO).await;
    assert_eq!(released.expect("releasing works"), [Settled::Stale]);
    let extended = jobs.extend(&[old]).await.expect("extending works");
    assert_eq!(extended, [Extension::Lost]);
    let seen = view(&*jobs, id).await;
    assert_eq!(
        (seen.state.word(), seen.failures),
        ("active", 0),
        "nothing changed"
    );

    assert_eq!(settle(&*jobs, new).await, Settled::Done);
    assert_eq!(settle(&*jobs, old).await, Settled::Stale, "also afterwards");
    assert_eq!(settle(&*jobs, new).await, Settled::Done, "the same answer");
    let state = jobs.queue(&queue()).await.expect("the queue is there");
    assert_eq!(state.totals.completed, 1);
}

async fn an_extension_keeps_a_lease(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let lease = claim_one(&*jobs, "w").await.lease;
    for _ in 0..3 {
        harness.advance(LEASE * 2 / 3).await;
        let extended = jobs.extend(&[lease]).await.expect("extending works");
        assert_eq!(extended, [Extension::Held]);
        check_idle(&*jobs).await;
    }
    assert_eq!(settle(&*jobs, lease).await, Settled::Done);
    let extended = jobs.extend(&[lease]).await.expect("extending works");
    assert_eq!(extended, [Extension::Lost], "it has ended");
}

async fn settling_answers_for_each(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1", "2"])).await;
    let claimed = claim(&*jobs, "w", 2).await;
    let (held, other) = (claimed[0].lease, claimed[1].lease);
    let wrong = Lease {
        token: LeaseToken(other.token.0 + 1_000),
        ..other
    };
    let nobody = Lease {
        id: JobId(u64::MAX >> 2),
        token: LeaseToken(1),
    };
    let asked = [nobody, held, wrong].map(done).to_vec();
    let settled = jobs.complete(asked).await.expect("completing works");
    assert_eq!(settled.len(), 3, "one answer per lease, in order");
    assert!(
        matches!(settled[0], Settled::Unknown | Settled::Stale),
        "{settled:?}"
    );
    assert_eq!(settled[1..], [Settled::Done, Settled::Stale]);
    complete(&*jobs, &claimed[1..]).await;
    assert_eq!(
        jobs.complete(Vec::new()).await.expect("nothing is nothing"),
        []
    );
}

async fn naming_a_job_twice_is_naming_it_once(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(&*jobs, jobs_of(&["1", "2", "3"])).await;
    let claimed = claim(&*jobs, "w", 2).await;
    let (first, second) = (claimed[0].lease, claimed[1].lease);
    let settled = jobs.complete(vec![done(first), done(first)]).await;
    assert_eq!(
        settled.expect("completing works"),
        [Settled::Done, Settled::Done]
    );
    let failed = jobs
        .fail(vec![failing(second, "x"), failing(second, "y")])
        .await;
    let failed = failed.expect("failing works");
    assert!(matches!(failed[0], Settled::Retrying { .. }), "{failed:?}");
    let cancelled = jobs
        .cancel(&[ids[2], ids[2]])
        .await
        .expect("cancelling works");
    assert_eq!(cancelled[0], Settled::Done);
    let totals = jobs.queue(&queue()).await.expect("it is there").totals;
    assert_eq!(
        (totals.completed, totals.failures, totals.cancelled),
        (1, 1, 1)
    );
    assert_eq!(view(&*jobs, ids[1]).await.failures, 1);
}

async fn tokens_rise(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let mut last = LeaseToken(0);
    for round in 0..4 {
        let lease = claim_one(&*jobs, "w").await.lease;
        assert!(
            lease.token > last,
            "{} after {last} in round {round}",
            lease.token
        );
        last = lease.token;
        let released = jobs.release(&[lease], Duration::ZERO).await;
        assert_eq!(released.expect("releasing works"), [Settled::Done]);
    }
}
