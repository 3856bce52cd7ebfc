//! Starting programs so that none outlives us: each long-lived child leads a process group of its own, and the
//! groups are ended when we are asked to end or when a child takes too long.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a chore comes to; the error is one line for a person.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// How long a child may take to end by itself once it has been asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Process groups that are running, by the id of their leader.
static GROUPS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A signal told us to end; the handler does it.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// A child that leads its own process group; the group ends when this is dropped.
pub(crate) struct Group {
    child: Child,
}

impl Group {
    /// Starts `command` with nothing on its standard input.
    pub(crate) fn spawn(command: &mut Command) -> Outcome<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{program} does not start: {error}"))?;
        groups().insert(child.id());
        Ok(Self { child })
    }

    /// The child, for its pipes and its state.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the child; `false` if it failed.
    pub(crate) fn wait(&mut self) -> Outcome<bool> {
        self.child.wait().map(|status| status.success()).map_err(|error| error.to_string())
    }

    /// Asks the whole group to end, and ends it.
    pub(crate) fn end(&mut self) {
        signal_group("TERM", self.child.id());
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        signal_group("KILL", self.child.id());
        // Reaped, so that its id can name no other process from here on.
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
        groups().remove(&self.child.id());
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP end all children, then us.
pub(crate) fn end_children_on_signal() {
    let installed = ctrlc::set_handler(|| {
        IS_ENDING.store(true, Ordering::SeqCst);
        let running: Vec<u32> = groups().iter().copied().collect();
        for leader in &running {
            signal_group("TERM", *leader);
        }
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && running.iter().any(|leader| is_alive(*leader)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        for leader in &running {
            signal_group("KILL", *leader);
        }
        // 128 + SIGINT, as a shell would say.
        std::process::exit(130);
    });
    if let Err(error) = installed {
        eprintln!("xtask: signals are not handled ({error}); what was started may have to be ended by hand");
    }
}

/// Leaves the end to the signal handler if a signal came: what failed since then failed because of it.
pub(crate) fn give_way_to_signal() {
    while IS_ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Runs a program to its end with its output shown; an error if it fails.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = shown(command);
    if Group::spawn(command)?.wait()? { Ok(()) } else { Err(format!("`{shown}` failed")) }
}

/// What a short-lived program prints, without the white space around; `None` if it is missing or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `true` if a short-lived program runs and is content; its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    output(command).is_some()
}

/// `cargo` in the root of the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::paths::root());
    command
}

/// An error if there are arguments.
pub(crate) fn no_arguments(args: &[String]) -> Outcome {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(format!("`{arg}` is one argument too many; see cargo xtask --help")),
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let path = std::path::Path::new(command.get_program());
    let words = std::iter::once(path.file_name().unwrap_or(path.as_os_str())).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn groups() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

// The shell's own `kill`, since safe Rust has none and not every system has a program of that name.
fn signal_group(signal: &str, leader: u32) {
    succeeds(Command::new("sh").args(["-c", &format!("kill -{signal} -{leader}")]));
}

fn is_alive(leader: u32) -> bool {
    succeeds(Command::new("sh").args(["-c", &format!("kill -0 -{leader}")]))
}

#[cfg(test)]
mod tests {
    use super::{Group, output, succeeds};
    use std::io::Read;
    use std::process::{Command, Stdio};

    #[test]
    fn ending_a_group_ends_grandchildren_that_ignore_a_polite_request() {
        let mut command = Command::new("sh");
        command.args(["-c", "(trap '' TERM; echo ready; while :; do sleep 1000; done) & wait"]);
        let mut group = Group::spawn(command.stdout(Stdio::piped())).expect("sh starts");
        let mut stdout = group.child().stdout.take().expect("piped");
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready).expect("the grandchild runs");
        drop(group);
        // It holds the other end of the pipe: the end of file says that it is gone.
        assert_eq!(stdout.read_to_end(&mut Vec::new()).expect("readable"), 0);
    }

    #[test]
    fn a_program_that_fails_or_is_missing_has_no_output() {
        assert_eq!(output(Command::new("sh").args(["-c", "echo ' yes '"])).as_deref(), Some("yes"));
        assert_eq!(output(Command::new("sh").args(["-c", "echo no; exit 1"])), None);
        assert!(!succeeds(&mut Command::new("swarmscope-no-such-program")));
    }
}
