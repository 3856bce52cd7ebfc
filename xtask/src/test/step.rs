//! One step of the test run, and their sum.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Instant;

use super::STEP_LIMIT;
use super::tally::Tally;
use crate::run::{Group, Outcome, give_way_to_signal, shown};

/// All steps so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: String,
    tally: Tally,
    seconds: u64,
}

impl Steps {
    /// A step that passes or fails as a whole.
    pub(crate) fn check<T>(&mut self, name: &str, body: impl FnOnce() -> Outcome<T>) -> Option<T> {
        let started = begin(name);
        let outcome = body();
        if let Err(message) = &outcome {
            println!("{name}: {message}");
        }
        self.end(name, started, Tally::of_one(outcome.is_ok()));
        outcome.ok()
    }

    /// A step that could not be tried.
    pub(crate) fn fail(&mut self, name: &str, why: &str) {
        let started = begin(name);
        println!("{name}: {why}");
        self.end(name, started, Tally::of_one(false));
    }

    /// A program that passes or fails as a whole.
    pub(crate) fn run(&mut self, name: &str, command: &mut Command) {
        let started = begin(name);
        println!("$ {}", shown(command));
        let ended = run_bounded(command, &mut |_| ());
        self.end(name, started, Tally::of_one(ended == Ended::Well));
    }

    /// A `cargo test`: its own counts, and one failure more if it fails without having counted any.
    pub(crate) fn run_tests(&mut self, name: &str, command: &mut Command) {
        self.run_tests_watched(name, command, &mut |_| ());
    }

    /// As [`Steps::run_tests`], handing on each line.
    pub(crate) fn run_tests_watched(
        &mut self,
        name: &str,
        command: &mut Command,
        each_line: &mut dyn FnMut(&str),
    ) {
        let started = begin(name);
        println!("$ {}", shown(command));
        let mut tally = Tally::default();
        let ended = run_bounded(command, &mut |line| {
            tally.add_line(line);
            each_line(line);
        });
        if ended != Ended::Well && (tally.failed == 0 || ended == Ended::OutOfTime) {
            tally.failed += 1;
        }
        self.end(name, started, tally);
    }

    /// Prints a table and, last, the sum; the number of failures.
    pub(crate) fn summary(&self) -> u64 {
        println!();
        for Step { name, tally, seconds } in &self.done {
            let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
            println!(
                "{verdict:<7}{name:<16}{:>5} passed {:>3} failed {seconds:>6} s",
                tally.passed, tally.failed
            );
        }
        let passed: u64 = self.done.iter().map(|step| step.tally.passed).sum();
        let failed: u64 = self.done.iter().map(|step| step.tally.failed).sum();
        println!("\n{passed} passed, {failed} failed");
        failed
    }

    // Every step comes by here, so that none begins after a signal.
    fn end(&mut self, name: &str, started: Instant, tally: Tally) {
        give_way_to_signal();
        self.done.push(Step { name: name.to_owned(), tally, seconds: started.elapsed().as_secs() });
    }
}

fn begin(name: &str) -> Instant {
    println!("\n== {name}");
    Instant::now()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    Badly,
    OutOfTime,
}

/// Shows each line as it comes and hands it on; ends the program when its time is over.
fn run_bounded(command: &mut Command, each_line: &mut dyn FnMut(&str)) -> Ended {
    let mut group = match Group::spawn(command.stdout(Stdio::piped())) {
        Ok(group) => group,
        Err(message) => {
            println!("{message}");
            return Ended::Badly;
        }
    };
    let (sender, lines) = channel();
    let reader = group.child().stdout.take().map(|stdout| {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        })
    });
    let deadline = Instant::now() + STEP_LIMIT;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                println!("{line}");
                // Whoever reads our output through a pipe wants to see it grow.
                let _ = std::io::stdout().flush();
                each_line(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                println!("still running after {} minutes: ended", STEP_LIMIT.as_secs() / 60);
                group.end();
                return Ended::OutOfTime;
            }
        }
    }
    if let Some(reader) = reader {
        // It has sent all there was: its end of the channel is gone.
        let _ = reader.join();
    }
    if group.wait() == Ok(true) { Ended::Well } else { Ended::Badly }
}
