use clap::Args;
use serde_json::Value;

use super::super::output::write_text;
use super::super::page::given;
use super::super::visitor::Visitor;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique events replay 'shop.orders.>' --from 2026-11-21T09:00:00Z --to 2026-11-21T10:00:00Z
  portique events replay --from 4711 --limit 10
  portique events replay 'shop.>' | portique events publish --bulk -";

/// Events of one request.
const PAGE_EVENTS: u64 = 500;

/// `portique events replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Events with these subjects: * is one word, > at the end is all that follows.
    #[arg(default_value = ">")]
    filter: String,
    /// From this sequence or time on, such as 4711 or 2026-11-21T09:00:00Z [default: the oldest].
    #[arg(long, value_name = "WHERE")]
    from: Option<String>,
    /// Before this sequence or time [default: what there is now].
    #[arg(long, value_name = "WHERE")]
    to: Option<String>,
    /// Events at most.
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,
}

impl Replay {
    pub(super) async fn run(self, visitor: &Visitor) -> Result<(), Error> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut from = self.from.clone();
        while left > 0 {
            let query = given([
                ("filter", Some(self.filter.clone())),
                ("from", from.clone()),
                ("to", self.to.clone()),
                ("limit", Some(left.min(PAGE_EVENTS).to_string())),
            ]);
            let page = visitor.get(&["events"], &query).await?;
            let mut lines = String::new();
            for read in page["events"].as_array().into_iter().flatten() {
                lines.push_str(&format!("{}\n", read["event"]));
                left = left.saturating_sub(1);
            }
            write_text(&lines)?;
            match page.get("next") {
                Some(Value::Number(next)) if !lines.is_empty() => from = Some(next.to_string()),
                _ => break,
            }
        }
        Ok(())
    }
}
