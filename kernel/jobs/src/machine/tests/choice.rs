//! Which job is next.

use super::check;

#[test]
fn priorities_go_first_and_age_counts_for_the_others() {
    check(
        "
        queue mail ageing=60s lease=3600s
        add a mail
        add b mail priority=1
        add c mail priority=-1
        claim mail w1 3 => b a c
        add d mail
        pass 61s
        add e mail priority=1
        claim mail w1 2 => d e
        ",
    );
}

#[test]
fn without_ageing_priorities_always_go_first() {
    check(
        "
        queue mail ageing=none
        add a mail
        pass 1000000s
        add b mail priority=1
        add c mail
        claim mail w1 3 => b a c
        ",
    );
}

#[test]
fn jobs_with_and_without_options_keep_their_order() {
    check(
        "
        add a mail
        pass 10ms
        add b mail deadline=100s
        pass 10ms
        add c mail
        pass 10ms
        add d mail key=k
        pass 10ms
        add e mail
        claim mail w1 5 => a b c d e
        ",
    );
}

#[test]
fn groups_share_by_their_weights() {
    check(
        "
        queue mail weight:big=2
        add a1,a2,a3,a4 mail group=big
        add b1,b2,b3,b4 mail group=small
        add c1,c2 mail
        claim mail w1 8 => a1 a2 b1 c1 a3 a4 b2 c2
        claim mail w1 8 => b3 b4
        ",
    );
}

#[test]
fn limits_of_queue_group_and_key_hold() {
    check(
        "
        queue mail concurrency=4 group_concurrency=2 key_concurrency=1
        add a1,a2,a3 mail group=a
        add k1,k2 mail key=k
        add l1 mail key=l group=a
        waits mail => ready=3 group_concurrency=2 key_concurrency=1 no_workers=3
        claim mail w1 9 => a1 k1 a2
        state a3 => waiting group_concurrency
        state k2 => waiting key_concurrency
        complete k1 => done
        claim mail w1 9 => k2
        add m mail
        add n mail
        claim mail w1 9 => m
        state n => waiting queue_concurrency
        complete a1 k2 => done done
        claim mail w1 9 => n a3
        ",
    );
}

#[test]
fn a_key_at_its_limit_does_not_stop_the_others() {
    check(
        "
        queue mail key_concurrency=1 backoff=1s
        add k1,k2,k3 mail key=k
        add a mail key=l
        add b mail
        claim mail w1 9 => k1 a b
        cancel k2 => done
        complete k1 => done
        add k0 mail key=k priority=9
        claim mail w1 9 => k0
        fail k0 => in 1s
        claim mail w1 9 => k3
        queue mail key_concurrency=none
        pass 5s
        claim mail w1 9 => k0
        ",
    );
}

#[test]
fn a_paused_group_does_not_hold_its_keys() {
    check(
        "
        queue mail key_concurrency=1
        add a mail group=g key=k
        add b mail group=h key=k
        pause mail g
        claim mail w1 9 => b
        resume mail g
        claim mail w1 9 =>
        complete b => done
        claim mail w1 9 => a
        ",
    );
}

#[test]
fn rates_let_a_burst_through_and_then_one_at_a_time() {
    check(
        "
        queue mail rate=2/10s
        add a,b,c,d mail
        claim mail w1 9 => a b
        state c => waiting queue_rate
        pass 5s
        claim mail w1 9 => c
        pass 4s
        claim mail w1 9 =>
        pass 1s
        claim mail w1 9 => d
        ",
    );
    check(
        "
        queue mail group_rate=1/10s key_rate=1/20s
        add a1,a2 mail group=a
        add k1,k2 mail key=k
        claim mail w1 9 => a1 k1
        state a2 => waiting group_rate
        state k2 => waiting key_rate
        complete a1 k1 => done done
        pass 10s
        claim mail w1 9 => a2
        pass 10s
        claim mail w1 9 => k2
        ",
    );
}

#[test]
fn waiting_jobs_say_why() {
    check(
        "
        add a,b mail
        state a => waiting no_workers
        claim mail w1 => a
        state b => waiting turn
        pass 80s
        state b => waiting no_workers
        waits mail => ready=1 no_workers=2
        ",
    );
}

#[test]
fn a_clock_that_was_set_back_lets_nobody_overtake() {
    check(
        "
        queue mail key_concurrency=1
        add k1,k2 mail key=k
        set_back 3600s
        add k3 mail key=k
        claim mail w1 9 => k1
        complete k1 => done
        claim mail w1 9 => k2
        restart
        add k4 mail key=k
        complete k2 => done
        claim mail w1 9 => k3
        complete k3 => done
        claim mail w1 9 => k4
        ",
    );
    check(
        "
        add g1,g2 mail group=g
        set_back 3600s
        add g3 mail group=g
        add last mail group=g priority=-1
        restart
        pass 10s
        add g4 mail group=g
        claim mail w1 9 => g1 g2 g3 g4 last
        ",
    );
}

#[test]
fn a_job_that_took_anothers_place_stands_behind_those_before_it() {
    check(
        "
        add r mail group=g replace=r
        add b mail group=g
        set_back 3600s
        add c mail group=g
        add r2 mail group=g replace=r => is r
        restart
        claim mail w1 9 => b c r
        ",
    );
}

#[test]
fn suspects_do_not_wait_for_ever_for_empty_hands() {
    check(
        "
        add s mail
        claim mail w0 => s
        pass 29s
        add a,b,c,d,e mail
        claim mail w1 => a
        claim mail w2 => b
        pass 1s
        claim mail w1 => c
        pass 10s
        # One of them is given nothing more, the other goes on.
        claim mail w1 =>
        claim mail w2 => d
        complete a c => done done
        claim mail w1 9 => s
        claim mail w2 => e
        ",
    );
}
