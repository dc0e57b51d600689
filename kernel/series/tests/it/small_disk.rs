//! A real file system that is full, in a namespace of its own, as far as the machine allows that
//! without root.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portique_clock::{Clock, Seeded, WallClock};
use portique_fault::{Code, Fault, Retry};
use portique_series::{Config, Error, Store};

use crate::rig::{HOUR_MS, batch, floats, series};

/// Tells the inner test where its file system is.
const FOLDER: &str = "PORTIQUE_SMALL_DISK";
/// What the script says when it may not mount.
const NO_MOUNT: i32 = 77;
const SCRIPT: &str = "mount -t tmpfs -o size=64m,mode=700 tmpfs \"$0\" || exit 77; \
                      exec \"$1\" --exact small_disk::inside --ignored --nocapture";
/// Longer than a journal takes to notice that there is room.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_real_full_disk_refuses_appends_keeps_queries_and_takes_up_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT]);
    command.arg(folder.path());
    command.arg(std::env::current_exe().expect("the test's own program"));
    command.env(FOLDER, folder.path());
    let ran = match command.output() {
        Ok(ran) => ran,
        Err(error) => return println!("skipped: there is no unshare: {error}"),
    };
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let is_forbidden = ran.status.code() == Some(NO_MOUNT) || said.contains("unshare failed");
    if is_forbidden {
        return println!("skipped: no file system can be mounted here: {said}");
    }
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("1 passed"), "it did not run: {said}");
}

fn config() -> Config {
    Config {
        segment_bytes: 4 << 20,
        reserve_bytes: 8 << 20,
        ahead_max: None,
        ..Config::default()
    }
}

fn open(folder: &std::path::Path) -> Store {
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    Store::open(config(), folder, clock, &mut Seeded::new(3)).expect("a store")
}

#[test]
#[ignore = "runs on a file system that another test makes"]
fn inside() {
    let root = PathBuf::from(std::env::var_os(FOLDER).expect("its file system"));
    let store = open(&root.join("store"));
    let up = series("up", &[]);
    let value = |n: i64| (n as f64).sqrt();
    // Six hours, so that there is something to leave for blocks.
    let begun: Vec<_> = (0..360).map(|n| (n * 60_000, value(n))).collect();
    store.append(&batch(&up, &begun)).expect("there is room");
    fill(&root);
    let (mut taken, refused) = append_until_refused(&store, 6 * HOUR_MS);
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(matches!(refused.retry(), Retry::After(_)), "{refused:?}");
    assert!(store.figures().refuses.is_some());
    // Blocks find no room either; what they were to hold stays where it is.
    store.maintain().expect_err("no block fits");
    assert_eq!(floats(&store, &up, 0, 6 * HOUR_MS - 1).len(), 360);
    std::fs::remove_file(root.join("ballast")).expect("it is there");
    let deadline = Instant::now() + PATIENCE;
    let last = series("last", &[]);
    while let Err(error) = store.append(&batch(&last, &[(1, 1.0)])) {
        assert!(
            Instant::now() < deadline,
            "it never took up again: {error:?}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
    taken += 360;
    assert_eq!(store.figures().refuses, None);
    drop(store);
    let store = open(&root.join("store"));
    assert!(
        floats(&store, &up, 0, i64::MAX).len() as i64 >= taken,
        "nothing acknowledged is lost"
    );
    assert_eq!(floats(&store, &last, 0, i64::MAX).len(), 1);
}

/// Takes all room that is left.
fn fill(root: &std::path::Path) {
    let mut ballast = File::create(root.join("ballast")).expect("a file");
    let zeros = vec![0; 64 << 10];
    while ballast.write_all(&zeros).is_ok() {}
}

/// How many samples were taken, and why no more are.
fn append_until_refused(store: &Store, from_ms: i64) -> (i64, Error) {
    let up = series("up", &[]);
    let mut taken = 0;
    loop {
        let samples: Vec<_> = (taken..taken + 20_000)
            .map(|n| (from_ms + n, (n as f64).sqrt()))
            .collect();
        match store.append(&batch(&up, &samples)) {
            Ok(appended) => taken += appended.samples as i64,
            Err(error) => return (taken, error),
        }
        assert!(taken < 20_000_000, "the disk never filled");
    }
}
