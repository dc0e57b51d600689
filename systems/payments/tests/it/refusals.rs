use portique_payments::service::Search;
use portique_payments::{AccountChange, AccountStatus, Opening};

use crate::rig::{Rig, iban, line};

/// A line, and words of what is said of it.
type Bad = (String, &'static str);

fn good(id: &str) -> String {
    line(id, "deposit", (0, 1), "10.00")
}

fn transfer(id: &str, parties: (u32, u32), amount: &str) -> String {
    line(id, "transfer", parties, amount)
}

/// Four accounts, of which the third is frozen and the fourth closed, and one in yen.
async fn open_rig() -> Rig {
    let rig = Rig::open().await;
    rig.open_accounts(4).await;
    let yen = AccountChange::Opened(Opening {
        iban: iban(9),
        currency: "JPY".parse().unwrap(),
        overdraft_minor: Some(0),
    });
    let frozen = AccountChange::Status {
        iban: iban(3),
        status: AccountStatus::Frozen,
    };
    let closed = AccountChange::Status {
        iban: iban(4),
        status: AccountStatus::Closed,
    };
    let changes = vec![yen, frozen, closed];
    let changed = rig.payments().change_accounts(changes).await.unwrap();
    assert_eq!(changed, [Ok(true), Ok(true), Ok(true)]);
    rig
}

/// What is refused before the ledger sees it.
fn bad_in_itself() -> Vec<Bad> {
    vec![
        ("not json\n".to_owned(), "expected"),
        (good("cut")[..80].to_owned() + "\n", "EOF"),
        (
            good("b").replace(iban(1).as_str(), "DE00000000000000000000"),
            "check digits",
        ),
        (transfer("z", (1, 2), "0.00"), "moves nothing"),
        (transfer("n", (1, 2), "-1.00"), "moves nothing"),
        (transfer("l", (1, 2), "10000000000000.00"), "over the limit"),
        (
            transfer("m", (1, 2), "99999999999999999999999"),
            "over the limit",
        ),
        (transfer("p", (1, 2), "0.001"), "more digits"),
        (good(&"x".repeat(20_000)), "a line of"),
        (good("k").replace("deposit", "gift"), "kind"),
        (
            good("u").replace("\"kind\"", "\"colour\":1,\"kind\""),
            "colour",
        ),
    ]
}

/// What the ledger rejects.
fn bad_for_the_ledger() -> Vec<Bad> {
    vec![
        (transfer("r1", (1, 7), "1.00"), "there is no account"),
        (transfer("r2", (1, 9), "1.00"), "is in JPY, not in EUR"),
        (transfer("r3", (1, 1), "1.00"), "would pay itself"),
        (transfer("r4", (3, 1), "1.00"), "frozen"),
        (transfer("r5", (1, 4), "1.00"), "closed"),
        (transfer("r6", (1, 2), "9999999999999.99"), "can pay"),
        (
            good("g1").replace("10.00", "11.00"),
            "came before with other contents",
        ),
        (
            line("r7", "reversal", (1, 2), "1.00").replace("\"kind\"", "\"of\":\"no\",\"kind\""),
            "there is no transaction no",
        ),
    ]
}

/// Every line that somebody may send by mistake or malice, with what is said of it; before the ledger, and by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_line_is_refused_with_its_reason_and_the_rest_is_posted() {
    let rig = open_rig().await;
    let (early, late) = (bad_in_itself(), bad_for_the_ledger());
    let mut lines = good("g1");
    for (index, (bad, _)) in early.iter().chain(&late).enumerate() {
        lines += bad;
        lines += &good(&format!("g-{index}"));
    }
    let read = rig.post(&lines).await;
    let places: Vec<_> = read.refused.iter().map(|it| (it.number, it.line)).collect();
    let expected: Vec<_> = (0..early.len() as u64)
        .map(|it| (2 + 2 * it, 2 + 2 * it))
        .collect();
    assert_eq!(places, expected);
    for (refused, (_, words)) in read.refused.iter().zip(&early) {
        assert!(
            refused.reason.contains(words),
            "{words}: {}",
            refused.reason
        );
    }
    let rejected = Search {
        text: None,
        status: Some(portique_payments::batch::Status::Rejected),
        ..Search::default()
    };
    let page = rig.payments().search(&rejected).await.unwrap();
    let reasons = page
        .transactions
        .iter()
        .rev()
        .map(|it| it.reason.clone().unwrap());
    for (reason, (_, words)) in reasons.zip(&late) {
        assert!(reason.contains(words), "{words}: {reason}");
    }
    assert_eq!(page.transactions.len(), late.len());
    let goods = 1 + early.len() + late.len();
    assert_eq!(rig.balance(1).await, (goods as i64 * 1_000, 0));
    rig.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_is_no_batch_goes_to_the_dead() {
    let rig = Rig::open().await;
    let queue = portique_jobs::QueueName::new("payments.post").unwrap();
    let kind = portique_jobs::JobKind::new("batch").unwrap();
    let payload = portique_jobs::Payload::json("{\"ids\":\"a\"}");
    let job = portique_jobs::NewJob::new(queue.clone(), kind, payload);
    let enqueued = rig.parts().jobs.enqueue(vec![job]).await.unwrap();
    let view = rig
        .parts()
        .jobs
        .wait_job(enqueued[0].id, crate::rig::PATIENCE)
        .await
        .unwrap();
    let is_dead = matches!(view.state, portique_jobs::JobState::Dead { .. });
    assert!(is_dead, "{:?}", view.state);
    rig.open_accounts(1).await;
    let read = portique_payments::lines::read_json_lines(
        line("after", "deposit", (0, 1), "1.00").as_bytes(),
    );
    rig.payments().accept(read, None).await.unwrap();
    let posted = rig.payments().shared().journal_counts(1);
    tokio::time::timeout(crate::rig::PATIENCE, posted)
        .await
        .unwrap();
}
