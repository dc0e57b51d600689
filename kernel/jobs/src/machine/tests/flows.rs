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
        state e => blocked children
        cancel e => done
        ",
    );
}
