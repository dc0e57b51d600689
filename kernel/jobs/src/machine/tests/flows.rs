//! Jobs that wait for jobs.

use super::check;

#[test]
fn a_parent_waits_for_all_its_children() {
    check(
        "
        add a,b mail
        add p mail after=a,b
        state p => blocked children
        claim mail w1 9 => a b
        complete a => done
        claim mail w1 9 =>
        complete b => done
        claim mail w1 9 => p
        add q mail after=a
        claim mail w1 9 => q
        ",
    );
}

#[test]
fn dead_children_hold_their_parents_or_not() {
    check(
        "
        add a mail
        add waits mail after=a
        add ignores mail after=a ignore
        add dies mail after=a die
        add grandparent mail after=dies die
        claim mail w1 => a
        reject a => dead
        state waits => blocked children
        state ignores => waiting turn
        state dies => dead
        state grandparent => dead
        retry a => done
        claim mail w1 => a
        complete a => done
        state waits => waiting turn
        retry dies => done
        state dies => waiting turn
        state grandparent => dead
        ",
    );
}

#[test]
fn a_batch_may_wait_for_itself() {
    check(
        "
        add a mail
        add b,c mail after=0 => after is job 0
        cancel a => done
        add d mail after=a die
        state d => dead
        add e mail after=a
        state e => dead
        ",
    );
}

#[test]
fn a_child_that_is_gone_for_good_ends_the_wait() {
    check(
        "
        add a,b,c mail
        add p mail after=a,c
        add q mail after=b
        add r mail after=q
        add s mail after=a ignore
        claim mail w1 2 => a b
        reject a b => dead dead
        state p => blocked children
        drop a => done
        state p => dead
        why p => job 2, which it waits for, was dead and dropped
        state s => waiting turn
        cancel q => done
        state r => dead
        why r => job 6, which it waits for, was cancelled
        retry p r => done done
        state r => waiting turn
        state p => blocked children
        ",
    );
}
