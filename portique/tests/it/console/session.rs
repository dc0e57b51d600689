use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use super::{CSRF, SignedIn, Visitor, cookie_of};
use crate::api_rig::with_hub;

/// Wrong tokens within a minute, after which nobody signs in.
const TRIES_MAX: usize = 10;

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

fn with(signed_in: &SignedIn, request: RequestBuilder) -> RequestBuilder {
    request.header(header::COOKIE, &signed_in.cookie)
}

#[tokio::test]
async fn a_token_is_exchanged_for_a_cookie_that_opens_what_the_token_opens() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        let answer = visitor.try_token(rig.commander_token()).await;
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let cookie = cookie_of(&answer);
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let said = answer.text().await.unwrap();
        assert!(!said.contains(rig.commander_token()) && !cookie.contains(rig.commander_token()));

        let commander = visitor.sign_in(rig.commander_token()).await;
        let service = visitor.sign_in(rig.service_token()).await;
        for signed_in in [&commander, &service] {
            assert_eq!(
                status(with(signed_in, visitor.get("/api/v1/dead"))).await,
                200
            );
        }
        // What only the commander's token opens.
        assert_eq!(
            status(with(&commander, visitor.get("/api/v1/webhooks"))).await,
            200
        );
        assert_eq!(
            status(with(&service, visitor.get("/api/v1/webhooks"))).await,
            403
        );
        assert_eq!(status(visitor.get("/api/v1/dead")).await, 401);

        let whoami = with(&service, visitor.get("/api/v1/session"));
        let view: Value = whoami.send().await.unwrap().json().await.unwrap();
        assert_eq!(view["role"], "service");
        assert_eq!(view["csrf"], service.csrf.as_str());
        let nobody = visitor.get("/api/v1/session").send().await.unwrap();
        let view: Value = nobody.json().await.unwrap();
        assert_eq!(view, json!({ "role": "none" }));
    })
    .await;
}

#[tokio::test]
async fn a_change_needs_the_second_secret_of_the_same_session() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        let mine = visitor.sign_in(rig.commander_token()).await;
        let other = visitor.sign_in(rig.commander_token()).await;
        let add = || {
            let jobs = visitor.post("/api/v1/queues/mail/jobs");
            with(&mine, jobs).json(&json!({}))
        };
        assert_eq!(status(add()).await, 403);
        assert_eq!(status(add().header(CSRF, "")).await, 403);
        assert_eq!(status(add().header(CSRF, &other.csrf)).await, 403);
        let queues = rig.get("/queues").await;
        let names = queues
            .as_array()
            .unwrap()
            .iter()
            .map(|queue| &queue["name"]);
        assert!(names.into_iter().all(|name| name != "mail"), "{queues}");
        assert_eq!(status(add().header(CSRF, &mine.csrf)).await, 201);
        // A secret without its cookie is nothing, and a wrong token is not helped by a cookie.
        let bare = visitor.post("/api/v1/queues/mail/jobs").json(&json!({}));
        assert_eq!(status(bare.header(CSRF, &mine.csrf)).await, 401);
        let wrong = add().header(CSRF, &mine.csrf).bearer_auth("0".repeat(64));
        assert_eq!(status(wrong).await, 401);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_when_one_signs_out_and_is_never_the_visitors_choice() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        let first = visitor.sign_in(rig.commander_token()).await;
        let delete = || {
            let url = format!("{}/api/v1/session", visitor.root);
            with(&first, visitor.client.delete(url))
        };
        assert_eq!(status(delete()).await, 403);
        let gone = delete().header(CSRF, &first.csrf).send().await.unwrap();
        assert_eq!(gone.status(), 200);
        assert!(cookie_of(&gone).contains("Max-Age=0"));
        assert_eq!(status(with(&first, visitor.get("/api/v1/dead"))).await, 401);

        // An id that was planted before the sign-in is not taken over by it.
        let request = with(&first, visitor.post("/api/v1/session"));
        let again = request.json(&json!({ "token": rig.commander_token() }));
        let again = again.send().await.unwrap();
        let cookie = cookie_of(&again);
        assert_ne!(cookie.split(';').next().unwrap(), first.cookie);
        assert_eq!(status(with(&first, visitor.get("/api/v1/dead"))).await, 401);
    })
    .await;
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_then_shut_the_door() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        for _ in 0..TRIES_MAX {
            let refused = visitor.try_token(&"0".repeat(64)).await;
            assert_eq!(refused.status(), 401);
            assert!(!refused.headers().contains_key(header::SET_COOKIE));
        }
        let shut = visitor.try_token(rig.commander_token()).await;
        assert_eq!(shut.status(), 429);
        let problem: Value = shut.json().await.unwrap();
        let wait = problem["retry_after_s"].as_u64().unwrap();
        assert!((1..=60).contains(&wait), "{problem}");
        // Programs, which show the token itself, are not kept out.
        rig.get("/dead").await;
    })
    .await;
}
