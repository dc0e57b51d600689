use std::path::{Path, PathBuf};

use super::raw::RawConfig;

/// Which rules are evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulesConfig {
    /// Rule files in Prometheus' format: paths or patterns; none by default. A path has to be there, a pattern may
    /// match nothing.
    pub files: Vec<String>,
    /// Where relative ones are from: the configuration's folder.
    pub folder: PathBuf,
}

pub(super) fn resolve(raw: &RawConfig) -> RulesConfig {
    let Some(written) = &raw.rule_files else {
        return RulesConfig::default();
    };
    let folder = written.place.path.parent().unwrap_or(Path::new(""));
    RulesConfig {
        files: written.value.clone(),
        folder: folder.to_path_buf(),
    }
}
