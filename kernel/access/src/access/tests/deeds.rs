use super::*;
use crate::Visit;

/// As many as may wait to be written down.
const ROOM: usize = 1_024;

#[tokio::test]
async fn what_is_done_is_written_down_afterwards_and_what_does_not_fit_is_counted() {
    let records = records();
    let rig = Rig::open(&records).await;
    let visit = Visit {
        caller: rig.commander(),
        from: HERE.into(),
    };
    let tell = |what: &str| {
        rig.access
            .told(&visit, "PUT /api/v1/queues/{queue}/pause", what, Ok(()))
    };
    // Nothing is awaited, so that nobody writes meanwhile.
    for index in 0..ROOM + 976 {
        tell(&format!("/api/v1/queues/q{index}/pause"));
    }
    assert_eq!(rig.access.audit_lost(), 976);
    // Who signs in meanwhile is not kept waiting by that.
    rig.first().await;
    rig.close().await;

    let rig = Rig::open(&records).await;
    let of = |action: &str| AuditQuery {
        action: Some(action.into()),
        limit: 1_000,
        ..AuditQuery::default()
    };
    let said = rig.access.audit(of("audit.left_out")).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].target, "976 things that were done");
    let newest = rig.access.audit(of("PUT /api/v1/queues/{queue}/pause"));
    let newest = newest.await.unwrap();
    assert_eq!(newest[0].target, "/api/v1/queues/q1023/pause");
    assert_eq!(newest[0].who, "token:commander");
    let verdict = rig.access.verify().await.unwrap();
    assert_eq!(verdict.broken, None);
    assert!(verdict.records > ROOM as u64, "{verdict:?}");
    rig.close().await;
}
