//! The how-to page, followed.

use serde_json::json;

use super::ground::{Ground, count};
use crate::pages::Page;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_followed() {
    let page = Page::open("scale-workers.md");
    let mut ground = Ground::bare("pictures");
    ground.run(&page.commands("Write a pool"));
    ground.start_hub();

    let script = page.commands("See workers come and go");
    let (look, rest) = script.split_once("seq 40").unwrap();
    let listed = ground.run(look);
    assert!(
        listed.contains("pictures  pictures  sh    automatic  0"),
        "{listed}"
    );
    let (queue, history) = rest.split_once("portique scale history").unwrap();
    let explained = ground.run(&format!("seq 40{queue}"));
    assert!(explained.contains("jobs wait"), "{explained}");
    ground.until(|pool| count(pool, "ready") == 4).await;
    ground.until_queue(|counts| counts["finished"] == 40).await;
    ground.until(|pool| pool["workers"] == json!([])).await;
    let told = ground.run(&format!("portique scale history{history}"));
    assert!(told.contains("goes from 0 up to"), "{told}");
    assert!(told.contains("fleet.pictures.decided"), "{told}");

    let script = page.commands("Decide yourself");
    let decided = ground.run(&script);
    assert!(
        decided.contains("pictures: a person decides: 2 workers"),
        "{decided}"
    );
    assert!(decided.contains("manual 2"), "{decided}");
    assert!(
        decided.contains("pictures: its backlog decides"),
        "{decided}"
    );
}
