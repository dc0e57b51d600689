use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use portique_fault::Code;

use super::problem;

/// Longer than the hub waits for a module's answer, shorter than the command line waits for the
/// hub's. An event stream begins its answer at once, so it is not concerned.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Gives up requests whose answer does not begin in time, whoever is slow: the visitor with the
/// body, or the hub.
pub(super) async fn limit_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        problem::refuse(
            Code::DeadlineExceeded,
            format!(
                "not answered within {} s, and it may or may not have been done: read the state \
                 before asking again",
                ANSWER_TIMEOUT.as_secs()
            ),
        )
    })
}
