use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use portique_bus::Start;
use portique_event::Filter;
use serde::{Deserialize, Serialize};

use super::position::Position;
use super::view::EventView;
use crate::api::refusal::Reply;
use crate::api::{Api, LIMIT_DEFAULT, page_limit};

/// Which events to read.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadQuery {
    /// On these subjects, such as `plant.*.pump.>`; all when absent.
    #[param(value_type = Option<String>)]
    filter: Option<Filter>,
    /// From here: `first`, a sequence such as `next` of the page before, or a time in RFC 3339;
    /// `first` when absent.
    #[param(value_type = Option<String>)]
    from: Option<Position>,
    /// Most of them: 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// Some events, oldest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EventsPage {
    /// Those that pass the filter.
    events: Vec<EventView>,
    /// `from` of the next page, which misses nothing and repeats nothing.
    next: u64,
}

/// Events that are kept. An empty page means that the end was reached.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(ReadQuery),
    responses((status = OK, body = EventsPage)))]
pub(crate) async fn page(
    State(api): State<Arc<Api>>,
    Query(query): Query<ReadQuery>,
) -> Reply<Json<EventsPage>> {
    let filter = query.filter.unwrap_or_else(Filter::all);
    let start = query.from.map_or(Start::First, |position| position.0);
    let limit = page_limit(query.limit.unwrap_or(LIMIT_DEFAULT))?;
    let page = api.bus.read(&filter, start, limit).await?;
    Ok(Json(EventsPage {
        events: page.events.into_iter().map(EventView::from).collect(),
        next: page.next.0,
    }))
}
