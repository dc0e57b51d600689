use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use portique_fault::{Code, Fault};

use crate::config::Problem;
use crate::exit::Exit;
use crate::visit::VisitFault;

/// Why the binary stops, with what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong; every problem is listed.
    #[error("the configuration is refused, nothing was started:\n{}", list(.problems))]
    Config {
        /// All of them.
        problems: Vec<Problem>,
    },
    /// Rule files are wrong; every mistake is listed.
    #[error("the rule files are refused, nothing was started:\n{}", lines(.problems))]
    Rules {
        /// All of them, each with its place.
        problems: Vec<String>,
    },
    /// The configuration of notifications is wrong; every problem is listed.
    #[error("the configuration of notifications is refused:\n{}", lines(.problems))]
    Notifications {
        /// All of them, with their places.
        problems: Vec<String>,
    },
    /// A value on the command line is wrong.
    #[error("{message}")]
    Usage {
        /// What is wrong and what would be right.
        message: String,
    },
    /// Another hub holds the data folder.
    #[error(
        "the data folder {folder:?} is in use by {}: stop that process, or choose another folder \
         with --data or a temporary one with --ephemeral",
        holder(.pid)
    )]
    DataFolderLocked {
        /// The folder.
        folder: PathBuf,
        /// The process that holds it, when it wrote its number.
        pid: Option<u32>,
    },
    /// Others can write to the data folder.
    #[error(
        "the data folder {folder:?} can be written by others (mode {mode:o}), who could put a token \
         of their own there: take that away with `chmod go-w`, or choose another folder with --data"
    )]
    DataFolderOpen {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another process listens there.
    #[error(
        "the {what} address {address} is in use by another process: stop it, or choose another \
         address with {flag} (port 0 takes a free one)"
    )]
    PortInUse {
        /// HTTP or gRPC.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen for {what} on {address}: choose another address with {flag}")]
    Bind {
        /// HTTP or gRPC.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A file or folder cannot be used.
    #[error("cannot {action} {path:?}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The token file is open to others or is not a token.
    #[error("the token file {path:?} {problem}")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The certificate, or its key, cannot be shown to visitors.
    #[error("TLS: {} {problem}", .path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Stored data is damaged.
    #[error("{message}")]
    Damaged {
        /// File, offset, and what to do.
        message: String,
    },
    /// A part of the hub could not start.
    #[error("{part} cannot start: {message}")]
    Part {
        /// Which part.
        part: &'static str,
        /// The report's code.
        code: Code,
        /// What went wrong, with its causes.
        message: String,
    },
    /// Some tasks did not end within the grace period.
    #[error("the hub did not stop within {grace_s} s; still running: {left}")]
    StopTimedOut {
        /// The period.
        grace_s: f64,
        /// The tasks left, by name.
        left: String,
    },
    /// The journal cannot write any more, so nothing can be acknowledged.
    #[error(
        "the journal stopped: {reason}; what was acknowledged is on disk: mend the disk, then start \
         the hub again, which recovers it"
    )]
    JournalPoisoned {
        /// The write or sync that failed.
        reason: String,
    },
    /// A task of the hub ended although nothing asked it to.
    #[error("the task {task} ended by itself: {message}")]
    TaskFailed {
        /// Its name.
        task: String,
        /// What it said.
        message: String,
    },
    /// No hub answers.
    #[error(
        "no hub answers at {url}: start one with `portique up`, or name another with --hub or \
         --data"
    )]
    Unreachable {
        /// The address tried.
        url: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Whoever answers is not believed to be the hub.
    #[error("whoever answers at {url} is not believed to be the hub: {problem}")]
    Untrusted {
        /// The address tried.
        url: String,
        /// Why, and what would be right.
        problem: String,
    },
    /// The hub refused the request.
    #[error("{detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the hub said.
        detail: String,
    },
    /// The hub's answer makes no sense to this version.
    #[error("the hub at {url} answered something unexpected: {problem}")]
    Answer {
        /// The address.
        url: String,
        /// What was unexpected.
        problem: String,
    },
    /// What should be proved by the records is not.
    #[error("{what}")]
    Disproved {
        /// What is wrong, and what to do now.
        what: &'static str,
    },
    /// Two accounts of the same differ.
    #[error("{what}")]
    Differs {
        /// What differs, and where to see it.
        what: &'static str,
    },
    /// The demonstration ended otherwise than planned.
    #[error("the flight of {rocket} was not nominal: {reason}")]
    NotNominal {
        /// The rocket.
        rocket: String,
        /// What happened.
        reason: String,
    },
    /// Tests of rule files failed.
    #[error("{failed} of {all} test files failed")]
    RuleTestsFailed {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// An on-board computer ended, although nothing told it to.
    #[error("the computer of module {module} ended: {how}")]
    ModuleEnded {
        /// The module.
        module: String,
        /// What happened.
        how: String,
        /// The status that tells its supervisor.
        exit: Exit,
    },
    /// The machine refuses threads, signals or timers.
    #[error("the machine refuses what every process needs")]
    Runtime {
        /// The cause.
        source: io::Error,
    },
    /// Nothing can be written to the terminal or pipe.
    #[error("cannot write the result")]
    Output(#[source] io::Error),
}

impl Error {
    /// The exit status this error ends the process with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config { .. }
            | Self::Rules { .. }
            | Self::Notifications { .. }
            | Self::Usage { .. }
            | Self::Tls { .. } => Exit::Usage,
            Self::DataFolderLocked { .. } | Self::PortInUse { .. } => Exit::Busy,
            Self::Damaged { .. }
            | Self::Disproved { .. }
            | Self::Part {
                code: Code::DataLoss,
                ..
            } => Exit::Damaged,
            Self::JournalPoisoned { .. } => Exit::Poisoned,
            Self::Unreachable { .. } | Self::Untrusted { .. } => Exit::Unreachable,
            Self::Refused {
                status: 401 | 403, ..
            } => Exit::Unauthenticated,
            Self::Refused { .. } => Exit::Refused,
            Self::NotNominal { .. } => Exit::NotNominal,
            Self::ModuleEnded { exit, .. } => *exit,
            Self::Bind { .. }
            | Self::File { .. }
            | Self::TokenFile { .. }
            | Self::DataFolderOpen { .. }
            | Self::Part { .. }
            | Self::StopTimedOut { .. }
            | Self::TaskFailed { .. }
            | Self::Answer { .. }
            | Self::RuleTestsFailed { .. }
            | Self::Differs { .. }
            | Self::Runtime { .. }
            | Self::Output(_) => Exit::Failure,
        }
    }

    /// Why a hub was not reached.
    pub(crate) fn not_reached(hub: &str, fault: VisitFault) -> Self {
        let url = hub.to_owned();
        match fault {
            VisitFault::Untrusted(problem) => Self::Untrusted { url, problem },
            other => Self::Unreachable {
                url,
                source: Box::new(other),
            },
        }
    }

    /// A part's error, with its causes in one line.
    pub fn part(part: &'static str, fault: &dyn Fault) -> Self {
        let mut message = fault.to_string();
        let mut cause = fault.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self::Part {
            part,
            code: fault.code(),
            message,
        }
    }
}

fn lines(problems: &[String]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    lines.join("\n")
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn holder(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".into(),
    }
}
