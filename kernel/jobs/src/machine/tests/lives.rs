//! The lives of single jobs.

use super::check;

#[test]
fn jobs_are_worked_off_in_order() {
    check(
        "
        add a,b,c mail
        claim mail w1 2 => a b
        claim mail w2 2 => c
        claim mail w2 => 
        complete a b => done done
        complete a => done
        complete c => done
        count mail => finished=3
        state a => completed
        ",
    );
}

#[test]
fn failures_wait_longer_each_time_and_end_in_death() {
    check(
        "
        queue mail attempts=3 backoff=10s
        add a mail
        claim mail w1 => a
        fail a => in 10s
        state a => failed backoff
        claim mail w1 =>
        pass 10s
        claim mail w1 => a
        fail a => in 20s
        pass 20s
        claim mail w1 => a
        fail a => dead
        state a => dead
        fail a => stale
        retry a => done
        claim mail w1 => a
        fail a => in 10s
        retry a => done
        claim mail w1 => a
        reject a => dead
        cancel a => refused: dead
        drop a => done
        state a => unknown
        drop a => unknown
        count mail =>
        ",
    );
}

#[test]
fn a_lost_job_goes_alone_to_a_worker_with_nothing_in_hand() {
    check(
        "
        queue mail lease=30s losses_max=3
        add a,b,c,d mail
        claim mail w1 1 => a
        claim mail w2 1 => b
        pass 20s
        extend b => [held]
        pass 10s
        state a => waiting suspect
        extend a => [lost]
        complete a => stale
        claim mail w2 => c
        claim mail w1 5 => a
        claim mail w1 => 
        claim mail w2 => d
        complete a => done
        ",
    );
}

#[test]
fn a_job_lost_too_often_is_dead() {
    check(
        "
        queue mail lease=30s losses_max=2
        add a mail
        claim mail w1 => a
        pass 30s
        claim mail w1 => a
        pass 30s
        state a => dead
        retry a => done
        claim mail w1 => a
        ",
    );
}

#[test]
fn released_jobs_keep_their_place_and_their_attempt() {
    check(
        "
        queue mail lease=3600s
        add a,b mail
        claim mail w1 => a
        release a => done
        release a => stale
        claim mail w1 2 => a b
        postpone a => in 60s
        state a => delayed not_due
        claim mail w1 =>
        pass 60s
        claim mail w1 => a
        ",
    );
}

#[test]
fn delayed_jobs_come_when_they_are_due() {
    check(
        "
        queue mail lease=3600s
        add a mail in=60s
        add b mail
        state a => delayed not_due
        claim mail w1 5 => b
        pass 59s
        claim mail w1 =>
        pass 1s
        claim mail w1 => a
        add c mail in=60s
        retry c => done
        claim mail w1 => c
        retry c => refused: active
        ",
    );
}

#[test]
fn deadlines_end_jobs_whoever_holds_them() {
    check(
        "
        add a mail deadline=10s
        add b mail deadline=10s
        claim mail w1 => a
        pass 10s
        state a => dead
        state b => dead
        complete a => stale
        claim mail w1 =>
        retry a => done
        claim mail w1 => a
        complete a => done
        ",
    );
}

#[test]
fn cancelled_jobs_are_taken_from_their_workers() {
    check(
        "
        add a,b,c mail
        claim mail w1 => a
        cancel a b => done done
        extend a => [cancelled]
        complete a => stale
        claim mail w1 5 => c
        cancel a => refused: cancelled
        state b => cancelled
        ",
    );
}

#[test]
fn finished_jobs_are_remembered_within_limits() {
    check(
        "
        queue mail finished_max=2 result_ttl=60s
        add a,b,c mail
        add d mail ttl=600s
        claim mail w1 9 => a b c d
        complete a b c => done done done
        state a => unknown
        state b => completed
        complete d => done
        pass 60s
        state c => unknown
        complete c => unknown
        state d => completed
        ",
    );
}

#[test]
fn a_restart_leaves_every_job_where_it_was() {
    check(
        "
        queue mail attempts=3 backoff=10s key_concurrency=1
        add a,b,c,d mail key=k
        add e,f,g mail
        add h mail in=600s
        add i mail group=x priority=3 deadline=900s
        claim mail w1 3 => a i e
        fail e => in 10s
        restart
        complete a => done
        extend i => [held]
        claim mail w2 9 => b f g
        cancel c => done
        release b => done
        restart
        claim mail w2 9 => b
        complete b => done
        claim mail w2 9 => d
        pass 10s
        claim mail w2 9 => e
        ",
    );
}

#[test]
fn queues_are_paused_and_drained() {
    check(
        "
        add a,b mail
        pause mail
        claim mail w1 =>
        state a => waiting queue_paused
        waits mail => ready=0 queue_paused=2
        resume mail
        claim mail w1 => a
        drain mail
        add c mail => queue mail is being
        claim mail w1 => b
        resume mail
        add c mail
        queue mail jobs_max=3
        add d mail => queue mail is full
        ",
    );
}
