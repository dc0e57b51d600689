use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use portique_fault::Code;

use super::problem;
use crate::api::{LONG_POLLS, WAIT_MAX};
use crate::{prometheus, telemetry};

/// Longer than the hub waits for a module's answer, shorter than the command line waits for the
/// hub's. An event stream begins its answer at once, so it is not concerned; a long poll may wait as
/// long as it says before this begins to count; reads of telemetry have a deadline of their own.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Gives up requests whose answer does not begin in time, whoever is slow: the visitor with the
/// body, or the hub.
pub(super) async fn limit_time<F: Future<Output = Response>>(
    limit: Duration,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let has_own = |route: &MatchedPath| {
        prometheus::OWN_DEADLINES.contains(&route.as_str())
            || telemetry::OWN_DEADLINES.contains(&route.as_str())
    };
    if route.is_some_and(has_own) {
        return next(request).await;
    }
    let may_wait = route.is_some_and(|route| LONG_POLLS.contains(&route.as_str()));
    let limit = if may_wait { limit + WAIT_MAX } else { limit };
    let answered = tokio::time::timeout(limit, next(request)).await;
    answered.unwrap_or_else(|_| {
        problem::refuse(
            Code::DeadlineExceeded,
            format!(
                "not answered within {} s, and it may or may not have been done: read the state \
                 before asking again",
                limit.as_secs_f64()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::middleware::Next;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tokio::net::TcpListener;

    use super::*;

    async fn pass(State(limit): State<Duration>, request: Request, next: Next) -> Response {
        let in_time = |request| limit_time(limit, request, |request| next.run(request));
        problem::render(request, in_time).await
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_a_problem() {
        let limit = Duration::from_millis(50);
        let router = Router::new()
            .route("/slow", get(std::future::pending::<()>))
            .layer(middleware::from_fn_with_state(limit, pass));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/slow", listener.local_addr().unwrap());
        let response = tokio::select! {
            served = axum::serve(listener, router) => panic!("the server ended: {served:?}"),
            response = reqwest::get(url) => response.unwrap(),
        };
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        let problem: super::super::ProblemDetails = response.json().await.unwrap();
        assert_eq!(problem.code, "deadline_exceeded");
        assert!(problem.detail.contains("0.05 s"), "{}", problem.detail);
    }
}
