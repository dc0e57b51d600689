//! What jobs keep of the journal, and what becomes of them when the disk is short or damaged.

use std::sync::Arc;
use std::time::Duration;

use portique_broker::Config;
use portique_jobs::{Error, JobOptions, JobState, Payload, Settled};
use portique_journal::{FolderDisk, Retention, SimulatedDisk};

use crate::jobs::{bodies, claim, complete, job, jobs_of};
use crate::rig::{Rig, journal_config};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn disk() -> Arc<SimulatedDisk> {
    Arc::new(SimulatedDisk::new(1, 1 << 30))
}

/// A journal of which 128 KiB are kept.
fn small_segments() -> portique_journal::Config {
    portique_journal::Config {
        segment_bytes: 64 * 1024,
        frame_bytes_max: 32 * 1024,
        queue_bytes_max: 256 * 1024,
        retention: Retention {
            bytes: Some(128 * 1024),
            age: None,
        },
        ..journal_config()
    }
}

#[tokio::test]
async fn a_few_old_jobs_are_carried_forward_and_the_journal_is_trimmed() {
    let config = Config {
        checkpoint_records: 50,
        job_tail_bytes_max: 1_000,
        ..Config::default()
    };
    let disk = disk();
    let mut rig = Rig::open_with(disk.clone(), config, small_segments()).await;
    let jobs = rig.broker().jobs();
    let mut later = job("later");
    later.options = JobOptions {
        run_at: Some(rig.now().plus(DAY)),
        ..JobOptions::default()
    };
    let enqueued = jobs.enqueue(vec![later]).await.unwrap();
    for _ in 0..60 {
        jobs.enqueue(jobs_of(20)).await.unwrap();
        let claimed = claim(&*jobs, 20).await;
        complete(&*jobs, claimed.iter().map(|job| job.lease)).await;
        rig.advance(Duration::ZERO).await;
    }
    assert!(
        rig.journal().first().0 > enqueued[0].id.0,
        "the first segment is gone: {:?}",
        rig.broker().retained()
    );
    drop(jobs);
    rig.kill(&disk).await;
    let jobs = rig.broker().jobs();
    assert!(claim(&*jobs, 1).await.is_empty());
    rig.advance(DAY).await;
    let claimed = claim(&*jobs, 1).await;
    assert_eq!(bodies(&claimed), ["later"]);
    assert_eq!(claimed[0].lease.id, enqueued[0].id, "under the id it had");
}

#[tokio::test]
async fn a_backlog_is_kept_however_old() {
    let config = Config {
        checkpoint_records: 50,
        job_tail_bytes_max: 1_000,
        ..Config::default()
    };
    let mut rig = Rig::open_with(disk(), config, small_segments()).await;
    let jobs = rig.broker().jobs();
    for batch in jobs_of(3_000).chunks(30) {
        jobs.enqueue(batch.to_vec()).await.unwrap();
        rig.advance(Duration::ZERO).await;
    }
    drop(jobs);
    rig.restart().await;
    let jobs = rig.broker().jobs();
    let mut seen = Vec::new();
    loop {
        let claimed = claim(&*jobs, 100).await;
        if claimed.is_empty() {
            break;
        }
        complete(&*jobs, claimed.iter().map(|job| job.lease)).await;
        seen.extend(bodies(&claimed));
        rig.advance(Duration::ZERO).await;
    }
    let expected: Vec<_> = (0..3_000).map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
    rig.advance(Duration::ZERO).await;
    assert!(rig.journal().first().0 > 1, "what was worked off is gone");
}

#[tokio::test]
async fn a_checkpoint_of_several_parts_is_restored_with_what_came_while_it_was_written() {
    const COUNT: usize = 6_000;
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FolderDisk::open(folder.path()).unwrap());
    let config = Config {
        checkpoint_records: 1_000,
        ..Config::default()
    };
    let mut rig = Rig::open_with(disk, config, journal_config()).await;
    let jobs = rig.broker().jobs();
    let late = |number: usize| {
        let mut job = job(&number.to_string());
        job.options.run_at = Some(rig.now().plus(DAY));
        job.options.idempotency_key = Some(format!("key {number}"));
        job.options.group = Some(format!("group {number}").parse().unwrap());
        job
    };
    let batch: Vec<_> = (0..COUNT).map(late).collect();
    jobs.enqueue(batch.clone()).await.unwrap();
    let more = async {
        for number in 0..20 {
            jobs.enqueue(vec![job(&format!("more {number}"))])
                .await
                .unwrap();
        }
    };
    tokio::join!(rig.advance(Duration::ZERO), more);
    let before = jobs.queues().await.unwrap().remove(0).counts;
    drop(jobs);
    rig.restart().await;
    let jobs = rig.broker().jobs();
    let after = jobs.queues().await.unwrap().remove(0).counts;
    assert_eq!(after, before);
    assert_eq!((after.delayed, after.waiting), (COUNT as u64, 20));
    let again = jobs.enqueue(batch).await.unwrap();
    assert!(
        again.iter().all(|job| !job.is_new),
        "their keys are remembered"
    );
}

#[tokio::test]
async fn a_nearly_full_disk_takes_completions_and_no_new_jobs() {
    let disk = disk();
    let journal_config = portique_journal::Config {
        segment_bytes: 1024 * 1024,
        frame_bytes_max: 512 * 1024,
        queue_bytes_max: 1024 * 1024,
        reserve_bytes: 2 * 1024 * 1024,
        ..journal_config()
    };
    let rig = Rig::open_with(disk.clone(), Config::default(), journal_config).await;
    let jobs = rig.broker().jobs();
    jobs.enqueue(jobs_of(3)).await.unwrap();
    let held = claim(&*jobs, 1).await;
    let used: usize = disk.files().values().map(Vec::len).sum();
    // Less than the reserve, and enough for one more segment.
    disk.resize(used as u64 + 3 * 512 * 1024);
    let mut filler = job("");
    filler.payload = Payload::json(vec![b'7'; 300 * 1024]);
    let mut refused = None;
    for _ in 0..20 {
        if let Err(error) = jobs.enqueue(vec![filler.clone()]).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("the disk is nearly full");
    assert!(matches!(refused, Error::Exhausted { .. }), "{refused}");
    assert!(refused.to_string().contains("free space"), "{refused}");
    let settled = complete(&*jobs, [held[0].lease]).await;
    assert_eq!(settled, [Settled::Done]);
    let next = claim(&*jobs, 1).await;
    assert_eq!(bodies(&next), ["1"]);
    let released = jobs
        .release(&[next[0].lease], Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(released, [Settled::Done]);
}

#[tokio::test]
async fn a_job_whose_record_is_damaged_is_dead_and_blocks_nobody() {
    let config = Config {
        job_tail_bytes_max: 0,
        ..Config::default()
    };
    let disk = disk();
    let rig = Rig::open_with(disk.clone(), config, journal_config()).await;
    let jobs = rig.broker().jobs();
    let mut broken = job("");
    broken.payload = Payload::json(b"find me on the disk".to_vec());
    let enqueued = jobs.enqueue(vec![broken]).await.unwrap();
    // Far enough away that a reader can start behind it.
    let mut filler = job("");
    filler.payload = Payload::json(vec![b'7'; 600 * 1024]);
    jobs.enqueue(vec![filler]).await.unwrap();
    jobs.enqueue(jobs_of(1)).await.unwrap();
    jobs.enqueue(jobs_of(1)).await.unwrap();
    let files = disk.files();
    let place = files.iter().find_map(|(name, bytes)| {
        let text = b"find me on the disk";
        let at = bytes
            .windows(text.len())
            .position(|window| window == text)?;
        Some((name.clone(), at))
    });
    let (name, at) = place.expect("the payload is on the disk as it is");
    disk.flip(&name, at, 0);

    let mut served = Vec::new();
    loop {
        let claimed = claim(&*jobs, 1).await;
        if claimed.is_empty() {
            break;
        }
        complete(&*jobs, claimed.iter().map(|job| job.lease)).await;
        served.extend(bodies(&claimed));
    }
    assert!(!served.contains(&"find me on the disk".to_owned()));
    assert_eq!(
        served.last().map(String::as_str),
        Some("0"),
        "others are served"
    );
    let view = jobs.job(enqueued[0].id).await.unwrap();
    assert!(
        matches!(&view.state, JobState::Dead { reason, .. } if reason.contains("damaged")),
        "{view:?}"
    );
    assert_eq!(view.payload, None);
}
