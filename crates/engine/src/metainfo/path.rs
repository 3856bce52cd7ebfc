//! Names from a torrent, made fit for any file system, or refused.
//!
//! A name that leads out of the torrent's folder is no accident: it is refused. A name that only some file system
//! dislikes is changed, since the hashes do not depend on it.

use super::MetainfoError;

/// Longest name of a file or folder, in bytes; file systems stop at 255, and a host may want to append a suffix.
const NAME_LEN_MAX: usize = 240;
/// Folders within each other.
pub(super) const DEPTH_MAX: usize = 64;
/// Names that Windows keeps for devices, whatever the extension.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
/// Such names with a digit behind.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// The path, fit to be stored. Empty names and `.` are left out; the result may be empty.
pub(super) fn safe_path<B: AsRef<[u8]>>(parts: &[B]) -> Result<Vec<String>, MetainfoError> {
    let printable = || {
        let parts: Vec<_> = parts.iter().map(|part| String::from_utf8_lossy(part.as_ref())).collect();
        parts.join("/").escape_debug().take(200).collect::<String>()
    };
    let mut path = Vec::with_capacity(parts.len());
    for part in parts {
        let part = String::from_utf8_lossy(part.as_ref());
        if climbs_out(&part) {
            return Err(MetainfoError::PathClimbsOut { path: printable() });
        }
        path.extend(safe_name(&part));
    }
    if path.len() > DEPTH_MAX {
        return Err(MetainfoError::PathTooDeep { path: printable(), max: DEPTH_MAX });
    }
    Ok(path)
}

/// Would this name, taken as a path on some system, lead to a place that its folder does not contain?
fn climbs_out(name: &str) -> bool {
    let is_absolute = name.starts_with(['/', '\\']) && name.contains(|c| !matches!(c, '/' | '\\'));
    name.contains('\0')
        || is_absolute
        || name.split(['/', '\\']).any(|part| part.trim_end_matches(' ') == "..")
}

/// The name with everything replaced that some file system or terminal would trip over; `None` if nothing is left.
pub(crate) fn safe_name(name: &str) -> Option<String> {
    if name.is_empty() || name == "." {
        return None;
    }
    let mut safe: String = name.chars().map(|c| if is_troublesome(c) { '_' } else { c }).collect();
    // Windows drops dots and spaces at the end, so that two names would become one.
    if safe.ends_with(['.', ' ']) {
        safe.pop();
        safe.push('_');
    }
    if is_device(&safe) {
        safe.insert(0, '_');
    }
    Some(shortened(safe))
}

fn is_troublesome(c: char) -> bool {
    let turns_text_around =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns_text_around || matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = NUMBERED_DEVICES.iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    });
    numbered || DEVICES.contains(&stem.as_str())
}

/// Cuts the middle out, so that the extension stays. A checksum of the whole stands for it: long names of one torrent
/// often differ at their end only.
fn shortened(name: String) -> String {
    if name.len() <= NAME_LEN_MAX {
        return name;
    }
    let extension =
        name.rfind('.').map(|at| &name[at..]).filter(|extension| extension.len() <= 16).unwrap_or_default();
    let end = format!("~{:08x}{extension}", crc32fast::hash(name.as_bytes()));
    let stem_len = name.floor_char_boundary(NAME_LEN_MAX - end.len());
    format!("{}{end}", &name[..stem_len])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn check(parts: &[&str]) -> Option<String> {
        match safe_path(parts) {
            Ok(path) => Some(path.join("/")),
            Err(MetainfoError::PathClimbsOut { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_path_that_climbs_out_is_refused() {
        for bad in [
            &["..", "passwd"][..],
            &["a", "..", "b"],
            &["a/../../b"],
            &["a\\..\\b"],
            &[".. "],
            &["/etc", "passwd"],
            &["\\\\server", "share"],
            &["a\0b"],
        ] {
            assert_eq!(check(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_name_that_some_system_dislikes_is_changed() {
        for (from, to) in [
            (&["a", "", ".", "b"][..], "a/b"),
            (&["a/b"], "a_b"),
            (&["/", "\\\\", "b"], "_/__/b"),
            (&["C:", "x"], "C_/x"),
            (&["what?*<>|\"\n\u{202e}"], "what________"),
            (&["..."], ".._"),
            (&["a. "], "a._"),
            (&["nul"], "_nul"),
            (&["Com1.txt"], "_Com1.txt"),
            (&["console"], "console"),
            (&["COM12"], "COM12"),
            (&["..a", "b..c"], "..a/b..c"),
            (&["Übung – 1.pdf"], "Übung – 1.pdf"),
            (&[""], ""),
        ] {
            assert_eq!(check(from).as_deref(), Some(to), "{from:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_extension() {
        let name = safe_path(&["é".repeat(300) + ".tar"]).unwrap().remove(0);
        assert!(
            name.len() <= NAME_LEN_MAX && name.len() >= NAME_LEN_MAX - 1 && name.ends_with(".tar"),
            "{name}"
        );
    }

    #[test]
    fn long_names_that_differ_at_their_end_stay_different() {
        let [one, two] = ["一", "二"].map(|part| safe_path(&["話".repeat(90) + part + ".mkv"]).unwrap());
        assert_ne!(one, two);
    }

    #[test]
    fn names_need_not_be_utf8() {
        assert_eq!(safe_path(&[b"caf\xe9.txt"]).unwrap(), ["caf\u{fffd}.txt"]);
    }

    #[test]
    fn depth_is_bounded() {
        assert!(safe_path(&["d"; DEPTH_MAX]).is_ok());
        assert!(matches!(safe_path(&["d"; DEPTH_MAX + 1]), Err(MetainfoError::PathTooDeep { .. })));
    }
}
