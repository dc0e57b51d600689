use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::joined;
use crate::cli::output::{Output, Table, say, write_done, write_line, write_result};
use crate::cli::visitor::{Content, VisitArgs, Visitor};
use crate::cli::words::{text, wall};
use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  portique token create --owner alice --scope jobs:read --scope jobs:write --label 'mail robot' --days 30
  PORTIQUE_TOKEN=... portique jobs list mail";

/// Tokens that programs show for a user.
#[derive(Debug, Args)]
pub(in crate::cli) struct TokenVerb {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List tokens: whose, what they open, until when, when they were shown last.
    List,
    /// Make a token; it is written once and can never be shown again.
    #[command(after_help = EXAMPLES)]
    Create {
        /// Whose it is; what they may not, it may not [default: whoever asks].
        #[arg(long)]
        owner: Option<String>,
        /// What it opens; may be given several times.
        #[arg(long = "scope", value_name = "PERMISSION", required = true)]
        scopes: Vec<String>,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
        /// How many days it lasts.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// Have a token open nothing from now on.
    Revoke {
        /// Its id, as `list` says it.
        id: String,
    },
}

impl TokenVerb {
    pub(in crate::cli) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        crate::cli::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List => {
            let tokens = visitor.get(&["access", "tokens"], &[]).await?;
            write_result(output, &tokens, |tokens| vec![table(tokens)])
        }
        Verb::Create {
            owner,
            scopes,
            label,
            days,
        } => {
            let body = json!({ "owner": owner, "scopes": scopes, "label": label, "days": days });
            let made = visitor.post(&["access", "tokens"], &body).await?;
            match output {
                Output::Json => write_result(output, &made, |_| Vec::new()),
                Output::Table => {
                    let (id, until) = (text(&made, "id"), wall(&made, "expires_at"));
                    say(&format!(
                        "token {id}, good until {until}; it is not shown again:"
                    ));
                    write_line(&text(&made, "token"))
                }
            }
        }
        Verb::Revoke { id } => {
            let path = ["access", "tokens", id.as_str()];
            let revoked = visitor.change(Method::DELETE, &path, &[], Content::none());
            write_done(output, &revoked.await?, &format!("{id}: revoked"))
        }
    }
}

fn table(tokens: &Value) -> Table {
    let columns = [
        "id",
        "owner",
        "label",
        "scopes",
        "until",
        "last used",
        "revoked",
    ];
    let mut table = Table::new(&columns);
    for token in tokens.as_array().into_iter().flatten() {
        table.row([
            text(token, "id"),
            text(token, "owner"),
            text(token, "label"),
            joined(token, "scopes"),
            wall(token, "expires_at"),
            wall(token, "last_used_at"),
            wall(token, "revoked_at"),
        ]);
    }
    table
}
