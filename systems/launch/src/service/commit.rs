use std::time::Duration;

use portique_bus::{Bus, Sequence, Start};
use portique_clock::{Clock, Random, Timestamp};
use portique_event::{Data, Event, EventId, Filter, Subject};

use super::live::{LiveMessage, Shared};
use super::projection::LogEntry;
use crate::Error;
use crate::mission::{Entry, Fact, Mission};

/// Where launch control's facts stand on the bus.
pub(crate) const SUBJECTS: &str = "launch.>";
/// Facts read back in one go.
pub(crate) const PAGE_EVENTS: usize = 1_000;

/// The filter for all facts of launch control.
pub(crate) fn filter() -> Filter {
    Filter::new(SUBJECTS).expect("a constant that is a filter")
}

/// Writes an entry as an event of the bus.
///
/// # Errors
/// [`Error::Input`] when it is larger than an event may be.
pub(crate) fn to_event(
    entry: &Entry,
    at: Timestamp,
    random: &mut dyn Random,
) -> Result<Event, Error> {
    let kind = entry.fact.kind();
    let subject = Subject::new(format!("launch.{}.{kind}", entry.rocket))
        .expect("a rocket's name and a fact's kind are tokens");
    let source = format!("/launch/rockets/{}", entry.rocket);
    let data = serde_json::to_value(entry).expect("entries have text keys");
    let id = EventId::generate(at, random);
    Event::builder(id, source, format!("portique.launch.{kind}"), subject)
        .time(at)
        .json(data)
        .build()
        .map_err(|error| Error::Input {
            what: "fact",
            problem: error.to_string(),
        })
}

/// Whether a fact must be written down even when the disk is nearly full: what happened, and what
/// makes safe. What begins something new may be refused.
fn is_reserved(fact: &Fact) -> bool {
    !matches!(
        fact,
        Fact::RocketAdded { .. }
            | Fact::ModuleAdded { .. }
            | Fact::WeatherObserved { .. }
            | Fact::ForecastReceived { .. }
            | Fact::PollOpened { .. }
            | Fact::VoteCast { .. }
            | Fact::CountStarted
            | Fact::CountResumed
            | Fact::StepDone { .. }
    )
}

/// Reads an entry back.
pub(crate) fn from_event(event: &Event) -> Result<Entry, Error> {
    let value = match event.data() {
        Some(Data::Json(value)) => value.clone(),
        _ => serde_json::Value::Null,
    };
    let id = event.id().to_string();
    serde_json::from_value(value).map_err(|source| Error::Damaged { id, source })
}

/// Publishes entries of one moment, then applies them and tells whoever listens.
pub(crate) async fn commit(
    bus: &dyn Bus,
    shared: &Shared,
    random: &mut dyn Random,
    entries: &[Entry],
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let (at, now) = (shared.wall(), shared.now());
    let events: Vec<Event> = entries
        .iter()
        .map(|entry| to_event(entry, at, random))
        .collect::<Result<_, _>>()?;
    let ids: Vec<EventId> = events.iter().map(|event| event.id().clone()).collect();
    let published = if entries.iter().all(|entry| is_reserved(&entry.fact)) {
        bus.publish_reserved(events).await
    } else {
        bus.publish(events).await
    };
    let sequences = published.map_err(Error::Bus)?;
    shared.change(|missions| {
        for entry in entries {
            apply(missions, entry, at, now);
        }
    });
    for ((entry, id), sequence) in entries.iter().zip(ids).zip(sequences) {
        tracing::info!(rocket = %entry.rocket, actor = %entry.actor, "{}", entry.fact.describe());
        shared.announce(LiveMessage::Log(LogEntry::new(entry, &id, sequence, at)));
        shared.set_published(sequence);
    }
    Ok(())
}

/// Reads all facts back and applies them.
pub(crate) async fn replay(bus: &dyn Bus, shared: &Shared, clock: &dyn Clock) -> Result<(), Error> {
    let (filter, mut start) = (filter(), Start::First);
    loop {
        let page = bus
            .read_back(&filter, start, PAGE_EVENTS)
            .await
            .map_err(Error::Bus)?;
        if page.events.is_empty() {
            let now = clock.monotonic();
            shared.change(|missions| missions.values_mut().for_each(|m| m.settle(now)));
            return Ok(());
        }
        for delivered in &page.events {
            let entry = from_event(&delivered.event)?;
            let at = delivered.event.time().unwrap_or(delivered.accepted);
            shared.change(|missions| apply(missions, &entry, at, clock.monotonic()));
            shared.set_published(delivered.sequence);
        }
        start = Start::Sequence(page.next);
    }
}

fn apply(
    missions: &mut std::collections::BTreeMap<crate::RocketId, Mission>,
    entry: &Entry,
    at: Timestamp,
    now: Duration,
) {
    if let Fact::RocketAdded { definition } = &entry.fact {
        missions.insert(entry.rocket.clone(), Mission::new((**definition).clone()));
    }
    if let Some(mission) = missions.get_mut(&entry.rocket) {
        mission.apply(entry, at, now);
    }
}

/// The sequence after this one.
pub(crate) fn after(sequence: Sequence) -> Sequence {
    Sequence(sequence.0 + 1)
}
