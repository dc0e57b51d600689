use super::support::{
    check_bodies, check_idle, check_state, claim, claim_one, complete, define, enqueue, ids,
    jobs_of, one, options, payload, queue, queue_named, reject, text_of,
};
use super::{Capabilities, Harness, cases};
use crate::{DeadFilter, DeadLetter, Error, JobId, Jobs, Settled};

cases! {
    the_dead_can_be_read: |_| true,
    the_dead_come_in_pages: |_| true,
    a_retried_one_begins_anew: |_| true,
    a_dropped_one_is_gone: |_| true,
    an_edited_one_has_the_new_payload: |claims| claims.dead_edit,
}

fn all(after: Option<JobId>, limit: usize) -> DeadFilter {
    DeadFilter {
        queue: Some(queue()),
        after,
        limit,
    }
}

async fn read(jobs: &dyn Jobs, filter: DeadFilter) -> Vec<DeadLetter> {
    jobs.dead(filter).await.expect("reading the dead works")
}

/// Enqueues them and gives up on each.
async fn bury(jobs: &dyn Jobs, texts: &[&str]) -> Vec<JobId> {
    let ids = enqueue(jobs, jobs_of(texts)).await;
    for claimed in claim(jobs, "digger", texts.len()).await {
        let reason = format!("{} is beyond help", text_of(&claimed.payload));
        reject(jobs, claimed.lease, &reason).await;
    }
    ids
}

async fn the_dead_can_be_read(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    assert_eq!(read(&*jobs, all(None, 10)).await, []);
    let ids = bury(&*jobs, &["1", "2"]).await;
    let letters = read(&*jobs, all(None, 10)).await;
    let found: Vec<_> = letters.iter().map(|letter| letter.id).collect();
    assert_eq!(found, ids, "oldest first");
    let letter = &letters[1];
    assert_eq!(letter.queue, queue());
    assert_eq!(
        letter.kind.as_ref().expect("its record is whole").as_str(),
        "conformance"
    );
    assert_eq!(letter.payload, Some(payload("2")));
    assert!(
        letter.reason.contains("2 is beyond help"),
        "{}",
        letter.reason
    );
    assert_eq!((letter.failures, letter.losses, letter.redrives), (1, 0, 0));
    let everywhere = DeadFilter {
        queue: None,
        ..all(None, 10)
    };
    assert_eq!(read(&*jobs, everywhere).await, letters, "of all queues");
    let other = queue_named("other");
    jobs.define_queue(&other, options())
        .await
        .expect("it is made");
    let elsewhere = DeadFilter {
        queue: Some(other),
        ..all(None, 10)
    };
    assert_eq!(read(&*jobs, elsewhere).await, []);
}

async fn the_dead_come_in_pages(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = bury(&*jobs, &["1", "2", "3", "4", "5"]).await;
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() <= ids.len() {
        let page = read(&*jobs, all(after, 2)).await;
        assert!(page.len() <= 2);
        found.extend(page.iter().map(|letter| letter.id));
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    assert_eq!(found, ids, "nothing is missed or repeated");
}

async fn a_retried_one_begins_anew(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = bury(&*jobs, &["1"]).await[0];
    let settled = jobs.retry(&[id, JobId(u64::MAX >> 2)]).await;
    assert_eq!(
        settled.expect("retrying works"),
        [Settled::Done, Settled::Unknown]
    );
    assert_eq!(read(&*jobs, all(None, 10)).await, []);
    let claimed = claim_one(&*jobs, "w").await;
    assert_eq!(
        (claimed.lease.id, claimed.failures, claimed.losses),
        (id, 0, 0)
    );
    reject(&*jobs, claimed.lease, "still beyond help").await;
    let letters = read(&*jobs, all(None, 10)).await;
    assert_eq!((letters[0].failures, letters[0].redrives), (1, 1));
    let settled = jobs.retry(&[id]).await.expect("retrying works");
    assert_eq!(one(settled), Settled::Done);
    let claimed = claim(&*jobs, "w", 1).await;
    complete(&*jobs, &claimed).await;
    check_state(&*jobs, id, "completed").await;
}

async fn a_dropped_one_is_gone(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = bury(&*jobs, &["1"]).await[0];
    let waiting = enqueue(&*jobs, jobs_of(&["2"])).await[0];
    let settled = jobs
        .drop_dead(&[id, waiting])
        .await
        .expect("dropping works");
    assert_eq!(settled, [Settled::Done, Settled::Refused("waiting")]);
    assert_eq!(read(&*jobs, all(None, 10)).await, []);
    assert_eq!(ids(&*jobs, Some("dead")).await, []);
    let retried = one(jobs.retry(&[id]).await.expect("retrying works"));
    assert_eq!(retried, Settled::Unknown);
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["2"]);
    complete(&*jobs, &claimed).await;
    jobs.remove_queue(&queue())
        .await
        .expect("the dropped one does not hold it");
}

async fn an_edited_one_has_the_new_payload(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let id = bury(&*jobs, &["1"]).await[0];
    jobs.edit_dead(id, payload("mended"))
        .await
        .expect("editing works");
    let letter = read(&*jobs, all(None, 10)).await.remove(0);
    assert_eq!((letter.id, letter.payload), (id, Some(payload("mended"))));
    assert_eq!(letter.failures, 1, "its history stays");
    check_idle(&*jobs).await;
    if claims.durable {
        harness.reopen(std::time::Duration::ZERO).await;
    }
    let jobs = harness.jobs();
    one(jobs.retry(&[id]).await.expect("retrying works"));
    let claimed = claim(&*jobs, "w", 1).await;
    check_bodies(&claimed, &["mended"]);
    let refused = jobs.edit_dead(id, payload("too late")).await;
    assert!(
        matches!(
            refused,
            Err(Error::WrongState {
                state: "active",
                ..
            })
        ),
        "{refused:?}"
    );
    complete(&*jobs, &claimed).await;
    let refused = jobs
        .edit_dead(JobId(u64::MAX >> 2), payload("nobody"))
        .await;
    assert!(
        matches!(refused, Err(Error::UnknownJob { .. })),
        "{refused:?}"
    );
}
