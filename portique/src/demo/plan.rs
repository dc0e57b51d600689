use std::path::Path;
use std::time::Duration;

use portique_clock::{Clock, WallClock};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use super::view::View;
use super::watch::{OnHold, follow, state, to_view};
use crate::cli::output::say;
use crate::cli::visitor::Visitor;
use crate::cli::words::t_clock;
use crate::error::Error;
use crate::logging::Detour;

const NAME: &str = "demo";
const PAD: &str = "pad-1";
/// The computers of the reference vehicle.
const MODULES: [&str; 3] = ["booster", "stage2", "payload"];
/// Ten minutes of flight in one.
const TIME_FACTOR: f64 = 10.0;
/// A machine too busy to keep the count's pace is given another try; then the flight is given up.
const RESUMES_MAX: u32 = 3;
/// Three processes start and attach; on a loaded machine that takes seconds.
const MODULES_PATIENCE: Duration = Duration::from_secs(30);
const MODULES_LOOK_EVERY: Duration = Duration::from_millis(100);
/// Names are tried until one is free; nobody flies more demonstrations than this.
const NAMES_MAX: usize = 10_000;

/// What a demonstration came to.
#[derive(Debug)]
pub(crate) struct Flown {
    /// The rocket's name.
    pub(crate) rocket: String,
    /// Why the flight was not nominal, if so.
    pub(crate) problem: Option<String>,
}

/// Flies the demonstration: a simulated rocket, from the poll to the end of the flight.
///
/// # Errors
/// Whatever keeps the hub from doing it; a flight that goes wrong is not an error but an outcome.
pub(crate) async fn fly(visitor: &Visitor, data: &Path, detour: &Detour) -> Result<Flown, Error> {
    let earlier = earlier_flights(visitor).await?;
    if let Some(last) = earlier.last() {
        tell_of(visitor, data, last).await?;
    }
    clear_pad(visitor, &earlier).await?;
    let rocket = free_name(&earlier);
    add(visitor, &rocket).await?;
    report_weather(visitor, &rocket).await?;
    poll(visitor, &rocket).await?;
    say(&format!(
        "demonstration: launch order, the count runs at x{TIME_FACTOR}"
    ));
    let view = order(visitor, &rocket, &["count"], json!({})).await?;
    let last = follow(visitor, &rocket, &view, OnHold::Resume(RESUMES_MAX), detour).await?;
    Ok(Flown {
        rocket,
        problem: problem(&last),
    })
}

/// The rockets of earlier demonstrations, oldest first.
async fn earlier_flights(visitor: &Visitor) -> Result<Vec<View>, Error> {
    let rockets = visitor.get(&["launch", "rockets"], &[]).await?;
    let rockets = rockets.as_array().cloned().unwrap_or_default();
    let views = rockets.into_iter().map(|rocket| to_view(visitor, rocket));
    let mut views = views.collect::<Result<Vec<_>, _>>()?;
    views.retain(|view| number(&view.rocket).is_some());
    views.sort_by_key(|view| number(&view.rocket));
    Ok(views)
}

/// 1 for `demo`, 2 for `demo-2`; nothing for a rocket that is no demonstration.
fn number(rocket: &str) -> Option<usize> {
    match rocket.strip_prefix(NAME)? {
        "" => Some(1),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

fn free_name(earlier: &[View]) -> String {
    let is_taken = |name: &str| earlier.iter().any(|view| view.rocket == name);
    let names = (1..=NAMES_MAX).map(|n| {
        if n == 1 {
            NAME.into()
        } else {
            format!("{NAME}-{n}")
        }
    });
    let mut names = names.filter(|name| !is_taken(name));
    names.next().unwrap_or_else(|| NAME.into())
}

/// What the log holds of the last demonstration.
async fn tell_of(visitor: &Visitor, data: &Path, last: &View) -> Result<(), Error> {
    let outcome = last.outcome.as_deref().unwrap_or(&last.stage);
    let reason = last
        .outcome_reason
        .as_deref()
        .map(|reason| format!(", {reason}"));
    say(&format!(
        "the last flight, {}: {outcome}{}",
        last.rocket,
        reason.unwrap_or_default()
    ));
    let query = [
        ("rocket", last.rocket.clone()),
        ("limit", "1000".to_owned()),
    ];
    let page = visitor.get(&["launch", "log"], &query).await?;
    for line in page["entries"].as_array().into_iter().flatten() {
        if line["fact"]["fact"] == "flight" {
            let t = t_clock(line["t_s"].as_f64());
            say(&format!(
                "  {t}  {}",
                line["text"].as_str().unwrap_or_default()
            ));
        }
    }
    let (rocket, data) = (&last.rocket, data.display());
    say(&format!(
        "all of it: portique launch log --rocket {rocket} --data {data}"
    ));
    Ok(())
}

/// Gives up demonstrations that an earlier end of the hub left on the pad.
async fn clear_pad(visitor: &Visitor, earlier: &[View]) -> Result<(), Error> {
    let reason = json!({ "reason": "another demonstration needs the pad" });
    for view in earlier.iter().filter(|view| view.pad == PAD) {
        let what = match view.stage.as_str() {
            "polling" => {
                order(
                    visitor,
                    &view.rocket,
                    &["poll", "close"],
                    json!({ "decision": "no_go" }),
                )
                .await
            }
            "ready" | "counting" | "held" => {
                order(visitor, &view.rocket, &["count", "scrub"], reason.clone()).await
            }
            _ => continue,
        };
        what?;
        say(&format!(
            "{} was left on the pad and is given up",
            view.rocket
        ));
    }
    Ok(())
}

async fn add(visitor: &Visitor, rocket: &str) -> Result<(), Error> {
    say(&format!(
        "demonstration: {rocket}, a simulated rocket, goes to {PAD}"
    ));
    let body = json!({
        "rocket": rocket,
        "vehicle": "reference",
        "pad": PAD,
        "link": { "link": "simulated" },
        "count": "short",
        "time_factor": TIME_FACTOR,
    });
    visitor.post(&["launch", "rockets"], &body).await?;
    let is_up = wait_for_modules(visitor, rocket);
    match timeout(MODULES_PATIENCE, is_up).await {
        Ok(done) => done,
        Err(_) => Err(Error::NotNominal {
            rocket: rocket.to_owned(),
            reason: format!(
                "its modules did not attach within {} s",
                MODULES_PATIENCE.as_secs()
            ),
        }),
    }
}

async fn wait_for_modules(visitor: &Visitor, rocket: &str) -> Result<(), Error> {
    let mut looks = interval(MODULES_LOOK_EVERY);
    loop {
        looks.tick().await;
        let view = state(visitor, rocket).await?;
        let is_heard = |name: &&str| {
            let module = view.modules.iter().find(|module| module.module == **name);
            module.is_some_and(|module| module.up && module.sample.is_some())
        };
        if MODULES.iter().all(is_heard) {
            say(&format!(
                "demonstration: modules attached: {}",
                MODULES.join(", ")
            ));
            return Ok(());
        }
    }
}

async fn report_weather(visitor: &Visitor, rocket: &str) -> Result<(), Error> {
    let metar = fair_weather(&WallClock::new().now().to_string());
    say(&format!("demonstration: weather {metar}"));
    order_value(visitor, rocket, &["weather"], json!({ "metar": metar }))
        .await
        .map(|_| ())
}

/// A fine day at the cape, observed at this time (RFC 3339, UTC).
fn fair_weather(now: &str) -> String {
    let part = |from: usize, to: usize| now.get(from..to).unwrap_or("01");
    format!(
        "METAR KXMR {}{}{}Z 09008KT 10SM FEW030 24/18 A3012",
        part(8, 10),
        part(11, 13),
        part(14, 16)
    )
}

async fn poll(visitor: &Visitor, rocket: &str) -> Result<(), Error> {
    let view = order(visitor, rocket, &["poll"], json!({})).await?;
    let roster = view.poll.map(|poll| poll.roster).unwrap_or_default();
    for station in roster.keys() {
        let vote = json!({ "station": station, "vote": "go", "comment": "demonstration" });
        order(visitor, rocket, &["poll", "votes"], vote).await?;
        say(&format!("demonstration: {station} votes go"));
    }
    say("demonstration: final decision go");
    order(
        visitor,
        rocket,
        &["poll", "close"],
        json!({ "decision": "go" }),
    )
    .await
    .map(|_| ())
}

/// Changes something about the rocket; the answer is its state.
async fn order(visitor: &Visitor, rocket: &str, what: &[&str], body: Value) -> Result<View, Error> {
    to_view(visitor, order_value(visitor, rocket, what, body).await?)
}

async fn order_value(
    visitor: &Visitor,
    rocket: &str,
    what: &[&str],
    body: Value,
) -> Result<Value, Error> {
    let mut path = vec!["launch", "rockets", rocket];
    path.extend(what);
    visitor.post(&path, &body).await
}

fn problem(last: &View) -> Option<String> {
    match last.outcome.as_deref() {
        Some("success") => None,
        _ => Some(
            last.outcome_reason
                .clone()
                .unwrap_or_else(|| last.stage.clone()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demonstrations_are_told_by_their_names() {
        assert_eq!(number("demo"), Some(1));
        assert_eq!(number("demo-12"), Some(12));
        assert_eq!(number("demon"), None);
        assert_eq!(number("ariane"), None);
    }

    #[test]
    fn the_weather_is_observed_now() {
        let metar = fair_weather("2026-11-21T09:05:07Z");
        assert_eq!(metar, "METAR KXMR 210905Z 09008KT 10SM FEW030 24/18 A3012");
    }
}
