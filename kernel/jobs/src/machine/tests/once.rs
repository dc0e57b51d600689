//! Calls that name a job twice.

use super::{Script, check};

#[test]
fn the_second_answer_is_what_is_true_after_the_first() {
    check(
        "
        queue mail attempts=2 backoff=1s
        add a,b,c,d,e,f mail
        claim mail w1 9 => a b c d e f
        complete a b a => done done done
        fail c c => in 1s stale
        reject d d => dead stale
        release e e => done stale
        retry d d => done refused: waiting
        cancel d e d => done done refused: cancelled
        reject f => dead
        drop f f => done unknown
        retry c c => done refused: waiting
        ",
    );
}

#[test]
fn a_job_that_is_retried_twice_is_seen_waiting_for_its_children() {
    check(
        "
        add a,b mail
        add p mail after=a,b die priority=3
        claim mail w1 => a
        reject a => dead
        state p => dead
        retry p p => done refused: blocked
        cancel b => done
        state p => dead
        retry p p => done refused: prioritized
        ",
    );
}

#[test]
fn no_job_is_twice_in_a_fact() {
    let mut script = Script::new();
    script.play("add a,b mail");
    script.play("claim mail w1 9");
    let before = script.facts.len();
    assert_eq!(script.play("complete b a b"), "done done done");
    let mut once = Script::new();
    once.play("add a,b mail");
    once.play("claim mail w1 9");
    once.play("complete b a");
    assert_eq!(script.facts[before..], once.facts[before..]);
}
