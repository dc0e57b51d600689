//! Bad input: a clear error, the documented status, nothing started.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::hub_process::{HubProcess, complaint, portique, run};

/// Asserts that the arguments are refused with this status and these words, before anything starts.
#[track_caller]
fn check_refused(args: &[&str], status: i32, words: &[&str]) {
    let output = run(args);
    let said = complaint(&output);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{args:?} should say {word:?}: {said}");
    }
    assert!(output.stdout.is_empty(), "{args:?} has no result");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_unknown_configuration_key_is_refused_with_its_line_and_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("p.toml"), folder.path().join("data"));
    fs::write(&file, "# mine\nlisen = '127.0.0.1:0'\nstop_grace_s = -1\n").unwrap();
    let place = format!("{}:2: unknown key \"lisen\"", file.display());
    check_refused(
        &["up", "--config", text(&file), "--data", text(&data)],
        2,
        &[
            &place,
            "did you mean \"listen\"?",
            ":3: stop_grace_s = -1 is out of range",
        ],
    );
    assert!(!data.exists(), "nothing was started");
}

#[test]
fn a_port_in_use_is_refused_with_the_way_out() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    check_refused(
        &["up", "--ephemeral", "--listen", &address],
        7,
        &[&address, "--listen"],
    );
    check_refused(
        &[
            "up",
            "--ephemeral",
            "--listen",
            "127.0.0.1:0",
            "--grpc-listen",
            &address,
        ],
        7,
        &[&address, "--grpc-listen"],
    );
}

#[test]
fn a_data_folder_in_use_is_refused_with_the_holder() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    let pid = format!("process {}", hub.pid());
    let data = text(folder.path());
    check_refused(
        &["up", "--listen", "127.0.0.1:0", "--data", data],
        7,
        &[&pid, "--data"],
    );
    check_refused(&["journal", "verify", data], 7, &[&pid]);
    assert!(
        hub.stop(Signal::TERM).success(),
        "the holder was not disturbed"
    );
}

#[test]
fn an_address_that_others_reach_needs_consent() {
    check_refused(
        &["up", "--ephemeral", "--listen", "0.0.0.0:0"],
        2,
        &["0.0.0.0:0", "--allow-remote-without-tls"],
    );
    let hub = HubProcess::start_with(&[
        "--ephemeral",
        "--grpc-listen",
        "0.0.0.0:0",
        "--allow-remote-without-tls",
    ]);
    assert!(hub.stop(Signal::TERM).success());
}

#[test]
fn a_token_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    HubProcess::start(folder.path()).stop(Signal::TERM);
    let token = folder.path().join("commander.token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o640)).unwrap();
    check_refused(
        &[
            "up",
            "--listen",
            "127.0.0.1:0",
            "--data",
            text(folder.path()),
        ],
        1,
        &["commander.token", "chmod 600"],
    );
}

#[test]
fn a_corrupt_segment_is_refused_with_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    HubProcess::start(folder.path()).stop(Signal::TERM);
    let segment = segment(folder.path());
    let before = flip_a_byte(&segment, 4096 + 200);
    let data = text(folder.path());
    let words = [text(&segment), "byte 4096", "nothing was changed"];
    check_refused(
        &["up", "--listen", "127.0.0.1:0", "--data", data],
        5,
        &words,
    );
    check_refused(
        &["up", "--listen", "127.0.0.1:0", "--data", data],
        5,
        &["journal verify"],
    );
    check_refused(&["journal", "verify", data], 5, &words);
    assert_ne!(fs::read(&segment).unwrap(), before);
    fs::write(&segment, before).unwrap();
    assert!(
        HubProcess::start(folder.path())
            .stop(Signal::TERM)
            .success(),
        "mended, it starts"
    );
}

#[test]
fn a_number_that_is_none_is_refused_before_anything_is_sent() {
    let throttle = ["launch", "order", "a", "booster", "throttle", "--fraction"];
    let add = ["launch", "add", "a", "--time-factor"];
    let open = ["launch", "poll", "open", "a", "--deadline"];
    let from = ["launch", "telemetry", "a", "booster", "--from"];
    let to = ["launch", "telemetry", "a", "booster", "--to"];
    let arguments: [&[&str]; 5] = [&throttle, &add, &open, &from, &to];
    for argument in arguments {
        for number in ["nan", "inf", "ten"] {
            let words = [number, argument[argument.len() - 1], "finite number"];
            check_refused(&[argument, &[number]].concat(), 2, &words);
        }
    }
}

#[test]
fn a_file_too_large_for_a_hub_is_refused_with_size_and_limit() {
    let folder = tempfile::tempdir().unwrap();
    let flight = folder.path().join("flight.csv");
    fs::write(&flight, "x".repeat((850 << 10) + 1)).unwrap();
    let recording = ["--link", "replayed", "--recording", text(&flight)];
    check_refused(
        &[&["launch", "add", "a"], &recording[..]].concat(),
        2,
        &["flight.csv", "870401 bytes", "at most 870400"],
    );
}

#[test]
fn no_hub_and_no_token_have_statuses_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = format!("http://{unused}");
    let data = text(folder.path());
    check_refused(
        &["launch", "status", "--hub", &nowhere, "--data", data],
        4,
        &["no hub answers", "portique up"],
    );
    check_refused(
        &["launch", "status", "--hub", "ftp://x"],
        2,
        &["no hub address"],
    );

    let hub = HubProcess::start_with(&["--ephemeral"]);
    let go = ["launch", "go", "demo", "--hub", &hub.http, "--data", data];
    check_refused(&go, 6, &["--token-file", "PORTIQUE_TOKEN"]);
    let output = portique(&go)
        .env("PORTIQUE_TOKEN", "0".repeat(64))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", complaint(&output));
    assert!(
        complaint(&output).contains("not the hub's"),
        "{}",
        complaint(&output)
    );
}

#[test]
fn the_token_of_a_folder_is_shown_to_its_own_hub_only() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(folder.path());
    let data = text(folder.path());
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", stranger.local_addr().unwrap());
    let heard = std::thread::spawn(move || overhear(&stranger));
    let go = ["launch", "go", "demo", "--data", data, "--hub", &elsewhere];
    assert!(!run(&go).status.success());
    let heard = heard.join().unwrap();
    assert!(heard.starts_with("POST"), "{heard}");
    assert!(!heard.contains(&hub.token()), "{heard}");

    // Its own hub knows the token, although the environment names a proxy; the rocket is unknown.
    let own = ["launch", "go", "demo", "--data", data, "--hub", &hub.http];
    let output = portique(&own)
        .env("http_proxy", &elsewhere)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", complaint(&output));
}

/// One request as it arrives, answered with a refusal.
fn overhear(listener: &TcpListener) -> String {
    let (mut visitor, _) = listener.accept().unwrap();
    let mut heard = vec![0; 4096];
    let bytes = visitor.read(&mut heard).unwrap();
    let refusal = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    visitor.write_all(refusal.as_bytes()).unwrap();
    heard.truncate(bytes);
    String::from_utf8(heard).unwrap()
}

fn segment(data: &Path) -> PathBuf {
    let files = fs::read_dir(data.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let numbered = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with('0');
    files
        .filter(numbered)
        .min()
        .expect("a hub writes a segment at its first start")
}

/// Returns what the file held before.
fn flip_a_byte(path: &Path, offset: usize) -> Vec<u8> {
    let before = fs::read(path).unwrap();
    let mut bytes = before.clone();
    bytes[offset] ^= 0x10;
    fs::write(path, bytes).unwrap();
    before
}
