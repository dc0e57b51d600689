use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::{accounts, body};
use crate::iso20022::{read_statements, write_statement};
use crate::service::{DayRange, Payments};
use crate::{Currency, Differences, Error, Iban, Statement, StatementEntry, decimal, lines, money};

/// Which days, and how they are written.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementQuery {
    /// The first day, such as `2026-11-21`; today when left out.
    #[param(value_type = Option<String>)]
    from: Option<Date>,
    /// The last day; the first when left out.
    #[param(value_type = Option<String>)]
    to: Option<Date>,
    /// `json`, or `camt.053` for a message of ISO 20022.
    format: Option<String>,
}

/// What is held against ours.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconcileQuery {
    /// `camt.053` or `csv`.
    format: String,
    /// For `csv`: whose it is.
    account: Option<String>,
    /// For `csv`: the first day; that of the first entry when left out.
    #[param(value_type = Option<String>)]
    from: Option<Date>,
    /// For `csv`: the last day.
    #[param(value_type = Option<String>)]
    to: Option<Date>,
}

/// What happened on an account.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct StatementView {
    /// Its number.
    account: String,
    /// Its currency.
    currency: String,
    /// The first day.
    #[schema(value_type = String)]
    from: Date,
    /// The last day.
    #[schema(value_type = String)]
    to: Date,
    /// What stood on it before.
    opening: String,
    /// What happened, in order.
    entries: Vec<StatementEntryView>,
    /// What stands on it after.
    closing: String,
}

/// One line of a statement.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct StatementEntryView {
    /// The transaction's id.
    id: String,
    /// When it was booked.
    #[schema(value_type = String)]
    booked: Date,
    /// What came, or with a minus what went.
    amount: String,
    /// From or to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counterparty: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// How a foreign statement differs from ours.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct DifferencesView {
    /// Whose account.
    account: String,
    /// Whether there is no difference.
    agrees: bool,
    /// Entries that only ours has; the first thousand.
    only_ours: Vec<StatementEntryView>,
    /// Entries that only theirs has; the first thousand.
    only_theirs: Vec<StatementEntryView>,
    /// Entries of another amount there; the first thousand.
    other_amounts: Vec<OtherAmount>,
    /// All differences between entries.
    entries: u64,
    /// By how much theirs is more at the beginning.
    opening: String,
    /// By how much theirs is more at the end.
    closing: String,
}

/// An entry of two amounts.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct OtherAmount {
    /// The transaction's id.
    id: String,
    /// Here.
    ours: String,
    /// There.
    theirs: String,
}

impl StatementEntryView {
    fn new(entry: &StatementEntry, currency: Currency) -> Self {
        Self {
            id: entry.id.to_string(),
            booked: entry.booked,
            amount: decimal(entry.minor, currency),
            counterparty: entry.counterparty.map(|iban| iban.to_string()),
            reference: entry.reference.as_ref().map(ToString::to_string),
        }
    }
}

impl StatementView {
    fn new(statement: &Statement) -> Self {
        let currency = statement.currency;
        let entries = statement.entries.iter();
        Self {
            account: statement.account.to_string(),
            currency: currency.to_string(),
            from: statement.from,
            to: statement.to,
            opening: decimal(statement.opening_minor, currency),
            entries: entries
                .map(|entry| StatementEntryView::new(entry, currency))
                .collect(),
            closing: decimal(statement.closing_minor, currency),
        }
    }
}

impl DifferencesView {
    fn new(account: Iban, currency: Currency, differences: &Differences) -> Self {
        let views = |entries: &[StatementEntry]| {
            let views = entries
                .iter()
                .map(|entry| StatementEntryView::new(entry, currency));
            views.collect::<Vec<_>>()
        };
        let others = differences.other_amounts.iter();
        Self {
            account: account.to_string(),
            agrees: differences.is_empty(),
            only_ours: views(&differences.only_ours),
            only_theirs: views(&differences.only_theirs),
            other_amounts: others
                .map(|(id, ours, theirs)| OtherAmount {
                    id: id.to_string(),
                    ours: decimal(*ours, currency),
                    theirs: decimal(*theirs, currency),
                })
                .collect(),
            entries: differences.entries,
            opening: money::decimal_of_sum(differences.opening_minor, currency),
            closing: money::decimal_of_sum(differences.closing_minor, currency),
        }
    }
}

/// What happened on an account, day by day.
#[utoipa::path(get, path = "/payments/accounts/{iban}/statement", tag = "payments",
    params(("iban" = String, Path), StatementQuery), responses((status = OK, body = StatementView)))]
pub(super) async fn statement(
    State(payments): State<Payments>,
    Path(iban): Path<String>,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Refusal> {
    let is_message = match query.format.as_deref() {
        None | Some("json") => false,
        Some("camt.053") => true,
        Some(other) => {
            let problem = format!("format: {other:?} is none: write json or camt.053");
            return Err(Error::input(problem).into());
        }
    };
    let from = query.from.unwrap_or_else(|| payments.today());
    let days = DayRange {
        from,
        to: query.to.unwrap_or(from),
    };
    let statement = payments.statement(accounts::number(&iban)?, days).await?;
    if !is_message {
        return Ok(Json(StatementView::new(&statement)).into_response());
    }
    let kind = [(header::CONTENT_TYPE, "application/xml")];
    Ok((kind, write_statement(&statement)).into_response())
}

/// Hold foreign statements against ours; those of a message may be many.
#[utoipa::path(post, path = "/payments/reconcile", tag = "payments", params(ReconcileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, body = Vec<DifferencesView>)))]
pub(super) async fn reconcile(
    State(payments): State<Payments>,
    Query(query): Query<ReconcileQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Vec<DifferencesView>>, Refusal> {
    let held = body::hold(&payments, &headers, request).await?;
    let theirs = match query.format.as_str() {
        "camt.053" => {
            let bytes = held.bytes.clone();
            let read = tokio::task::spawn_blocking(move || read_statements(&bytes)).await;
            let read = read.map_err(|error| Error::damaged("the body", error))?;
            read.map_err(|error| Error::input(error.to_string()))?
        }
        "csv" => vec![entries(&payments, &query, &held.bytes).await?],
        other => {
            let problem = format!("format: {other:?} is none: write camt.053 or csv");
            return Err(Error::input(problem).into());
        }
    };
    let mut views = Vec::with_capacity(theirs.len());
    for theirs in &theirs {
        let differences = payments.reconcile(theirs).await?;
        let view = DifferencesView::new(theirs.account, theirs.currency, &differences);
        views.push(view);
    }
    Ok(Json(views))
}

/// A statement from lines of entries: its balances are ours, as it has none.
async fn entries(
    payments: &Payments,
    query: &ReconcileQuery,
    bytes: &[u8],
) -> Result<Statement, Error> {
    let account = query.account.as_deref();
    let account = account.ok_or_else(|| Error::input("account: say whose entries these are"))?;
    let iban = accounts::number(account)?;
    let currency = payments.account(iban).await?.currency;
    let entries = lines::read_entries(bytes, currency).map_err(Error::input)?;
    let days = entries.iter().map(|entry| entry.booked);
    let today = payments.today();
    let days = DayRange {
        from: query.from.or(days.clone().min()).unwrap_or(today),
        to: query.to.or(days.max()).unwrap_or(today),
    };
    let ours = payments.statement(iban, days).await?;
    Ok(Statement { entries, ..ours })
}
