//! Tapes as files: where they go, and what is said about one that cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use seawall_sim::choice::Tape;

use crate::exit::Failure;

/// The directory for new tapes: beside cargo's output in a clone, else one of our own here.
pub(crate) fn directory() -> &'static Path {
    Path::new(if Path::new("target").is_dir() { "target/sim" } else { "seawall-sim" })
}

/// Writes the tape of a seed and returns its path.
pub(crate) fn write(seed: u64, tape: &Tape) -> anyhow::Result<PathBuf> {
    let path = directory().join(format!("{seed:016x}.tape"));
    fs::create_dir_all(directory())
        .and_then(|()| fs::write(&path, tape.to_string()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Reads the tape of a person's path.
///
/// # Errors
/// It cannot be read, or it is no tape; both say what is.
pub(crate) fn read(path: &Path) -> anyhow::Result<Tape> {
    parsed(path, &bytes_of(path)?)
}

/// Reads the file of a person's path.
///
/// # Errors
/// It cannot be read.
pub(crate) fn bytes_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = fs::read(path).map_err(|error| {
        Failure::error(
            format!("cannot read {}: {error}", path.display()),
            "name a tape that `seawall sim run` wrote, or one of corpus/tapes/",
        )
    });
    Ok(read?)
}

/// The tape that a file holds.
///
/// # Errors
/// It is none, and why.
pub(crate) fn parsed(path: &Path, bytes: &[u8]) -> anyhow::Result<Tape> {
    let tape = Tape::parse(bytes).map_err(|error| {
        Failure::error(
            format!("{} is no tape: {error}", path.display()),
            "a tape begins with the line `seawall tape 1`; record it again with `seawall sim run \
             --seed`, or make it of an input with `seawall sim convert`",
        )
    });
    Ok(tape?)
}

/// A tape that says nothing that the present simulator understands.
pub(crate) fn not_understood(path: &Path, why: &str) -> anyhow::Error {
    Failure::error(
        format!("{} cannot be played: {why}", path.display()),
        "it may be older than the simulator; check out the commit it names, or record it again",
    )
    .into()
}
