use std::path::Path;

use serde_json::Value;

use super::Visitor;
use crate::api_rig::with_hub;

/// What the console's types are made of.
const DOCUMENT: &str = "../web/openapi.json";

/// With `UPDATE_EXPECT=1` the document is written as it is served.
#[tokio::test]
async fn the_console_is_built_for_the_api_that_is_served() {
    with_hub(async |rig| {
        let asked = Visitor::of(&rig).get("/api/v1/openapi.json");
        let served: Value = asked.send().await.unwrap().json().await.unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let text = serde_json::to_string_pretty(&served).unwrap();
            std::fs::write(&path, text + "\n").unwrap();
            return;
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert!(
            kept == served,
            "web/openapi.json is not what the hub serves: UPDATE_EXPECT=1 keeps what it serves, \
             then `make console` says what the console has to do about it"
        );
    })
    .await;
}
