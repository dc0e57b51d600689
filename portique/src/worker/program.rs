//! One run of a program for one job.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use portique_client::{Handler, Job, JobError};
use portique_jobs::{Claimed, PAYLOAD_BYTES_MAX, Payload};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::TOKEN_VARIABLE;
use super::control::Hands;
use super::guard::Guard;
use crate::error::Error;

/// Status of a program whose input cannot be used: trying again cannot help (`EX_DATAERR` of sysexits).
const STATUS_DEAD: i32 = 65;
/// From being asked to end until a program is ended.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Longest line of standard error that is kept.
const LINE_BYTES_MAX: u64 = 2_048;
/// Where the system looks for programs when `PATH` is not set (execvp(3)).
const PATH_DEFAULT: &str = "/bin:/usr/bin";
/// The header that carries a trace, and the variable in which programs expect it.
const TRACE: (&str, &str) = ("traceparent", "TRACEPARENT");

/// A program that is started for each job.
pub(super) struct Program {
    words: Vec<OsString>,
    timeout: Duration,
    hands: Hands,
    guard: Guard,
}

/// How a run ended.
enum Ended {
    Exit(ExitStatus),
    TimedOut,
    /// Nobody wants the result any more.
    Cancelled,
}

impl Program {
    /// # Errors
    /// [`Error::Usage`] when nothing is named, or nothing that is there: every job would be burnt on it.
    pub(super) fn new(
        words: Vec<OsString>,
        timeout: Duration,
        hands: Hands,
    ) -> Result<Self, Error> {
        let Some(name) = words.first().filter(|name| !name.is_empty()) else {
            return Err(Error::Usage {
                message: "no program is named: write it behind --".into(),
            });
        };
        if !is_there(name) {
            return Err(Error::Usage {
                message: format!(
                    "there is no program {}: write the path to one, or the name of one that is in PATH",
                    Path::new(name).display()
                ),
            });
        }
        Ok(Self {
            words,
            timeout,
            hands,
            guard: Guard::default(),
        })
    }

    fn command(&self, claimed: &Claimed) -> Command {
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            // What admits to the hub is this process's, not the program's.
            .env_remove(TOKEN_VARIABLE)
            .env("PORTIQUE_JOB", claimed.lease.id.to_string())
            .env("PORTIQUE_QUEUE", claimed.queue.as_str())
            .env("PORTIQUE_KIND", claimed.kind.as_str())
            .env("PORTIQUE_ATTEMPT", claimed.attempt.to_string())
            .env("PORTIQUE_LEASE_TOKEN", claimed.lease.token.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(trace) = claimed.headers.get(TRACE.0) {
            command.env(TRACE.1, trace);
        }
        command
    }

    async fn run(&self, job: &Job) -> io::Result<(Ended, Vec<u8>, String)> {
        let claimed = job.claimed();
        self.guard.stand();
        let mut child = self.command(claimed).spawn()?;
        let _guarded = self.guard.hold(child.id());
        let _held = self.hands.hold(child.id());
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        let errors = child.stderr.take().expect("it is piped");
        let ended = self.wait(&mut child, job);
        let (ended, (), output, last) = tokio::join!(
            ended,
            feed(input, claimed.payload.body.clone()),
            collect(output),
            last_line(errors, claimed.lease.id.to_string()),
        );
        Ok((ended?, output?, last))
    }

    async fn wait(&self, child: &mut Child, job: &Job) -> io::Result<Ended> {
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let ended = tokio::select! {
            status = child.wait() => Ended::Exit(status?),
            () = tokio::time::sleep(self.timeout) => Ended::TimedOut,
            () = job.cancelled() => Ended::Cancelled,
            () = self.hands.dropped() => Ended::Cancelled,
        };
        if !matches!(ended, Ended::Exit(_)) {
            signal_all(group, Signal::TERM);
            if tokio::time::timeout(STOP_GRACE, child.wait())
                .await
                .is_err()
            {
                child.kill().await?;
            }
        }
        // What it started may have outlived it, and hold its output open.
        signal_all(group, Signal::KILL);
        Ok(ended)
    }
}

#[async_trait]
impl Handler for Program {
    async fn handle(&self, job: Job) -> Result<Option<Payload>, JobError> {
        let _busy = self.hands.take();
        let name = self.words[0].to_string_lossy();
        let ran = self.run(&job).await;
        let (ended, output, last) =
            ran.map_err(|error| JobError::Retry(format!("{name} cannot be run: {error}")))?;
        let because = |what: String| match last.is_empty() {
            true => what,
            false => format!("{what}: {last}"),
        };
        match ended {
            Ended::Exit(status) if status.success() => result(output),
            Ended::Exit(status) if status.code() == Some(STATUS_DEAD) => {
                Err(JobError::Reject(because(format!("{name} refused the job"))))
            }
            Ended::Exit(status) => Err(JobError::Retry(because(format!("{name}: {status}")))),
            Ended::TimedOut => {
                let seconds = self.timeout.as_secs();
                let what = format!("{name} took longer than {seconds} s and was stopped");
                Err(JobError::Retry(because(what)))
            }
            Ended::Cancelled => Err(JobError::Retry(format!("{name} was stopped"))),
        }
    }
}

/// Whether a program can be found.
fn is_there(name: &OsStr) -> bool {
    if name.as_encoded_bytes().contains(&b'/') {
        return Path::new(name).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH_DEFAULT.into());
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// What a program wrote, as JSON when it is JSON.
fn result(output: Vec<u8>) -> Result<Option<Payload>, JobError> {
    if output.len() > PAYLOAD_BYTES_MAX {
        let problem = format!(
            "the program wrote more than {PAYLOAD_BYTES_MAX} bytes: store the result elsewhere and write its address"
        );
        return Err(JobError::Reject(problem));
    }
    if output.is_empty() {
        return Ok(None);
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&output).is_ok() {
        return Ok(Some(Payload::json(output)));
    }
    let content_type = match std::str::from_utf8(&output) {
        Ok(_) => "text/plain; charset=utf-8",
        Err(_) => "application/octet-stream",
    };
    Ok(Some(Payload {
        content_type: content_type.into(),
        body: output.into(),
    }))
}

/// Gives a program its input; one that does not read it all does not want it.
async fn feed(mut input: tokio::process::ChildStdin, payload: Bytes) {
    if let Err(error) = input.write_all(&payload).await {
        tracing::debug!(%error, "the program did not read all of the payload");
    }
}

/// What a program writes, up to a byte more than a result may have; the rest is read and left out.
async fn collect(mut output: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let limit = PAYLOAD_BYTES_MAX as u64 + 1;
    (&mut output).take(limit).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut output, &mut tokio::io::sink()).await?;
    Ok(kept)
}

/// Logs what a program says on standard error; its last line that is not empty.
async fn last_line(errors: impl AsyncRead + Unpin, job: String) -> String {
    let mut reader = BufReader::new(errors);
    let mut last = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(1..)) {
            return last;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            tracing::info!(job, "{text}");
            last = text.to_owned();
        }
    }
}

fn signal_all(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group
        && let Err(error) = kill_process_group(group, signal)
    {
        tracing::debug!(%error, "the program ended by itself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(output: &[u8]) -> Option<String> {
        result(output.to_vec())
            .unwrap()
            .map(|payload| payload.content_type)
    }

    #[test]
    fn what_is_written_is_the_result() {
        assert_eq!(kind_of(b""), None);
        assert_eq!(kind_of(b"{\"a\": 1}\n").unwrap(), "application/json");
        assert_eq!(kind_of(b"done\n").unwrap(), "text/plain; charset=utf-8");
        assert_eq!(kind_of(b"\xff\xd8").unwrap(), "application/octet-stream");
        let refused = result(vec![b'x'; PAYLOAD_BYTES_MAX + 1]).unwrap_err();
        assert!(matches!(refused, JobError::Reject(_)), "{refused}");
    }

    #[test]
    fn a_program_has_a_name() {
        let timeout = Duration::from_secs(1);
        let refused = |words| Program::new(words, timeout, Hands::default()).is_err();
        assert!(refused(Vec::new()));
        assert!(refused(vec![OsString::new()]));
        assert!(refused(vec!["no-such-program-anywhere".into()]));
        assert!(refused(vec!["./no/such/file".into()]));
        assert!(!refused(vec!["sh".into()]));
    }
}
