//! The configuration of notifications with everything that its files say.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portique_monitor::notify::{
    CONFIG_BYTES_MAX, Channel, Config, Flavour, NotificationJob, Payload, PayloadError, render,
    template_library,
};
use portique_monitor::template::{self, Library};
use portique_monitor::{Actions, Problem};

use portique_clock::Timestamp;

use super::send::Clients;
use crate::config::{NotificationDefaults, NotificationsConfig};

/// What is used where no file is named: alerts and silences are kept, and nobody is told.
const NOBODY: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
/// Most files of templates; more are a pattern that matches too much.
const TEMPLATE_FILES_MAX: usize = 100;

/// A configuration and what is made of it, never changed: a reload makes another one.
pub(super) struct Setup {
    pub(super) config: Arc<Config>,
    library: Library,
    /// Files of templates that were read.
    pub(super) template_files: usize,
    /// Where relative paths in it begin.
    pub(super) folder: PathBuf,
    /// Connections to its receivers.
    pub(super) clients: Clients,
}

impl Setup {
    /// Reads the configuration's files; blocks on the disk. Without actions, calls of them are not checked.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(super) fn load(
        from: &NotificationsConfig,
        actions: Option<&Actions>,
    ) -> Result<Self, Vec<Problem>> {
        let Some(path) = &from.file else {
            return Self::of(
                "(nothing)",
                NOBODY,
                Flavour::Portique,
                Path::new(""),
                actions,
            );
        };
        let name = path.display().to_string();
        let text = read(path).map_err(|problem| vec![about(&name, problem)])?;
        let flavour = match from.defaults {
            NotificationDefaults::Alertmanager => Flavour::Alertmanager,
            NotificationDefaults::Portique => Flavour::Portique,
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::of(&name, &text, flavour, folder, actions)
    }

    fn of(
        name: &str,
        text: &str,
        flavour: Flavour,
        folder: &Path,
        actions: Option<&Actions>,
    ) -> Result<Self, Vec<Problem>> {
        let config = Config::parse(name, text, flavour)?;
        let mut problems = match actions {
            Some(actions) => unknown_actions(name, &config, actions),
            None => Vec::new(),
        };
        let (library, template_files) = templates(&config, folder, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            config: Arc::new(config),
            library,
            template_files,
            folder: folder.to_path_buf(),
            clients: Clients::default(),
        })
    }

    /// What a notification's receiver is sent, as this configuration has it.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub(super) fn render(
        &self,
        job: &NotificationJob,
        now: Timestamp,
    ) -> Result<Payload, PayloadError> {
        render(&self.config, &self.library, job, now)
    }

    /// The kind of a way, such as `webhook` for `webhook[0]`.
    pub(super) fn kind_of(integration: &str) -> &str {
        integration.split('[').next().unwrap_or(integration)
    }
}

/// Calls that no system of this hub takes.
fn unknown_actions(name: &str, config: &Config, actions: &Actions) -> Vec<Problem> {
    let mut problems = Vec::new();
    for receiver in &config.receivers {
        for integration in &receiver.integrations {
            let Channel::Action(action) = &integration.channel else {
                continue;
            };
            if let Err(problem) = actions.check(&action.action, &action.params) {
                let problem = format!("receiver {}: {problem}", receiver.name);
                problems.push(about(name, problem));
            }
        }
    }
    problems
}

/// The templates of all files that the configuration names; a pattern may match none, as in Alertmanager.
fn templates(config: &Config, folder: &Path, problems: &mut Vec<Problem>) -> (Library, usize) {
    let mut library = template_library([]).expect("the default templates are templates");
    let mut files = 0;
    for pattern in &config.templates {
        let path = folder.join(pattern);
        let found = match glob::glob(&path.to_string_lossy()) {
            Ok(found) => found,
            Err(error) => {
                problems.push(about(pattern, format!("is no pattern of files: {error}")));
                continue;
            }
        };
        for path in found.filter_map(Result::ok).filter(|path| path.is_file()) {
            files += 1;
            if files > TEMPLATE_FILES_MAX {
                let problem = format!("the templates are more than {TEMPLATE_FILES_MAX} files");
                problems.push(about(pattern, problem));
                return (library, files);
            }
            let name = path.display().to_string();
            match read(&path) {
                Ok(text) => problems.extend(add(&mut library, &name, &text)),
                Err(problem) => problems.push(about(&name, problem)),
            }
        }
    }
    (library, files)
}

fn add(library: &mut Library, name: &str, text: &str) -> Option<Problem> {
    let error = library.add(text).err()?;
    let (line, column) = match &error {
        template::Error::Syntax { line, column, .. }
        | template::Error::UnknownFunction { line, column, .. }
        | template::Error::Failed { line, column, .. }
        | template::Error::Limit { line, column, .. } => (*line, *column),
    };
    Some(Problem {
        file: Arc::from(name),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        message: error.to_string(),
    })
}

/// A problem with a whole file.
fn about(file: &str, message: String) -> Problem {
    Problem {
        file: Arc::from(file),
        line: 1,
        column: 1,
        message,
    }
}

fn read(path: &Path) -> Result<String, String> {
    let cannot = |error| format!("it cannot be read: {error}");
    let mut bytes = Vec::new();
    let limit = CONFIG_BYTES_MAX as u64 + 1;
    let file = File::open(path).map_err(cannot)?;
    file.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > CONFIG_BYTES_MAX {
        return Err(format!("it has more than {CONFIG_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
