//! The two rockets: one that flies, and one whose count is looked at.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench_harness::{Connection, Hub};
use portique_clock::{Clock, WallClock};
use serde_json::{Value, json};

/// Ten minutes of flight in one, so that modules send ten times their ten samples a second.
const FLYING_FACTOR: f64 = 10.0;
/// The count that is looked at: from here, a step each so often, so many.
const BEGIN_S: f64 = -45.0;
const FIRST_S: f64 = -40.0;
const STEP_S: f64 = 0.15;
const STEPS: u32 = 190;
/// How often the hub is asked how far it is.
const LOOK: Duration = Duration::from_millis(250);
/// What has not happened by then never will.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// Where rockets are ordered.
pub(crate) struct Pad {
    connection: Connection,
}

impl Pad {
    pub(crate) async fn open(hub: &Hub) -> anyhow::Result<Self> {
        let connection = Connection::open(&hub.http, Some(&hub.token)).await?;
        Ok(Self { connection })
    }

    /// Has a rocket lift off.
    pub(crate) async fn fly(&mut self, rocket: &str) -> anyhow::Result<()> {
        let count = json!({ "count": "short", "time_factor": FLYING_FACTOR });
        self.give_the_order(rocket, count).await?;
        self.until(rocket, "it flies", |state| state["stage"] == "flying")
            .await
    }

    /// Has the clock of a rocket run, and waits until all steps are behind it but the last.
    pub(crate) async fn count(&mut self, rocket: &str) -> anyhow::Result<()> {
        let count = json!({ "count_toml": plan()?, "time_factor": 1.0 });
        self.give_the_order(rocket, count).await?;
        let end_s = FIRST_S + STEP_S * f64::from(STEPS) + 1.0;
        self.until(rocket, "its steps are done", |state| {
            state["t_s"].as_f64() > Some(end_s)
        })
        .await
    }

    /// How many milliseconds after its time each step was done.
    pub(crate) async fn late_ms(&mut self, rocket: &str) -> anyhow::Result<Vec<f64>> {
        let path = format!("/api/v1/launch/log?rocket={rocket}&limit=1000");
        let page: Value = serde_json::from_slice(self.connection.fetch(&path).await?)?;
        let entries = page["entries"].as_array().context("no log")?;
        let mut late_ms = Vec::new();
        for entry in entries {
            let Some(number) = entry["fact"]["step"].as_str().and_then(number) else {
                continue;
            };
            let t_s = entry["t_s"].as_f64().context("a step without its time")?;
            late_ms.push((t_s - step_s(number)) * 1_000.0);
        }
        ensure!(
            late_ms.len() == STEPS as usize,
            "{} of {STEPS} steps are in the log",
            late_ms.len()
        );
        Ok(late_ms)
    }

    async fn give_the_order(&mut self, rocket: &str, count: Value) -> anyhow::Result<()> {
        let mut body = json!({
            "rocket": rocket, "vehicle": "reference", "pad": format!("pad-{rocket}"),
            "link": { "link": "simulated" },
        });
        for (key, value) in count.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.post("/api/v1/launch/rockets", &body).await?;
        self.until(rocket, "its modules are heard", |state| {
            let modules = state["modules"].as_array().into_iter().flatten();
            let heard = modules.filter(|it| it["up"] == true && !it["sample"].is_null());
            heard.count() == 3
        })
        .await?;
        let now = WallClock::new().now().to_string();
        let time = [8..10, 11..13, 14..16].map(|part| now.get(part).unwrap_or("01"));
        let metar = format!(
            "METAR KXMR {}Z 09008KT 10SM FEW030 24/18 A3012",
            time.concat()
        );
        let weather = json!({ "metar": metar });
        self.order(rocket, "weather", &weather).await?;
        let state = self.order(rocket, "poll", &json!({})).await?;
        let roster = state["poll"]["roster"].as_object().context("no roster")?;
        for station in roster.keys() {
            let vote = json!({ "station": station, "vote": "go", "comment": "bench" });
            self.order(rocket, "poll/votes", &vote).await?;
        }
        let go = json!({ "decision": "go" });
        self.order(rocket, "poll/close", &go).await?;
        self.order(rocket, "count", &json!({})).await.map(drop)
    }

    async fn order(&mut self, rocket: &str, what: &str, body: &Value) -> anyhow::Result<Value> {
        let path = format!("/api/v1/launch/rockets/{rocket}/{what}");
        self.post(&path, body).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self
            .connection
            .post(path, body.to_string().as_bytes())
            .await?;
        Ok(serde_json::from_slice(answer)?)
    }

    async fn until(
        &mut self,
        rocket: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<()> {
        let begin = Instant::now();
        let path = format!("/api/v1/launch/rockets/{rocket}");
        loop {
            let state: Value = serde_json::from_slice(self.connection.fetch(&path).await?)?;
            if is_so(&state) {
                return Ok(());
            }
            ensure!(
                begin.elapsed() < WAIT_MAX,
                "{rocket}: not so after {WAIT_MAX:?}: {what}: {state}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The count: steps that do nothing but be done, and the release that every count ends with.
fn plan() -> anyhow::Result<String> {
    let mut plan = format!("name = \"bench\"\nstart_s = {BEGIN_S:.2}\nrecycle_s = {BEGIN_S:.2}\n");
    for number in 0..STEPS {
        let t_s = step_s(number);
        writeln!(plan, "[[step]]\nt_s = {t_s:.2}\nname = \"step {number}\"")?;
    }
    plan.push_str("[[step]]\nt_s = 0.0\nname = \"release\"\naction = { do = \"release\" }\n");
    Ok(plan)
}

fn step_s(number: u32) -> f64 {
    FIRST_S + STEP_S * f64::from(number)
}

/// Of a step of the plan.
fn number(name: &str) -> Option<u32> {
    name.strip_prefix("step ")?.parse().ok()
}
