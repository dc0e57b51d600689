//! Programs of Debian's packages, for tests with real peers.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program: where it is installed, or unpacked from its package into the cache of the benchmarks' peers.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    if let Some(found) = found.into_iter().find(|program| program.is_file()) {
        return found;
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let folder = cache
        .unwrap_or_else(home)
        .join("portique-peers")
        .join(package);
    let program = folder.join("usr/bin").join(name);
    if !program.is_file() {
        unpack(&folder, package);
    }
    program
}

fn unpack(folder: &Path, package: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let script = format!("apt-get download -q {package} && dpkg -x {package}_*.deb .");
    let done = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .output();
    let is_done = done.as_ref().is_ok_and(|done| done.status.success());
    assert!(
        is_done,
        "this test needs {package}: install it (Debian: apt-get install {package}); {done:?}"
    );
}
