use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{flag, joined};
use crate::cli::output::{Output, Table, write_done, write_result};
use crate::cli::visitor::{Content, VisitArgs, Visitor};
use crate::cli::words::text;
use crate::error::Error;

/// Roles: named sets of permissions.
#[derive(Debug, Args)]
pub(in crate::cli) struct Role {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the roles of the hub and one's own.
    List,
    /// Show what a role may do, and what it may not.
    Show {
        /// The role's name.
        name: String,
    },
    /// Make a role of one's own.
    #[command(
        after_help = "Example:\n  portique role create night-shift jobs:read jobs:write alerts:act"
    )]
    Create {
        /// 1 to 64 of `a-z 0-9 . _ -`.
        name: String,
        /// What it holds; `portique role show administrator` lists everything there is.
        #[arg(required = true)]
        permissions: Vec<String>,
    },
    /// Drop a role of one's own that nobody has.
    Drop {
        /// The role's name.
        name: String,
    },
}

impl Role {
    pub(in crate::cli) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        crate::cli::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List => {
            let roles = visitor.get(&["access", "roles"], &[]).await?;
            write_result(output, &roles, |roles| vec![table(roles)])
        }
        Verb::Show { name } => {
            let roles = visitor.get(&["access", "roles"], &[]).await?;
            let mut roles = roles.as_array().into_iter().flatten();
            let Some(role) = roles.find(|role| role["name"] == *name) else {
                let message = format!("there is no role {name:?}: see `portique role list`");
                return Err(Error::Usage { message });
            };
            let all = visitor.get(&["access", "permissions"], &[]).await?;
            write_result(output, role, |role| vec![held(role, &all)])
        }
        Verb::Create { name, permissions } => {
            let body = json!({ "name": name, "permissions": permissions });
            let answer = visitor.post(&["access", "roles"], &body).await?;
            write_done(output, &answer, &format!("{name}: made"))
        }
        Verb::Drop { name } => {
            let path = ["access", "roles", name.as_str()];
            let dropped = visitor.change(Method::DELETE, &path, &[], Content::none());
            write_done(output, &dropped.await?, &format!("{name}: dropped"))
        }
    }
}

fn table(roles: &Value) -> Table {
    let mut table = Table::new(&["name", "built in", "permissions"]);
    for role in roles.as_array().into_iter().flatten() {
        table.row([
            text(role, "name"),
            flag(role, "built_in"),
            joined(role, "permissions"),
        ]);
    }
    table
}

fn held(role: &Value, all: &Value) -> Table {
    let mut table = Table::new(&["permission", "held", "what"]);
    let holds = role["permissions"].as_array().cloned().unwrap_or_default();
    for one in all.as_array().into_iter().flatten() {
        let is_held = if holds.contains(&one["name"]) {
            "yes"
        } else {
            "-"
        };
        table.row([text(one, "name"), is_held.into(), text(one, "about")]);
    }
    table
}
