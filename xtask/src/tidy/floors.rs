//! Dependencies point down only, and never between siblings.

mod room;

use std::path::Path;

use cargo_metadata::{Metadata, Package};

use super::finding::Finding;
use super::tree::Tree;
use room::Room;

/// One crate of the workspace needs another, for whatever purpose: building and testing count.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// Folder of the crate that needs, relative to the workspace root.
    from: String,
    /// Folder of the crate that is needed.
    to: String,
    /// Line of `from`'s manifest that says so.
    line: usize,
}

/// Every edge between crates of the workspace.
pub(crate) fn edges(metadata: &Metadata, tree: &Tree) -> Vec<Edge> {
    let root = metadata.workspace_root.as_std_path();
    let mut edges = Vec::new();
    for package in metadata.workspace_packages() {
        let from = folder(root, package.manifest_path.as_std_path().parent());
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else {
                continue;
            };
            let line = manifest_line(tree, &from, &dependency.name);
            edges.push(Edge {
                from: from.clone(),
                to: folder(root, Some(path.as_std_path())),
                line,
            });
        }
        edges.extend(alone(package, &from));
    }
    edges
}

/// Refuses every edge that the map does not allow.
pub(crate) fn check(edges: &[Edge]) -> Vec<Finding> {
    edges.iter().filter_map(check_edge).collect()
}

fn check_edge(edge: &Edge) -> Option<Finding> {
    let manifest = format!("{}/Cargo.toml", edge.from);
    let (from, to) = match (Room::at(&edge.from), Room::at(&edge.to)) {
        (Some(from), Some(to)) => (from, to),
        (None, _) => return Some(unmapped(&manifest, &edge.from)),
        (_, None) => return Some(unmapped(&manifest, &edge.to)),
    };
    let rule = from.refuses(&to)?;
    let wrong = format!("{} depends on {}", edge.from, edge.to);
    Some(Finding::new(&manifest, edge.line, wrong, rule))
}

fn unmapped(manifest: &str, folder: &str) -> Finding {
    Finding::new(
        manifest,
        1,
        format!("the folder {folder} is not on the map"),
        "put the crate on a floor that exists, or add its floor to xtask/src/tidy/floors/room.rs",
    )
}

/// A crate without dependencies in the house still has to be on the map.
fn alone(package: &Package, from: &str) -> Option<Edge> {
    let is_alone = package
        .dependencies
        .iter()
        .all(|dependency| dependency.path.is_none());
    is_alone.then(|| Edge {
        from: from.to_owned(),
        to: from.to_owned(),
        line: 1,
    })
}

fn folder(root: &Path, path: Option<&Path>) -> String {
    let inside = path.and_then(|path| path.strip_prefix(root).ok());
    inside
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .unwrap_or_default()
}

fn manifest_line(tree: &Tree, folder: &str, dependency: &str) -> usize {
    let manifest = format!("{folder}/Cargo.toml");
    let file = tree.files().iter().find(|file| file.path == manifest);
    let names_it = |line: &str| {
        line.strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    file.and_then(|file| file.lines().find(|(_, line)| names_it(line)))
        .map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(from: &str, to: &str) -> Vec<Finding> {
        check(&[Edge {
            from: from.into(),
            to: to.into(),
            line: 7,
        }])
    }

    #[test]
    fn edges_down_are_free() {
        let allowed = [
            ("kernel/event", "kernel/clock"),
            ("kernel/broker", "kernel/journal"),
            ("kernel/system", "kernel/monitor"),
            ("systems/launch", "kernel/bus"),
            ("systems/launch", "systems/launch/flight"),
            ("engines/nats", "kernel/bus"),
            ("client", "kernel/event"),
            ("portique", "systems/launch"),
            ("portique", "engines/nats"),
            ("bench/journal", "portique"),
            ("kernel/bus", "kernel/bus"),
        ];
        for (from, to) in allowed {
            assert!(findings(from, to).is_empty(), "{from} may depend on {to}");
        }
    }

    #[test]
    fn edges_up_and_sideways_are_refused() {
        let refused = [
            ("kernel/clock", "kernel/bus"),
            ("kernel/bus", "kernel/journal"),
            ("kernel/journal", "kernel/broker"),
            ("kernel/bus", "systems/launch"),
            ("systems/launch", "systems/metering"),
            ("systems/launch/flight", "systems/metering"),
            ("systems/launch", "engines/nats"),
            ("engines/nats", "engines/kafka"),
            ("engines/nats", "systems/launch"),
            ("client", "systems/launch"),
            ("systems/launch", "portique"),
            ("portique", "xtask"),
            ("kernel/bus", "bench/journal"),
        ];
        for (from, to) in refused {
            assert_eq!(findings(from, to).len(), 1, "{from} may not depend on {to}");
        }
    }

    #[test]
    fn a_finding_points_at_the_manifest_line() {
        let found = findings("systems/launch", "systems/metering");
        let text = found[0].to_string();
        assert!(
            text.starts_with("systems/launch/Cargo.toml:7: systems/launch depends on"),
            "{text}"
        );
    }

    #[test]
    fn a_crate_on_no_floor_is_refused() {
        let found = findings("attic/trunk", "kernel/clock");
        assert!(found[0].wrong.contains("attic/trunk"), "{}", found[0]);
        assert_eq!(findings("kernel/attic", "kernel/clock").len(), 1);
    }
}
