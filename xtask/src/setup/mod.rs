//! `cargo xtask setup`: installs what is missing and nothing else. Every step can be repeated; each says in one line
//! what it does, and if it fails in one line what to do by hand.

mod apt;
mod root;
mod tools;
mod wasm;
mod wasm_std;

use crate::run::Outcome;

pub(crate) use tools::{Tools, installed as tools_installed};
pub(crate) use wasm::WasmCompiler;

/// What building needs: a compiler for wasm with its standard library, trunk and wasm-bindgen.
pub(crate) struct BuildSetup {
    /// Compiles the page.
    pub(crate) wasm: WasmCompiler,
    /// Put the page together.
    pub(crate) tools: Tools,
}

/// `cargo xtask setup [--tests]`.
pub(crate) fn command(args: &[String]) -> Outcome {
    let with_tests = match args {
        [] => false,
        [flag] if flag == "--tests" => true,
        _ => return Err("setup takes --tests or nothing".to_owned()),
    };
    let setup = for_build()?;
    if with_tests {
        for_tests(&setup.wasm)?;
    }
    println!("setup: all there");
    if let Some(rustc) = setup.wasm.rustc() {
        println!("setup: to run trunk by hand: export RUSTC={}", rustc.display());
    }
    Ok(())
}

/// Installs what building needs.
pub(crate) fn for_build() -> Outcome<BuildSetup> {
    let wasm = wasm::ensure()?;
    let tools = tools::ensure()?;
    Ok(BuildSetup { wasm, tools })
}

/// Installs what the tests need besides.
pub(crate) fn for_tests(wasm: &WasmCompiler) -> Outcome {
    apt::ensure_test_programs()?;
    if wasm.rustc().is_some() {
        apt::ensure_wasm_clippy();
    }
    Ok(())
}

/// One line about a step.
fn say(what: &str) {
    println!("setup: {what}");
}
