use super::support::{
    LEASE, bodies, claim_now, claim_one, complete, define, enqueue, jobs_of, options, view,
};
use super::{Capabilities, Harness, cases};
use crate::WaitReason;

cases! {
    a_job_lost_once_runs_alone: |claims| claims.suspects,
}

async fn a_job_lost_once_runs_alone(harness: &mut dyn Harness, claims: Capabilities) {
    let jobs = harness.jobs();
    define(&*jobs, options()).await;
    let ids = enqueue(&*jobs, jobs_of(&["suspect", "2", "3"])).await;
    claim_one(&*jobs, "gone").await;
    harness.advance(LEASE).await;

    let busy = claim_now(&*jobs, "busy", 1).await;
    let held = bodies(&busy);
    if held == ["suspect"] {
        assert_eq!(
            claim_now(&*jobs, "busy", 10).await,
            [],
            "nothing beside a suspect"
        );
        complete(&*jobs, &busy).await;
        return;
    }
    let more = bodies(&claim_now(&*jobs, "busy", 10).await);
    assert!(
        !more.contains(&"suspect".to_owned()),
        "it is not given beside {held:?}"
    );
    if claims.wait_reasons {
        assert_eq!(view(&*jobs, ids[0]).await.waits, Some(WaitReason::Suspect));
    }
    enqueue(&*jobs, jobs_of(&["4"])).await;
    let mut seen = Vec::new();
    for name in ["free-1", "free-2", "free-3"] {
        let given = bodies(&claim_now(&*jobs, name, 10).await);
        let has_suspect = given.contains(&"suspect".to_owned());
        assert!(!has_suspect || given.len() == 1, "alone: {given:?}");
        if has_suspect {
            assert_eq!(
                claim_now(&*jobs, name, 10).await,
                [],
                "nothing beside a suspect"
            );
        }
        seen.extend(given);
    }
    assert!(
        seen.contains(&"suspect".to_owned()),
        "a free worker gets it: {seen:?}"
    );
}
