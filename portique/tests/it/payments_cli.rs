//! The verbs of payments on a real hub, and the how-to page that shows them.

use std::process::Output;

use serde_json::{Value, json};

use crate::hub_process::{HubProcess, complaint, run};
use crate::pages::{Page, Reader};

const BANK: &str = "GB82WEST12345698765432";
const ANN: &str = "DE89370400440532013000";
const BOB: &str = "FR1420041010050500013M02606";

/// Visits one hub.
struct Teller {
    _hub: HubProcess,
    folder: tempfile::TempDir,
}

impl Teller {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = HubProcess::start(&folder.path().join("data"));
        Self { _hub: hub, folder }
    }

    fn try_to(&self, args: &[&str]) -> Output {
        let data = self.folder.path().join("data");
        let where_ = ["--data", data.to_str().unwrap(), "-o", "json"];
        run(&[&["payments"], args, &where_].concat())
    }

    #[track_caller]
    fn ask(&self, args: &[&str]) -> Value {
        let output = self.try_to(args);
        assert!(output.status.success(), "{args:?}: {}", complaint(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn balance(&self, iban: &str) -> Value {
        self.ask(&["accounts", "show", iban])["balance"].clone()
    }

    fn settle(&self) -> Value {
        self.ask(&["counts", "--wait", "60s"])
    }

    fn open(&self) {
        self.ask(&["accounts", "open", BANK, "EUR", "--own"]);
        self.ask(&["accounts", "open", ANN, "EUR", "--overdraft", "50.00"]);
        self.ask(&["accounts", "open", BOB, "EUR"]);
        self.ask(&[
            "send", BANK, ANN, "100", "EUR", "--id", "d-1", "--kind", "deposit",
        ]);
        self.settle();
    }
}

#[test]
fn the_page_about_the_pipeline_is_followed() {
    let page = Page::open("run-a-bank-s-pipeline.md");
    let reader = Reader::new();
    for heading in [
        "Open accounts",
        "Move money",
        "Search",
        "Prove it",
        "Freeze and close",
        "Watch",
    ] {
        reader.run(&page.commands(heading));
    }
    let counts = reader.run("portique payments counts -o json");
    let counts: Value = serde_json::from_str(&counts).unwrap();
    // Both transfers of the page but one that came twice, 50 deposits, 200 and 100 generated, and the line of the file.
    assert_eq!(counts["posted"], 2 + 50 + 200 + 100 + 1, "{counts}");
    assert_eq!(
        (&counts["known"], &counts["drift"]),
        (&json!(1), &json!(0)),
        "{counts}"
    );
    let shown = reader.run(&format!("portique payments accounts show {ANN} -o json"));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["balance"], "982.66", "{shown}");
}

#[test]
fn lines_that_cannot_be_posted_are_named_and_the_rest_is_posted() {
    let teller = Teller::new();
    teller.open();
    let line = |id: &str, amount: &str| {
        json!({ "id": id, "debtor": ANN, "creditor": BOB, "amount": amount, "currency": "EUR" })
            .to_string()
    };
    let lines = [
        line("t-1", "1.00"),
        line("t-2", "-1.00"),
        "{".into(),
        line("t-4", "2.00"),
    ]
    .join("\n");
    let path = teller.folder.path().join("lines");
    std::fs::write(&path, lines).unwrap();
    let sent = teller.try_to(&["send", "--lines", &format!("@{}", path.display())]);
    assert_eq!(sent.status.code(), Some(3), "{}", complaint(&sent));
    let answer: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!(answer["accepted"], 2, "{answer}");
    let refused = answer["refused"].as_array().unwrap();
    let refused: Vec<_> = refused
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(refused, [2, 3], "{answer}");
    teller.settle();
    assert_eq!(teller.balance(BOB), "3.00");
    assert_eq!(teller.balance(ANN), "97.00");
}

#[test]
fn a_frozen_account_pays_nothing_and_says_so() {
    let teller = Teller::new();
    teller.open();
    teller.ask(&["accounts", "freeze", ANN]);
    teller.ask(&["send", ANN, BOB, "1.00", "EUR", "--id", "t-1"]);
    teller.settle();
    let shown = teller.ask(&["show", "t-1"]);
    assert_eq!(shown[0]["status"], "rejected", "{shown}");
    let reason = shown[0]["reason"].as_str().unwrap();
    assert!(reason.contains("frozen"), "{shown}");
    teller.ask(&["accounts", "unfreeze", ANN]);
    teller.ask(&["send", ANN, BOB, "1.00", "EUR", "--id", "t-2"]);
    teller.settle();
    assert_eq!(teller.balance(BOB), "1.00");
    let rejected = teller.ask(&["list", "--status", "rejected"]);
    assert_eq!(
        rejected["transactions"].as_array().unwrap().len(),
        1,
        "{rejected}"
    );
}

#[test]
fn a_statement_that_differs_from_ours_ends_with_status_1() {
    let teller = Teller::new();
    teller.open();
    let statement = teller.ask(&["statement", ANN]);
    let entry = &statement["entries"][0];
    let [id, booked, amount] = ["id", "booked", "amount"].map(|key| entry[key].as_str().unwrap());
    let path = teller.folder.path().join("day.csv");
    let reconcile = |line: &str| {
        std::fs::write(&path, format!("id,booked,amount\n{line}\n")).unwrap();
        teller.try_to(&["reconcile", path.to_str().unwrap(), "--account", ANN])
    };
    let same = reconcile(&format!("{id},{booked},{amount}"));
    assert_eq!(same.status.code(), Some(0), "{}", complaint(&same));
    let other = reconcile(&format!("{id},{booked},99.00"));
    let said = complaint(&other);
    assert_eq!(other.status.code(), Some(1), "{said}");
    assert!(said.contains("the statement differs from ours"), "{said}");
    let shown: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(shown[0]["other_amounts"][0]["theirs"], "99.00", "{shown}");
}

#[test]
fn generated_transfers_come_once_however_often_they_are_sent() {
    let teller = Teller::new();
    let generate = [
        "generate",
        "--seed",
        "3",
        "--accounts",
        "20",
        "--jobs",
        "5",
        "--transfers",
        "200",
        "--bad-per-mille",
        "50",
    ];
    let first = teller.ask(&generate);
    let refused = first["refused_lines"].as_u64().unwrap();
    assert!((10..=100).contains(&refused), "{first}");
    assert_eq!(
        first["accepted"].as_u64().unwrap() + refused,
        1_000,
        "{first}"
    );
    let posted = teller.settle();
    let balances = teller.ask(&["accounts", "list", "--limit", "100"]);
    teller.ask(&generate);
    let again = teller.settle();
    assert_eq!(again["posted"], posted["posted"], "{again}");
    assert_eq!(
        teller.ask(&["accounts", "list", "--limit", "100"]),
        balances
    );
    assert_eq!(teller.ask(&["trial-balance"])[0]["balanced"], true);
}

#[test]
fn what_cannot_be_asked_for_is_refused_before_anything_is_sent() {
    let refused = |args: &[&str]| {
        let output = run(&[&["payments"], args].concat());
        (output.status.code(), complaint(&output))
    };
    let (code, said) = refused(&["generate", "--print", "--accounts", "1"]);
    assert_eq!(
        (code, said.contains("write 2 to 1000000")),
        (Some(2), true),
        "{said}"
    );
    let (code, said) = refused(&["send", ANN, BOB, "1.00", "EUR"]);
    assert_eq!((code, said.contains("--id")), (Some(2), true), "{said}");
    let (code, said) = refused(&["reconcile", "/nowhere/at/all.xml"]);
    assert_eq!(code, Some(1), "{said}");
    let printed = run(&[
        "payments",
        "generate",
        "--print",
        "--jobs",
        "2",
        "--transfers",
        "3",
    ]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout).lines().count(), 6);
}
