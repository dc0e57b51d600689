//! Targets that are asked: good ones, hostile ones, and those that come and go.

mod hostile;
pub(crate) mod target;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::intake::{Place, with_hub_scraping};
use crate::notify_mail::certificate;
use target::{Answer, Target};

/// Targets are asked twice a second; a busy machine takes longer, and an answer may come too late now and then.
const PATIENCE: Duration = Duration::from_secs(60);

/// A configuration with one job, asked twice a second.
fn job(more: &str) -> String {
    format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n  - job_name: j\n{more}"
    )
}

fn statics(target: &Target, more: &str) -> String {
    let address = target.address;
    job(&format!(
        "    static_configs: [{{targets: ['{address}']}}]\n{more}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_targets_answer_can_be_queried_and_goes_stale_with_them() {
    let target = Target::start(Answer::text(
        "# TYPE a counter\n# HELP a Things.\na{x=\"1\"} 7\n",
    ))
    .await;
    let config = statics(
        &target,
        "    relabel_configs: [{target_label: env, replacement: test}]\n",
    );
    with_hub_scraping(&config, async |place| {
        place.wait_for("up == 1", PATIENCE).await;
        let found = place.wait_for("a", PATIENCE).await;
        let expected = serde_json::json!({
            "env": "test", "instance": target.address.to_string(), "job": "j", "x": "1",
        });
        assert_eq!(found, [(expected, "7".to_owned())]);
        place
            .wait_for("scrape_samples_scraped == 1", PATIENCE)
            .await;
        until("metadata", async || {
            let metadata = place.telemetry("targets/metadata?metric=a").await;
            (metadata["data"][0]["help"] == "Things.").then_some(())
        })
        .await;
        assert_eq!(target.header("accept-encoding").as_deref(), Some("gzip"));
        assert!(
            target
                .header("accept")
                .is_some_and(|accept| accept.contains("openmetrics"))
        );
        target.say(Answer::text("b 1\n"));
        place.wait_for("b", PATIENCE).await;
        place.wait_for("absent(a)", PATIENCE).await;
        target.say(Answer::status(503));
        place.wait_for("up == 0 and on() absent(b)", PATIENCE).await;
        let down = place.target_saying("503 Service Unavailable").await;
        assert_eq!(down["health"], "down", "{down}");
        until("the figure of targets that are down", async || {
            let figures = place.metrics().await;
            figures
                .contains("portique_scrape_targets_down 1")
                .then_some(())
        })
        .await;
        let config = place.telemetry("status/config").await;
        assert!(
            config["data"]["yaml"]
                .as_str()
                .unwrap()
                .contains("job_name: j"),
            "{config}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_cannot_say_what_a_system_measures() {
    let answer = Answer::text("launch_engines_failed 9\nengines 9\n");
    let target = Target::start(answer).await;
    with_hub_scraping(&statics(&target, ""), async |place| {
        place.wait_for("engines", PATIENCE).await;
        until("what was refused", async || {
            let target = place.target().await;
            let said = target["lastRejection"].as_str().unwrap_or_default();
            said.contains("belong to a system").then_some(())
        })
        .await;
        assert!(place.query("launch_engines_failed").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_of_files_and_addresses_come_and_go() {
    let one = Target::start(Answer::text("one 1\n")).await;
    let two = Target::start(Answer::text("two 2\n")).await;
    let list = |target: &Target| format!("[{{\"targets\": [\"{}\"]}}]", target.address);
    let served = Target::start(Answer::json("[]")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("targets.json");
    write(&file, &list(&one));
    let config = job(&format!(
        "    file_sd_configs: [{{files: ['{}'], refresh_interval: 100ms}}]\n    http_sd_configs: \
         [{{url: 'http://{}/', refresh_interval: 100ms}}]\n",
        file.display(),
        served.address,
    ));
    with_hub_scraping(&config, async |place| {
        place.wait_for("one", PATIENCE).await;
        served.say(Answer::json(&list(&two)));
        place.wait_for("two", PATIENCE).await;
        // What cannot be read leaves what was good.
        served.say(Answer::status(500));
        write(&file, "[{\"targets\": [");
        let warnings = place.wait_for_warnings(2).await;
        assert!(
            warnings
                .iter()
                .any(|w| w.contains("500 Internal Server Error")),
            "{warnings:?}"
        );
        assert!(
            warnings.iter().any(|w| w.contains("targets.json:1:")),
            "{warnings:?}"
        );
        place.wait_for("count(up == 1) == 2", PATIENCE).await;
        write(&file, "[]");
        place.wait_for("absent(one)", PATIENCE).await;
        served.say(Answer::json("[]"));
        place.wait_for("absent(up)", PATIENCE).await;
    })
    .await;
}

fn write(path: &Path, text: &str) {
    // Whole or not at all, as those who write such files do.
    let next = path.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(&next, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_a_certificate_is_asked_by_whom_it_convinces() {
    let target = Target::start_tls(Answer::text("a 1\n")).await;
    let (address, certificate) = (target.address, certificate().display().to_string());
    let jobs = [
        ("trusting", format!("ca_file: '{certificate}'")),
        ("careless", "insecure_skip_verify: true".to_owned()),
        ("strict", "{}".to_owned()),
        (
            "elsewhere",
            format!("ca_file: '{certificate}', server_name: elsewhere.example"),
        ),
    ];
    let jobs = jobs.map(|(name, tls)| {
        let tls = tls.trim_matches(['{', '}']);
        format!(
            "  - {{job_name: {name}, scheme: https, tls_config: {{{tls}}}, \
             static_configs: [{{targets: ['{address}']}}]}}\n"
        )
    });
    let config = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n{}",
        jobs.concat()
    );
    with_hub_scraping(&config, async |place| {
        for job in ["trusting", "careless"] {
            let up = format!("up{{job='{job}'}} == 1 and on (job) a == 1");
            place.wait_for(&up, PATIENCE).await;
        }
        for job in ["strict", "elsewhere"] {
            let down = format!("up{{job='{job}'}} == 0");
            place.wait_for(&down, PATIENCE).await;
        }
        until("why nobody is convinced", async || {
            let targets = place.telemetry("targets").await;
            let targets = targets["data"]["activeTargets"].as_array()?.clone();
            let said = |job: &str| {
                let mut of_job = targets.iter().filter(|t| t["labels"]["job"] == job);
                of_job.next()?["lastError"].as_str().map(str::to_owned)
            };
            let reasons = [said("strict")?, said("elsewhere")?];
            let all = reasons.iter().all(|why| why.contains("certificate"));
            all.then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_relabelled_and_targets_dropped_as_the_rules_say() {
    let target = Target::start(Answer::text("keep 1\ndrop_me 2\n")).await;
    let address = target.address;
    let config = job(&format!(
        "    static_configs: [{{targets: ['{address}', 'nobody:1'], labels: {{zone: z}}}}]\n    \
         relabel_configs:\n      - {{source_labels: [__address__], regex: nobody.*, action: drop}}\n    \
         metric_relabel_configs:\n      - {{source_labels: [__name__], regex: drop_.*, action: drop}}\n"
    ));
    with_hub_scraping(&config, async |place| {
        place.wait_for("keep{zone=\"z\"}", PATIENCE).await;
        assert!(place.query("drop_me").await.is_empty());
        place
            .wait_for("scrape_samples_post_metric_relabeling == 1", PATIENCE)
            .await;
        let all = place.telemetry("targets").await;
        let dropped = &all["data"]["droppedTargets"][0]["discoveredLabels"];
        assert_eq!(dropped["__address__"], "nobody:1", "{all}");
        assert_eq!(all["data"]["droppedTargetCounts"]["j"], 1);
        let pools = place.telemetry("scrape_pools").await;
        assert_eq!(pools["data"]["scrapePools"], serde_json::json!(["j"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_good_file_and_refuses_a_bad_one() {
    let one = Target::start(Answer::text("one 1\n")).await;
    let two = Target::start(Answer::text("two 2\n")).await;
    with_hub_scraping(&statics(&one, ""), async |place| {
        place.wait_for("one", PATIENCE).await;
        write(&place.prometheus_file, "scrape_config: []\n");
        let refused = place.command("/prometheus/-/reload").send().await.unwrap();
        assert!(!refused.status().is_success());
        let said = refused.text().await.unwrap();
        assert!(said.contains("prometheus.yml:1"), "{said}");
        assert!(said.contains("scrape_configs"), "{said}");
        place.wait_for("one", PATIENCE).await;
        write(&place.prometheus_file, &statics(&two, ""));
        let taken = place.command("/prometheus/-/reload").send().await.unwrap();
        assert!(taken.status().is_success(), "{taken:?}");
        place.wait_for("two and on() absent(one)", PATIENCE).await;
        place.wait_for("count(up) == 1", PATIENCE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_are_shown_who_asks_and_strangers_are_not() {
    let stranger = Target::start(Answer::text("strange 1\n")).await;
    let target = Target::start(Answer::text("a 1\n")).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    write(&secret, "sesame\n");
    let more = format!(
        "    basic_auth: {{username: u, password_file: '{}'}}\n    http_headers: {{x-scope: {{values: \
         [one]}}}}\n    params: {{module: [m]}}\n",
        secret.display()
    );
    with_hub_scraping(&statics(&target, &more), async |place| {
        place.wait_for("a", PATIENCE).await;
        // `u:sesame` in base 64.
        let shown = target.header("authorization");
        assert_eq!(shown.as_deref(), Some("Basic dTpzZXNhbWU="));
        assert_eq!(target.header("x-scope").as_deref(), Some("one"));
        assert_eq!(target.path(), "/metrics?module=m");
        let to = format!("location: http://{}/elsewhere\r\n", stranger.address);
        target.say(Answer::of("302 Found", &to, b""));
        place.wait_for("strange", PATIENCE).await;
        assert_eq!(stranger.path(), "/elsewhere");
        assert_eq!(stranger.header("authorization"), None);
        assert_eq!(stranger.header("x-scope"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_targets() {
    let target = Target::start(Answer::text("a 1\nbad{ 2\n")).await;
    let address = target.address;
    let config = job(&format!(
        "    static_configs: [{{targets: ['{address}', '127.0.0.1:1']}}]\n"
    ));
    with_hub_scraping(&config, async |place| {
        place.wait_for("a and on() up == 0", PATIENCE).await;
        let hub = format!("http://{}", place.http);
        let list = async |more: &'static [&'static str]| {
            let hub = hub.clone();
            let listed = tokio::task::spawn_blocking(move || {
                let arguments = [&["targets", "--hub", &hub], more].concat();
                crate::hub_process::run(&arguments)
            });
            let listed = listed.await.unwrap();
            assert!(listed.status.success(), "{listed:?}");
            String::from_utf8(listed.stdout).unwrap()
        };
        until("a list with what was left out", async || {
            let all = list(&[]).await;
            all.contains("left out, the last: line 2:").then_some(())
        })
        .await;
        until("a list of those that are down", async || {
            let down = list(&["--down"]).await;
            let is_there = down.contains("cannot be reached: Connection refused");
            (is_there && !down.contains(&address.to_string())).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_mistakes_starts_no_hub() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prometheus.yml");
    write(
        &file,
        "scrape_configs:\n  - job_name: a\n    consul_sd_configs: []\nalerting: {}\n",
    );
    let config = folder.path().join("hub.toml");
    write(
        &config,
        &format!("[prometheus]\nfile = {:?}\n", file.display().to_string()),
    );
    let output = crate::hub_process::run(&[
        "up",
        "--ephemeral",
        "--listen",
        "127.0.0.1:0",
        "--config",
        config.to_str().unwrap(),
    ]);
    let said = crate::hub_process::complaint(&output);
    assert!(!output.status.success());
    assert!(said.contains("prometheus.yml:3"), "{said}");
    assert!(
        said.contains("consul_sd_configs is not supported"),
        "{said}"
    );
    assert!(said.contains("prometheus.yml:4"), "{said}");
    assert!(said.contains("notifications"), "{said}");
}

/// Looks until there is something.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "no {what}");
    }
}

impl Place {
    /// The only target.
    async fn target(&self) -> Value {
        let all = self.telemetry("targets?state=active").await;
        all["data"]["activeTargets"][0].clone()
    }

    /// The only target, once its last error holds a text.
    async fn target_saying(&self, text: &str) -> Value {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            ticks.tick().await;
            let target = self.target().await;
            let said = ["lastError", "lastRejection"].map(|key| target[key].as_str().unwrap_or(""));
            if said.iter().any(|said| said.contains(text)) {
                return target;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "no {text:?} in {target}"
            );
        }
    }

    /// What is wrong with discovery, once so much is.
    async fn wait_for_warnings(&self, count: usize) -> Vec<String> {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            ticks.tick().await;
            let all = self.telemetry("targets").await;
            let warnings = all["warnings"].as_array().cloned().unwrap_or_default();
            if warnings.len() >= count {
                return warnings.iter().map(ToString::to_string).collect();
            }
            assert!(tokio::time::Instant::now() < deadline, "{all}");
        }
    }
}
