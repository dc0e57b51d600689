use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use portique_payments::{Bursts, Generator, GeneratorOptions, Opening, decimal};
use serde_json::json;

use super::super::output::{Output, say, write_more};
use super::super::span::span;
use super::super::visitor::Visitor;
use super::batches::{self, BATCH_LINES_MAX, Sent};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments generate --jobs 20
  portique payments generate --bursts 10 --jobs 200 --rest 20s --bad-per-mille 5
  portique payments generate --jobs 1 --print > transfers.ndjson

Accounts and transfers are made from the seed: the same arguments make the same ones, and sending them again
changes nothing, for their keys are known. Another --seed or --prefix makes others.";

/// Requests under way at a time at most.
const IN_FLIGHT_MAX: u64 = 64;

/// `portique payments generate`.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Names everything that is made.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Customers, 2 to 1000000.
    #[arg(long, default_value_t = 2_000)]
    accounts: u32,
    /// Bursts.
    #[arg(long, default_value_t = 1)]
    bursts: u32,
    /// Jobs of a burst: batches, each sent as one request.
    #[arg(long, default_value_t = 2_000)]
    jobs: u32,
    /// Transfers of a job, 1 to 1000.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    transfers: u32,
    /// Rest between two bursts, such as 20s.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "20s")]
    rest: Duration,
    /// Lines of a thousand that cannot be posted, to see them refused.
    #[arg(long, value_name = "LINES", default_value_t = 0)]
    bad_per_mille: u16,
    /// What ids begin with [default: g and the seed].
    #[arg(long)]
    prefix: Option<String>,
    /// Requests under way at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=IN_FLIGHT_MAX))]
    in_flight: u64,
    /// Write the transfers to standard output as lines, and visit no hub.
    #[arg(long)]
    pub(super) print: bool,
}

impl Generate {
    /// Writes what would be sent; a reader that has seen enough ends it.
    ///
    /// # Errors
    /// [`Error::Usage`] for numbers out of their range, [`Error::Output`].
    pub(super) fn write(&self) -> Result<(), Error> {
        let generator = self.generator()?;
        let bursts = self.bursts();
        for first in (0..bursts.bursts).flat_map(|burst| bursts.jobs_of(burst)) {
            if !write_more(&generator.lines(first, bursts.transfers))? {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let generator = self.generator()?;
        self.prepare(&generator, visitor).await?;
        let bursts = self.bursts();
        let mut sent = Sent::default();
        for burst in 0..bursts.bursts {
            if burst > 0 {
                tokio::time::sleep(bursts.rest).await;
            }
            let requests = stream::iter(bursts.jobs_of(burst)).map(|first| {
                let lines = generator.lines(first, bursts.transfers);
                async move {
                    let answer = batches::send("transactions", lines, visitor).await?;
                    Ok::<_, Error>((first as usize + 1, answer))
                }
            });
            let mut answers = requests.buffer_unordered(self.in_flight as usize);
            while let Some((first_line, answer)) = answers.try_next().await? {
                sent.enter(first_line, &answer);
            }
            let (accepted, total) = (sent.count("accepted"), bursts.transfers_total());
            say(&format!(
                "burst {} of {}: {accepted} of {total} transfers accepted so far",
                burst + 1,
                bursts.bursts
            ));
        }
        // Bad lines were asked for: that they are refused is how it should be.
        match sent.write(output, &["accepted"]) {
            Err(Error::Refused { status: 422, .. }) if self.bad_per_mille > 0 => Ok(()),
            written => written,
        }
    }

    /// Opens the accounts and pays in what each has.
    async fn prepare(&self, generator: &Generator, visitor: &Visitor) -> Result<(), Error> {
        let openings: Vec<String> = generator.openings().map(|it| opening(&it)).collect();
        let deposits: Vec<String> = generator
            .deposits()
            .map(|deposit| json!(deposit).to_string())
            .collect();
        for (route, lines) in [("accounts", openings), ("transactions", deposits)] {
            for lines in lines.chunks(BATCH_LINES_MAX) {
                let answer = batches::send(route, lines.join("\n"), visitor).await?;
                let mut sent = Sent::default();
                sent.enter(1, &answer);
                if sent.count("refused_lines") > 0 {
                    sent.write(Output::Table, &[])?;
                }
            }
        }
        Ok(())
    }

    fn bursts(&self) -> Bursts {
        Bursts {
            bursts: self.bursts,
            jobs: self.jobs,
            transfers: self.transfers,
            rest: self.rest,
        }
    }

    fn generator(&self) -> Result<Generator, Error> {
        let prefix = self.prefix.clone();
        let options = GeneratorOptions {
            seed: self.seed,
            accounts: self.accounts,
            bad_per_mille: self.bad_per_mille,
            prefix: prefix.unwrap_or_else(|| format!("g{}", self.seed)),
        };
        Generator::new(options).map_err(|error| Error::Usage {
            message: error.to_string(),
        })
    }
}

/// An account as the hub opens it.
fn opening(opening: &Opening) -> String {
    let overdraft = opening.overdraft_minor;
    let overdraft = overdraft.map(|minor| decimal(i64::from(minor), opening.currency));
    let account = json!({
        "iban": opening.iban.as_str(), "currency": opening.currency.code(), "overdraft": overdraft,
        "own": opening.overdraft_minor.is_none(),
    });
    batches::without_nulls(account).to_string()
}
