//! Missions as scripts: a request a line, and after `->` the facts it leads to, or after `!` words of
//! its refusal.

mod gates;

use std::time::Duration;

use super::*;
use crate::count::Plan;
use crate::poll::Vote;
use crate::weather::Observation;
use crate::{LinkKind, PadId, Station};

struct Script {
    mission: Mission,
    now: Duration,
    log: Vec<Entry>,
}

impl Script {
    fn new(link: LinkKind) -> Self {
        let names = ["rocket", "weather"];
        let definition = Definition {
            rocket: RocketId::new("demo").unwrap(),
            vehicle: "reference".into(),
            pad: PadId::new("pad-1").unwrap(),
            link,
            count: Plan::named("short").unwrap(),
            time_factor: 1.0,
            roster: names.map(|name| Station::new(name).unwrap()).to_vec(),
            aborts: crate::abort::AbortMatrix::standard(),
        };
        Self {
            mission: Mission::new(definition),
            now: Duration::from_secs(1),
            log: Vec::new(),
        }
    }

    fn apply(&mut self, fact: Fact) {
        let t_s = self.mission.count().map(|count| count.t_s(self.now));
        let entry = self.mission.entry(Actor::commander(), fact, t_s);
        self.mission.apply(&entry, self.wall(), self.now);
        self.log.push(entry);
    }

    fn wall(&self) -> Timestamp {
        Timestamp::EPOCH.plus(self.now)
    }

    fn run(&mut self, line: &str) -> Result<Vec<Fact>, String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(facts) = self.happen(verb, rest) {
            return Ok(facts);
        }
        let now = Now {
            wall: self.wall(),
            monotonic: self.now,
        };
        self.mission
            .decide(&request(verb, rest), now)
            .map_err(|error| error.to_string())
    }

    /// What comes by itself: time, the vehicle, a restart.
    fn happen(&mut self, verb: &str, rest: &str) -> Option<Vec<Fact>> {
        let module = || ModuleId::new(rest).unwrap();
        Some(match verb {
            "wait" => {
                self.now += Duration::from_secs(rest.parse().unwrap());
                Vec::new()
            }
            "step" => {
                let sick = || Err("engine 3 is out".to_owned());
                let is_ready = || if rest == "sick" { sick() } else { Ok(()) };
                self.mission.decide_step(self.now, is_ready)
            }
            "restart" => self.restart(),
            "deadline" => self.mission.decide_deadline(self.wall()),
            "up" => vec![Fact::LinkUp { module: module() }],
            "down" => vec![Fact::LinkDown {
                module: module(),
                reason: "silence".into(),
            }],
            "flight" => {
                let (module, event) = rest.split_once(' ').unwrap();
                let (module, event) = (ModuleId::new(module).unwrap(), event.parse().unwrap());
                vec![Fact::Flight {
                    module,
                    event,
                    values: BTreeMap::new(),
                }]
            }
            _ => return None,
        })
    }

    /// Builds the mission again from its facts alone, as a restart does.
    fn restart(&mut self) -> Vec<Fact> {
        let mut mission = Mission::new(self.mission.definition().clone());
        for entry in &self.log {
            mission.apply(entry, self.wall(), Duration::ZERO);
        }
        mission.settle(self.now);
        self.mission = mission;
        self.mission.decide_restart()
    }
}

fn request(verb: &str, rest: &str) -> Request {
    let vote = |word: &str| if word == "go" { Vote::Go } else { Vote::NoGo };
    let ordered = |order: Order| {
        let (id, module) = rest.split_once(' ').unwrap();
        Request::Order {
            id: id.into(),
            module: ModuleId::new(module).unwrap(),
            order,
        }
    };
    match verb {
        "poll" => Request::OpenPoll {
            deadline: rest.parse().ok().map(Duration::from_secs),
        },
        "vote" => {
            let (station, word) = rest.split_once(' ').unwrap();
            let station = Station::new(station).unwrap();
            let (comment, values) = (None, BTreeMap::new());
            Request::Vote {
                station,
                vote: vote(word),
                comment,
                values,
            }
        }
        "close" => Request::ClosePoll {
            decision: vote(rest),
        },
        "launch" => Request::StartCount,
        "hold" => Request::Hold {
            reason: rest.into(),
        },
        "resume" => Request::Resume,
        "scrub" => Request::Scrub {
            reason: rest.into(),
        },
        "stage" => ordered(Order::Stage),
        "destroy" => ordered(Order::Destroy),
        "power" => ordered(Order::InternalPower),
        "light" => ordered(Order::StartEngines),
        "add" => Request::AddModule {
            module: ModuleId::new(rest).unwrap(),
        },
        "calm" => Request::ReportWeather {
            observation: Box::new(Observation::calm("SIM", Timestamp::EPOCH)),
        },
        _ => panic!("no such line: {verb} {rest}"),
    }
}

#[track_caller]
fn check(script: &str) -> Mission {
    check_on(LinkKind::Simulated, script)
}

#[track_caller]
fn check_on(link: LinkKind, script: &str) -> Mission {
    let mut state = Script::new(link);
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (request, expected) = match line.split_once(" ->").or(line.split_once(" ! ")) {
            Some((request, expected)) => (request, expected.trim()),
            None => (line, ""),
        };
        match state.run(request) {
            Ok(facts) => {
                assert!(!line.contains(" ! "), "{line}\nwas not refused: {facts:?}");
                let kinds: Vec<&str> = facts.iter().map(Fact::kind).collect();
                if line.contains(" ->") {
                    assert_eq!(kinds.join(" "), expected, "{line}");
                }
                facts.into_iter().for_each(|fact| state.apply(fact));
            }
            Err(refusal) => {
                assert!(line.contains(" ! "), "{line}\nwas refused: {refusal}");
                assert!(
                    refusal.contains(expected),
                    "{line}\nwas refused with: {refusal}"
                );
            }
        }
    }
    state.mission
}

const UP: &str = "up booster\n up stage2\n up payload\n";
const GO: &str = "up booster\n up stage2\n up payload\n
    poll\n vote rocket go\n vote weather go\n close go\n";

#[test]
fn a_launch_needs_a_complete_go() {
    check(&format!(
        "{UP} launch ! poll first
         vote rocket go ! no poll is open
         poll -> poll_opened
         poll ! close it first
         launch ! poll first
         vote rocket go -> vote_cast
         vote rocket go ! station rocket voted go
         vote range go ! not on the roster: rocket, weather
         close go ! missing: weather
         vote weather nogo -> vote_cast
         close go ! no-go: weather
         close nogo -> poll_closed
         launch ! poll first
         vote weather go ! closed with no-go
         poll -> poll_opened
         vote rocket go -> vote_cast
         vote weather go -> vote_cast
         close go -> poll_closed
         close go ! closed with go already
         launch -> count_started
         launch ! counting already
         poll ! no poll while counting"
    ));
}

#[test]
fn votes_end_at_the_deadline() {
    check("poll 60\n wait 61\n vote rocket go ! deadline passed\n close nogo -> poll_closed");
}

#[test]
fn a_poll_that_nobody_closes_ends_with_no_go_at_its_deadline() {
    let mission = check(
        "poll 60
         vote rocket go
         wait 60
         deadline ->
         vote weather go
         wait 1
         close go ! deadline passed
         deadline -> poll_closed
         deadline ->
         launch ! poll first
         poll -> poll_opened
         wait 9999
         deadline ->",
    );
    assert_eq!(mission.stage(), Stage::Polling);
    let mut script = Script::new(LinkKind::Simulated);
    for line in ["poll 1", "vote rocket go", "wait 2"] {
        let facts = script.run(line).unwrap();
        facts.into_iter().for_each(|fact| script.apply(fact));
    }
    let said = script.run("deadline").unwrap()[0].describe();
    assert!(
        said.contains("no-go") && said.contains("missing: weather"),
        "{said}"
    );
}

#[test]
fn the_count_runs_holds_and_releases() {
    let mission = check(&format!(
        "{GO} launch
         step -> step_done
         step ->
         wait 30
         step -> step_done
         hold range is red -> count_held
         hold again ! held already
         wait 500
         step ->
         resume -> count_resumed
         resume ! nothing to resume
         wait 30
         step -> step_done
         step -> step_done
         step -> step_done
         step -> step_done
         flight booster liftoff
         hold now ! no count to hold
         scrub now ! lifted off"
    ));
    assert_eq!(mission.stage(), Stage::Flying);
}

#[test]
fn a_sick_engine_recycles_the_count() {
    let mission = check(&format!(
        "{GO} launch
         wait 60
         step\n step\n step\n step\n step -> step_done
         step sick ->
         wait 2
         step sick -> count_recycled
         step ->"
    ));
    assert_eq!(mission.stage(), Stage::Held);
    assert_eq!(
        mission.count().unwrap().hold_reason(),
        Some("engine 3 is out")
    );
}

#[test]
fn holding_after_engine_start_goes_back_to_the_recycle_point() {
    let mission = check(&format!(
        "{GO} launch\n wait 58\n step\n step\n step\n step\n step\n hold gust -> count_recycled"
    ));
    assert_eq!(mission.count().unwrap().t_s(Duration::ZERO), -60.0);
}

#[test]
fn a_scrub_asks_for_a_new_poll() {
    let mission = check(&format!(
        "{GO} launch\n scrub upper winds -> scrubbed\n resume ! nothing\n launch ! poll first\n poll"
    ));
    assert!(mission.holds_pad());
}

#[test]
fn a_restart_keeps_the_poll_and_holds_the_count() {
    let mission =
        check("up booster\n poll\n vote rocket go\n restart ->\n vote rocket go ! voted go");
    assert!(mission.poll().unwrap().roster.values().flatten().count() == 1);
    let mission = check(&format!(
        "{GO} launch\n wait 20\n step\n wait 5\n restart -> count_held\n step ->\n {UP} resume"
    ));
    assert_eq!(mission.stage(), Stage::Counting);
    let count = mission.count().unwrap();
    assert_eq!(count.next().unwrap().name, "internal power");
    assert_eq!(
        count.t_s(Duration::from_secs(26)),
        -40.0,
        "the last T known is that of the last step"
    );
}

#[test]
fn a_restart_in_a_simulated_flight_ends_it() {
    let mission = check(&format!(
        "{GO} launch\n flight booster liftoff\n restart -> flight_ended"
    ));
    assert_eq!(mission.outcome().unwrap().0, Outcome::Failure);
}

#[test]
fn orders_are_given_once_and_to_modules_that_exist() {
    check(
        "up booster
         stage one booster -> order_released
         stage one booster ->
         destroy one booster ! another content
         stage two nozzle ! known: booster
         stage bad/id booster ! order id
         destroy count-1-booster booster ! begins with count-
         destroy reflex-booster-1 booster ! begins with reflex-",
    );
}

#[test]
fn the_flight_is_over_when_booster_and_payload_are() {
    let mission = check(&format!(
        "{GO} launch\n flight booster liftoff\n flight payload payload_separation\n flight booster landed"
    ));
    assert_eq!(mission.verdict().unwrap().0, Outcome::Success);
    let mission = check(&format!(
        "{GO} launch\n flight booster liftoff\n flight stage2 payload_separation"
    ));
    assert_eq!(mission.verdict(), None);
    let mission = check(&format!(
        "{GO} launch\n flight booster liftoff\n flight booster destroyed\n flight stage2 lost"
    ));
    assert_eq!(mission.verdict().unwrap().0, Outcome::Failure);
}
