//! Targets that mean no good: each costs what its limits say, is named, and harms nobody else.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::target::{Answer, Target, bytes};
use super::{PATIENCE, statics};
use crate::intake::{Wishes, with_hub_as, with_hub_scraping, without_own_figures};
use portique::TelemetryConfig;

const TEXT: &str = "content-type: text/plain; version=0.0.4\r\n";
/// Head of an answer without an end.
const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n\r\n";

/// Has a target asked by the rules of a job until what is wrong with it is said; `up` is 0 then.
async fn is_down(answer: Answer, more: &str, said: &str) {
    let target = Target::start(answer).await;
    let config = statics(&target, more);
    with_hub_scraping(&config, async |place| {
        let found = place.target_saying(said).await;
        assert_eq!(found["health"], "down", "{found}");
        place.wait_for("up == 0", PATIENCE).await;
        // Whoever does better is asked again.
        target.say(Answer::text("better 1\n"));
        place.wait_for("better and on() up == 1", PATIENCE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_target_times_out() {
    is_down(Answer::Hang(Vec::new()), "", "no whole answer within 500ms").await;
    is_down(
        Answer::Hang(OPEN.to_vec()),
        "",
        "no whole answer within 500ms",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_never_ends_is_cut() {
    let endless = Answer::Endless(OPEN.to_vec(), b"a 1\n".repeat(10_000));
    let more = "    body_size_limit: 1MB\n    scrape_interval: 5s\n    scrape_timeout: 5s\n";
    is_down(
        endless,
        more,
        "body size limit exceeded: more than 1048576 bytes",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_bomb_is_not_unfolded() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![b'#'; 1 << 20]).unwrap();
    }
    let headers = format!("{TEXT}content-encoding: gzip\r\n");
    let bomb = Answer::of("200 OK", &headers, &bomb.finish().unwrap());
    is_down(bomb, "", "the decompressed body takes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_wrong_types_are_named() {
    let garbage: Vec<u8> = (0..4096_u32)
        .map(|i| (i.wrapping_mul(193) % 251) as u8)
        .collect();
    is_down(Answer::of("200 OK", TEXT, &garbage), "", "line 1:").await;
    let html = Answer::of("200 OK", "content-type: text/html\r\n", b"<html>");
    is_down(html, "", "received unsupported Content-Type \"text/html\"").await;
    let headers = format!("{TEXT}content-encoding: gzip\r\n");
    is_down(Answer::of("200 OK", &headers, b"a 1\n"), "", "not gzip").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_in_a_circle_end() {
    let circle = Answer::of("302 Found", "location: /again\r\n", b"");
    is_down(circle, "", "redirects more than 10 times").await;
    let away = Answer::of("302 Found", "location: /again\r\n", b"");
    is_down(
        away,
        "    follow_redirects: false\n",
        "HTTP status 302 Found",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_series_with_every_answer_are_refused_by_the_jobs_limit() {
    let bomb = Answer::Made(|number| {
        let lines: String = (0..200)
            .map(|i| format!("bomb{{id=\"{number}-{i}\"}} 1\n"))
            .collect();
        bytes("200 OK", TEXT, lines.as_bytes())
    });
    is_down(bomb, "    sample_limit: 100\n", "sample_limit exceeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_series_with_every_answer_are_refused_by_the_store() {
    let bomb = Answer::Made(|number| {
        let lines: String = (0..200)
            .map(|i| format!("bomb{{id=\"{number}-{i}\"}} 1\n"))
            .collect();
        bytes("200 OK", TEXT, lines.as_bytes())
    });
    let target = Target::start(bomb).await;
    let wishes = Wishes {
        prometheus_file: Some(statics(&target, "")),
        telemetry: TelemetryConfig {
            series_max: Some(150),
            ..without_own_figures()
        },
        ..Wishes::default()
    };
    with_hub_as(wishes, async |place| {
        let found = place.target_saying("the store has its 150 series").await;
        assert!(
            found["rejections"]["too_many_series"].as_u64().unwrap() > 0,
            "{found}"
        );
        let series = place.wait_for("count({__name__!=\"\"})", PATIENCE).await;
        assert!(series[0].1.parse::<u32>().unwrap() <= 150, "{series:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_and_repeated_samples_keep_no_good_one_out() {
    let long = "x".repeat(2 << 20);
    let body = format!("good 1\nbad{{ 2\ngood 2\nlong{{v=\"{long}\"}} 1\nalso_good 3\n");
    let target = Target::start(Answer::text(&body)).await;
    with_hub_scraping(&statics(&target, ""), async |place| {
        place
            .wait_for(
                "good == 1 and on() also_good == 3 and on() up == 1",
                PATIENCE,
            )
            .await;
        let found = place.target_saying("line 2:").await;
        assert!(found["rejected"].as_u64().unwrap() >= 3, "{found}");
        for reason in ["syntax", "line_too_long", "repeated"] {
            assert!(found["rejections"][reason].is_u64(), "{reason} in {found}");
        }
    })
    .await;
}
