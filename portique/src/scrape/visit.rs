//! One scrape: asked, read, decoded, given to the store, written down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use portique_exposition::{
    DECOMPRESSED_BYTES_MAX, Rejections, ScrapeFormat, ScrapeOptions, decompress_gzip, read_scrape,
};
use portique_monitor::format_duration;
use portique_monitor::scrape::{Absorbed, AnswerFault, JobConfig, Report, SeriesCache};
use portique_series::{Appended, Batch, RefusalKind, Submitted};
use tokio::sync::OwnedSemaphorePermit;

use super::Shared;
use super::pool::Asked;
use super::target::{Health, Visitor, lock};
use super::workshop::Room;
use crate::outbound::{Ask, BodyFault, read_body};

/// Says how long the asker waits.
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// So much of a media type that is none is shown.
const SHOWN_CHARS_MAX: usize = 100;

/// What came back.
struct Answer {
    bytes: Vec<u8>,
    is_gzip: bool,
    format: ScrapeFormat,
    /// Room in memory for it.
    _held: Vec<OwnedSemaphorePermit>,
}

/// What a scrape came to.
struct Outcome {
    fault: Option<String>,
    absorbed: Absorbed,
    /// What was left out, by reason.
    rejected: BTreeMap<&'static str, u64>,
    last_rejection: Option<String>,
}

/// The reason of samples of a series that the same answer has already.
const REPEATED: &str = "repeated";

/// Asks once, and writes down what came of it.
pub(super) async fn visit(visitor: &Visitor, asked: &Asked, at_ms: i64) {
    let clock = &visitor.shared.telemetry.clock;
    let began = clock.monotonic();
    let timeout = visitor.watched.target.timeout;
    let answer = match &asked.refusal {
        Some(refusal) => Err(refusal.clone()),
        None => match tokio::time::timeout(timeout, ask(visitor, asked)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!(
                "no whole answer within {}",
                format_duration(timeout)
            )),
        },
    };
    let duration = clock.monotonic().saturating_sub(began);
    let outcome = keep(visitor, asked, answer, at_ms, duration).await;
    write_down(visitor, outcome, at_ms, duration);
}

/// Ends the series of a target that nobody asks any more.
pub(super) async fn end(visitor: &Visitor) {
    let at_ms = visitor.shared.now_ms();
    let cache = visitor.cache.clone();
    let shared = visitor.shared.clone();
    let _place = shared.workshop.place().await;
    let work = shared.clone();
    let done = tokio::task::spawn_blocking(move || {
        let mut room = work.workshop.lend();
        lock(&cache).end(at_ms, &mut room.out);
        let submitted = work.telemetry.sink.submit(&room.out);
        work.workshop.give_back(room);
        submitted
    });
    let problem = match done.await {
        Ok(Ok(submitted)) => submitted
            .durable()
            .await
            .err()
            .map(|error| error.to_string()),
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(problem) = problem {
        tracing::warn!(problem, "series of a target that is gone were not ended");
    }
}

async fn ask(visitor: &Visitor, asked: &Asked) -> Result<Answer, String> {
    let (target, job) = (&visitor.watched.target, &*asked.job);
    let mut ask = Ask::get(&target.url);
    let seconds = target.timeout.as_secs_f64().to_string();
    for (name, value) in [(ACCEPT, job.accept()), (TIMEOUT_HEADER, seconds)] {
        let value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
        ask.headers.insert(name, value);
    }
    let encoding = if job.compresses { "gzip" } else { "identity" };
    ask.headers
        .insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    let answer = asked.endpoint.send(ask).await;
    let answer = answer.map_err(|fault| fault.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("server returned HTTP status {}", answer.status()));
    }
    let format = format_of(&answer, job)?;
    let is_gzip = is_gzip(&answer)?;
    let workshop = &visitor.shared.workshop;
    let mut held = Vec::new();
    let grow = |bytes| {
        let room = workshop.hold(bytes);
        let is_there = room.is_some();
        held.extend(room);
        is_there
    };
    let bytes = read_body(answer.into_body(), body_bytes_max(job), grow).await;
    let bytes = bytes.map_err(|fault: BodyFault| fault.to_string())?;
    Ok(Answer {
        bytes,
        is_gzip,
        format,
        _held: held,
    })
}

fn body_bytes_max(job: &JobConfig) -> usize {
    let wanted = usize::try_from(job.limits.body_bytes).unwrap_or(usize::MAX);
    match wanted {
        0 => DECOMPRESSED_BYTES_MAX,
        wanted => wanted.min(DECOMPRESSED_BYTES_MAX),
    }
}

fn format_of(answer: &Response<Body>, job: &JobConfig) -> Result<ScrapeFormat, String> {
    let said = answer.headers().get(CONTENT_TYPE);
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or("");
    let fallback = || {
        let fallback = job.fallback?;
        ScrapeFormat::of_content_type(&fallback.media_type().replace(' ', ""))
    };
    ScrapeFormat::of_content_type(said).or_else(fallback).ok_or_else(|| {
        let said: String = said.chars().take(SHOWN_CHARS_MAX).collect();
        format!(
            "received unsupported Content-Type {said:?} and no fallback_scrape_protocol specified for \
             target"
        )
    })
}

fn is_gzip(answer: &Response<Body>) -> Result<bool, String> {
    let said = answer.headers().get(CONTENT_ENCODING);
    match said.map(|said| said.to_str().unwrap_or("?")) {
        None | Some("" | "identity") => Ok(false),
        Some("gzip") => Ok(true),
        Some(other) => {
            let other: String = other.chars().take(SHOWN_CHARS_MAX).collect();
            Err(format!(
                "the answer is encoded with {other:?}: only gzip was asked for"
            ))
        }
    }
}

/// Has an answer, or its absence, become samples; returns when they are durable.
async fn keep(
    visitor: &Visitor,
    asked: &Asked,
    answer: Result<Answer, String>,
    at_ms: i64,
    duration: Duration,
) -> Outcome {
    let _place = visitor.shared.workshop.place().await;
    let (shared, cache) = (visitor.shared.clone(), visitor.cache.clone());
    let job = asked.job.clone();
    let done = tokio::task::spawn_blocking(move || {
        let mut room = shared.workshop.lend();
        let mut cache = lock(&cache);
        let mut outcome = absorb(answer, &job, &mut cache, &mut room, at_ms);
        let report = Report {
            is_up: outcome.fault.is_none(),
            duration_s: duration.as_secs_f64(),
            absorbed: outcome.absorbed,
        };
        cache.report(at_ms, &report, &mut room.out);
        let submitted = submit(&shared, &mut outcome, &room.out);
        shared.workshop.give_back(room);
        (outcome, submitted)
    });
    let (mut outcome, submitted) = match done.await {
        Ok(done) => done,
        Err(error) => (
            failed(format!("the answer could not be worked on: {error}")),
            None,
        ),
    };
    if let Some(submitted) = submitted
        && let Err(error) = submitted.durable().await
    {
        outcome.fault.get_or_insert(not_kept(&error));
    }
    outcome
}

/// Fills the room with samples of an answer, or with stale markers when there is none that counts.
fn absorb(
    answer: Result<Answer, String>,
    job: &JobConfig,
    cache: &mut SeriesCache,
    room: &mut Room,
    at_ms: i64,
) -> Outcome {
    let mut rejections = Rejections::new();
    let decoded = answer.and_then(|answer| decode(answer, job, at_ms, room, &mut rejections));
    let absorbed = match decoded {
        Ok(()) => cache.absorb(&room.answer, job, at_ms, &mut room.out),
        Err(message) => Err(AnswerFault {
            message,
            absorbed: Absorbed::default(),
        }),
    };
    let (fault, absorbed) = match absorbed {
        Ok(absorbed) => (None, absorbed),
        Err(fault) => {
            cache.fail(at_ms, &mut room.out);
            (Some(fault.message), fault.absorbed)
        }
    };
    let last_rejection = match (rejections.kept().first(), absorbed.duplicates) {
        (Some(rejection), _) => Some(rejection.to_string()),
        (None, 0) => None,
        (None, duplicates) => Some(format!(
            "{duplicates} samples of series that the answer has already"
        )),
    };
    let by_reader = rejections.counts();
    let mut rejected: BTreeMap<_, _> = by_reader
        .map(|(reason, count)| (reason.as_str(), count))
        .collect();
    if absorbed.duplicates > 0 {
        rejected.insert(REPEATED, absorbed.duplicates as u64);
    }
    Outcome {
        fault,
        absorbed,
        rejected,
        last_rejection,
    }
}

/// Reads an answer into the room.
fn decode(
    answer: Answer,
    job: &JobConfig,
    at_ms: i64,
    room: &mut Room,
    rejections: &mut Rejections,
) -> Result<(), String> {
    let mut plain = answer.bytes;
    if answer.is_gzip {
        let packed = std::mem::take(&mut plain);
        decompress_gzip(&packed, &mut plain).map_err(|error| portique_fault::chain(&error))?;
        let bytes_max = body_bytes_max(job);
        if plain.len() > bytes_max {
            return Err(BodyFault::TooLarge { bytes_max }.to_string());
        }
    }
    let options = ScrapeOptions {
        default_timestamp_ms: at_ms,
        honors_timestamps: job.honors_timestamps,
    };
    room.answer.clear();
    let read = read_scrape(
        &plain,
        answer.format,
        &options,
        &mut room.answer,
        rejections,
    );
    let counts = read.map_err(|error| portique_fault::chain(&error))?;
    let first = rejections.kept().first().map(ToString::to_string);
    if !counts.is_complete {
        return Err(first.unwrap_or_else(|| "the answer is not whole".to_owned()));
    }
    match first {
        // Nothing of it could be read: it is no text of metrics.
        Some(first) if counts.samples == 0 => Err(first),
        _ => Ok(()),
    }
}

/// Gives the samples to the store, and writes down what it refuses.
fn submit(shared: &Shared, outcome: &mut Outcome, out: &Batch) -> Option<Submitted> {
    match shared.telemetry.sink.submit(out) {
        Ok(submitted) => {
            refused(submitted.appended(), out, outcome);
            Some(submitted)
        }
        Err(error) => {
            outcome.fault.get_or_insert(not_kept(&error));
            None
        }
    }
}

fn refused(appended: &Appended, out: &Batch, outcome: &mut Outcome) {
    for kind in RefusalKind::ALL {
        let count = appended.refused_for(kind) as u64;
        if count > 0 {
            *outcome.rejected.entry(kind.as_str()).or_default() += count;
        }
    }
    if let Some(refusal) = appended.refused.first() {
        let labels = out.at(refusal.series).to_labels();
        let (at, why) = (refusal.timestamp_ms, &refusal.reason);
        outcome.last_rejection = Some(format!("{labels} at {at} ms: {why}"));
    }
}

fn not_kept(error: &portique_series::Error) -> String {
    format!(
        "the samples could not be kept: {}",
        portique_fault::chain(error)
    )
}

fn failed(message: String) -> Outcome {
    Outcome {
        fault: Some(message),
        absorbed: Absorbed::default(),
        rejected: BTreeMap::new(),
        last_rejection: None,
    }
}

fn write_down(visitor: &Visitor, outcome: Outcome, at_ms: i64, duration: Duration) {
    let totals = &visitor.shared.figures;
    let is_down = outcome.fault.is_some();
    totals.scrapes.fetch_add(1, Ordering::Relaxed);
    totals
        .failed
        .fetch_add(u64::from(is_down), Ordering::Relaxed);
    let rejected = outcome.rejected.values().sum();
    totals.rejected.fetch_add(rejected, Ordering::Relaxed);
    if !is_down {
        let samples = outcome.absorbed.kept as u64;
        totals.samples.fetch_add(samples, Ordering::Relaxed);
    }
    let changed = {
        let cache = lock(&visitor.cache);
        let known = &visitor.watched.lock().metadata;
        (**known != *cache.metadata()).then(|| Arc::new(cache.metadata().clone()))
    };
    let mut state = visitor.watched.lock();
    let health = if is_down { Health::Down } else { Health::Up };
    if state.health != health {
        let (url, problem) = (&visitor.watched.target.url, outcome.fault.as_deref());
        match problem {
            Some(problem) => tracing::warn!(url, problem, "a target is down"),
            None => tracing::debug!(url, "a target is up"),
        }
    }
    state.health = health;
    state.last_error = outcome.fault.unwrap_or_default();
    state.last_scrape_ms = Some(at_ms);
    state.last_duration = duration;
    state.samples = outcome.absorbed.scraped;
    for (reason, count) in outcome.rejected {
        *state.rejected.entry(reason).or_default() += count;
    }
    if let Some(rejection) = outcome.last_rejection {
        state.last_rejection = rejection;
    }
    if let Some(metadata) = changed {
        state.metadata = metadata;
    }
}
