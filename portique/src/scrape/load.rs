use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use portique_monitor::scrape::{PROMETHEUS_FILE_BYTES_MAX, PrometheusFile};

use crate::config::{Place, Problem};
use crate::data_folder::file_error;
use crate::error::Error;

/// More files of jobs than that come of a pattern that was not meant.
const JOB_FILES_MAX: usize = 1_000;

/// What a `prometheus.yml` says, and where relative names in it begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) file: PrometheusFile,
    pub(crate) folder: PathBuf,
}

/// Reads the file and those that it names for more jobs; blocks on the disk.
///
/// # Errors
/// [`Error::File`] when one cannot be read, [`Error::Config`] with every problem in them.
pub(crate) fn load(path: &Path) -> Result<Loaded, Error> {
    let text = read(path)?;
    let name = path.display().to_string();
    let mut file = PrometheusFile::parse(&name, &text).map_err(refuse)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut problems = Vec::new();
    for pattern in file.job_files.clone() {
        let found = match matching(&folder, &pattern) {
            Ok(found) => found,
            Err(problem) => {
                let place = Place {
                    path: path.to_path_buf(),
                    line: 1,
                };
                problems.push(Problem {
                    place: Some(place),
                    message: "scrape_config_files cannot be followed".to_owned(),
                    remedy: problem,
                });
                continue;
            }
        };
        for path in found {
            let text = read(&path)?;
            if let Err(wrong) = file.add_jobs(&path.display().to_string(), &text) {
                problems.extend(wrong.into_iter().map(problem));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(Loaded { file, folder }),
        false => Err(Error::Config { problems }),
    }
}

/// The files that a pattern names, in order; relative ones begin at `folder`.
///
/// # Errors
/// When the pattern is none, or names too many.
pub(super) fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let whole = folder.join(pattern).display().to_string();
    let found =
        glob::glob(&whole).map_err(|error| format!("{pattern:?} is no pattern: {error}"))?;
    let found: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .take(JOB_FILES_MAX + 1)
        .collect();
    match found.len() > JOB_FILES_MAX {
        true => Err(format!(
            "{pattern:?} names more than {JOB_FILES_MAX} files: write a narrower pattern"
        )),
        false => Ok(found),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    let mut text = String::new();
    // One byte more, so that the reader sees that the file is too large.
    let limit = PROMETHEUS_FILE_BYTES_MAX as u64 + 1;
    file.take(limit)
        .read_to_string(&mut text)
        .map_err(|source| file_error("read", path, source))?;
    Ok(text)
}

fn refuse(problems: Vec<portique_monitor::Problem>) -> Error {
    Error::Config {
        problems: problems.into_iter().map(problem).collect(),
    }
}

/// A problem as the rest of the configuration has them: what is wrong, then what would be right.
fn problem(problem: portique_monitor::Problem) -> Problem {
    let (message, remedy) = match problem.message.split_once(": ") {
        Some((message, remedy)) => (message.to_owned(), remedy.to_owned()),
        None => (
            problem.message,
            "write something else there, or remove it".to_owned(),
        ),
    };
    Problem {
        place: Some(Place {
            path: PathBuf::from(&*problem.file),
            line: problem.line as usize,
        }),
        message: format!("column {}: {message}", problem.column),
        remedy,
    }
}
