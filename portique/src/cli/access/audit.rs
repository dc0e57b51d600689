use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::output::{Output, Table, write_result};
use crate::cli::visitor::{VisitArgs, Visitor};
use crate::cli::words::{text, wall};
use crate::error::Error;

/// What was changed and refused, by whom.
#[derive(Debug, Args)]
pub(in crate::cli) struct Audit {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what was changed and refused, newest first.
    #[command(after_help = "Example:\n  portique audit list --who user:alice --outcome refused")]
    List {
        /// Of whom: user:NAME, user:NAME/token:ID, token:commander, token:service, nobody.
        #[arg(long)]
        who: Option<String>,
        /// Of which action, such as user.create or session.begin.
        #[arg(long)]
        action: Option<String>,
        /// What came of it.
        #[arg(long, value_parser = ["done", "refused"])]
        outcome: Option<String>,
        /// Not before this time, such as 2026-11-21T03:12:00Z.
        #[arg(long)]
        from: Option<String>,
        /// Before this time.
        #[arg(long)]
        to: Option<String>,
        /// Before this sequence.
        #[arg(long)]
        before: Option<u64>,
        /// Most of them.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
    /// Walk the chain of hashes: every record as it was written, none taken away. Prints its end, to be kept elsewhere.
    Verify,
}

impl Audit {
    pub(in crate::cli) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        crate::cli::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List {
            who,
            action,
            outcome,
            from,
            to,
            before,
            limit,
        } => {
            let query = [
                ("who", who),
                ("action", action),
                ("outcome", outcome),
                ("from", from),
                ("to", to),
                ("before", before.map(|before| before.to_string())),
                ("limit", Some(limit.to_string())),
            ];
            let query = query.into_iter();
            let query: Vec<(&str, String)> = query
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            let records = visitor.get(&["access", "audit"], &query).await?;
            write_result(output, &records, |records| vec![table(records)])
        }
        Verb::Verify => {
            let verdict = visitor.get(&["access", "audit", "verify"], &[]).await?;
            write_result(output, &verdict, |verdict| vec![proof(verdict)])?;
            match verdict["holds"].as_bool() {
                Some(true) => Ok(()),
                _ => Err(Error::Disproved {
                    what: "the audit journal is not as it was written: keep the data folder as it is and compare \
                           with a backup",
                }),
            }
        }
    }
}

fn table(records: &Value) -> Table {
    let columns = [
        "sequence", "at", "who", "from", "action", "target", "outcome", "reason",
    ];
    let mut table = Table::new(&columns);
    for record in records.as_array().into_iter().flatten() {
        table.row([
            text(record, "sequence"),
            wall(record, "at"),
            text(record, "who"),
            text(record, "from"),
            text(record, "action"),
            text(record, "target"),
            text(record, "outcome"),
            text(record, "reason"),
        ]);
    }
    table
}

fn proof(verdict: &Value) -> Table {
    let mut table = Table::new(&["records", "first", "last", "hash", "broken at", "reason"]);
    let broken = &verdict["broken"];
    table.row([
        text(verdict, "records"),
        text(verdict, "first"),
        text(verdict, "last"),
        text(verdict, "hash"),
        text(broken, "sequence"),
        text(broken, "reason"),
    ]);
    table
}
