//! Instant queries: how long they take, and whether all sides say the same.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, ensure};
use bench_harness::Connection;
use form_urlencoded::Serializer;
use serde_json::Value;

use crate::series::INTERVAL_MS;
use crate::side::Running;

/// Sums are added up in another order by each side.
const RELATIVE_ERROR_MAX: f64 = 1e-9;
/// Prometheus before its version 3 has a range begin one sample earlier where a sample is at that very moment: no
/// moment that is asked about is one of a sample.
const AFTER_SAMPLE_S: i64 = 7;
/// Moments that are asked about in turn, so that no answer is one that was given before.
const MOMENTS: i64 = 8;

/// The values of a vector by their labels.
pub(crate) type Values = BTreeMap<String, f64>;

/// A side that is asked.
pub(crate) struct Asked {
    connection: Connection,
    path: &'static str,
}

impl Asked {
    pub(crate) async fn open(side: &Running) -> anyhow::Result<Self> {
        Ok(Self {
            connection: side.connect().await?,
            path: side.query_path(),
        })
    }

    /// What it answers shortly after the sample of a moment.
    pub(crate) async fn ask(&mut self, query: &str, at_ms: i64) -> anyhow::Result<Values> {
        let path = self.request(query, at_ms);
        let body = self.connection.fetch(&path).await?;
        values(body)
    }

    /// What it answers, if it does.
    pub(crate) async fn try_ask(&mut self, query: &str, at_ms: i64) -> Option<Values> {
        let path = self.request(query, at_ms);
        let answer = self.connection.try_fetch(&path).await.ok()?;
        match answer.status {
            200 => values(answer.body).ok(),
            _ => None,
        }
    }

    /// The median of the milliseconds that so many queries took, after two that are not counted.
    pub(crate) async fn time(
        &mut self,
        query: &str,
        end_ms: i64,
        queries: i64,
    ) -> anyhow::Result<f64> {
        let mut took_ms = Vec::new();
        for number in -2..queries {
            let at_ms = end_ms - number.rem_euclid(MOMENTS) * INTERVAL_MS;
            let path = self.request(query, at_ms);
            let begin = Instant::now();
            self.connection.fetch(&path).await?;
            if number >= 0 {
                took_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
            }
        }
        took_ms.sort_by(f64::total_cmp);
        took_ms
            .get(took_ms.len() / 2)
            .copied()
            .context("no query was timed")
    }

    fn request(&self, query: &str, at_ms: i64) -> String {
        let mut parameters = Serializer::new(String::new());
        parameters.append_pair("query", query);
        let at_s = at_ms / 1000 + AFTER_SAMPLE_S;
        parameters.append_pair("time", &at_s.to_string());
        format!("{}{}", self.path, parameters.finish())
    }
}

/// Fails when the two do not say the same.
pub(crate) fn compare(query: &str, ours: &Values, theirs: &Values) -> anyhow::Result<()> {
    ensure!(!ours.is_empty(), "{query}: there is no answer to compare");
    ensure!(
        ours.keys().eq(theirs.keys()),
        "{query}: ours has {} elements, theirs {}: {:?}, {:?}",
        ours.len(),
        theirs.len(),
        ours.keys().next(),
        theirs.keys().next()
    );
    for (labels, value) in ours {
        let other = theirs[labels];
        let apart = (value - other).abs();
        ensure!(
            apart <= RELATIVE_ERROR_MAX * value.abs().max(other.abs()),
            "{query}: {labels}: ours is {value}, theirs {other}"
        );
    }
    Ok(())
}

fn values(body: &[u8]) -> anyhow::Result<Values> {
    let answer: Value = serde_json::from_slice(body)?;
    let result = answer["data"]["result"].as_array();
    let result = result.with_context(|| format!("no vector: {answer}"))?;
    let mut values = Values::new();
    for element in result {
        let text = element["value"][1].as_str().context("no value")?;
        values.insert(element["metric"].to_string(), text.parse()?);
    }
    Ok(values)
}
