//! What processes printed last, over HTTP.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use portique_fault::{Code, Retry};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Refusal, Reply};
use super::{LIMIT_DEFAULT, page_limit};
use crate::logs::{Kind, Line, Logs, Process, Selection};

/// Longest text that lines are searched for.
const TEXT_BYTES_MAX: usize = 256;
/// Lines looked at in one go for a listener.
const PAGE_LINES: usize = 256;
/// Listeners at once: as many people as look at a hub's processes.
const LISTENERS_MAX: usize = 64;

/// The routes, with their whole paths.
pub(crate) fn router(logs: Logs) -> OpenApiRouter {
    let desk = Desk {
        logs,
        places: Arc::new(Semaphore::new(LISTENERS_MAX)),
    };
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stream))
        .routes(routes!(processes))
        .with_state(desk)
}

/// What these routes stand on.
#[derive(Clone)]
pub(crate) struct Desk {
    logs: Logs,
    places: Arc<Semaphore>,
}

/// Which lines are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogsQuery {
    /// Of this process only: a worker's name, or `ROCKET/MODULE`.
    process: Option<String>,
    /// Of this pool or rocket only.
    of: Option<String>,
    /// With this text in them, in small or capital letters; at most 256 bytes.
    text: Option<String>,
    /// After this sequence; the newest lines when absent.
    after: Option<u64>,
    /// At most so many, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// Which lines are followed.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowQuery {
    /// Of this process only: a worker's name, or `ROCKET/MODULE`.
    process: Option<String>,
    /// Of this pool or rocket only.
    of: Option<String>,
    /// With this text in them, in small or capital letters; at most 256 bytes.
    text: Option<String>,
    /// After this sequence; those from now on when absent.
    after: Option<u64>,
}

/// A line that a process printed.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LogLineView {
    /// From 1, over all processes, since the hub was started.
    sequence: u64,
    /// When it came, RFC 3339.
    at: String,
    /// Who printed it.
    process: String,
    /// At most 2 KiB; what follows is a line of its own.
    text: String,
}

/// Lines, the oldest first.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LinesView {
    /// The lines.
    lines: Vec<LogLineView>,
    /// What to ask after for those that come next.
    next: u64,
}

/// A process of which there are lines.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ProcessView {
    /// A worker's name as in leases, or `ROCKET/MODULE`.
    name: String,
    /// What it is.
    kind: ProcessKind,
    /// The pool, or the rocket.
    of: String,
    /// Lines that are kept: 1,000 and 128 KiB at most.
    lines: usize,
    /// Older lines, which were let go.
    let_go: u64,
    /// When it printed last, RFC 3339.
    last_at: String,
}

/// What a process is.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProcessKind {
    /// A worker of a pool.
    Worker,
    /// The computer of a simulated module.
    Module,
}

/// Every process of which there are lines, also when it has ended; the 128 that printed last.
#[utoipa::path(get, path = "/api/v1/logs/processes", tag = "logs",
    responses((status = OK, body = Vec<ProcessView>)))]
pub(crate) async fn processes(State(desk): State<Desk>) -> Json<Vec<ProcessView>> {
    Json(desk.logs.processes().iter().map(ProcessView::of).collect())
}

/// What processes printed last. Kept in memory, so that it is gone with the hub.
#[utoipa::path(get, path = "/api/v1/logs", tag = "logs", params(LogsQuery),
    responses((status = OK, body = LinesView)))]
pub(crate) async fn list(
    State(desk): State<Desk>,
    Query(query): Query<LogsQuery>,
) -> Reply<Json<LinesView>> {
    let selection = Selection {
        process: query.process,
        of: query.of,
        text: text(query.text)?,
        after: query.after,
        limit: page_limit(query.limit.unwrap_or(LIMIT_DEFAULT))?,
    };
    // All lines of all processes are some milliseconds to search.
    let read = tokio::task::spawn_blocking(move || desk.logs.read(&selection)).await;
    let page = read.map_err(|_| Refusal::internal("lines were not searched to the end"))?;
    Ok(Json(LinesView {
        lines: page
            .lines
            .iter()
            .map(|line| LogLineView::of(line))
            .collect(),
        next: page.next,
    }))
}

/// Lines as they are printed: server-sent events whose id is the sequence, and whose data is a line in JSON. A
/// listener that reads slowly is given lines later, and not those that were let go meanwhile.
#[utoipa::path(get, path = "/api/v1/logs/stream", tag = "logs", params(FollowQuery),
    responses((status = OK, content_type = "text/event-stream", body = String)))]
pub(crate) async fn stream(
    State(desk): State<Desk>,
    Query(query): Query<FollowQuery>,
) -> Reply<Sse<impl Stream<Item = Result<Message, Infallible>>>> {
    let place = desk.places.clone().try_acquire_owned().map_err(|_| {
        let message = format!("{LISTENERS_MAX} follow the logs already: ask GET /api/v1/logs");
        Refusal::new(Code::ResourceExhausted, message)
            .retry_after(Retry::After(std::time::Duration::from_secs(1)))
    })?;
    let news = desk.logs.watch();
    let after = query.after.unwrap_or(*news.borrow());
    let tail = Tail {
        selection: Selection {
            process: query.process,
            of: query.of,
            text: text(query.text)?,
            after: Some(after),
            limit: PAGE_LINES,
        },
        logs: desk.logs,
        ahead: VecDeque::new(),
        news,
        _place: place,
    };
    Ok(Sse::new(unfold(tail, Tail::step)).keep_alive(KeepAlive::default()))
}

/// A listener's place in the lines.
struct Tail {
    logs: Logs,
    selection: Selection,
    ahead: VecDeque<Arc<Line>>,
    news: watch::Receiver<u64>,
    _place: OwnedSemaphorePermit,
}

impl Tail {
    /// The next message; none ends the stream.
    async fn step(mut self) -> Option<(Result<Message, Infallible>, Self)> {
        loop {
            if let Some(line) = self.ahead.pop_front() {
                let json = serde_json::to_string(&LogLineView::of(&line));
                let json = json.expect("a line is written as JSON with text keys");
                let message = Message::default().id(line.sequence.to_string()).data(json);
                return Some((Ok(message), self));
            }
            // Seen before it is read, so that what comes meanwhile is not slept through.
            let last = *self.news.borrow_and_update();
            let page = self.logs.next(&self.selection);
            self.selection.after = Some(page.next);
            self.ahead = page.lines.into();
            if self.ahead.is_empty() && page.next >= last {
                self.news.changed().await.ok()?;
            } else if self.ahead.is_empty() {
                // Others have their turn while lines are passed over.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// # Errors
/// Invalid argument when it is too long.
fn text(given: Option<String>) -> Reply<Option<String>> {
    match given {
        Some(text) if text.len() > TEXT_BYTES_MAX => Err(Refusal::invalid(format!(
            "text has {} bytes: write {TEXT_BYTES_MAX} at most",
            text.len()
        ))),
        given => Ok(given.filter(|text| !text.is_empty())),
    }
}

impl LogLineView {
    fn of(line: &Line) -> Self {
        Self {
            sequence: line.sequence,
            at: line.at.to_string(),
            process: line.process.to_string(),
            text: line.text.clone(),
        }
    }
}

impl ProcessView {
    fn of(process: &Process) -> Self {
        Self {
            name: process.name.to_string(),
            kind: match process.kind {
                Kind::Worker => ProcessKind::Worker,
                Kind::Module => ProcessKind::Module,
            },
            of: process.of.clone(),
            lines: process.lines,
            let_go: process.let_go,
            last_at: process.last_at.to_string(),
        }
    }
}
