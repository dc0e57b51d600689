//! The same routes where Prometheus has them, for clients that know no path before them.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::map_request;

use super::PREFIX;
use crate::notify;

/// Takes requests as if their path began with the prefix, but for those of Alertmanager's API.
pub(crate) fn at_root(router: Router) -> Router {
    Router::new()
        .fallback_service(router)
        .layer(map_request(below_prefix))
}

async fn below_prefix(mut request: Request) -> Request {
    if let Some(uri) = prefixed(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// None when there is no path, or a path that would be too long.
fn prefixed(uri: &Uri) -> Option<Uri> {
    if uri.path().starts_with(notify::ROOT) {
        return None;
    }
    let path = format!("{PREFIX}{}", uri.path_and_query()?);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_get_the_prefix_and_keep_their_query() {
        let uri: Uri = "/api/v1/query?query=a%2Bb".parse().unwrap();
        let expected = "/prometheus/api/v1/query?query=a%2Bb";
        assert_eq!(prefixed(&uri).unwrap().to_string(), expected);
        let alertmanager: Uri = "/api/v2/status".parse().unwrap();
        assert_eq!(prefixed(&alertmanager), None);
    }
}
