use reqwest::header;

use super::Visitor;
use crate::api_rig::with_hub;

#[tokio::test]
async fn every_path_below_it_is_a_page_with_a_strict_policy() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        for path in ["/console/", "/console/launch/alpha", "/console/a%2Fb?q=1"] {
            let page = visitor.get(path).send().await.unwrap();
            assert_eq!(page.status(), 200, "{path}");
            let headers = page.headers().clone();
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none';"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
            assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
            assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
            assert!(page.text().await.unwrap().contains("<title>Portique"));
        }
        for path in ["/", "/console"] {
            let moved = visitor.get(path).send().await.unwrap();
            assert_eq!(moved.headers()[header::LOCATION], "/console/", "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_but_the_consoles_own_files_is_served() {
    with_hub(async |rig| {
        let visitor = Visitor::of(&rig);
        let gone = visitor.get("/console/assets/index-0000.js").send();
        assert_eq!(gone.await.unwrap().status(), 404);
        for path in [
            "/console/%2e%2e/commander.token",
            "/console/..%2f..%2fCargo.toml",
            "/console//etc/passwd",
            "/console/assets%2f..%2f..%2fcommander.token",
        ] {
            let answer = visitor.get(path).send().await.unwrap();
            let text = answer.text().await.unwrap();
            assert!(
                text.contains("<title>Portique") || text.contains("not_found"),
                "{path}: {text}"
            );
            assert!(!text.contains(rig.commander_token()), "{path}");
        }
    })
    .await;
}
