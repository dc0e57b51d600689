use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, Version as Spoken, header};
use portique_client::Trust;
use serde_json::json;

use super::{Place, Version, client};

/// What is not said by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);
/// An alert of TLS, and that the version is none (RFC 5246, section 7.2).
const ALERT: u8 = 0x15;
const PROTOCOL_VERSION: u8 = 70;

fn connect(place: &Place) -> TcpStream {
    let address = place.hub.http.trim_start_matches("https://");
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The beginning of a handshake in TLS 1.1 (RFC 4346, section 7.4.1.2), in which nothing but the version is too old.
fn hello_of_tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session, ECDHE with ECDSA, no compression; then the curve and the signature that go with it.
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    hello.extend([0, 16, 0, 13, 0, 4, 0, 2, 4, 3, 0, 10, 0, 4, 0, 2, 0, 0x17]);
    let mut message = vec![1, 0, 0, u8::try_from(hello.len()).unwrap()];
    message.extend(hello);
    let mut record = vec![0x16, 3, 1, 0, u8::try_from(message.len()).unwrap()];
    record.extend(message);
    record
}

#[test]
fn tls_1_1_is_refused() {
    let place = Place::self_signed();
    let mut stream = connect(&place);
    stream.write_all(&hello_of_tls_1_1()).unwrap();
    let mut answer = Vec::new();
    // The hub ends the connection, or the test waits in vain.
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&ALERT), "{answer:?}");
    assert_eq!(answer.get(6), Some(&PROTOCOL_VERSION), "{answer:?}");
}

#[test]
fn plain_http_has_an_answer_and_an_end() {
    let place = Place::self_signed();
    let mut stream = connect(&place);
    let request = "POST /api/v1/session HTTP/1.1\r\nhost: hub\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("write https instead of http"), "{answer}");
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_and_answers_are_for_https_only() {
    let place = Place::self_signed();
    for (version, spoken) in [
        (Version::One, Spoken::HTTP_11),
        (Version::Two, Spoken::HTTP_2),
    ] {
        let answer = place.get("/healthz", version).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.version(), spoken);
        let strict = &answer.headers()[header::STRICT_TRANSPORT_SECURITY];
        assert_eq!(strict, "max-age=31536000");
    }
    let answer = place.get("/no/such/route", Version::Two).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(
        answer
            .headers()
            .contains_key(header::STRICT_TRANSPORT_SECURITY)
    );
}

#[tokio::test]
async fn a_session_over_tls_is_kept_from_all_else() {
    let place = Place::self_signed();
    let client = client(&Trust::Pinned(place.fingerprint()), Version::One);
    let body = json!({ "token": place.hub.token() }).to_string();
    let request = Request::post(format!("{}/api/v1/session", place.hub.http))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap();
    let answer = client.request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = answer.headers()[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(cookie.starts_with("__Host-portique_session_"), "{cookie}");
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie} lacks {attribute}");
    }
    let shown = cookie.split(';').next().unwrap();
    let request = Request::get(format!("{}/api/v1/session", place.hub.http))
        .header(header::COOKIE, shown)
        .body(Body::empty())
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let view = axum::body::to_bytes(Body::new(answer.into_body()), usize::MAX).await;
    let view = view.unwrap();
    let view: serde_json::Value = serde_json::from_slice(&view).unwrap();
    assert_eq!(view["role"], "commander", "{view}");
}
