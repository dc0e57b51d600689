use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{flag, joined, password};
use crate::cli::output::{Output, Table, write_done, write_result};
use crate::cli::visitor::{Content, VisitArgs, Visitor};
use crate::cli::words::{text, wall};
use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  portique user create alice --first
  portique user create bob --role operator --role weather-officer
  printf '%s\\n' \"$PASSWORD\" | portique user create carol --role viewer";

/// People who sign in by name.
#[derive(Debug, Args)]
pub(in crate::cli) struct User {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all users and what they are.
    List,
    /// Make a user; the password is typed, or read from standard input, and changed at the first sign-in.
    #[command(after_help = EXAMPLES)]
    Create {
        /// 1 to 64 of `a-z 0-9 . _ -`.
        name: String,
        /// What they are; may be given several times. `portique role list` says what there is.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Make the first user of a hub that has none: an administrator, who keeps this password.
        #[arg(long, conflicts_with = "roles")]
        first: bool,
    },
    /// Have a user open nothing any more: their sessions end, their tokens are refused.
    Disable(Name),
    /// Let a disabled user in again.
    Enable(Name),
    /// Give a user another password, which they have to change; their sessions end.
    Password(Name),
    /// Say what a user is from now on, instead of what they were.
    #[command(after_help = "Example:\n  portique user roles bob operator mission-commander")]
    Roles {
        /// The user's name.
        name: String,
        /// All of their roles; none takes all away.
        roles: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Name {
    /// The user's name.
    name: String,
}

impl User {
    pub(in crate::cli) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        crate::cli::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List => {
            let users = visitor.get(&["access", "users"], &[]).await?;
            write_result(output, &users, |users| vec![table(users)])
        }
        Verb::Create {
            name, first: true, ..
        } => create_first(visitor, output, &name).await,
        Verb::Create { name, roles, .. } => {
            let password = password::read(&name)?;
            let body = json!({ "name": name, "roles": roles, "password": password });
            let answer = visitor.post(&["access", "users"], &body).await?;
            let done = format!("{name}: made; the password has to be changed at the first sign-in");
            write_done(output, &answer, &done)
        }
        Verb::Disable(Name { name }) => {
            let body = json!({ "disabled": true });
            put(visitor, output, &name, "disabled", &body, "disabled").await
        }
        Verb::Enable(Name { name }) => {
            let body = json!({ "disabled": false });
            put(visitor, output, &name, "disabled", &body, "enabled").await
        }
        Verb::Password(Name { name }) => {
            let body = json!({ "password": password::read(&name)? });
            let done = "has another password, to be changed at the next sign-in";
            put(visitor, output, &name, "password", &body, done).await
        }
        Verb::Roles { name, roles } => {
            let done = format!("is {}", roles.join(", "));
            let body = json!({ "roles": roles });
            put(visitor, output, &name, "roles", &body, &done).await
        }
    }
}

/// By the code that the hub gives to whoever shows the commander token.
async fn create_first(visitor: &Visitor, output: Output, name: &str) -> Result<(), Error> {
    let password = password::read(name)?;
    let invited = visitor.change(
        Method::POST,
        &["access", "invitation"],
        &[],
        Content::none(),
    );
    let code = invited.await?["code"].clone();
    let body = json!({ "code": code, "name": name, "password": password });
    visitor.post(&["access", "first"], &body).await?;
    write_done(
        output,
        &Value::Null,
        &format!("{name}: made, an administrator"),
    )
}

async fn put(
    visitor: &Visitor,
    output: Output,
    name: &str,
    what: &str,
    body: &Value,
    done: &str,
) -> Result<(), Error> {
    let path = ["access", "users", name, what];
    let answer = visitor.change(Method::PUT, &path, &[], Content::json(body));
    write_done(output, &answer.await?, &format!("{name}: {done}"))
}

fn table(users: &Value) -> Table {
    let mut table = Table::new(&[
        "name",
        "origin",
        "roles",
        "disabled",
        "must change",
        "since",
    ]);
    for user in users.as_array().into_iter().flatten() {
        table.row([
            text(user, "name"),
            text(user, "origin"),
            joined(user, "roles"),
            flag(user, "disabled"),
            flag(user, "must_change"),
            wall(user, "created_at"),
        ]);
    }
    table
}
