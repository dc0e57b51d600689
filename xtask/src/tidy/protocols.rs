//! Protocols are spoken at the edges: no crate of the kernel knows HTTP or gRPC.

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// Crates whose types are a protocol's.
const PROTOCOL_CRATES: [&str; 6] = ["axum", "hyper", "reqwest", "tonic", "tower-http", "utoipa"];

/// Refuses them in the kernel's manifests.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files_ending("/Cargo.toml");
    manifests
        .filter(|file| file.path.starts_with("kernel/"))
        .flat_map(check_manifest)
        .collect()
}

fn check_manifest(file: &TextFile) -> Vec<Finding> {
    let needed = file
        .lines()
        .filter_map(|(number, line)| Some((number, protocol_crate(line)?)));
    needed
        .map(|(number, name)| {
            let right = "keep it in the front door, or in a system's api module";
            Finding::new(
                &file.path,
                number,
                format!("the kernel speaks {name}"),
                right,
            )
        })
        .collect()
}

fn protocol_crate(line: &str) -> Option<&'static str> {
    let is_needed = |name: &&&str| {
        line.strip_prefix(**name)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=', '-']))
    };
    PROTOCOL_CRATES.iter().find(is_needed).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_speak_and_the_kernel_encodes() {
        let tree = Tree::of(&[
            (
                "kernel/broker/Cargo.toml",
                "[dependencies]\nprost.workspace = true\n",
            ),
            (
                "systems/launch/Cargo.toml",
                "[dependencies]\naxum.workspace = true\n",
            ),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_protocol_in_the_kernel_is_found() {
        let manifest = "[dependencies]\naxum.workspace = true\ntonic-prost.workspace = true\n";
        let found = check(&Tree::of(&[("kernel/bus/Cargo.toml", manifest)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [2, 3]);
    }
}
