//! `cargo xtask start`: everything that one needs to download a torrent in a tab.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::run::{Group, Outcome};
use crate::{build, paths, setup, token};

/// Where the page is unless told otherwise.
const PORT_DEFAULT: u16 = 7077;

/// The part of loopback that the demo swarm lives in: the only one that the relay may reach.
const DEMO_NET: &str = "127.77.0.0/16";

/// Where `trunk serve` shows the page.
const TRUNK_ORIGINS: [&str; 2] = ["http://127.0.0.1:8080", "http://localhost:8080"];

/// The demo swarm makes its sample before it is ready.
const DEMO_READY_MAX: Duration = Duration::from_secs(60);

/// The relay only opens a port.
const RELAY_READY_MAX: Duration = Duration::from_secs(20);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

struct Options {
    port: u16,
    with_demo: bool,
    for_trunk: bool,
}

/// Builds and runs until it is ended.
pub(crate) fn start(args: &[String]) -> Outcome {
    let options = options(args)?;
    // Before the build, which takes minutes.
    ensure_free(options.port)?;
    build::build_all(&setup::for_build()?)?;
    let token = token::kept(&paths::state_dir().join("token"))?;

    let mut demo = None;
    let mut suggestion = None;
    if options.with_demo {
        let (group, torrent) = start_demo()?;
        demo = Some(group);
        suggestion = Some(torrent);
    }
    let mut relay = start_relay(&options, &token, suggestion.as_deref())?;
    wait_until_open(&mut relay, options.port)?;

    let address = format!("http://127.0.0.1:{}/?token={token}", options.port);
    println!("\nSwarmscope is at {address}");
    if let Some(torrent) = &suggestion {
        println!("A torrent to try, from the demo swarm on this machine: {torrent}");
    }
    println!("Ctrl-C ends it.\n");
    open(&address);
    watch(&mut relay, &mut demo)
}

fn options(args: &[String]) -> Outcome<Options> {
    let mut options = Options { port: PORT_DEFAULT, with_demo: true, for_trunk: false };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--port" => {
                let port = args.next().and_then(|port| port.parse().ok()).filter(|port| *port != 0);
                options.port = port.ok_or("--port wants a number from 1 to 65535")?;
            }
            "--no-demo" => options.with_demo = false,
            "--dev" => options.for_trunk = true,
            other => return Err(format!("start does not know `{other}`; see cargo xtask --help")),
        }
    }
    Ok(options)
}

fn ensure_free(port: u16) -> Outcome {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|error| {
        format!(
            "port {port} cannot be used ({error}). Perhaps Swarmscope runs already: then open its page, or end it. \
             Or take another port: cargo xtask start --port {}",
            port.wrapping_add(1).max(1024)
        )
    })
}

/// Starts the demo swarm; the address of its torrent.
fn start_demo() -> Outcome<(Group, String)> {
    println!("start: the demo swarm");
    let mut command = Command::new(paths::release_program("swarmscope-node"));
    let mut group = Group::spawn(command.arg("demo").stdout(Stdio::piped()))?;
    let torrents = torrent_addresses(&mut group);
    match torrents.recv_timeout(DEMO_READY_MAX) {
        Ok(torrent) => Ok((group, torrent)),
        Err(_) => {
            Err("the demo swarm did not start; `cargo xtask start --no-demo` does without it".to_owned())
        }
    }
}

/// Shows what the demo swarm prints, and picks the torrent's address out of it.
fn torrent_addresses(demo: &mut Group) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = demo.child().stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                println!("demo: {line}");
                if let Some(address) = torrent_address(&line) {
                    // Only the first is waited for.
                    let _ = sender.send(address.to_owned());
                }
            }
        });
    }
    receiver
}

fn torrent_address(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| word.starts_with("http://127.77.") && word.ends_with(".torrent"))
}

fn start_relay(options: &Options, token: &str, suggestion: Option<&str>) -> Outcome<Group> {
    println!("start: the relay");
    let mut command = Command::new(paths::release_program("swarmscope-relay"));
    command.args(["--listen", &format!("127.0.0.1:{}", options.port), "--allow-net", DEMO_NET]);
    command.arg("--web").arg(paths::dist());
    // Not as an argument: arguments can be read by every user of the machine.
    command.env("SWARMSCOPE_TOKEN", token);
    if let Some(torrent) = suggestion {
        command.args(["--suggest", torrent]);
    }
    if options.for_trunk {
        for origin in TRUNK_ORIGINS {
            command.args(["--allow-origin", origin]);
        }
    }
    Group::spawn(&mut command)
}

fn wait_until_open(relay: &mut Group, port: u16) -> Outcome {
    let deadline = Instant::now() + RELAY_READY_MAX;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if !matches!(relay.child().try_wait(), Ok(None)) {
            return Err("the relay ended at once; what it said stands above".to_owned());
        }
        if Instant::now() > deadline {
            return Err(format!("the relay does not listen on port {port}"));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// Opens the page where there is a desktop.
fn open(address: &str) {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if has_desktop && let Some(xdg_open) = paths::on_path("xdg-open") {
        // Not waited for: it may be the browser itself. If there is none, the address stands above.
        let _ = Command::new(xdg_open).arg(address).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}

/// Until the relay ends. The page goes on without the demo swarm.
fn watch(relay: &mut Group, demo: &mut Option<Group>) -> Outcome {
    loop {
        if !matches!(relay.child().try_wait(), Ok(None)) {
            return Err("the relay ended; what it said stands above".to_owned());
        }
        if demo.as_mut().is_some_and(|demo| !matches!(demo.child().try_wait(), Ok(None))) {
            println!("start: the demo swarm ended; the relay goes on");
            *demo = None;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::{options, torrent_address};

    #[test]
    fn the_torrent_is_found_in_what_the_demo_prints() {
        let line = "torrent at http://127.77.0.1:6880/demo.torrent (64 MiB)";
        assert_eq!(torrent_address(line), Some("http://127.77.0.1:6880/demo.torrent"));
        assert_eq!(torrent_address("tracker at http://127.77.0.1:6880/announce"), None);
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let parse = |args: &[&str]| options(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!(parse(&["--port", "8000", "--no-demo"]).map(|o| (o.port, o.with_demo)), Ok((8000, false)));
        assert!(parse(&["--port", "0"]).is_err());
        assert!(parse(&["--port"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }
}
