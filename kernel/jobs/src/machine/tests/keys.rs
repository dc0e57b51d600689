//! Requests that are repeated, and jobs that are there once.

use super::check;

#[test]
fn a_repeated_request_names_its_first_job() {
    check(
        "
        add a mail request=r work=1
        add b mail request=r work=1 => is a
        add c mail request=r work=2 => idempotency key \"r\" was
        add d other request=r work=2
        claim mail w1 => a
        complete a => done
        add e mail request=r work=1 => is a
        pass 86400s
        add f mail request=r work=2
        ",
    );
    check(
        "
        add a,b mail request=r work=1 => is a
        count mail => waiting=1
        ",
    );
}

#[test]
fn unique_jobs_are_there_once() {
    check(
        "
        queue mail backoff=1s
        add a mail unique=k
        add b mail unique=k => is a
        claim mail w1 => a
        add c mail unique=k => is a
        fail a => in 1s
        add d mail unique=k => is a
        pass 5s
        claim mail w1 => a
        complete a => done
        add e mail unique=k
        claim mail w1 => e
        reject e => dead
        add f mail unique=k
        ",
    );
}

#[test]
fn until_claimed_lets_another_wait() {
    check(
        "
        add a mail unclaimed=k
        add b mail unclaimed=k => is a
        claim mail w1 => a
        add c mail unclaimed=k
        add d mail unclaimed=k => is c
        ",
    );
}

#[test]
fn a_later_job_takes_the_place_of_one_that_waits() {
    check(
        "
        add a mail replace=k in=10s
        pass 5s
        add b mail replace=k in=10s => is a
        pass 5s
        state a => delayed not_due
        pass 5s
        claim mail w1 => a
        add c mail replace=k in=10s
        restart
        add d mail replace=k in=10s group=g => is c
        cancel c => done
        add e mail replace=k
        ",
    );
}

#[test]
fn throttled_jobs_come_once_in_their_time() {
    check(
        "
        add a mail throttle=k
        claim mail w1 => a
        complete a => done
        pass 59s
        add b mail throttle=k => is a
        pass 1s
        add c mail throttle=k
        ",
    );
}
