use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::response::Response;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

/// Ends event streams when the hub stops: their viewers never would, and the stop would wait.
pub(super) async fn end_with_the_hub<F: Future<Output = Response>>(
    stop: &CancellationToken,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let response = next(request).await;
    if !is_stream(&response) {
        return response;
    }
    response.map(|body| {
        Body::from_stream(
            body.into_data_stream()
                .take_until(stop.clone().cancelled_owned()),
        )
    })
}

/// Whether an answer goes on until somebody ends it.
pub(super) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}
