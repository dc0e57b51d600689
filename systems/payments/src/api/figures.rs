use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::service::{Counts, Payments, Verified};
use crate::{Currency, money};

/// What all accounts of a currency come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrialLine {
    /// The currency.
    pub currency: String,
    /// What is above nothing, added up.
    pub credit: String,
    /// What is below nothing, added up.
    pub debit: String,
    /// Accounts of this currency.
    pub accounts: u64,
    /// Whether both together are nothing.
    pub balanced: bool,
}

/// The trial balance: what all accounts come to, by currency.
#[utoipa::path(get, path = "/payments/trial-balance", tag = "payments",
    responses((status = OK, body = Vec<TrialLine>)))]
pub(super) async fn trial_balance(
    State(payments): State<Payments>,
) -> Result<Json<Vec<TrialLine>>, Refusal> {
    let trial = payments.look(|ledger| ledger.trial_balance()).await?;
    let line = |(currency, totals): (Currency, crate::Totals)| TrialLine {
        currency: currency.to_string(),
        credit: money::decimal_of_sum(totals.credit_minor, currency),
        debit: money::decimal_of_sum(totals.debit_minor, currency),
        accounts: totals.accounts,
        balanced: totals.is_balanced(),
    };
    Ok(Json(trial.into_iter().map(line).collect()))
}

/// How much went where, and whether anything is missing.
#[utoipa::path(get, path = "/payments/counts", tag = "payments",
    responses((status = OK, body = Counts)))]
pub(super) async fn counts(State(payments): State<Payments>) -> Result<Json<Counts>, Refusal> {
    Ok(Json(payments.counts().await?))
}

/// Walk along the chain of the journal.
#[utoipa::path(get, path = "/payments/verify", tag = "payments",
    responses((status = OK, body = Verified)))]
pub(super) async fn verify(State(payments): State<Payments>) -> Result<Json<Verified>, Refusal> {
    Ok(Json(payments.verify().await?))
}
