use clap::Args;
use portique_clock::Timestamp;
use serde_json::Value;

use super::super::output::write_more;
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
    /// Before this sequence or time [default: all there is].
    #[arg(long, value_name = "WHERE", value_parser = end)]
    to: Option<End>,
    /// Events at most.
    #[arg(long, value_name = "EVENTS")]
    limit: Option<u64>,
}

/// Where reading ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Sequence(u64),
    Time(Timestamp),
}

impl Replay {
    pub(super) async fn run(self, visitor: &Visitor) -> Result<(), Error> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut from = self.from.unwrap_or_else(|| "first".into());
        while left > 0 {
            let query = [
                ("filter", self.filter.clone()),
                ("from", from),
                ("limit", left.min(PAGE_EVENTS).to_string()),
            ];
            let page = visitor.get(&["events"], &query).await?;
            let events = page["events"].as_array().map_or(&[][..], Vec::as_slice);
            let wanted = events
                .iter()
                .take_while(|read| self.to.is_none_or(|end| !end.is_reached(read)))
                .count();
            let lines = events[..wanted]
                .iter()
                .map(|read| format!("{}\n", read["event"]));
            let is_read = write_more(&lines.collect::<String>())?;
            left = left.saturating_sub(wanted as u64);
            if !is_read || events.is_empty() || wanted < events.len() {
                break;
            }
            from = page["next"].to_string();
        }
        Ok(())
    }
}

impl End {
    fn is_reached(self, read: &Value) -> bool {
        match self {
            Self::Sequence(end) => read["sequence"].as_u64().is_none_or(|at| at >= end),
            Self::Time(end) => match read["accepted"].as_str().map(str::parse::<Timestamp>) {
                Some(Ok(at)) => at >= end,
                _ => true,
            },
        }
    }
}

fn end(text: &str) -> Result<End, String> {
    let sequence = text.parse().map(End::Sequence);
    let time = || text.parse().map(End::Time);
    sequence
        .or_else(|_| time())
        .map_err(|_| "write a sequence, or a time such as 2026-11-21T10:00:00Z".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_end_is_a_sequence_or_a_time_and_is_left_out() {
        let read = json!({ "sequence": 7, "accepted": "2026-11-21T10:00:00.5Z" });
        let is_reached = |text: &str| end(text).unwrap().is_reached(&read);
        assert!(is_reached("7") && !is_reached("8"));
        assert!(is_reached("2026-11-21T10:00:00Z"));
        assert!(!is_reached("2026-11-21T10:00:01Z"));
        assert!(end("yesterday").is_err());
    }
}
