//! `sim keep`: a tape that showed a bug goes into the repository, with the bug's story.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::args::Keep;
use super::tape::read;
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Where kept tapes are, from the root of the repository.
const CORPUS: &str = "corpus/tapes";

pub(crate) fn keep(console: &Console, arguments: &Keep) -> anyhow::Result<Exit> {
    let Keep { tape, why } = arguments;
    let why = story(why)?;
    let mut recorded = read(tape)?;
    recorded.notes.insert(0, format!("why {why}"));
    let kept = place_for(tape)?;
    fs::create_dir_all(CORPUS)
        .and_then(|()| fs::write(&kept, recorded.to_string()))
        .with_context(|| format!("cannot write {}", kept.display()))?;
    if console.json() {
        console.data_json(&json!({ "kept": kept, "why": why }))?;
    } else {
        console.data(kept.display())?;
    }
    console.say("`cargo test` replays it from now on; add it to the commit that fixes the bug");
    Ok(Exit::Fine)
}

/// The story, if it is one line with something in it.
fn story(why: &str) -> anyhow::Result<&str> {
    let why = why.trim();
    if why.is_empty() || why.contains(['\n', '\r']) {
        let next = "say in one line what went wrong: -m \"the edit was synced before the table\"";
        return Err(Failure::usage("the story of the bug is not one line", next).into());
    }
    Ok(why)
}

/// The kept tape's path; refuses to replace one and to start a corpus where no repository is.
fn place_for(tape: &Path) -> anyhow::Result<PathBuf> {
    if !Path::new("corpus").is_dir() && !Path::new(".git").exists() {
        return Err(Failure::error(
            "this is not the root of a repository, and there is no corpus/ here",
            "change to the root of the repository and run it there",
        )
        .into());
    }
    let name = tape.file_name().context("a file that was read has a name")?;
    let kept = Path::new(CORPUS).join(name);
    if kept.exists() {
        return Err(Failure::error(
            format!("{} exists", kept.display()),
            "rename the tape to a word for the bug first, such as unsynced-edit.tape",
        )
        .into());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_one_line() {
        assert!(story(" lost a write ").is_ok_and(|why| why == "lost a write"));
        assert!(story("a\nb").is_err() && story("  ").is_err());
    }
}
