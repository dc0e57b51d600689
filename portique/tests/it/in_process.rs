//! Hubs in one process: nothing of a hub is global.

use std::path::PathBuf;
use std::time::Duration;

use portique::{Config, Data, Error, EventsConfig, Hub, LogConfig, LogFormat};
use tokio::sync::oneshot;

pub(crate) fn config(data: Data) -> Config {
    let any_port = "127.0.0.1:0".parse().unwrap();
    Config {
        listen: any_port,
        grpc_listen: any_port,
        prometheus_listen: None,
        connections_max: None,
        tls: portique::TlsConfig::default(),
        data,
        events: EventsConfig::default(),
        access: portique::AccessConfig::default(),
        telemetry: portique::TelemetryConfig::default(),
        rules: portique::RulesConfig::default(),
        payments: portique::PaymentsConfig::default(),
        pools: Vec::new(),
        notifications: portique::NotificationsConfig::default(),
        stop_grace: Duration::from_secs(10),
        log: LogConfig {
            format: LogFormat::Text,
            filter: "info".into(),
        },
        executable: PathBuf::from(env!("CARGO_BIN_EXE_portique")),
        origins: portique::Origins::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_run_in_one_process_and_stop_one_by_one() {
    let one = Hub::open(config(Data::Ephemeral)).await.unwrap();
    let other = Hub::open(config(Data::Ephemeral)).await.unwrap();
    let (one_url, other_url) = (url(&one), url(&other));
    let (stop_one, one_stopped) = oneshot::channel::<()>();
    let (stop_other, other_stopped) = oneshot::channel::<()>();
    let visit = async {
        for url in [&one_url, &other_url] {
            assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
        }
        stop_one.send(()).unwrap();
        assert_eq!(reqwest::get(&other_url).await.unwrap().status(), 200);
        stop_other.send(()).unwrap();
    };
    let (one, other, ()) = tokio::join!(
        one.run(async { one_stopped.await.unwrap() }),
        other.run(async { other_stopped.await.unwrap() }),
        visit,
    );
    one.unwrap();
    other.unwrap();
}

#[tokio::test]
async fn a_folder_is_held_until_its_hub_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::Folder(folder.path().to_path_buf());
    let hub = Hub::open(config(data.clone())).await.unwrap();
    let second = Hub::open(config(data.clone())).await.err();
    assert!(
        matches!(second, Some(Error::DataFolderLocked { .. })),
        "{second:?}"
    );
    hub.run(async {}).await.unwrap();
    Hub::open(config(data))
        .await
        .unwrap()
        .run(async {})
        .await
        .unwrap();
}

fn url(hub: &Hub) -> String {
    format!("http://{}/healthz", hub.addresses().http)
}
