//! Timelines: what comes in at which second, and what must go out between which. Every file of
//! `tests/timelines` is one; `script` says how it is written.

mod chance;
mod hooks;
mod script;
mod simulation;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use portique_clock::{Seeded, Timestamp};
use portique_series::Labels;

use super::*;
use crate::notify::alert::{Posted, WithoutEnd};
use crate::notify::config::Flavour;
use crate::notify::fact::{Fact, Outcome};
use crate::notify::silence::SilenceRequest;
use crate::notify::{Error, Matchers, SilenceState};
use script::Script;
use simulation::{Restarts, Simulation};

fn timelines() -> Vec<(String, Script)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/timelines");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let named = paths.iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let script = Script::parse(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        (name, script)
    });
    named.collect()
}

#[test]
fn every_timeline_goes_out_as_it_should() {
    let timelines = timelines();
    assert!(timelines.len() >= 27, "only {} timelines", timelines.len());
    let mut wrong = String::new();
    for (name, script) in &timelines {
        let mut simulation = Simulation::new(script, Restarts::None);
        simulation.run();
        wrong += &script.compare(name, &simulation.arrivals);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_restart_at_any_moment_changes_nothing() {
    for (name, script) in &timelines() {
        let mut plain = Simulation::new(script, Restarts::None);
        let steps = plain.run();
        for step in 0..steps {
            for restarts in [
                Restarts::Replayed(step),
                Restarts::Checkpointed(step),
                Restarts::Torn(step),
            ] {
                let mut restarted = Simulation::new(script, restarts);
                restarted.run();
                assert_eq!(
                    restarted.arrivals, plain.arrivals,
                    "{name}, restarted: {restarts:?}"
                );
            }
        }
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000).plus(Duration::from_secs(seconds))
}

fn dispatcher(config: &str) -> Dispatcher {
    let config = Config::parse("c.yml", config, Flavour::Alertmanager).unwrap();
    Dispatcher::new(Arc::new(config), Options::default())
}

const SIMPLE: &str = "route: {receiver: r, group_wait: 10s, group_interval: 1m}\n\
    receivers: [{name: r, webhook_configs: [{url: http://x}]}]\n";

fn post(dispatcher: &mut Dispatcher, labels: &[(&str, &str)], now: Timestamp) {
    let receipt = dispatcher.post(&[posted(labels)], now);
    assert_eq!(receipt.refused, []);
    receipt.facts.iter().for_each(|fact| dispatcher.apply(fact));
}

fn posted(labels: &[(&str, &str)]) -> Posted {
    Posted {
        labels: Labels::from_pairs(labels.iter().copied()),
        annotations: Labels::empty(),
        starts_at: None,
        ends_at: None,
        generator: Arc::from(""),
        without_end: WithoutEnd::GoesOn,
        shelved_until: None,
    }
}

fn request(matchers: &str, from: u64, to: u64) -> SilenceRequest {
    SilenceRequest {
        id: None,
        matchers: Matchers::parse(matchers).unwrap(),
        starts_at: at(from),
        ends_at: at(to),
        created_by: "ada".into(),
        comment: "works".into(),
        annotations: std::collections::BTreeMap::default(),
        schedule: Vec::new(),
        notice: None,
    }
}

fn silence(
    dispatcher: &mut Dispatcher,
    request: SilenceRequest,
    now: u64,
) -> Result<String, Error> {
    let (id, facts) = dispatcher.set_silence(request, at(now), &mut Seeded::new(now))?;
    facts.iter().for_each(|fact| dispatcher.apply(fact));
    Ok(id)
}

#[test]
fn a_silence_keeps_its_id_only_while_it_is_the_same_one() {
    let mut dispatcher = dispatcher(SIMPLE);
    let id = silence(&mut dispatcher, request("a=b", 0, 100), 10).unwrap();
    assert_eq!(
        dispatcher.silence(&id).unwrap().starts_at,
        at(10),
        "it cannot begin in the past"
    );
    let changed = |matchers: &str, from, to| SilenceRequest {
        id: Some(id.clone()),
        ..request(matchers, from, to)
    };
    let longer = silence(&mut dispatcher, changed("a=b", 10, 200), 20).unwrap();
    assert_eq!(longer, id);
    assert_eq!(dispatcher.silence(&id).unwrap().ends_at, at(200));
    let other = silence(&mut dispatcher, changed("a=c", 10, 200), 30).unwrap();
    assert_ne!(other, id);
    assert_eq!(
        dispatcher.silence(&id).unwrap().state(at(30)),
        SilenceState::Expired
    );
    assert_eq!(dispatcher.silence(&other).unwrap().starts_at, at(30));
    let again = silence(&mut dispatcher, changed("a=b", 10, 200), 40).unwrap();
    assert_ne!(again, id, "an expired silence is not revived");
}

#[test]
fn a_silence_that_mutes_everything_or_nothing_is_refused() {
    let mut dispatcher = dispatcher(SIMPLE);
    for (bad, expected) in [
        (
            request("a=~\".*\"", 0, 100),
            "must not match the empty string",
        ),
        (request("", 0, 100), "no matchers"),
        (request("a=b", 100, 100), "before end time"),
        (request("a=b", 0, 5), "in the past"),
    ] {
        let error = silence(&mut dispatcher, bad, 10).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let unknown = SilenceRequest {
        id: Some("x".into()),
        ..request("a=b", 0, 100)
    };
    let error = silence(&mut dispatcher, unknown, 10).unwrap_err();
    assert!(matches!(error, Error::UnknownSilence { .. }));
}

#[test]
fn a_silence_ends_once() {
    let mut dispatcher = dispatcher(SIMPLE);
    let id = silence(&mut dispatcher, request("a=b", 50, 100), 10).unwrap();
    let fact = dispatcher.expire_silence(&id, at(20)).unwrap();
    dispatcher.apply(&fact);
    assert_eq!(
        dispatcher.silence(&id).unwrap().state(at(20)),
        SilenceState::Expired
    );
    let error = dispatcher.expire_silence(&id, at(30)).unwrap_err();
    assert!(matches!(error, Error::SilenceExpired { .. }));
}

#[test]
fn a_silence_says_what_it_would_mute_and_tells_its_owner_before_it_ends() {
    let mut dispatcher = dispatcher(SIMPLE);
    post(&mut dispatcher, &[("alertname", "x"), ("a", "b")], at(0));
    post(&mut dispatcher, &[("alertname", "y")], at(0));
    let matchers = Matchers::parse("a=b").unwrap();
    let names: Vec<_> = dispatcher
        .preview(&matchers, at(1))
        .iter()
        .map(|a| a.labels.clone())
        .collect();
    assert_eq!(
        names,
        [Labels::from_pairs([("alertname", "x"), ("a", "b")])]
    );
    let with_notice = SilenceRequest {
        notice: Some(Duration::from_secs(30)),
        ..request("b=c", 1, 100)
    };
    silence(&mut dispatcher, with_notice, 1).unwrap();
    let is_notice = |output: &Output| matches!(output, Output::SilenceEnding(_));
    assert!(!dispatcher.due(at(69)).outputs.iter().any(is_notice));
    let due = dispatcher.due(at(70));
    assert!(due.outputs.iter().any(is_notice));
    due.facts.iter().for_each(|fact| dispatcher.apply(fact));
    assert!(
        !dispatcher.due(at(71)).outputs.iter().any(is_notice),
        "once"
    );
}

#[test]
fn a_wrong_alert_is_refused_alone() {
    let mut dispatcher = dispatcher(SIMPLE);
    let backwards = Posted {
        starts_at: Some(at(5)),
        ends_at: Some(at(4)),
        ..posted(&[("a", "b")])
    };
    let receipt = dispatcher.post(&[posted(&[]), backwards, posted(&[("a", "c")])], at(1));
    let places: Vec<_> = receipt.refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, 1]);
    receipt.facts.iter().for_each(|fact| dispatcher.apply(fact));
    assert_eq!(dispatcher.alerts().count(), 1);
}

/// Whoever may send alerts may not give a system's orders by it.
#[test]
fn a_system_acts_on_what_rules_raise_and_on_nothing_that_is_posted() {
    let config = "route: {receiver: r, group_by: [alertname], group_wait: 10s, group_interval: 1m}\n\
        receivers: [{name: r, webhook_configs: [{url: http://x}], action_configs: [{action: pump.stop}]}]\n";
    let mut dispatcher = dispatcher(config);
    let from_outside = |labels: &[(&str, &str)]| Posted {
        without_end: WithoutEnd::TimesOut,
        ..posted(labels)
    };
    let take = |dispatcher: &mut Dispatcher, alert: Posted, now| {
        let receipt = dispatcher.post(&[alert], at(now));
        receipt.facts.iter().for_each(|fact| dispatcher.apply(fact));
        receipt.refused
    };
    let told = |dispatcher: &mut Dispatcher, now| {
        let due = dispatcher.due(at(now));
        due.facts.iter().for_each(|fact| dispatcher.apply(fact));
        let jobs = due.outputs.into_iter().filter_map(|output| match output {
            Output::Notify(job) => {
                let settled = dispatcher.settle(job.id, Outcome::Delivered, at(now));
                settled.iter().for_each(|fact| dispatcher.apply(fact));
                Some((job.integration.to_string(), job.message.alerts.len()))
            }
            Output::SilenceEnding(_) => None,
        });
        jobs.collect::<Vec<_>>()
    };
    let hot = [("alertname", "Hot"), ("tank", "a")];
    assert_eq!(take(&mut dispatcher, from_outside(&hot), 0), []);
    assert_eq!(told(&mut dispatcher, 10), [("webhook[0]".to_owned(), 1)]);
    let fingerprint = dispatcher.alerts().next().unwrap().fingerprint();
    let explained = dispatcher.explain(fingerprint, at(11)).unwrap().to_string();
    assert!(
        explained.contains("systems act on what rules of the hub raise"),
        "{explained}"
    );

    // A rule raises one of the same group: the system is asked about that one.
    let own = [("alertname", "Hot"), ("tank", "b")];
    assert_eq!(take(&mut dispatcher, posted(&own), 20), []);
    let both = told(&mut dispatcher, 80);
    assert_eq!(
        both,
        [("webhook[0]".to_owned(), 2), ("action[0]".to_owned(), 1)]
    );
    // Another one that is posted changes nothing for the system.
    assert_eq!(
        take(&mut dispatcher, from_outside(&[hot[0], ("tank", "c")]), 90),
        []
    );
    assert_eq!(told(&mut dispatcher, 150), [("webhook[0]".to_owned(), 3)]);

    // Nobody ends or rewrites what a rule raises.
    let refused = take(&mut dispatcher, from_outside(&own), 160);
    assert!(
        refused[0].1.contains("a rule of this hub raises it"),
        "{refused:?}"
    );
}

#[test]
fn an_alert_is_explained() {
    let config = "route: {receiver: r, group_by: [alertname], group_wait: 10s}\n\
        receivers: [{name: r, webhook_configs: [{url: http://x}]}]\n\
        inhibit_rules: [{source_matchers: [s=c], target_matchers: [s=w]}]\n";
    let mut dispatcher = dispatcher(config);
    post(&mut dispatcher, &[("alertname", "x"), ("s", "w")], at(0));
    let fingerprint = dispatcher.alerts().next().unwrap().fingerprint();
    let text = |dispatcher: &Dispatcher, now| {
        dispatcher
            .explain(fingerprint, at(now))
            .unwrap()
            .to_string()
    };
    let fresh = text(&dispatcher, 1);
    for expected in [
        "is firing, since 2026-01-01T00:00:00Z",
        r#"group {}:{alertname="x"} to r: 1 alerts"#,
        "looked at next: 2026-01-01T00:00:10Z",
        "webhook[0]: not told that it fires; will be told because first notification",
    ] {
        assert!(fresh.contains(expected), "{expected}: {fresh}");
    }
    post(&mut dispatcher, &[("alertname", "y"), ("s", "c")], at(2));
    let id = silence(&mut dispatcher, request("alertname=x", 2, 100), 2).unwrap();
    let muted = text(&dispatcher, 3);
    assert!(muted.contains(&format!("silenced by {id}")), "{muted}");
    assert!(
        muted.contains("inhibited by the alert ") && muted.contains("not told now: every alert"),
        "{muted}"
    );
}

#[test]
fn a_silence_that_was_ended_before_its_notice_is_not_due_for_ever() {
    let mut dispatcher = dispatcher(SIMPLE);
    let noticed = SilenceRequest {
        notice: Some(Duration::from_secs(10)),
        ..request("a=b", 1, 100)
    };
    let id = silence(&mut dispatcher, noticed, 0).unwrap();
    let fact = dispatcher.expire_silence(&id, at(5)).unwrap();
    dispatcher.apply(&fact);
    let due = dispatcher.due(at(6));
    assert!(due.outputs.is_empty());
    due.facts.iter().for_each(|fact| dispatcher.apply(fact));
    assert!(dispatcher.next_due().is_none_or(|next| next > at(6)));
}

#[test]
fn what_is_old_is_let_go() {
    let mut dispatcher = dispatcher(SIMPLE);
    let fact = dispatcher.resume(at(0)).unwrap();
    dispatcher.apply(&fact);
    let over = Posted {
        ends_at: Some(at(1)),
        ..posted(&[("a", "b")])
    };
    let facts = dispatcher.post(&[over], at(2)).facts;
    facts.iter().for_each(|fact| dispatcher.apply(fact));
    silence(&mut dispatcher, request("a=b", 1, 10), 2).unwrap();
    while let Some(next) = dispatcher.next_due().filter(|next| *next < at(130 * 3_600)) {
        let due = dispatcher.due(next);
        assert!(!due.facts.is_empty(), "nothing to do at {next}");
        due.facts.iter().for_each(|fact| dispatcher.apply(fact));
    }
    assert_eq!(
        (dispatcher.alerts().count(), dispatcher.silences().count()),
        (0, 0)
    );
    assert_eq!(dispatcher.next_due(), None);
}

#[test]
fn a_changed_configuration_is_noticed_after_a_start() {
    let mut dispatcher = dispatcher(SIMPLE);
    let first = dispatcher.resume(at(0)).unwrap();
    dispatcher.apply(&first);
    assert_eq!(dispatcher.resume(at(1)), None);
    let other = SIMPLE.replace("1m", "2m");
    let config = Config::parse("c.yml", &other, Flavour::Alertmanager).unwrap();
    let mut changed = Dispatcher::new(Arc::new(config), Options::default());
    changed.apply(&first);
    assert!(matches!(
        changed.resume(at(1)),
        Some(Fact::Configured { .. })
    ));
}

/// When somebody is told between two moments, if everything is delivered.
fn told(dispatcher: &mut Dispatcher, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let (mut told, mut now) = (Vec::new(), from);
    while let Some(next) = dispatcher.next_due().filter(|next| *next < to) {
        now = now.max(next);
        let due = dispatcher.due(now);
        due.facts.iter().for_each(|fact| dispatcher.apply(fact));
        let in_flight: Vec<u64> = dispatcher.in_flight().map(|n| n.id).collect();
        for id in in_flight {
            told.push(now);
            let settled = dispatcher.settle(id, Outcome::Delivered, now).unwrap();
            dispatcher.apply(&settled);
        }
    }
    told
}

#[test]
fn who_is_put_aside_is_not_repeated_but_its_end_is_told() {
    let mut dispatcher = dispatcher(SIMPLE);
    let fact = dispatcher.resume(at(0)).unwrap();
    dispatcher.apply(&fact);
    let hour = 3_600;
    let labels = [("alertname", "Hot")];
    post(&mut dispatcher, &labels, at(0));
    // At once, and again every four hours.
    assert_eq!(told(&mut dispatcher, at(0), at(5 * hour)).len(), 2);
    let aside = Posted {
        starts_at: Some(at(0)),
        shelved_until: Some(at(20 * hour)),
        ..posted(&labels)
    };
    let facts = dispatcher
        .post(std::slice::from_ref(&aside), at(5 * hour))
        .facts;
    facts.iter().for_each(|fact| dispatcher.apply(fact));
    let before = told(&mut dispatcher, at(5 * hour), at(20 * hour));
    assert_eq!(before, [], "reminded of what is put aside");
    let after = told(&mut dispatcher, at(20 * hour), at(21 * hour));
    assert_eq!(after.len(), 1, "reminded once the shelf is over");
    let again = Posted {
        shelved_until: Some(at(40 * hour)),
        ..aside
    };
    let over = Posted {
        ends_at: Some(at(22 * hour)),
        ..again.clone()
    };
    for (posted, hours) in [(again, 21), (over, 22)] {
        let facts = dispatcher.post(&[posted], at(hours * hour)).facts;
        facts.iter().for_each(|fact| dispatcher.apply(fact));
    }
    let end = told(&mut dispatcher, at(22 * hour), at(23 * hour));
    assert_eq!(end.len(), 1, "told of its end");
}
