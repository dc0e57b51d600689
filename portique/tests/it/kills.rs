//! `kill -9` at any moment loses no acknowledged record, and nothing is read that was not written.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Stdio;

use portique_clock::{Random, Seeded};
use portique_journal::{Entry, FolderDisk, Sequence};

use crate::hub_process::portique;

/// Kills when `PORTIQUE_KILLS` does not say otherwise.
const KILLS_DEFAULT: u64 = 50;
/// Kills of one journal, before a new one begins: checking it costs what it holds.
const KILLS_PER_JOURNAL: u64 = 10;
/// Acknowledgements after which the kill comes, at most; none is a kill while the journal opens.
const ACKNOWLEDGED_MAX: u64 = 150;
/// Names the run; `PORTIQUE_SEED` gives another one.
const SEED_DEFAULT: u64 = 0x0070_6f72_7469_7175;

/// Sequence and checksum of everything that was acknowledged.
type Acknowledged = BTreeMap<u64, u64>;

#[test]
fn killed_at_any_moment_no_acknowledged_record_is_lost() {
    let kills = from_environment("PORTIQUE_KILLS", KILLS_DEFAULT);
    let seed = from_environment("PORTIQUE_SEED", SEED_DEFAULT);
    println!("PORTIQUE_SEED={seed} PORTIQUE_KILLS={kills}");
    let mut random = Seeded::new(seed);
    let mut folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::new();
    let mut total = 0;
    for kill in 0..kills {
        if kill % KILLS_PER_JOURNAL == 0 {
            folder = tempfile::tempdir().unwrap();
            total += acknowledged.len();
            acknowledged.clear();
        }
        write_until_killed(folder.path(), &mut random, &mut acknowledged);
        check(folder.path(), &acknowledged, kill);
    }
    total += acknowledged.len();
    println!("{total} acknowledged records over {kills} kills");
    assert!(
        total > 0,
        "no run lived long enough to acknowledge anything"
    );
}

/// Lets the binary append, kills it after a random number of acknowledgements, and keeps all that
/// it had time to say.
fn write_until_killed(folder: &Path, random: &mut Seeded, acknowledged: &mut Acknowledged) {
    let seed = random.next_u64().to_string();
    let until = random.below(ACKNOWLEDGED_MAX);
    let mut command = portique(&[
        "journal",
        "torture",
        folder.to_str().unwrap(),
        "--seed",
        &seed,
    ]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..until {
        match lines.next() {
            Some(line) => keep(&line.unwrap(), acknowledged),
            None => panic!("it ended by itself: {:?}", child.wait()),
        }
    }
    // Somewhere within the next write, differently each time.
    (0..random.below(200_000)).for_each(|n| _ = std::hint::black_box(n));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        keep(&line.unwrap(), acknowledged);
    }
}

/// A line is `SEQUENCE CHECKSUM`; the last may be cut short, which is no acknowledgement.
fn keep(line: &str, acknowledged: &mut Acknowledged) {
    if let Some((sequence, sum)) = line.split_once(' ')
        && sum.len() == 16
    {
        let sum = u64::from_str_radix(sum, 16).unwrap();
        acknowledged.insert(sequence.parse().unwrap(), sum);
    }
}

#[track_caller]
fn check(folder: &Path, acknowledged: &Acknowledged, kill: u64) {
    let mut read = Acknowledged::new();
    let mut sink = |entry: Entry| {
        let (sum, body) = entry
            .body
            .split_first_chunk::<8>()
            .expect("a record of the test");
        let sum = u64::from_le_bytes(*sum);
        assert_eq!(
            checksum(body),
            sum,
            "kill {kill}: record {} is foreign",
            entry.sequence
        );
        read.insert(entry.sequence.0, sum);
        ControlFlow::Continue(())
    };
    let disk = FolderDisk::open(folder).unwrap();
    portique_journal::dump(&disk, Sequence::FIRST, &mut sink).unwrap();
    let last = read.len() as u64;
    assert!(
        read.keys().copied().eq(1..=last),
        "kill {kill}: there are gaps"
    );
    for (sequence, sum) in acknowledged {
        assert_eq!(
            read.get(sequence),
            Some(sum),
            "kill {kill}: record {sequence} is lost"
        );
    }
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn from_environment(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().expect("a whole number"))
}
