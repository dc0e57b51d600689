use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::input;
use super::super::output::{Output, write_result};
use super::super::span::span;
use super::super::visitor::{Content, Visitor};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique queues set emails --concurrency 20 --rate 100/1s
  portique queues set orders --key-concurrency 1 --attempts 10 --backoff 2s
  portique queues set imports --weight acme=3 --lease 5m --results 7d";

/// `portique queues set`.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// The queue's name.
    queue: String,
    /// How long a worker holds a job without saying that it is still at it.
    #[arg(long, value_name = "TIME", value_parser = span)]
    lease: Option<Duration>,
    /// Failed attempts before a job is dead.
    #[arg(long)]
    attempts: Option<u32>,
    /// Wait after the first failure; it doubles with each.
    #[arg(long, value_name = "TIME", value_parser = span)]
    backoff: Option<Duration>,
    /// Longest wait after a failure.
    #[arg(long, value_name = "TIME", value_parser = span)]
    backoff_max: Option<Duration>,
    /// Lost leases before a job is dead.
    #[arg(long, value_name = "LEASES")]
    losses_max: Option<u32>,
    /// Most active jobs; 0 takes the limit away, here and below.
    #[arg(long, value_name = "JOBS")]
    concurrency: Option<u32>,
    /// Most active jobs of one group.
    #[arg(long, value_name = "JOBS")]
    group_concurrency: Option<u32>,
    /// Most active jobs of one key; 1 keeps the order of each key.
    #[arg(long, value_name = "JOBS")]
    key_concurrency: Option<u32>,
    /// Starts at most, as COUNT/TIME such as 100/1s; 0 takes the limit away, here and below.
    #[arg(long, value_name = "COUNT/TIME", value_parser = rate)]
    rate: Option<Rate>,
    /// Starts of one group at most.
    #[arg(long, value_name = "COUNT/TIME", value_parser = rate)]
    group_rate: Option<Rate>,
    /// Starts of one key at most.
    #[arg(long, value_name = "COUNT/TIME", value_parser = rate)]
    key_rate: Option<Rate>,
    /// A group's share, as GROUP=WEIGHT; may be given again.
    #[arg(long, value_name = "GROUP=WEIGHT", value_parser = weight)]
    weight: Vec<(String, u32)>,
    /// Most jobs that are not finished.
    #[arg(long, value_name = "JOBS")]
    jobs_max: Option<u64>,
    /// How long finished jobs and their results are remembered.
    #[arg(long, value_name = "TIME", value_parser = span)]
    results: Option<Duration>,
    /// Options as the API takes them: JSON, @FILE, or - for standard input.
    #[arg(long, value_name = "JSON")]
    options: Option<String>,
}

/// A limit of starts, or its absence.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rate {
    None,
    Limit { count: u32, per: Duration },
}

impl Set {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let path = ["queues", self.queue.as_str()];
        let mut options = match visitor.get(&path, &[]).await {
            Ok(queue) => queue["options"].as_object().cloned().unwrap_or_default(),
            Err(Error::Refused { status: 404, .. }) => Map::new(),
            Err(error) => return Err(error),
        };
        if let Some(given) = &self.options {
            options.extend(object(&input::read(given)?)?);
        }
        self.put_into(&mut options);
        let content = Content::json(&Value::Object(options));
        visitor.change(Method::PUT, &path, &[], content).await?;
        let queue = visitor.get(&path, &[]).await?;
        write_result(output, &queue, super::everything)
    }

    fn put_into(&self, options: &mut Map<String, Value>) {
        let seconds = |time: Option<Duration>| time.map(|time| json!(time.as_secs_f64()));
        let limit = |jobs: Option<u32>| jobs.map(|jobs| json!((jobs > 0).then_some(jobs)));
        let rate = |rate: Option<Rate>| rate.map(Rate::to_json);
        let given = [
            ("lease_s", seconds(self.lease)),
            ("losses_max", self.losses_max.map(|max| json!(max))),
            ("concurrency", limit(self.concurrency)),
            ("group_concurrency", limit(self.group_concurrency)),
            ("key_concurrency", limit(self.key_concurrency)),
            ("rate", rate(self.rate)),
            ("group_rate", rate(self.group_rate)),
            ("key_rate", rate(self.key_rate)),
            ("jobs_max", self.jobs_max.map(|max| json!(max))),
            ("result_ttl_s", seconds(self.results)),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                options.insert(name.into(), value);
            }
        }
        let retry = [
            ("attempts", self.attempts.map(|attempts| json!(attempts))),
            ("first_s", seconds(self.backoff)),
            ("max_s", seconds(self.backoff_max)),
        ];
        merge(options, "retry", retry);
        for (group, weight) in &self.weight {
            inner(options, "weights").insert(group.clone(), json!(weight));
        }
    }
}

impl Rate {
    fn to_json(self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Limit { count, per } => json!({ "count": count, "per_s": per.as_secs_f64() }),
        }
    }
}

fn merge<const N: usize>(
    options: &mut Map<String, Value>,
    name: &str,
    given: [(&str, Option<Value>); N],
) {
    for (member, value) in given {
        if let Some(value) = value {
            inner(options, name).insert(member.into(), value);
        }
    }
}

/// The object under a name, made when there is none.
fn inner<'a>(options: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = options.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made an object above")
}

fn object(text: &[u8]) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(text).map_err(|error| Error::Usage {
        message: format!("the options are no JSON object: {error}"),
    })
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "0" {
        return Ok(Rate::None);
    }
    let (count, per) = text
        .split_once('/')
        .ok_or("write COUNT/TIME, such as 100/1s")?;
    let count = count
        .parse()
        .map_err(|_| "write a whole number before the slash")?;
    Ok(Rate::Limit {
        count,
        per: span(per)?,
    })
}

fn weight(text: &str) -> Result<(String, u32), String> {
    let (group, weight) = text
        .rsplit_once('=')
        .ok_or("write GROUP=WEIGHT, such as acme=3")?;
    let weight = weight
        .parse()
        .map_err(|_| "write a whole number after the sign")?;
    Ok((group.to_owned(), weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_per_time_and_nought_is_no_limit() {
        let per = Duration::from_secs(60);
        assert_eq!(rate("5/1m"), Ok(Rate::Limit { count: 5, per }));
        assert_eq!(rate("0"), Ok(Rate::None));
        for text in ["5", "x/1s", "5/", "5/1"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
