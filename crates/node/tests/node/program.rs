//! The program, started as a user would start it.

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::LIMIT;

/// A running program with `--json`. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(crate) fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_swarmscope-node"))
            .args(args)
            .arg("--json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a line of this event of which `is_it` says yes.
    pub(crate) async fn wait_for(&mut self, event: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                let line: Value = serde_json::from_str(&line).unwrap();
                if line["event"] == event && is_it(&line) {
                    return Some(line);
                }
            }
            None
        };
        let found = timeout(LIMIT, reading).await.unwrap();
        match found {
            Some(line) => line,
            None => panic!("it ended without the event {event}: {}", self.errors().await),
        }
    }

    /// Its address, once it listens.
    pub(crate) async fn listen_addr(&mut self) -> String {
        self.wait_for("started", |_| true).await["listen"].as_str().unwrap().to_owned()
    }

    pub(crate) fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// No handler of the program runs.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Its exit status, and what it said on stderr.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        // Nobody else would empty the pipe.
        while timeout(LIMIT, self.lines.next_line()).await.unwrap().unwrap().is_some() {}
        let errors = self.errors().await;
        (timeout(LIMIT, self.child.wait()).await.unwrap().unwrap(), errors)
    }

    async fn errors(&mut self) -> String {
        let mut text = String::new();
        timeout(LIMIT, self.child.stderr.as_mut().unwrap().read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }
}
