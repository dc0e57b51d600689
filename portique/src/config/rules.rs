use std::path::{Path, PathBuf};

use super::raw::RawConfig;

/// Which rules are evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesConfig {
    /// Rule files in Prometheus' format: paths or patterns; none by default. A path has to be there, a pattern may
    /// match nothing.
    pub files: Vec<String>,
    /// Where relative ones are from: the configuration's folder.
    pub folder: PathBuf,
    /// Whether the rules are evaluated that ship with the hub and are about itself; on by default.
    pub hub: bool,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            folder: PathBuf::new(),
            hub: true,
        }
    }
}

pub(super) fn resolve(raw: &RawConfig) -> RulesConfig {
    let hub = raw.hub_rules.as_ref().is_none_or(|written| written.value);
    let Some(written) = &raw.rule_files else {
        return RulesConfig {
            hub,
            ..RulesConfig::default()
        };
    };
    let folder = written.place.path.parent().unwrap_or(Path::new(""));
    RulesConfig {
        files: written.value.clone(),
        folder: folder.to_path_buf(),
        hub,
    }
}
