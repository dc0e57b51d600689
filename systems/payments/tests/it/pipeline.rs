use std::time::Duration;

use portique_payments::Error;
use portique_payments::lines::read_json_lines;
use portique_payments::service::{ClaimedJob, Config, FileFormat, Search};

use crate::rig::{PATIENCE, Rig, iban, line};

fn outside() -> Config {
    Config {
        workers_inside: false,
        ..Config::default()
    }
}

/// Money for customer 1, and transfers of a cent from 1 to 2.
fn transfers(count: u32) -> String {
    let mut lines = line("in", "deposit", (0, 1), "100000.00");
    for number in 0..count {
        lines += &line(&format!("t-{number}"), "transfer", (1, 2), "0.01");
    }
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_in_is_posted_and_found() {
    let rig = Rig::open().await;
    rig.open_accounts(3).await;
    rig.post(&transfers(2_500)).await;
    assert_eq!(rig.balance(2).await, (2_500, 0));
    assert_eq!(rig.balance(0).await, (-10_000_000, 0));
    rig.assert_balanced().await;
    let counts = rig.payments().counts().await.unwrap();
    assert_eq!(
        (counts.accepted, counts.posted, counts.journalled),
        (2_501, 2_501, 2_501)
    );
    let by = |account: u32, text: &str| Search {
        account: Some(iban(account).to_string()),
        text: Some(text.into()),
        ..Search::default()
    };
    assert_eq!(rig.found(by(2, "ABOUT t-1234")).await, ["t-1234"]);
    assert_eq!(rig.found(by(3, "about")).await, [""; 0]);
    assert_eq!(rig.found(by(0, "")).await, ["in"]);
    let amount = Search {
        amount_min: Some("0.02".into()),
        currency: Some("EUR".into()),
        ..Search::default()
    };
    assert_eq!(rig.found(amount).await, ["in"]);
    let one = rig.payments().transaction("t-7").await.unwrap();
    assert_eq!((one.len(), one[0].amount.as_str()), (1, "0.01"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_show_everything_once_newest_first() {
    let rig = Rig::open().await;
    rig.open_accounts(2).await;
    rig.post(&transfers(1_700)).await;
    let mut search = Search {
        account: Some(iban(2).to_string()),
        limit: Some(333),
        ..Search::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = rig.payments().search(&search).await.unwrap();
        seen.extend(page.transactions.into_iter().map(|it| it.id));
        search.after = page.next;
        if search.after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..1_700)
        .rev()
        .map(|number| format!("t-{number}"))
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_changes_nothing() {
    let mut rig = Rig::open().await;
    rig.open_accounts(2).await;
    rig.post(&transfers(10)).await;
    let hold = line("h", "authorise", (1, 2), "5.00");
    rig.post(&hold).await;
    rig.restart().await;
    assert_eq!(rig.balance(1).await, (10_000_000 - 10, 500));
    rig.post(&line("later", "transfer", (2, 1), "0.05")).await;
    rig.crash().await;
    assert_eq!(rig.balance(2).await, (5, 0));
    // What came before is known, and what was set aside can be taken.
    rig.post(&transfers(10)).await;
    let capture = line("c", "capture", (1, 2), "4.00").replace("\"kind\"", "\"of\":\"h\",\"kind\"");
    rig.post(&capture).await;
    assert_eq!(rig.balance(1).await, (10_000_000 - 5 - 400, 0));
    let counts = rig.payments().counts().await.unwrap();
    assert_eq!((counts.posted, counts.known, counts.rejected), (14, 11, 0));
    rig.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_in_the_middle_lose_nothing_and_double_nothing() {
    let mut rig = Rig::open().await;
    rig.open_accounts(2).await;
    let mut expected = 1;
    rig.post(&line("in", "deposit", (0, 1), "100000.00")).await;
    for round in 0..3_u32 {
        let mut lines = String::new();
        for number in 0..3_000 {
            lines += &line(&format!("{round}-{number}"), "transfer", (1, 2), "0.01");
        }
        let read = read_json_lines(lines.as_bytes());
        rig.payments().accept(read, None).await.unwrap();
        // Somewhere on the way: after so many more can be searched.
        let on_the_way = rig
            .payments()
            .shared()
            .journal_counts(expected + u64::from(round) * 500);
        tokio::time::timeout(PATIENCE, on_the_way).await.unwrap();
        expected += 3_000;
        rig.crash().await;
    }
    rig.settle().await;
    let counts = rig.payments().counts().await.unwrap();
    assert_eq!(
        (counts.accepted, counts.posted, counts.known),
        (expected, expected, 0)
    );
    assert_eq!(rig.balance(2).await, (9_000, 0));
    rig.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_had_in_hand_when_it_ended_is_given_back_at_once() {
    let mut rig = Rig::with(outside()).await;
    rig.open_accounts(2).await;
    let read = read_json_lines(transfers(9_500).as_bytes());
    rig.payments().accept(read, None).await.unwrap();
    // As the workers inside hold them, but for one.
    for number in 0..8 {
        let worker = format!("inside-payments.post-{}", number % 2);
        rig.claim_as(&worker, "payments.post", PATIENCE)
            .await
            .unwrap();
    }
    let held = rig.claim("payments.post", PATIENCE).await.unwrap();
    rig.crash_to(Config::default()).await;
    // All but the worker's that is a process of its own, which still has it.
    let batch = |count: u64| rig.payments().shared().journal_counts(count);
    let but_one = 9_501 - 1_000;
    tokio::time::timeout(PATIENCE / 2, batch(but_one))
        .await
        .unwrap();
    assert_eq!(rig.balance(2).await.0, 8_500);
    let job = ClaimedJob {
        lease: held.lease,
        body: held.payload.body,
    };
    let posted = rig.payments().post_jobs(vec![job]).await;
    assert_eq!(posted[0].as_ref().unwrap().posted, 1_000);
    rig.settle().await;
    assert_eq!(rig.losses().await, 0);
    assert_eq!(rig.balance(2).await, (9_500, 0));
    rig.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_delivered_again_has_one_effect() {
    let rig = Rig::with(outside()).await;
    rig.open_accounts(2).await;
    let read = read_json_lines(transfers(5).as_bytes());
    rig.payments().accept(read, None).await.unwrap();
    let short = Duration::from_millis(100);
    let lost = rig.claim("payments.post", short).await.unwrap();
    let held = rig.claim("payments.post", PATIENCE).await.unwrap();
    assert_eq!(lost.lease.id, held.lease.id);
    let job = |claimed: &portique_jobs::Claimed| ClaimedJob {
        lease: claimed.lease,
        body: claimed.payload.body.clone(),
    };
    // Whoever lost his lease is refused, and so is whoever comes after the end.
    let stale = rig.payments().post_jobs(vec![job(&lost)]).await;
    assert!(
        matches!(stale[0], Err(Error::StaleLease { .. })),
        "{stale:?}"
    );
    assert_eq!(rig.balance(2).await, (0, 0));
    let both = rig.payments().post_jobs(vec![job(&lost), job(&held)]).await;
    assert!(matches!(both[0], Err(Error::StaleLease { .. })), "{both:?}");
    assert_eq!(both[1].as_ref().unwrap().posted, 6);
    let again = rig.payments().post_jobs(vec![job(&held)]).await;
    assert!(
        matches!(again[0], Err(Error::StaleLease { .. })),
        "{again:?}"
    );
    assert_eq!(rig.balance(2).await, (5, 0));
    let posted = rig.claim("payments.journal", PATIENCE).await.unwrap();
    let kept = rig.payments().journal_jobs(vec![job(&posted)]).await;
    assert_eq!(kept[0].as_ref().unwrap().all(), 6);
    rig.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_sent_twice_is_one() {
    let rig = Rig::open().await;
    rig.open_accounts(2).await;
    for _ in 0..2 {
        let read = read_json_lines(transfers(3).as_bytes());
        let accepted = rig.payments().accept(read, Some("order 66")).await.unwrap();
        assert_eq!((accepted.accepted, accepted.batches), (4, 1));
    }
    rig.settle().await;
    let counts = rig.payments().counts().await.unwrap();
    assert_eq!((counts.accepted, counts.posted, counts.known), (4, 4, 0));
    let other = read_json_lines(transfers(2).as_bytes());
    assert!(
        rig.payments()
            .accept(other, Some("order 66"))
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_read_by_workers_and_says_what_became_of_it() {
    let rig = Rig::open().await;
    rig.open_accounts(2).await;
    // Before the file: its parts are read side by side.
    rig.post(&line("in", "deposit", (0, 1), "100000.00")).await;
    let mut file = transfers(4_000);
    file += "{\"id\":\"broken\n";
    let taken = rig
        .payments()
        .take_file(file.into(), FileFormat::Ndjson, Some("monday.ndjson"));
    let taken = taken.await.unwrap();
    assert_eq!((taken.file.as_str(), taken.parts), ("monday.ndjson", 2));
    let posted = rig.payments().shared().journal_counts(4_002);
    tokio::time::timeout(PATIENCE, posted).await.unwrap();
    rig.settle().await;
    let state = rig.payments().file("monday.ndjson").await.unwrap();
    assert_eq!(
        (state.read, state.taken, state.refused_lines),
        (2, 4_001, 1)
    );
    assert_eq!(
        (state.refused[0].number, state.refused[0].line),
        (4_002, 4_002)
    );
    assert_eq!(rig.balance(2).await, (4_000, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_behind_takes_no_more() {
    let slow = Config {
        oldest_max: Duration::ZERO,
        ..outside()
    };
    let rig = Rig::with(slow).await;
    let read = || read_json_lines(line("a", "transfer", (1, 2), "1.00").as_bytes());
    rig.payments().accept(read(), None).await.unwrap();
    let refused = rig.payments().accept(read(), None).await.unwrap_err();
    assert!(matches!(refused, Error::Behind { .. }), "{refused}");
    assert!(refused.to_string().contains("payments.post"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_changed_is_found() {
    let mut rig = Rig::open().await;
    rig.open_accounts(2).await;
    for number in 0..5 {
        rig.post(&line(&format!("d-{number}"), "deposit", (0, 1), "1.00"))
            .await;
    }
    let verified = rig.payments().verify().await.unwrap();
    assert_eq!(
        (verified.ok, verified.batches, verified.transactions),
        (true, 5, 5)
    );
    // Somebody puts another document in the place of the third, through the port itself.
    let records = rig.parts().records.clone();
    let id = format!("{:020}", 3);
    let mut document = records
        .find("payments_journal", &id)
        .await
        .unwrap()
        .unwrap();
    let ids = document.body["columns"]["ids"].as_str().unwrap();
    document.body["columns"]["ids"] = ids.replace("d-2", "d-9").into();
    let replace = portique_records::OnConflict::Replace;
    records
        .insert("payments_journal", vec![document], replace)
        .await
        .unwrap();
    rig.restart().await;
    let verified = rig.payments().verify().await.unwrap();
    let problem = verified.problem.unwrap();
    assert_eq!((verified.ok, verified.batches), (false, 2));
    assert!(problem.contains("batch 3: its hash"), "{problem}");
    assert!(rig.records_file().exists());
}
