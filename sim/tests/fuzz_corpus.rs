//! The inputs that fuzzing has gathered, replayed without a fuzzer: none of them finds anything.
//!
//! `corpus/fuzz/README.md` says how they were made.
#![allow(clippy::disallowed_methods, reason = "reads the corpus of the repository")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use seawall_sim::choice::Tape;
use seawall_sim::fuzz::{Input, storm};
use seawall_sim::system_seawall::{Seawall, fuzz};

/// What is told for more files, or larger ones, is not worth their time in every test run.
const FILES_MAX: usize = 60;
const BYTES_MAX: usize = 200 * 1024;

fn folder(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(below)
}

/// Every file of a folder, by name.
fn files(below: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder(below)).expect("the corpus is there");
    entries
        .map(|entry| {
            let entry = entry.expect("readable");
            let name = entry.file_name().into_string().expect("names are text");
            (name, fs::read(entry.path()).expect("readable"))
        })
        .collect()
}

/// The inputs of a target, few and small.
fn inputs(target: &str) -> BTreeMap<String, Vec<u8>> {
    let inputs = files(&format!("fuzz/{target}"));
    let bytes: usize = inputs.values().map(Vec::len).sum();
    assert!(!inputs.is_empty() && inputs.len() <= FILES_MAX, "{target}: {} files", inputs.len());
    assert!(bytes <= BYTES_MAX, "{target}: {bytes} bytes");
    inputs
}

fn replay(target: &str, run: impl Fn(&[u8]) -> Result<(), String>) {
    for (name, bytes) in inputs(target) {
        run(&bytes).unwrap_or_else(|why| panic!("corpus/fuzz/{target}/{name}: {why}"));
    }
}

#[test]
fn no_input_of_the_storm_finds_anything() {
    replay("recovery", |bytes| {
        let ran = storm::<Seawall>(bytes).ok_or("it says nothing, or too much")?;
        ran.failure.map_or(Ok(()), |failure| Err(format!("{failure:#?}\n{}", ran.tape)))
    });
}

#[test]
fn no_input_of_a_file_or_of_the_interface_finds_anything() {
    replay("wal", fuzz::wal);
    replay("manifest", fuzz::manifest);
    replay("sstable", fuzz::table);
    replay("ops", fuzz::interface);
}

#[test]
fn every_tape_of_a_bug_is_an_input_and_comes_back_as_it_was() {
    for (name, bytes) in files("tapes") {
        let tape = Tape::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let input = Input { tape, overrides: Vec::new() };
        let bytes = input.to_bytes::<Seawall>().unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(Input::from_bytes::<Seawall>(&bytes), input, "{name}");
    }
}
