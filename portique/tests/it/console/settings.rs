use portique::Data;
use reqwest::Method;
use serde_json::Value;

use crate::api_rig::{config, with_hub_of};

/// What somebody might write into the configuration and want nobody to see.
const SECRETS: [&str; 2] = ["s3cret", "t0ken"];

/// The value of a key, as it is told.
fn value<'a>(view: &'a Value, key: &str) -> &'a Value {
    let settings = view["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["key"] == key);
    &found.unwrap_or_else(|| panic!("{key} is not told"))["value"]
}

#[tokio::test]
async fn the_configuration_is_told_to_the_commander_and_has_no_secret_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(Data::Folder(folder.path().to_path_buf()));
    let url = format!(
        "https://ann:{}@alerts.test/x?key={}",
        SECRETS[0], SECRETS[1]
    );
    config.notifications.external_url = Some(url);
    with_hub_of(config, async |rig| {
        let path = "/settings";
        let anonymous = rig.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(anonymous.status(), 401);
        let service = rig.service(Method::GET, path).send().await.unwrap();
        assert_eq!(service.status(), 403);
        let answer = rig.commander(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        let mut secrets: Vec<String> = SECRETS.map(String::from).to_vec();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "token") {
                secrets.push(std::fs::read_to_string(path).unwrap().trim().to_owned());
            }
        }
        assert!(
            secrets.len() > SECRETS.len() + 1,
            "the tokens were looked for"
        );
        for secret in secrets {
            assert!(!text.contains(&secret), "a secret is told: {text}");
        }
        let view: Value = serde_json::from_str(&text).unwrap();
        let listen = value(&view, "listen").as_str().unwrap();
        assert!(listen.starts_with("127.0.0.1:"), "{listen}");
        let folder = folder.path().display().to_string();
        assert_eq!(value(&view, "data"), folder.as_str());
        assert_eq!(value(&view, "stop_grace_s"), "10");
        // Also what nobody said has its value.
        assert_eq!(value(&view, "telemetry.series_max"), "2000000");
        assert_eq!(value(&view, "telemetry.retain_age_s"), &Value::Null);
        let url = value(&view, "notifications.external_url");
        assert_eq!(url, "https://alerts.test/x");
        let settings = view["settings"].as_array().unwrap();
        assert!(settings.iter().all(|one| one["origin"] == "default"));
    })
    .await;
}
