//! The token that the relay asks for, kept from start to start so that open pages go on working.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::run::Outcome;

/// Random bytes in a token: out of reach for guessing.
const TOKEN_BYTES: usize = 16;

/// The kept token, made at the first call. Only its owner can read the file.
pub(crate) fn kept(file: &Path) -> Outcome<String> {
    let explain = |error: std::io::Error| format!("the relay's token in {}: {error}", file.display());
    match std::fs::read_to_string(file) {
        Ok(text) if is_token(text.trim()) => {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).map_err(explain)?;
            return Ok(text.trim().to_owned());
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(explain(error)),
    }
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).map_err(explain)?;
    }
    let token = random().map_err(explain)?;
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(file).map_err(explain)?;
    writeln!(out, "{token}").map_err(explain)?;
    Ok(token)
}

fn random() -> std::io::Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_token(text: &str) -> bool {
    text.len() >= TOKEN_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::kept;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn is_kept_and_readable_by_its_owner_only() {
        let dir = std::env::temp_dir().join(format!("swarmscope-token-{}", std::process::id()));
        let file = dir.join("deep/token");
        let first = kept(&file).expect("writable");
        assert_eq!(first.len(), 32);
        assert_eq!(kept(&file).expect("readable"), first);
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&file, "").expect("writable");
        assert_ne!(kept(&file).expect("made anew"), first);
        std::fs::remove_dir_all(&dir).expect("ours");
    }
}
