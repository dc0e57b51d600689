//! Searches of a journal with millions of transactions.
//!
//! The journal is filled through the whole pipeline. Then, one at a time over HTTP: the transactions of one account within a
//! tenth of the time, and words, some that one transaction has and some that millions have. Every answer is held against what
//! was asked: a page of the wrong account counts as a failure, and so does an empty one.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench_harness::{Connection, Figure, Hub, Report};
use clap::Args;
use portique_clock::{Clock, Random, Seeded, Timestamp, WallClock};
use portique_payments::Generator;

use crate::place::ask;
use crate::{BATCH, Options, ours, trial};

/// At most so many milliseconds for 95 of 100 searches for an account and a time, and for words.
const ACCOUNT_P95_MS_MAX: f64 = 50.0;
const TEXT_P95_MS_MAX: f64 = 200.0;
/// Parts of the time in which all was posted, of which a search asks for one.
const PARTS: u64 = 10;
/// Transactions of an answer: what a page has when nobody says.
const WANTED: usize = 100;
/// A search that goes on for longer has failed.
const SEARCH_WAIT_MAX: Duration = Duration::from_secs(30);
/// A word that every eighth transaction has.
const USUAL_WORD: &str = "rent";

/// `bench/payments/run search`.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Transfers in the journal, in thousands.
    #[arg(long, default_value_t = 10_000)]
    thousands: u32,
    /// Searches of each kind.
    #[arg(long, default_value_t = 400)]
    searches: u32,
    /// Says what is searched for.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Search {
    pub(crate) async fn run(&self, options: &Options) -> anyhow::Result<()> {
        ensure!(self.searches > 0, "--searches is 0: write 1 or more");
        ensure!(self.thousands > 0, "--thousands is 0: write 1 or more");
        let hub = Hub::start(&options.portique).await?;
        let place = ours::place(&hub);
        let generator = trial::generator(options.accounts)?;
        let clock = WallClock::new();
        let begin = clock.now();
        let connections = options.connections;
        trial::measure(&place, &generator, self.thousands, connections).await?;
        let mut searcher = Searcher {
            connection: place.connect().await?,
            random: Seeded::new(self.seed),
            transfers: u64::from(self.thousands) * u64::from(BATCH),
            generator: &generator,
            begin,
            end: clock.now(),
        };
        let mut report = Report::new("payments");
        let figures = [
            ("search_account_p95_ms", ACCOUNT_P95_MS_MAX, Kind::Account),
            ("search_rare_word_p95_ms", TEXT_P95_MS_MAX, Kind::RareWord),
            ("search_usual_word_p95_ms", TEXT_P95_MS_MAX, Kind::UsualWord),
        ];
        for (name, most, kind) in figures {
            let mut took_ms = Vec::new();
            for _ in 0..self.searches {
                took_ms.push(searcher.search(kind).await?);
            }
            took_ms.sort_by(f64::total_cmp);
            let at = |percent: usize| took_ms[(took_ms.len() - 1) * percent / 100];
            let mut figure = Figure::latency(name, "ms").at_most(most);
            figure.ours(at(95), at(50));
            report.add(figure);
        }
        hub.stop().await?;
        report.append_json()
    }
}

/// What is searched for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Account,
    RareWord,
    UsualWord,
}

struct Searcher<'a> {
    connection: Connection,
    random: Seeded,
    generator: &'a Generator,
    transfers: u64,
    /// When the first was sent, and when the last had been found.
    begin: Timestamp,
    end: Timestamp,
}

impl Searcher<'_> {
    /// Searches until there is a page of answers, or there are no more; how many milliseconds that took.
    async fn search(&mut self, kind: Kind) -> anyhow::Result<f64> {
        let number = self.random.below(self.transfers);
        let transfer = self.generator.transfer(number);
        let (query, word) = match kind {
            Kind::Account => {
                let begin = self.begin.as_nanos();
                let part = (self.end.as_nanos() - begin) / PARTS as i64;
                let at =
                    |part_number: u64| Timestamp::from_nanos(begin + part * part_number as i64);
                let first = self.random.below(PARTS);
                let (from, to) = (at(first), at(first + 1));
                let account = transfer.debtor.as_str();
                let query = format!("account={account}&from={from}&to={to}");
                (query, account)
            }
            Kind::RareWord => (format!("text={}", transfer.id), transfer.id.as_str()),
            Kind::UsualWord => (format!("text={USUAL_WORD}"), USUAL_WORD),
        };
        let begin = Instant::now();
        let mut found = 0;
        let mut after = None;
        loop {
            let page = after.map_or(String::new(), |after: String| format!("&after={after}"));
            let path = format!("/api/v1/payments/transactions?{query}{page}");
            let answer = ask(&mut self.connection, &path).await?;
            let transactions = answer["transactions"].as_array().context("no answer")?;
            for transaction in transactions {
                let text = transaction.to_string();
                ensure!(text.contains(word), "{path} found {text}");
            }
            found += transactions.len();
            after = answer["next"].as_str().map(str::to_owned);
            if found >= WANTED || after.is_none() {
                break;
            }
            ensure!(begin.elapsed() < SEARCH_WAIT_MAX, "{path} does not end");
        }
        ensure!(found > 0, "nothing was found by {query}");
        Ok(begin.elapsed().as_secs_f64() * 1_000.0)
    }
}
