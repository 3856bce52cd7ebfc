//! Programs from Debian's packages. Looked for by name first, so that they may come from anywhere.

use std::path::Path;
use std::process::Command;
use std::sync::Once;

use super::{root, say};
use crate::paths::on_path;
use crate::run::{Outcome, output, run, succeeds};

/// What the tests start, and the Debian package that has it.
const TEST_PROGRAMS: [(&str, &str); 8] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("transmission-daemon", "transmission-daemon"),
    ("transmission-remote", "transmission-cli"),
    ("transmission-create", "transmission-cli"),
    ("aria2c", "aria2"),
    ("opentracker", "opentracker"),
    ("brotli", "brotli"),
];

// The install, with three precautions: packages must not start or keep services of their own, since the tests start
// these programs with their own configuration; nothing may wait for an answer; and an installation that was broken off,
// perhaps by Ctrl-C here, is brought to its end first, since apt refuses to go on otherwise.
const INSTALL_SCRIPT: &str = r#"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
fi
dpkg --configure -a || exit 1
apt-get install --no-install-recommends --yes -o DPkg::Lock::Timeout=300 "$@" || exit 1
for service in transmission-daemon opentracker; do
    case " $* " in *" $service "*) [ ! -d /run/systemd/system ] || systemctl --quiet disable "$service" ;; esac
done
exit 0
"#;

/// Installs what the tests start.
pub(super) fn ensure_test_programs() -> Outcome {
    let mut missing: Vec<&str> = TEST_PROGRAMS
        .iter()
        .filter(|(program, _)| on_path(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    // Debian's binding belongs to Debian's interpreter, which need not be the first one on the PATH.
    if !succeeds(Command::new("/usr/bin/python3").args(["-c", "import libtorrent"])) {
        missing.push("python3-libtorrent");
    }
    missing.dedup();
    if missing.is_empty() {
        say("the programs for the tests are there");
        return Ok(());
    }
    install(&missing)
}

/// Installs clippy for Debian's second compiler. Not having it costs a check and nothing else.
pub(super) fn ensure_wasm_clippy() {
    if !Path::new("/usr/bin/cargo-clippy").exists()
        && let Err(error) = install(&["rust-web-clippy"])
    {
        say(&format!("without clippy for wasm: {error}"));
    }
}

/// Installs packages.
pub(super) fn install(packages: &[&str]) -> Outcome {
    let list = packages.join(" ");
    let by_hand = format!("by hand: sudo apt-get install --no-install-recommends {list}");
    if on_path("apt-get").is_none() {
        return Err(format!("these Debian packages or their like are needed: {list}; install them by hand"));
    }
    let explain = |error: String| format!("{list} could not be installed ({error}); {by_hand}");
    update_lists(root::command("apt-get").map_err(explain)?);
    say(&format!("apt-get install {list}"));
    let mut script = root::command("sh").map_err(explain)?;
    run(script.args(["-c", INSTALL_SCRIPT, "install"]).args(packages))
        .map_err(|_| format!("apt-get could not install {list}; {by_hand}"))
}

/// Version of an installed package, else of the one that would be installed.
pub(super) fn version(package: &str) -> Option<String> {
    let installed = output(Command::new("dpkg-query").args(["-W", "-f", "${Version}", package]));
    installed.filter(|version| !version.is_empty()).or_else(|| {
        let policy = output(Command::new("apt-cache").args(["policy", package]))?;
        let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
        (candidate != "(none)").then(|| candidate.to_owned())
    })
}

// Before the first installation of a run, always: lists may be young and still lack a source that was added since,
// and an old list leads to old versions or to files that the mirror has dropped.
fn update_lists(mut apt_get: Command) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        say("apt-get update");
        // A failing source among several is no reason to stop: the installation will tell.
        if let Err(error) = run(apt_get.args(["update", "-qq", "-o", "DPkg::Lock::Timeout=300"])) {
            say(&format!("{error}; trying to install all the same"));
        }
    });
}
