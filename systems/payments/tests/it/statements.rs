use portique_payments::iso20022::{read_statements, write_statement};
use portique_payments::service::DayRange;

use crate::rig::{Rig, iban, line};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_says_what_happened_and_agrees_with_itself() {
    let mut rig = Rig::open().await;
    rig.open_accounts(2).await;
    let mut lines = line("in", "deposit", (0, 1), "10.00");
    lines += &line("out", "transfer", (1, 2), "2.50");
    lines += &line("too much", "transfer", (1, 2), "99.00");
    lines += &line("held", "authorise", (1, 2), "1.00");
    lines +=
        &line("back", "reversal", (1, 2), "2.50").replace("\"kind\"", "\"of\":\"out\",\"kind\"");
    rig.post(&lines).await;
    let from = rig.payments().today();
    let days = DayRange {
        from,
        to: from.tomorrow().unwrap(),
    };
    let statement = rig.payments().statement(iban(1), days).await.unwrap();
    let entries: Vec<_> = statement
        .entries
        .iter()
        .map(|entry| (entry.id.as_str(), entry.minor))
        .collect();
    assert_eq!(entries, [("in", 1_000), ("out", -250), ("back", 250)]);
    assert_eq!(
        (statement.opening_minor, statement.closing_minor),
        (0, 1_000)
    );
    assert_eq!(statement.drift_minor(), 0);
    // As a message to others and back, it agrees; with an entry changed on the way, it does not.
    let message = write_statement(&statement);
    let theirs = read_statements(message.as_bytes()).unwrap();
    assert!(
        rig.payments()
            .reconcile(&theirs[0])
            .await
            .unwrap()
            .is_empty()
    );
    let altered = read_statements(message.replace("2.50", "2.60").as_bytes()).unwrap();
    let differences = rig.payments().reconcile(&altered[0]).await.unwrap();
    assert_eq!(differences.other_amounts.len(), 2);
    rig.restart().await;
    let again = rig.payments().statement(iban(1), days).await.unwrap();
    assert_eq!(again, statement);
    // Yesterday nothing had happened.
    let before = DayRange {
        from: from.yesterday().unwrap(),
        to: from.yesterday().unwrap(),
    };
    let empty = rig.payments().statement(iban(1), before).await.unwrap();
    assert_eq!((empty.entries.len(), empty.closing_minor), (0, 0));
}
