//! `kill -9` of a hub under load, again and again, with workers that are processes and are killed
//! too: no job that was acknowledged is lost, and none is completed twice under one token.

mod clients;
mod http;
mod hub;
mod record;
mod worker;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Random, Seeded};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use clients::{Clients, Named};
use hub::MortalHub;
use record::Record;
use workers::{CREW, Workplace};

/// Kills when `PORTIQUE_KILLS` does not say otherwise.
const KILLS_DEFAULT: u64 = 20;
/// Kills of one data folder, before it is worked off, checked, and a new one begins.
const KILLS_PER_FOLDER: u64 = 100;
/// Names the run; `PORTIQUE_SEED` gives another one.
const SEED_DEFAULT: u64 = 0x0070_6f72_7469_7175;
/// Answers after which the kill comes, at most; none is a kill as soon as the hub is ready.
const ANSWERS_MAX: u64 = 60;
/// One kill of so many comes while the hub starts.
const KILLS_PER_KILL_AT_START: u64 = 8;
/// A hub that is alive answers well within this, and one without load is soon worked off.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hub's data, in the folder of a run.
const DATA: &str = "data";
/// Where all jobs go.
const QUEUE: &str = "work";

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_no_job_is_lost_and_none_is_completed_twice() {
    let kills = from_environment("PORTIQUE_KILLS", KILLS_DEFAULT);
    let seed = from_environment("PORTIQUE_SEED", SEED_DEFAULT);
    println!("PORTIQUE_SEED={seed} PORTIQUE_KILLS={kills}");
    let mut random = Seeded::new(seed);
    let mut left = kills;
    let (mut enqueued, mut completed, mut workers) = (0, 0, 0);
    while left > 0 {
        let round = left.min(KILLS_PER_FOLDER);
        let record = one_folder(&mut random, round).await;
        enqueued += record.enqueued.len();
        completed += record.completed.len();
        workers += record.worker_lives;
        left -= round;
    }
    println!(
        "{enqueued} jobs acknowledged and {completed} completions over {kills} kills of the hub and \
         {workers} of workers"
    );
    assert!(
        completed > 0,
        "no run lived long enough to complete anything"
    );
}

/// One life of a data folder: load and kills, then work off what is left, then check.
async fn one_folder(random: &mut Seeded, kills: u64) -> Record {
    let mut hub = MortalHub::start().await;
    let clients = Arc::new(Clients::new(&hub));
    define(&clients).await;
    let mut enqueuers = JoinSet::new();
    let workplace = Arc::new(Workplace::new(&hub, clients.clone()));
    let mut workers = JoinSet::new();
    for named in [Named::Requests, Named::Jobs, Named::Nothing] {
        let random = Seeded::new(random.next_u64());
        enqueuers.spawn(clients.clone().enqueue(named, random));
    }
    for (n, kind) in CREW.into_iter().enumerate() {
        let random = Seeded::new(random.next_u64());
        workers.spawn(workplace.clone().employ(kind, n, random));
    }
    for _ in 0..kills {
        let target = clients.answers() + random.below(ANSWERS_MAX);
        let is_alive = timeout(PATIENCE, clients.answered(target)).await;
        assert!(is_alive.is_ok(), "the hub answers nobody");
        // Somewhere within the next request, differently each time.
        (0..random.below(200_000)).for_each(|n| _ = std::hint::black_box(n));
        let is_at_start = random.below(KILLS_PER_KILL_AT_START) == 0;
        hub.kill_and_start(is_at_start.then(|| random.below(2_000_000)))
            .await;
        clients.is_up(hub.generation);
    }
    clients.stop_enqueuing();
    finish(&mut enqueuers).await;
    let queue = worked_off(&clients).await;
    workplace.close();
    let lives = finish(&mut workers).await;
    let mut record = clients.take_record();
    record.worker_lives = lives.iter().sum();
    check(&clients, &record, &queue).await;
    let folder = hub.stop().await;
    record.audit(&folder.path().join(DATA));
    record
}

/// Lost leases and failures are part of the trial; only people may give a job up.
async fn define(clients: &Clients) {
    let options = json!({
        "lease_s": 1.0, "losses_max": 100, "finished_max": 1_000_000,
        "retry": { "attempts": 1000, "first_s": 0.01, "max_s": 0.05 },
    });
    clients.put(&format!("/queues/{QUEUE}"), &options).await;
}

/// Waits until nothing is left to do.
async fn worked_off(clients: &Clients) -> Value {
    let look = async {
        let mut looks = interval(Duration::from_millis(50));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let queue = clients.get(&format!("/queues/{QUEUE}")).await;
            let counts = queue["counts"].as_object().unwrap();
            let left = counts.iter().filter(|(state, _)| *state != "finished");
            if left.map(|(_, jobs)| jobs.as_u64().unwrap()).sum::<u64>() == 0 {
                return queue;
            }
        }
    };
    timeout(PATIENCE, look)
        .await
        .expect("the queue is never worked off")
}

/// What visitors see: everything that was acknowledged is completed, once.
async fn check(clients: &Clients, record: &Record, queue: &Value) {
    let completed = clients.completed_jobs().await;
    for id in &record.enqueued {
        assert!(
            completed.contains(id),
            "job {id} was acknowledged and is lost"
        );
    }
    for (id, token) in &record.completed {
        assert!(
            completed.contains(id),
            "job {id} was completed under {token} and is forgotten"
        );
    }
    let totals = &queue["totals"];
    assert_eq!(totals["completed"], completed.len(), "each once: {queue}");
    assert_eq!(totals["enqueued"], completed.len(), "each once: {queue}");
    let (least, most) = (
        record.enqueued.len(),
        record.enqueued.len() + record.doubtful,
    );
    assert!(
        (least..=most).contains(&completed.len()),
        "{} jobs, but {least} to {most} were asked for: {queue}",
        completed.len()
    );
}

async fn finish<T: 'static>(tasks: &mut JoinSet<T>) -> Vec<T> {
    let all = async {
        let mut ends = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            ends.push(ended.unwrap());
        }
        ends
    };
    timeout(PATIENCE, all).await.expect("a client never ends")
}

fn from_environment(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().expect("a whole number"))
}
