//! A hub as a process of its own, on free ports.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use reqwest::{Method, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running hub; killed when dropped.
pub(crate) struct HubProcess {
    child: Child,
    pub(crate) http: String,
    pub(crate) data: PathBuf,
}

/// The binary with these arguments, and nothing of the environment that would steer it.
pub(crate) fn portique(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portique"));
    command
        .args(args)
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    portique(args).output().unwrap()
}

/// What a finished run said on standard error.
pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl HubProcess {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(&["--data", data.to_str().unwrap()])
    }

    /// Starts a hub and waits until it says that it is ready.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let mut command = portique(&["up", "--listen", "127.0.0.1:0"]);
        let mut child = command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let field = |name: &str| {
            let found = line
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name));
            found.map(str::to_owned)
        };
        match (field("http="), field("data=")) {
            (Some(http), Some(data)) => Self {
                child,
                http,
                data: PathBuf::from(data),
            },
            _ => {
                let output = child.wait_with_output().unwrap();
                panic!("no ready line but {line:?}; {}", complaint(&output));
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn token(&self) -> String {
        let token = std::fs::read_to_string(self.data.join("commander.token")).unwrap();
        token.trim().to_owned()
    }

    /// Asks for an orderly stop and waits for it.
    pub(crate) fn stop(mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap()
    }

    /// Stops it in order; all that it logged.
    pub(crate) fn stop_and_read(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut said = String::new();
        let mut log = self.child.stderr.take().unwrap();
        log.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        reqwest::get(format!("{}{path}", self.http)).await.unwrap()
    }

    /// A request with this token and body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.http));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
