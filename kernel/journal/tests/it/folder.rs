use portique_journal::Sequence;

use crate::fixture::{Running, assert_numbers, small};

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), small());
    assert!(first.recovery.created);
    first.append(1..=300);
    assert_eq!(first.journal.durable(), Sequence(300));
    assert_numbers(&first.read(1), 1, 300);
    first.stop();

    let second = Running::start(folder.path(), small());
    assert!(!second.recovery.created);
    assert!(second.recovery.segments > 2, "{:?}", second.recovery);
    assert_eq!(second.recovery.last, Sequence(300));
    assert_eq!(second.recovery.torn, None);
    assert_numbers(&second.read(1), 1, 300);
    second.append(301..=400);
    assert_numbers(&second.read(250), 250, 400);
    second.stop();
}
