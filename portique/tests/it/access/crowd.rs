//! However many watch without a sign-in, who has to act gets in.

use portique::{Config, Data};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use super::{Place, with_hub};
use crate::api_rig::config;

/// The fewest that can be asked for, and half of them.
const CONNECTIONS_MAX: usize = 64;
const PUBLIC_MAX: usize = CONNECTIONS_MAX / 2;
/// What anybody may watch, and what anybody may read where reads are open.
const STREAMS: [&str; 2] = ["/api/v1/webcast/live", "/api/v1/launch/live"];

async fn ask(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_public_crowds_out_nobody_who_is_signed_in() {
    let config = Config {
        connections_max: Some(CONNECTIONS_MAX),
        ..config(Data::Ephemeral)
    };
    with_hub(config, async |place: Place| {
        let person = place.user("alice", &["viewer"]).await;
        let mut crowd = Vec::new();
        for _ in 0..PUBLIC_MAX {
            let viewer = ask(place.ask(Method::GET, STREAMS[0])).await;
            assert_eq!(viewer.status(), 200);
            crowd.push(viewer);
        }
        for path in STREAMS {
            let stream = || place.ask(Method::GET, path);
            let refused = ask(stream()).await;
            assert_eq!(refused.status(), 429, "{path}");
            assert!(refused.headers().contains_key(RETRY_AFTER), "{path}");
            let problem: Value = refused.json().await.unwrap();
            assert_eq!(problem["code"], "resource_exhausted", "{path}");
            let wrong = ask(stream().bearer_auth("made up")).await;
            assert_eq!(wrong.status(), 429, "{path}");
            for known in [
                stream().bearer_auth(&place.commander),
                person.with(stream()),
            ] {
                assert_eq!(ask(known).await.status(), 200, "{path}");
            }
        }
        let page = ask(place.ask(Method::GET, "/api/v1/webcast")).await;
        assert_eq!(page.status(), 200, "what is answered at once has no crowd");
        crowd.pop();
        let comes_in = async {
            while ask(place.ask(Method::GET, STREAMS[0])).await.status() != 200 {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        let came = tokio::time::timeout(limit, comes_in).await;
        came.expect("a place that is left is given to the next");
    })
    .await;
}
