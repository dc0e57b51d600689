//! Payments over HTTP: one router, documented for OpenAPI, mounted by the front door.
//!
//! Failures leave here as a [`Report`](portique_fault::Report) in the response's extensions; the front door renders it, so
//! that every error of the hub looks alike. Who may call what is the front door's business too.

mod accounts;
mod body;
mod figures;
mod files;
mod refusal;
mod statements;
mod transactions;
mod work;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use accounts::{AccountPage, AccountView, ChangedAccounts, NewAccount};
pub use body::BODY_BYTES_MAX;
pub use figures::TrialLine;
pub use refusal::Refusal;

use crate::service::Payments;

/// The routes of payments, below `/api/v1`.
pub fn router(payments: Payments) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(accounts::list, accounts::open))
        .routes(routes!(accounts::show))
        .routes(routes!(accounts::set_status))
        .routes(routes!(accounts::set_overdraft))
        .routes(routes!(statements::statement))
        .routes(routes!(statements::reconcile))
        .routes(routes!(transactions::search, transactions::accept))
        .routes(routes!(transactions::show))
        .routes(routes!(files::take))
        .routes(routes!(files::show))
        .routes(routes!(figures::trial_balance))
        .routes(routes!(figures::counts))
        .routes(routes!(figures::verify))
        .routes(routes!(work::inject))
        .routes(routes!(work::post))
        .routes(routes!(work::journal))
        .with_state(payments)
}
