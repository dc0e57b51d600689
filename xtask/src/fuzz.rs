//! Throwing bytes at the readers of outside bytes, from valid seeds on.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use clap::Args;

/// The workspace of the targets.
const FOLDER: &str = "fuzz";
/// Larger inputs find no more and take longer.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// An input that takes longer is a hang.
const INPUT_SECONDS_MAX: u32 = 10;
/// A reader that takes more has no limit.
const MEMORY_MIB_MAX: u32 = 1024;

/// What to throw at, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Targets of fuzz/fuzz_targets [default: all].
    targets: Vec<String>,
    /// Seconds for each of them.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Fuzz {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let all = targets()?;
        let asked = match self.targets.is_empty() {
            true => all.clone(),
            false => self.targets,
        };
        if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
            bail!(
                "no target is called {unknown}: there are {}",
                all.join(", ")
            );
        }
        check_tools()?;
        let mut broken = Vec::new();
        for target in asked {
            if !throw(&target, self.seconds)? {
                broken.push(target);
            }
        }
        if broken.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let broken = broken.join(", ");
        writeln!(
            io::stderr(),
            "broken: {broken}; the inputs are in {FOLDER}/artifacts"
        )?;
        Ok(ExitCode::FAILURE)
    }
}

fn targets() -> anyhow::Result<Vec<String>> {
    let folder = Path::new(FOLDER).join("fuzz_targets");
    let entries = fs::read_dir(&folder);
    let entries = entries.with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names.sort_unstable();
    Ok(names)
}

fn check_tools() -> anyhow::Result<()> {
    let asked = Command::new("cargo")
        .args(["+nightly", "fuzz", "--version"])
        .output();
    let is_there = asked.is_ok_and(|answer| answer.status.success());
    if !is_there {
        bail!(
            "it needs cargo-fuzz and a nightly compiler: `rustup toolchain install nightly` and \
             `cargo install --locked cargo-fuzz`"
        );
    }
    Ok(())
}

/// Whether the target held.
fn throw(target: &str, seconds: u32) -> anyhow::Result<bool> {
    let (corpus, seeds) = (format!("corpus/{target}"), format!("seeds/{target}"));
    for folder in [&corpus, &seeds] {
        fs::create_dir_all(Path::new(FOLDER).join(folder))?;
    }
    let mut command = Command::new("cargo");
    // Cargo sets it to the compiler that built this, which is another one.
    command.env_remove("RUSTUP_TOOLCHAIN").current_dir(FOLDER);
    command.args([
        "+nightly",
        "fuzz",
        "run",
        "--fuzz-dir",
        ".",
        target,
        &corpus,
        &seeds,
        "--",
    ]);
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
        "-print_final_stats=1".to_owned(),
    ]);
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {command:?}"))?;
    Ok(status.success())
}
