//! Programs that push their own samples over gRPC.

use std::time::Duration;

use portique::{Data, TelemetryConfig};
use portique_client::proto::telemetry::v1 as pb;
use portique_client::proto::telemetry::v1::telemetry_client::TelemetryClient;
use portique_client::{
    BucketSpan, Client, ClientOptions, Error, Exemplar, Histogram, HistogramSample, Push, Sample,
    Telemetry,
};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_stream::iter;
use tonic::Request;
use tonic::transport::Channel;

use crate::grpc_client::Running;
use crate::in_process::config;
use crate::intake::{Place, now_ms, with_hub, with_hub_of};

/// What is not there by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

async fn client(place: &Place, token: &str) -> Telemetry {
    let url = format!("http://{}", place.grpc);
    let client = Client::connect(ClientOptions::new(url, token))
        .await
        .unwrap();
    client.telemetry()
}

fn sample(telemetry: &Telemetry, metric: &str, job: &str, value: f64) -> Sample {
    let series = telemetry
        .series(&[("job", job), ("__name__", metric)])
        .unwrap();
    Sample {
        series,
        timestamp_ms: now_ms(),
        value,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_samples_are_durable_when_answered_and_read_at_once() {
    with_hub(async |place| {
        let telemetry = client(&place, &place.token).await;
        let mut pushing = JoinSet::new();
        // Of one moment, as two values at one time would be one too many.
        let began_ms = now_ms() - 1000;
        for round in 0..50 {
            let telemetry = telemetry.clone();
            pushing.spawn(async move {
                let job = format!("j{}", round % 5);
                let mut sample = sample(&telemetry, "pushed", &job, f64::from(round));
                sample.timestamp_ms = began_ms + i64::from(round);
                telemetry.push(&[sample]).await.unwrap()
            });
        }
        let pushed = pushing.join_all().await;
        assert_eq!(pushed.iter().map(|pushed| pushed.samples).sum::<u64>(), 50);
        assert_eq!(place.query("pushed").await.len(), 5);
        assert_eq!(
            place.query("sum(count_over_time(pushed[5m]))").await[0].1,
            "50"
        );
        let account = place.account("push").await;
        assert_eq!(
            (&account["accepted"], &account["refused"]),
            (&json!(50), &json!({}))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_push_is_refused_with_its_reason_and_the_rest_is_taken() {
    let limits = TelemetryConfig {
        series_per_metric_max: Some(10),
        ..TelemetryConfig::default()
    };
    with_hub_of(limits, async |place| {
        let telemetry = client(&place, &place.token).await;
        let nameless = Sample {
            series: telemetry.series(&[("job", "a")]).unwrap(),
            timestamp_ms: now_ms(),
            value: 1.0,
        };
        let good = sample(&telemetry, "good", "a", 2.0);
        let pushed = telemetry.push(&[nameless, good]).await.unwrap();
        assert_eq!((pushed.samples, pushed.refused), (1, 1));
        assert!(pushed.complaint.contains("no label __name__"), "{pushed:?}");
        let bomb: Vec<Sample> = (0..50)
            .map(|n| sample(&telemetry, "bomb", &n.to_string(), 1.0))
            .collect();
        let pushed = telemetry.push(&bomb).await.unwrap();
        assert_eq!((pushed.samples, pushed.refused), (10, 40));
        assert!(pushed.complaint.contains("has its 10 series"), "{pushed:?}");
        let again = sample(&telemetry, "bomb", "3", 2.0);
        let later = Sample {
            timestamp_ms: again.timestamp_ms + 1,
            ..again
        };
        assert_eq!(
            telemetry.push(&[later]).await.unwrap().samples,
            1,
            "a known series goes on"
        );
        let owned = sample(&telemetry, "launch_engines_failed", "a", 9.0);
        let pushed = telemetry.push(&[owned]).await.unwrap();
        assert_eq!((pushed.samples, pushed.refused), (0, 1));
        assert!(
            pushed.complaint.contains("belong to a system"),
            "{pushed:?}"
        );
        let account = place.account("push").await;
        assert_eq!(account["refused"]["reserved_name"], 1, "{account}");
        assert_eq!(account["refused"]["too_many_series"], 40, "{account}");
        let too_many = vec![again; 20_001];
        let refused = telemetry.push(&too_many).await.unwrap_err();
        assert!(
            matches!(refused, Error::TooMuch { max: 20_000, .. }),
            "{refused}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pushes_without_a_token() {
    with_hub(async |place| {
        let telemetry = client(&place, "wrong").await;
        let refused = telemetry
            .push(&[sample(&telemetry, "up", "a", 1.0)])
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("this token is not the hub's"),
            "{refused}"
        );
        let telemetry = client(&place, &place.commander).await;
        telemetry
            .push(&[sample(&telemetry, "up", "a", 1.0)])
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_break_the_contract_end_the_stream_and_say_why() {
    with_hub(async |place| {
        let url = format!("http://{}", place.grpc);
        let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
        let series = pb::Series { labels: vec![1, 2] };
        let samples = |series: Vec<u32>, values: Vec<f64>| pb::Samples {
            time_unix_ms: now_ms(),
            series,
            values,
        };
        let told = pb::PushBatch {
            batch: 1,
            texts: vec!["__name__".into(), "raw".into()],
            series: vec![series.clone()],
            samples: vec![samples(vec![0], vec![1.0])],
            ..pb::PushBatch::default()
        };
        for (wrong, expected) in [
            (samples(vec![7], vec![1.0]), "series 7 was not sent"),
            (samples(vec![0, 0], vec![1.0]), "2 series for 1 values"),
        ] {
            let wrong = pb::PushBatch {
                batch: 2,
                samples: vec![wrong],
                ..pb::PushBatch::default()
            };
            let mut request = Request::new(iter([told.clone(), wrong]));
            let bearer = format!("Bearer {}", place.token).parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
            let mut client = TelemetryClient::new(channel.clone());
            let mut answers = client.push(request).await.unwrap().into_inner();
            let first = answers.message().await.unwrap().unwrap();
            let outcome = first.answers[0].outcome.clone().unwrap();
            let pb::push_answer::Outcome::Taken(taken) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!((first.answers[0].batch, taken.samples), (1, 1));
            let status = answers.message().await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::InvalidArgument);
            assert!(status.message().contains(expected), "{status}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histograms_and_exemplars_are_pushed_and_a_bad_one_is_refused_alone() {
    with_hub(async |place| {
        let url = format!("http://{}", place.grpc);
        let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
        let now_ms = now_ms();
        let histogram = |time_unix_ms: i64, counts: Vec<f64>| pb::HistogramSample {
            series: 0,
            time_unix_ms,
            histogram: Some(pb::Histogram {
                count: 3.0,
                sum: 4.5,
                positive_spans: vec![pb::BucketSpan {
                    offset: 0,
                    length: 2,
                }],
                positive_counts: counts,
                ..pb::Histogram::default()
            }),
        };
        let exemplar = |labels: Vec<u32>| pb::Exemplar {
            series: 0,
            time_unix_ms: now_ms,
            value: 1.5,
            labels,
        };
        let texts = ["__name__", "took", "trace", "abc"];
        let long = "x".repeat(200);
        let pushed = pb::PushBatch {
            batch: 1,
            texts: texts.map(str::to_owned).into_iter().chain([long]).collect(),
            series: vec![pb::Series { labels: vec![1, 2] }],
            // The second has a span that its counts do not fill.
            histograms: vec![
                histogram(now_ms, vec![1.0, 2.0]),
                histogram(now_ms + 1, vec![1.0]),
            ],
            exemplars: vec![exemplar(vec![3, 4]), exemplar(vec![3, 5])],
            ..pb::PushBatch::default()
        };
        let mut request = Request::new(iter([pushed]));
        let bearer = format!("Bearer {}", place.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        let mut client = TelemetryClient::new(channel);
        let mut answers = client.push(request).await.unwrap().into_inner();
        let first = answers.message().await.unwrap().unwrap();
        let outcome = first.answers[0].outcome.clone().unwrap();
        let pb::push_answer::Outcome::Taken(taken) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(taken.samples, 1, "{taken:?}");
        assert_eq!(taken.refused["bad_histogram"], 1, "{taken:?}");
        assert_eq!(taken.refused["bad_labels"], 1, "{taken:?}");
        assert!(taken.complaint.contains("205 characters"), "{taken:?}");
        assert_eq!(place.query("histogram_count(took)").await[0].1, "3");
        let found = place.telemetry("query_exemplars?query=took").await;
        let exemplars = found["data"][0]["exemplars"].as_array().unwrap();
        assert_eq!(exemplars.len(), 1, "{found}");
        assert_eq!(exemplars[0]["labels"]["trace"], "abc", "{found}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_pushes_histograms_and_exemplars_beside_numbers() {
    with_hub(async |place| {
        let telemetry = client(&place, &place.token).await;
        let number = sample(&telemetry, "requests", "a", 3.0);
        let series = telemetry
            .series(&[("__name__", "took_seconds"), ("job", "a")])
            .unwrap();
        let spans = vec![BucketSpan {
            offset: 0,
            length: 2,
        }];
        let histogram = |after_ms: i64, counts: Vec<f64>| HistogramSample {
            series,
            timestamp_ms: number.timestamp_ms + after_ms,
            histogram: Histogram {
                count: counts.iter().sum(),
                sum: 4.5,
                positive_spans: spans.clone(),
                positive_counts: counts,
                ..Histogram::default()
            },
        };
        let exemplar = |trace: &str| Exemplar {
            series,
            timestamp_ms: number.timestamp_ms,
            value: 1.5,
            labels: vec![("trace".into(), trace.into())],
        };
        let pushed = telemetry
            .push_all(Push {
                samples: vec![number],
                // The second has a span that its counts do not fill.
                histograms: vec![histogram(0, vec![1.0, 2.0]), histogram(1, vec![1.0])],
                exemplars: vec![exemplar("abc"), exemplar(&"x".repeat(200))],
            })
            .await
            .unwrap();
        assert_eq!((pushed.samples, pushed.refused), (2, 2), "{pushed:?}");
        assert!(pushed.complaint.contains("205 characters"), "{pushed:?}");
        let count = place.query("histogram_count(took_seconds)").await;
        assert_eq!(count[0].1, "3");
        assert_eq!(place.query("requests").await[0].1, "3");
        let found = place.telemetry("query_exemplars?query=took_seconds").await;
        let exemplars = found["data"][0]["exemplars"].as_array().unwrap();
        assert_eq!(exemplars.len(), 1, "{found}");
        assert_eq!(exemplars[0]["labels"]["trace"], "abc", "{found}");
        let again = histogram(0, vec![1.0, 2.0]);
        let push = Push {
            histograms: vec![again, histogram(2, vec![2.0, 2.0])],
            ..Push::default()
        };
        let pushed = telemetry.push_all(push).await.unwrap();
        assert_eq!((pushed.samples, pushed.refused), (2, 0), "taken once");
        let count = place.query("histogram_count(took_seconds)").await;
        assert_eq!(count[0].1, "4");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_tells_a_restarted_hub_of_its_series_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::Folder(folder.path().into());
    let hub = Running::start(config(data.clone())).await;
    let client = hub.client(folder.path()).await;
    let telemetry = client.telemetry();
    let before = sample(&telemetry, "kept", "a", 1.0);
    assert_eq!(telemetry.push(&[before]).await.unwrap().samples, 1);
    let again = portique::Config {
        grpc_listen: hub.address,
        ..config(data)
    };
    hub.stop().await;
    let pushing = {
        let telemetry = telemetry.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let after = Sample {
                timestamp_ms: before.timestamp_ms + 1,
                ..before
            };
            telemetry.push(&[before, after]).await
        });
        tasks
    };
    let hub = Running::start(again).await;
    let pushed = tokio::time::timeout(PATIENCE, pushing.join_all())
        .await
        .unwrap();
    let pushed = pushed.into_iter().next().unwrap().unwrap();
    assert_eq!(
        (pushed.samples, pushed.refused),
        (2, 0),
        "what is known is taken once"
    );
    drop((client, telemetry));
    hub.stop().await;
}
