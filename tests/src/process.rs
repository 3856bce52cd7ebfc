//! A program that a test started: its output goes to a file, and it ends with the test whatever happens.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::{proc_tree, wait};

/// Lines of a program's output that a failed test shows.
const TAIL_LINES: usize = 40;

/// A running program. Dropping it kills it and everything that it started.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; what it writes goes to a file in `log_dir`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start<S: AsRef<std::ffi::OsStr>>(
        name: &str,
        program: impl AsRef<Path>,
        args: impl IntoIterator<Item = S>,
        log_dir: &Path,
    ) -> Self {
        let mut command = command(program.as_ref());
        command.args(args);
        Self::spawn(name, &mut command, log_dir)
    }

    /// As [`Process::start`] for a command that needs more than arguments; made by [`command`].
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(name: &str, command: &mut Command, log_dir: &Path) -> Self {
        let (log, file) = log_file(name, log_dir);
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log can be shared")).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// As [`Process::spawn`], with its input and output in our hands; only its errors go to the file.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn_piped(name: &str, command: &mut Command, log_dir: &Path) -> (Self, ChildStdin, ChildStdout) {
        let (log, file) = log_file(name, log_dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        let stdin = child.stdin.take().expect("invariant: stdin is a pipe");
        let stdout = child.stdout.take().expect("invariant: stdout is a pipe");
        (Self { name: name.to_owned(), child, log }, stdin, stdout)
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_else(|| panic!("{} has ended:\n{}", self.name, self.log_tail()))
    }

    /// Waits until something listens at `addr`.
    ///
    /// # Panics
    /// When the program ends instead, or nothing listens in time.
    pub async fn wait_for_port(&mut self, addr: std::net::SocketAddr) {
        wait::until_true(&format!("{} to listen at {addr}", self.name.clone()), wait::LONG, async || {
            self.assert_running();
            TcpStream::connect(addr).await.is_ok()
        })
        .await;
    }

    /// Waits until it has written `needle`, and gives that line.
    ///
    /// # Panics
    /// When it ends instead, or does not write it in time.
    pub async fn wait_for_log(&mut self, needle: &str) -> String {
        wait::until(&format!("{} to write {needle:?}", self.name.clone()), wait::LONG, async || {
            let line = self.log_text().lines().find(|line| line.contains(needle)).map(str::to_owned);
            if line.is_none() {
                self.assert_running();
            }
            line
        })
        .await
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub async fn wait_for_end(&mut self, limit: Duration) -> ExitStatus {
        match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("{} did not end within {} s:\n{}", self.name, limit.as_secs(), self.log_tail()),
        }
    }

    /// Everything that it wrote.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Kills it and all that it started, now, as a crash would, and waits until ports, files and locks are free.
    ///
    /// # Panics
    /// When the processes do not go away in time.
    pub async fn kill(&mut self) {
        if let Some(pid) = self.child.id() {
            let killed = proc_tree::kill(pid);
            let _ = self.child.wait().await;
            wait::until_true("killed processes to be gone", wait::LONG, async || {
                !killed.iter().any(|pid| proc_tree::is_alive(*pid))
            })
            .await;
        }
    }

    /// Asks it to end, as a person's Ctrl-C or a service manager would, and waits until it has.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn terminate(&mut self) -> ExitStatus {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a pid fits");
        kill_process(pid, Signal::TERM).expect("a child of ours takes signals");
        self.wait_for_end(wait::LONG).await
    }

    /// Checks that it has not ended.
    ///
    /// # Panics
    /// When it has; the panic shows the end of what it wrote.
    pub fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child can be asked") {
            panic!("{} has ended: {status}\n{}", self.name, self.log_tail());
        }
    }

    fn log_tail(&self) -> String {
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = self.child.id() {
            proc_tree::kill(pid);
        }
        if std::thread::panicking() {
            eprintln!("--- end of what {} wrote ---\n{}", self.name, self.log_tail());
        }
    }
}

/// A command for `program` that dies with the thread that starts it, so that an aborted test run leaves nothing behind.
#[must_use]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program).kill_on_drop(true);
    command
}

fn log_file(name: &str, log_dir: &Path) -> (PathBuf, File) {
    let log = log_dir.join(format!("{name}.log"));
    let file = File::options().create(true).append(true).open(&log).expect("a log file can be made");
    (log, file)
}
