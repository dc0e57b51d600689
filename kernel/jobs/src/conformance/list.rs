use super::support::{
    claim, complete, define, enqueue, fail, ids, job, jobs_of, options, queue, queue_named, reject,
};
use super::{Capabilities, Harness, cases};
use crate::{Error, JobFilter, JobId, Jobs};

cases! {
    pages_neither_miss_nor_repeat: |_| true,
    states_select: |_| true,
    a_list_shows_no_payloads: |_| true,
    a_wrong_filter_is_refused: |_| true,
}

fn filter(state: Option<&str>, after: Option<JobId>, limit: usize) -> JobFilter {
    JobFilter {
        queue: queue(),
        state: state.map(Into::into),
        after,
        limit,
    }
}

async fn pages_neither_miss_nor_repeat(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(&*jobs, (0..7).map(|n| job(&n.to_string())).collect()).await;
    for limit in [1, 3, 7, 1_000] {
        assert_eq!(pages(&*jobs, limit, ids.len()).await, ids, "{limit} a page");
    }
}

async fn pages(jobs: &dyn Jobs, limit: usize, most: usize) -> Vec<JobId> {
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() <= most {
        let page = jobs.list(filter(Some("waiting"), after, limit)).await;
        let page = page.expect("listing works");
        assert!(page.jobs.len() <= limit);
        found.extend(page.jobs.iter().map(|view| view.id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found
}

async fn states_select(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let texts = [
        "completed",
        "dead",
        "cancelled",
        "failed",
        "active",
        "waiting",
    ];
    let all = enqueue(&*jobs, jobs_of(&texts)).await;
    let claimed = claim(&*jobs, "w", 5).await;
    complete(&*jobs, &claimed[..1]).await;
    reject(&*jobs, claimed[1].lease, "x").await;
    jobs.cancel(&all[2..3]).await.expect("cancelling works");
    fail(&*jobs, claimed[3].lease, "x").await;
    for (state, id) in texts.iter().zip(&all) {
        assert_eq!(ids(&*jobs, Some(state)).await, [*id], "{state}");
    }
    assert_eq!(ids(&*jobs, Some("delayed")).await, []);
    assert_eq!(ids(&*jobs, None).await, all, "every state");
}

async fn a_list_shows_no_payloads(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    enqueue(&*jobs, jobs_of(&["1"])).await;
    let page = jobs
        .list(filter(None, None, 10))
        .await
        .expect("listing works");
    assert_eq!(
        (&page.jobs[0].payload, &page.jobs[0].queue),
        (&None, &queue())
    );
}

async fn a_wrong_filter_is_refused(harness: &mut dyn Harness, _: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    for wrong in [
        filter(None, None, 0),
        filter(None, None, 1_001),
        filter(Some("sleeping"), None, 10),
    ] {
        let refused = jobs.list(wrong).await;
        assert!(
            matches!(refused, Err(Error::InvalidOption { .. })),
            "{refused:?}"
        );
    }
    let nowhere = JobFilter {
        queue: queue_named("nowhere"),
        ..filter(None, None, 10)
    };
    let refused = jobs.list(nowhere).await;
    assert!(
        matches!(refused, Err(Error::UnknownQueue { .. })),
        "{refused:?}"
    );
}
