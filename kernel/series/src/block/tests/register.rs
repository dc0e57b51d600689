//! Blocks that somebody took away.

use std::fs;

use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

/// Ten samples, a minute apart.
fn minutes(first_ms: i64) -> Samples {
    let samples = (0..10).map(|i| (first_ms + i * 60_000, i as f64));
    floats(&samples.collect::<Vec<_>>())
}

#[test]
fn a_block_that_somebody_took_away_is_missed_and_named() {
    let (root, folder) = folder();
    let day = |day: i64| vec![(labels(&[("a", "b")]), minutes(day * DAY_MS))];
    let [first, second] = [0, 1].map(|n| write(&folder, &day(n)).unwrap());
    drop(folder);
    let path = root.path().join(format!("{:020}.block", first.number));
    fs::remove_file(&path).unwrap();
    // At every start, until somebody says that it is well.
    for _ in 0..2 {
        let opened = BlockFolder::open(root.path()).unwrap();
        assert_eq!(opened.blocks.len(), 1);
        let [lost] = &opened.lost[..] else {
            panic!("{:?}", opened.lost)
        };
        assert_eq!((&lost.path, lost.samples), (&path, 10));
        assert_eq!((lost.first_ms, lost.last_ms), (0, 9 * 60_000));
    }
    let opened = BlockFolder::open(root.path()).unwrap();
    let next = write(&opened.folder, &day(2)).unwrap();
    assert!(
        next.number > second.number,
        "a number of a lost block is not used again"
    );
    opened.folder.forget_lost(first.last_ms).unwrap();
    assert_eq!(
        opened.folder.lost().len(),
        1,
        "its newest sample would still be kept"
    );
    opened.folder.forget_lost(first.last_ms + 1).unwrap();
    assert!(opened.folder.lost().is_empty());
    assert!(BlockFolder::open(root.path()).unwrap().lost.is_empty());
}

#[test]
fn a_damaged_register_is_named_and_made_anew() {
    let (root, folder) = folder();
    write(&folder, &vec![(labels(&[("a", "b")]), floats(&[(1, 2.0)]))]).unwrap();
    let path = root.path().join("blocks.register");
    let mut bytes = fs::read(&path).unwrap();
    bytes[9] ^= 1;
    fs::write(&path, bytes).unwrap();
    let opened = BlockFolder::open(root.path()).unwrap();
    assert_eq!((opened.blocks.len(), opened.lost.len()), (1, 0));
    assert!(
        opened.damaged[0]
            .to_string()
            .contains("blocks.register is damaged")
    );
    assert!(BlockFolder::open(root.path()).unwrap().damaged.is_empty());
}
