//! Reading again what was configured in files, while the hub runs.

use std::sync::Arc;

use futures_util::future::BoxFuture;

/// Has one part read its files again; what is wrong with them leaves it as it was.
pub(crate) type ReloadPart =
    Box<dyn Fn() -> BoxFuture<'static, Result<(), Vec<String>>> + Send + Sync>;

/// All parts that have files; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Reloader {
    parts: Arc<Vec<ReloadPart>>,
}

impl Reloader {
    pub(crate) fn new(parts: Vec<ReloadPart>) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    /// Asks one part after the other.
    ///
    /// # Errors
    /// All that is wrong with the files; parts whose files are right go by them all the same.
    pub(crate) async fn reload(&self) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        for part in self.parts.iter() {
            if let Err(found) = part().await {
                problems.extend(found);
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }
}
