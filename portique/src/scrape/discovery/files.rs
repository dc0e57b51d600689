use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use portique_monitor::scrape::{
    FileDiscovery, TARGETS_FILE_BYTES_MAX, TargetGroup, read_target_groups,
};
use tokio::time::MissedTickBehavior;

use super::Outlet;
use crate::scrape::load::matching;

/// How often files are looked at: who writes one expects it to be seen soon, and a look costs a few calls.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file as it was read last.
struct Seen {
    changed: Option<SystemTime>,
    bytes: u64,
    groups: Vec<TargetGroup>,
    problem: Option<String>,
}

/// Looks at the files, and tells when they change; what was good in a file stays until it is good again or gone.
pub(super) async fn watch(files: FileDiscovery, folder: PathBuf, outlet: Outlet) {
    let every = LOOK_EVERY.min(files.refresh_interval);
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    let mut is_first = true;
    loop {
        looks.tick().await;
        let (patterns, folder) = (files.patterns.clone(), folder.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let (changed, problem) = look(&patterns, &folder, &mut seen);
            (seen, changed, problem)
        });
        let Ok((after, changed, problem)) = looked.await else {
            return;
        };
        seen = after;
        if !changed && !is_first {
            continue;
        }
        is_first = false;
        let groups = seen.values().flat_map(|file| file.groups.clone()).collect();
        let problem = problem.or_else(|| seen.values().find_map(|file| file.problem.clone()));
        if !outlet.tell(Some(groups), problem).await {
            return;
        }
    }
}

/// Whether anything changed, and what is wrong with the patterns.
fn look(
    patterns: &[String],
    folder: &Path,
    seen: &mut BTreeMap<PathBuf, Seen>,
) -> (bool, Option<String>) {
    let (mut is_changed, mut problem) = (false, None);
    let mut there = Vec::new();
    for pattern in patterns {
        match matching(folder, pattern) {
            Ok(found) => there.extend(found),
            Err(wrong) => problem = Some(wrong),
        }
    }
    let before = seen.len();
    seen.retain(|path, _| there.contains(path));
    is_changed |= seen.len() != before;
    for path in there {
        let (changed, bytes) = match std::fs::metadata(&path) {
            Ok(metadata) => (metadata.modified().ok(), metadata.len()),
            Err(_) => (None, 0),
        };
        let last = seen.get(&path);
        if last.is_some_and(|last| (last.changed, last.bytes) == (changed, bytes)) {
            continue;
        }
        is_changed = true;
        let (groups, problem) = match read(&path) {
            Ok(groups) => (groups, None),
            Err(problem) => (
                last.map(|last| last.groups.clone()).unwrap_or_default(),
                Some(problem),
            ),
        };
        let file = Seen {
            changed,
            bytes,
            groups,
            problem,
        };
        seen.insert(path, file);
    }
    (is_changed, problem)
}

fn read(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| format!("{name} cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let limit = TARGETS_FILE_BYTES_MAX as u64 + 1;
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let groups = read_target_groups(&name, &text).map_err(|problems| problems[0].to_string())?;
    let groups = groups.into_iter();
    Ok(groups
        .map(|group| group.with_meta("filepath", &name))
        .collect())
}
