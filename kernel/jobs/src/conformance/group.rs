use std::collections::BTreeMap;

use super::support::{
    check_bodies, check_idle, claim, claim_one, define, enqueue, job, label, options, queue,
    text_of, view,
};
use super::{Capabilities, Harness, cases};
use crate::{Jobs, NewJob, QueueOptions, WaitReason};

cases! {
    groups_have_fair_shares: |claims| claims.groups,
    a_group_keeps_its_order: |claims| claims.groups,
    a_paused_group_waits: |claims| claims.groups,
    a_heavier_group_has_a_larger_share: |claims| claims.weights,
}

/// `count` jobs of a group, each named after it.
fn of_group(group: &str, count: usize) -> Vec<NewJob> {
    (0..count)
        .map(|number| {
            let mut job = job(&format!("{group}{number}"));
            job.options.group = Some(label(group));
            job
        })
        .collect()
}

/// How many of the next `count` jobs are of which group.
async fn shares(jobs: &dyn Jobs, count: usize) -> BTreeMap<char, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        let text = text_of(&claim_one(jobs, "w").await.payload);
        let group = text
            .chars()
            .next()
            .expect("jobs are named after their group");
        *shares.entry(group).or_default() += 1;
    }
    shares
}

async fn groups_have_fair_shares(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, of_group("a", 50)).await;
    enqueue(&*jobs, of_group("b", 10)).await;
    enqueue(&*jobs, of_group("c", 10)).await;
    let shares = shares(&*jobs, 24).await;
    for group in ['a', 'b', 'c'] {
        let share = shares.get(&group).copied().unwrap_or_default();
        assert!((7..=9).contains(&share), "a third each: {shares:?}");
    }
}

async fn a_group_keeps_its_order(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, of_group("a", 4)).await;
    enqueue(&*jobs, of_group("b", 4)).await;
    let claimed = claim(&*jobs, "w", 8).await;
    for group in ["a", "b"] {
        let own: Vec<_> = claimed
            .iter()
            .filter(|claimed| claimed.group == Some(label(group)))
            .map(|claimed| text_of(&claimed.payload))
            .collect();
        assert!(own.len() == 4 && own.is_sorted(), "{own:?}");
    }
}

async fn a_paused_group_waits(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(&*jobs, of_group("a", 1)).await;
    enqueue(&*jobs, of_group("b", 1)).await;
    let group = label("a");
    jobs.pause(&queue(), Some(&group))
        .await
        .expect("pausing works");
    check_bodies(&claim(&*jobs, "w", 1).await, &["b0"]);
    check_idle(&*jobs).await;
    let state = jobs.queue(&queue()).await.expect("it is there");
    assert_eq!(
        (state.is_paused, state.paused_groups),
        (false, vec![group.clone()])
    );
    if claims.wait_reasons {
        assert_eq!(
            view(&*jobs, ids[0]).await.waits,
            Some(WaitReason::GroupPaused)
        );
    }
    jobs.resume(&queue(), Some(&group))
        .await
        .expect("resuming works");
    check_bodies(&claim(&*jobs, "w", 1).await, &["a0"]);
}

async fn a_heavier_group_has_a_larger_share(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    let weights = BTreeMap::from([(label("a"), 3)]);
    define(
        &*jobs,
        QueueOptions {
            weights,
            ..options()
        },
    )
    .await;
    enqueue(&*jobs, of_group("b", 30)).await;
    enqueue(&*jobs, of_group("a", 30)).await;
    let shares = shares(&*jobs, 20).await;
    let heavy = shares.get(&'a').copied().unwrap_or_default();
    assert!((13..=17).contains(&heavy), "three in four: {shares:?}");
}
