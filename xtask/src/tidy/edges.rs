//! Which package may use which: dependencies point inward only, and none is declared for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::File;
use crate::run::Outcome;

/// Each package of the workspace and the packages of the workspace that it may use.
const EDGES: [(&str, &[&str]); 10] = [
    ("codec", &[]),
    ("engine", &["codec"]),
    ("relay-proto", &["codec"]),
    ("peernet", &["codec"]),
    ("sim", &["codec", "engine"]),
    ("lecture", &[]),
    ("node", &["codec", "engine", "peernet"]),
    ("relay", &["codec", "peernet", "relay-proto"]),
    ("swarmscope", &["codec", "engine", "lecture", "relay-proto", "sim"]),
    ("xtask", &[]),
];

/// May use every package: it tests them together.
const TESTS_PACKAGE: &str = "swarmscope-tests";

/// Declared for a feature or a build setting and never named in the code: package, dependency, why.
const UNNAMED: [(&str, &str, &str); 0] = [];

/// One package.
struct Package {
    name: String,
    /// Path of its manifest.
    manifest: String,
    /// Folder with a trailing slash; empty for the root.
    folder: String,
    dependencies: BTreeSet<String>,
}

/// Wrong edges and useless dependencies.
pub(super) fn check(files: &[File]) -> Outcome<Vec<Finding>> {
    let packages = packages(files)?;
    let mut findings = Vec::new();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    for package in &packages {
        findings.extend(wrong_edges(package, &names));
        findings.extend(unnamed_dependencies(package, files));
    }
    findings.extend(unused_versions(files, &packages)?);
    Ok(findings)
}

fn wrong_edges(package: &Package, names: &BTreeSet<&str>) -> Vec<Finding> {
    if package.name == TESTS_PACKAGE {
        return Vec::new();
    }
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    let Some(allowed) = allowed.get(package.name.as_str()) else {
        return vec![format!(
            "{}: package {} has no line in xtask/src/tidy/edges.rs",
            package.manifest, package.name
        )];
    };
    let ours = package.dependencies.iter().filter(|name| names.contains(name.as_str()));
    ours.filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| format!("{}: {} must not use {name}", package.manifest, package.name))
        .collect()
}

fn unnamed_dependencies(package: &Package, files: &[File]) -> Vec<Finding> {
    let is_own = |path: &str| {
        let Some(inside) = path.strip_prefix(&package.folder) else { return false };
        // The root package shares its folder with all others.
        let is_source = !package.folder.is_empty() || inside.starts_with("src/");
        path.ends_with(".rs") && is_source
    };
    let sources: Vec<&str> =
        files.iter().filter(|file| is_own(&file.path)).map(|file| file.text.as_str()).collect();
    let is_named = |name: &str| {
        let in_code = name.replace('-', "_");
        sources.iter().any(|text| text.contains(&in_code))
    };
    let is_excused = |name: &str| UNNAMED.iter().any(|(of, what, _)| *of == package.name && *what == name);
    package
        .dependencies
        .iter()
        .filter(|name| !is_named(name) && !is_excused(name))
        .map(|name| format!("{}: {name} is never used", package.manifest))
        .collect()
}

/// Versions in the root manifest that no package takes.
fn unused_versions(files: &[File], packages: &[Package]) -> Outcome<Vec<Finding>> {
    let root = files.iter().find(|file| file.path == "Cargo.toml").ok_or("there is no Cargo.toml")?;
    let manifest: toml::Table = root.text.parse().map_err(|error| format!("Cargo.toml: {error}"))?;
    let versions = manifest
        .get("workspace")
        .and_then(|table| table.get("dependencies"))
        .and_then(|table| table.as_table());
    let used = |name: &str| packages.iter().any(|package| package.dependencies.contains(name));
    Ok(versions
        .into_iter()
        .flat_map(|versions| versions.keys())
        .filter(|name| !used(name))
        .map(|name| format!("Cargo.toml: [workspace.dependencies] {name} is taken by no package"))
        .collect())
}

fn packages(files: &[File]) -> Outcome<Vec<Package>> {
    let manifests =
        files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"));
    // fuzz is a workspace of its own.
    manifests
        .filter(|file| !file.path.starts_with("fuzz/"))
        .filter_map(|file| package(file).transpose())
        .collect()
}

fn package(file: &File) -> Outcome<Option<Package>> {
    let manifest: toml::Table = file.text.parse().map_err(|error| format!("{}: {error}", file.path))?;
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(|name| name.as_str());
    let Some(name) = name else { return Ok(None) };
    let mut dependencies = dependencies(&manifest);
    for target in manifest
        .get("target")
        .and_then(|target| target.as_table())
        .into_iter()
        .flat_map(|table| table.values())
    {
        dependencies.extend(target.as_table().map(self::dependencies).unwrap_or_default());
    }
    Ok(Some(Package {
        name: name.to_owned(),
        manifest: file.path.clone(),
        folder: file.path.trim_end_matches("Cargo.toml").to_owned(),
        dependencies,
    }))
}

fn dependencies(table: &toml::Table) -> BTreeSet<String> {
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = sections.iter().filter_map(|section| table.get(*section)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::File;
    use super::check;

    fn findings(manifest: &str, code: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let root = "[workspace.dependencies]\nengine = \"1\"\nrelay = \"1\"\n[package]\nname = \"swarmscope\"\n\
                    [dependencies]\nengine.workspace = true\n";
        let files = [
            file("Cargo.toml", root),
            file("src/lib.rs", "use engine::Engine;"),
            file("crates/relay/Cargo.toml", "[package]\nname = \"relay\"\n"),
            file("crates/engine/Cargo.toml", manifest),
            file("crates/engine/src/lib.rs", code),
        ];
        check(&files).expect("manifests are readable")
    }

    #[test]
    fn an_edge_outward_is_found_in_every_section() {
        for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
            let manifest = format!("[package]\nname = \"engine\"\n[{section}]\nrelay.workspace = true\n");
            let found = findings(&manifest, "use relay::Relay;");
            assert_eq!(found, ["crates/engine/Cargo.toml: engine must not use relay"], "{section}");
        }
    }

    #[test]
    fn a_dependency_that_nobody_names_is_found() {
        let manifest = "[package]\nname = \"engine\"\n[dependencies]\nsome-crate = \"1\"\n";
        let found = findings(manifest, "");
        assert!(found.contains(&"crates/engine/Cargo.toml: some-crate is never used".to_owned()));
        assert!(
            found.contains(&"Cargo.toml: [workspace.dependencies] relay is taken by no package".to_owned())
        );
    }

    #[test]
    fn an_unknown_package_must_be_given_its_edges() {
        let found = findings("[package]\nname = \"enigma\"\n", "");
        assert!(found.iter().any(|finding| finding.contains("enigma has no line")), "{found:?}");
    }
}
