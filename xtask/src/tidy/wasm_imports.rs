//! What the page's wasm imports. A module named `env` means that some crate expects functions of an operating system:
//! it compiles, and the page then fails to load.

use std::path::Path;

use crate::run::Outcome;

/// Section number of imports in a wasm binary.
const IMPORT_SECTION: u8 = 2;

/// Modules that no browser provides.
const FOREIGN_MODULES: [&str; 2] = ["env", "wasi_snapshot_preview1"];

/// Imports that nobody will provide, in all `.wasm` files of a folder.
pub(crate) fn foreign_in(dir: &Path) -> Outcome<Vec<String>> {
    let mut foreign = Vec::new();
    let entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let wasm = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let imports =
                imports(&wasm).ok_or_else(|| format!("{}: not a readable wasm file", path.display()))?;
            for (module, name) in imports {
                if FOREIGN_MODULES.contains(&module.as_str()) {
                    foreign.push(format!("{} imports {name} from {module}", path.display()));
                }
            }
        }
    }
    Ok(foreign)
}

/// Module and name of each import; `None` if this is no wasm binary.
fn imports(wasm: &[u8]) -> Option<Vec<(String, String)>> {
    let mut rest = wasm.strip_prefix(b"\0asm\x01\0\0\0")?;
    while let Some((section, after)) = rest.split_first() {
        rest = after;
        let len = number(&mut rest)?;
        let (body, after) = rest.split_at_checked(len)?;
        if *section == IMPORT_SECTION {
            return entries(body);
        }
        rest = after;
    }
    Some(Vec::new())
}

fn entries(mut body: &[u8]) -> Option<Vec<(String, String)>> {
    let mut imports = Vec::new();
    for _ in 0..number(&mut body)? {
        imports.push((name(&mut body)?, name(&mut body)?));
        skip_description(&mut body)?;
    }
    Some(imports)
}

/// Passes over what is imported: a function, table, memory, global or tag.
fn skip_description(body: &mut &[u8]) -> Option<()> {
    match byte(body)? {
        0 => {
            number(body)?;
        }
        1 => {
            byte(body)?;
            skip_limits(body)?;
        }
        2 => skip_limits(body)?,
        3 => {
            byte(body)?;
            byte(body)?;
        }
        4 => {
            byte(body)?;
            number(body)?;
        }
        _ => return None,
    }
    Some(())
}

fn skip_limits(body: &mut &[u8]) -> Option<()> {
    let has_max = byte(body)? & 1 == 1;
    number(body)?;
    if has_max {
        number(body)?;
    }
    Some(())
}

fn name(body: &mut &[u8]) -> Option<String> {
    let len = number(body)?;
    let (name, rest) = body.split_at_checked(len)?;
    *body = rest;
    String::from_utf8(name.to_vec()).ok()
}

/// An unsigned LEB128 number.
fn number(body: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..35).step_by(7) {
        let next = byte(body)?;
        value |= usize::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn byte(body: &mut &[u8]) -> Option<u8> {
    let (first, rest) = body.split_first()?;
    *body = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::imports;

    #[test]
    fn imports_are_read_with_their_modules() {
        // A type section, then imports: env.f (function 0) and wbg.m (memory of at least one page).
        let wasm =
            b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x12\x02\x03env\x01f\x00\x00\x03wbg\x01m\x02\x00\x01";
        let pair = |module: &str, name: &str| (module.to_owned(), name.to_owned());
        assert_eq!(imports(wasm), Some(vec![pair("env", "f"), pair("wbg", "m")]));
        assert_eq!(imports(b"\0asm\x01\0\0\0"), Some(Vec::new()));
        assert_eq!(imports(b"<html>"), None);
        assert_eq!(imports(&wasm[..20]), None);
    }
}
