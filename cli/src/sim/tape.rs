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
    let bytes = fs::read(path).map_err(|error| {
        Failure::error(
            format!("cannot read {}: {error}", path.display()),
            "name a tape that `seawall sim run` wrote, or one of corpus/tapes/",
        )
    })?;
    let tape = Tape::parse(&bytes).map_err(|error| {
        Failure::error(
            format!("{} is no tape: {error}", path.display()),
            "a tape begins with the line `seawall tape 1`; record it again with `seawall sim run \
             --seed`",
        )
    })?;
    Ok(tape)
}

/// A tape that says nothing that the present simulator understands.
pub(crate) fn not_understood(path: &Path, why: &str) -> anyhow::Error {
    Failure::error(
        format!("{} cannot be played: {why}", path.display()),
        "it may be older than the simulator; check out the commit it names, or record it again",
    )
    .into()
}
