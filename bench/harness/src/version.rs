//! What a program says that it is.

use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

/// The word after `before` in what a program says when it is called with these arguments.
///
/// # Errors
/// When it cannot be started.
pub async fn version_of(
    program: &Path,
    arguments: &str,
    before: &str,
) -> anyhow::Result<Option<String>> {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let output = output
        .await
        .with_context(|| format!("cannot start {}", program.display()))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let word = text.split_once(before).map(|(_, rest)| rest);
    let word = word.and_then(|rest| rest.split([' ', '\n', ',']).next());
    Ok(word.map(str::to_owned))
}
