//! A followed stream ends when what opened it opens nothing any more.

use std::time::Duration;

use async_trait::async_trait;
use portique_client::{Client, ClientOptions, Handler, Job, JobError, Worker};
use portique_jobs::{Payload, QueueName};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;
use tokio::time::timeout;

use super::{Person, Place, answer, with_closed_hub};

/// Looks are two seconds apart; a loaded machine gets this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// What anybody may read who holds the permission, for as long as they like.
const STREAM: &str = "/api/v1/launch/live";

/// Follows a stream that is open.
async fn follow(request: RequestBuilder) -> Response {
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.chunk().await.unwrap().is_some(), "it has begun");
    stream
}

async fn ends(mut stream: Response, why: &str) {
    let end = async { while stream.chunk().await.unwrap().is_some() {} };
    let ended = timeout(PATIENCE, end).await;
    ended.unwrap_or_else(|_| panic!("the stream goes on: {why}"));
}

/// A token of a person's, and its path.
async fn token(place: &Place, person: &Person, scope: &str) -> (String, String) {
    let request = place.ask(Method::POST, "/api/v1/access/tokens");
    let request = request.json(&json!({ "scopes": [scope] }));
    let made = answer(person.with(request), Some(201)).await;
    let path = format!("/api/v1/access/tokens/{}", made["id"].as_str().unwrap());
    (made["token"].as_str().unwrap().to_owned(), path)
}

#[tokio::test]
async fn a_followed_stream_ends_with_the_token_the_session_and_the_user() {
    with_closed_hub(async |place| {
        let alice = place.user("alice", &["operator"]).await;
        let bob = place.user("bob", &["operator"]).await;
        let carol = place.user("carol", &["operator"]).await;
        let stream = || place.ask(Method::GET, STREAM);
        let (secret, path) = token(&place, &alice, "launch:read").await;

        let by_token = follow(stream().bearer_auth(&secret)).await;
        let by_session = follow(bob.with(stream())).await;
        let by_user = follow(carol.with(stream())).await;
        let mut untouched = follow(alice.with(stream())).await;

        answer(alice.with(place.ask(Method::DELETE, &path)), Some(204)).await;
        ends(by_token, "its token was revoked").await;
        answer(
            bob.with(place.ask(Method::DELETE, "/api/v1/session")),
            Some(200),
        )
        .await;
        ends(by_session, "its session is over").await;
        let disabled = json!({ "disabled": true });
        let path = "/api/v1/access/users/carol/disabled";
        place.commander(Method::PUT, path, disabled).await;
        ends(by_user, "its user may not any more").await;
        let more = timeout(PATIENCE, untouched.chunk()).await;
        let more = more.expect("an open stream says that it is alive").unwrap();
        assert!(more.is_some(), "nobody else's stream ends");
    })
    .await;
}

/// Does nothing, as nothing is asked of it.
struct Idle;

#[async_trait]
impl Handler for Idle {
    async fn handle(&self, _job: Job) -> Result<Option<Payload>, JobError> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_worker_is_refused_in_the_middle_of_its_stream() {
    with_closed_hub(async |place| {
        let alice = place.user("alice", &["operator"]).await;
        let (secret, path) = token(&place, &alice, "jobs:write").await;
        let options = ClientOptions::new(place.grpc.clone(), secret);
        let client = Client::connect(options).await.unwrap();
        let mut connection = client.connection();
        let worker = Worker::builder(client, QueueName::new("letters").unwrap());
        let worker = worker.handler(Idle).unwrap();
        let working = worker.run(std::future::pending());
        let revoke = async {
            let reached = connection.wait_for(|at| *at == portique_client::Connection::Reached);
            reached.await.unwrap();
            let revoked = alice.with(place.ask(Method::DELETE, &path));
            answer(revoked, Some(204)).await
        };
        let both = async { tokio::join!(working, revoke).0 };
        let ended = timeout(PATIENCE, both).await.expect("the worker ends");
        let refused = ended.unwrap_err().to_string();
        assert!(refused.contains("refuses the worker"), "{refused}");
    })
    .await;
}
