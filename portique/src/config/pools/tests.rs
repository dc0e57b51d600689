use std::path::Path;

use super::super::raw::RawConfig;
use super::*;

fn read(text: &str) -> (Vec<PoolConfig>, String) {
    let mut problems = Vec::new();
    let raw = RawConfig::parse(Path::new("/etc/hub/p.toml"), text, &mut problems);
    let pools = resolve(&raw.pools, PaymentWorkers::Pools, &mut problems);
    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
    (pools, problems.join("\n"))
}

#[track_caller]
fn refused(keys: &str, said: &str) {
    let (pools, problems) = read(&format!(
        "[[pools]]\nname = 'a'\nqueue = 'q'\nprogram = ['true']\n{keys}\n"
    ));
    assert!(problems.contains(said), "{keys}: {problems:?}");
    assert!(problems.starts_with("/etc/hub/p.toml:"), "{problems}");
    assert!(pools.len() <= 1);
}

#[test]
fn a_pool_is_read_with_its_policy() {
    let (pools, problems) = read(
        "[[pools]]\nname = 'thumbnails'\nqueue = 'pictures.small'\nprogram = ['python3', 'thumbnail.py']\n\
         min = 1\nmax = 4\nslots = 2\ncatch_up_s = 0.5\nwait_objective_s = 2\nutilisation = 0.8\n\
         stabilisation_s = 20\ncooldown_s = 30\nservice_prior_s = 0.1\nstart_prior_s = 0.2\nblind = 2\n\
         downstream_jobs_per_s = 50\nmemory_bytes = 268435456\ncpus = 0.5\ntimeout_s = 20\ndrain_s = 40\n\
         [[pools]]\nname = 'post'\nqueue = 'letters'\nprogram = ['post']\n",
    );
    assert_eq!(problems, "");
    let seconds = Duration::from_secs_f64;
    let words = ["python3", "thumbnail.py"].map(str::to_owned);
    let expected = PoolConfig {
        name: "thumbnails".into(),
        queue: QueueName::new("pictures.small").unwrap(),
        work: PoolWork::Program(words.into()),
        folder: "/etc/hub".into(),
        policy: Policy {
            min: 1,
            max: 4,
            slots: 2,
            catch_up: seconds(0.5),
            wait_objective: Some(seconds(2.0)),
            utilisation: 0.8,
            stabilisation: Some(seconds(20.0)),
            cooldown: seconds(30.0),
            service_prior: seconds(0.1),
            start_prior: seconds(0.2),
            blind: Some(2),
            downstream_jobs_per_second: Some(50.0),
        },
        memory_bytes: Some(268_435_456),
        cpus: Some(0.5),
        timeout: seconds(20.0),
        drain: seconds(40.0),
    };
    assert_eq!(pools[0], expected);
    assert_eq!(pools[1].queue.as_str(), "letters");
    assert_eq!(pools[1].policy, Policy::default());
    assert_eq!(pools[1].drain, DRAIN_DEFAULT);
}

#[test]
fn what_is_wrong_with_a_pool_is_said_with_its_place() {
    refused(
        "max = 0",
        "pools.max = 0 is out of range: write workers from 1 to 10000",
    );
    refused(
        "min = 9",
        "pools.min = 9 cannot be followed: write at most max",
    );
    refused("blind = 9", "pools.blind = 9 cannot be followed");
    refused("slots = 2.5", "pools.slots = 2.5 is no whole number");
    refused("drain_s = -1", "pools.drain_s = -1 is out of range");
    refused(
        "memory_bytes = 1000",
        "pools.memory_bytes = 1000 is out of range",
    );
    refused("cpus = nan", "pools.cpus = NaN is out of range");
    refused(
        "max_workers = 3",
        "unknown key \"pools.max_workers\": the keys of pools are name, queue",
    );
    refused("max = 'three'", "of the wrong kind");
    refused(
        "[[pools]]\nname = 'a'\nqueue = 'r'\nprogram = ['true']",
        "p.toml:5: two pools are called \"a\"",
    );
    refused(
        "[[pools]]\nname = 'b'\nqueue = 'q'\nprogram = ['true']",
        "both follow the queue q",
    );
}

#[test]
fn a_pool_without_name_queue_or_program_is_refused() {
    let said = |text: &str| read(&format!("[[pools]]\n{text}")).1;
    assert!(said("queue = 'q'\nprogram = ['true']").contains("a pool has no name"));
    assert!(said("name = 'A b'\nqueue = 'q'\nprogram = ['true']").contains("\"A b\" is no name"));
    assert!(said("name = 'a'\nprogram = ['true']").contains("a pool has no queue"));
    assert!(said("name = 'a'\nqueue = 'a b'\nprogram = ['true']").contains("\"a b\" is no queue"));
    assert!(said("name = 'a'\nqueue = 'q'").contains("write program"));
    assert!(said("name = 'a'\nqueue = 'q'\nprogram = ['']").contains("write program"));
    assert!(said("name = 'a'\nqueue = 'q'\nprogram = [\"a\\u0000b\"]").contains("write program"));
}

#[test]
fn a_built_in_worker_is_named_instead_of_a_program() {
    let (pools, problems) = read("[[pools]]\nname = 'post'\nworker = 'payments.post'\nmax = 4\n");
    assert_eq!(problems, "");
    assert_eq!(pools[0].work, PoolWork::BuiltIn);
    assert_eq!(pools[0].queue.as_str(), "payments.post");
    let said = |text: &str| read(&format!("[[pools]]\nname = 'a'\n{text}")).1;
    assert_eq!(
        said("worker = 'payments.post'\nqueue = 'payments.post'"),
        ""
    );
    let both = said("worker = 'payments.post'\nprogram = ['true']");
    assert!(both.contains("p.toml:3: a pool has both"), "{both}");
    let unknown = said("worker = 'payments.pots'");
    assert!(
        unknown.contains("write one of payments.inject, payments.post, payments.journal"),
        "{unknown}"
    );
    let other = said("worker = 'payments.post'\nqueue = 'letters'");
    assert!(
        other.contains("does not work on the queue \"letters\""),
        "{other}"
    );
    let program = said("queue = 'payments.post'\nprogram = ['true']");
    assert!(
        program.contains("write worker = \"payments.post\""),
        "{program}"
    );
}

#[test]
fn a_built_in_worker_has_nothing_to_do_while_the_hub_does_it() {
    let text = "[[pools]]\nname = 'post'\nworker = 'payments.post'\n";
    let mut problems = Vec::new();
    let raw = RawConfig::parse(Path::new("/etc/hub/p.toml"), text, &mut problems);
    let pools = resolve(&raw.pools, PaymentWorkers::Inside, &mut problems);
    assert_eq!(pools, []);
    let said = problems[0].to_string();
    assert!(
        said.contains("which the hub does itself: write workers = \"pools\""),
        "{said}"
    );
}

#[test]
fn there_are_not_more_pools_than_a_hub_can_look_after() {
    let pool = |n: usize| format!("[[pools]]\nname = 'p{n}'\nqueue = 'q{n}'\nprogram = ['true']\n");
    let many = |count| (0..count).map(pool).collect::<String>();
    assert_eq!(read(&many(64)).1, "");
    assert!(read(&many(65)).1.contains("65 pools: write at most 64"));
}
