//! `sim convert`: a tape as the input of a fuzzer, and what a fuzzer found as a tape.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use seawall_sim::choice::Tape;
use seawall_sim::fuzz::Input;
use seawall_sim::numbers::counted;
use seawall_sim::system_seawall::Seawall;
use serde_json::json;

use super::args::Convert;
use super::tape;
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// What became of a file.
struct Converted {
    /// What was read, and what was written.
    from: &'static str,
    into: &'static str,
    bytes: Vec<u8>,
    operations: usize,
    /// Decisions that are not the default, on the tape.
    answers: usize,
    /// Decisions that the input changes by number.
    overrides: usize,
}

pub(crate) fn convert(console: &Console, arguments: &Convert) -> anyhow::Result<Exit> {
    let Convert { file, to } = arguments;
    if to.is_none() && console.json() {
        let what = "stdout has no room for the result beside its JSON";
        return Err(Failure::usage(what, "name a file for the result: --to FILE").into());
    }
    let bytes = tape::bytes_of(file)?;
    let converted =
        if Tape::begins(&bytes) { to_input(file, &bytes)? } else { to_tape(file, &bytes)? };
    match to {
        Some(path) => std::fs::write(path, &converted.bytes)
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => {
            let mut out = console.stdout();
            out.write_all(&converted.bytes)?;
            out.flush()?;
        }
    }
    tell(console, to.as_deref(), &converted)?;
    Ok(Exit::Fine)
}

fn to_input(file: &Path, bytes: &[u8]) -> anyhow::Result<Converted> {
    let tape = tape::parsed(file, bytes)?;
    let (operations, answers) = (tape.operations.len(), tape.answers.len());
    let input = Input { tape, overrides: Vec::new() };
    let bytes = input.to_bytes::<Seawall>().map_err(|why| {
        Failure::error(
            format!("{} cannot be an input: {why}", file.display()),
            "it may be older than the simulator, or of another store",
        )
    })?;
    Ok(Converted { from: "tape", into: "input", bytes, operations, answers, overrides: 0 })
}

fn to_tape(file: &Path, bytes: &[u8]) -> anyhow::Result<Converted> {
    if bytes.is_empty() {
        return Err(Failure::error(
            format!("{} is empty: neither a tape nor an input", file.display()),
            "name a tape, or a file that `cargo fuzz` wrote, such as one of fuzz/artifacts/recovery/",
        )
        .into());
    }
    let input = Input::from_bytes::<Seawall>(bytes);
    let overrides = input.overrides.len();
    let tape = input.into_tape::<Seawall>().map_err(|why| tape::not_understood(file, &why))?;
    let (operations, answers) = (tape.operations.len(), tape.answers.len());
    let bytes = tape.to_string().into_bytes();
    Ok(Converted { from: "input", into: "tape", bytes, operations, answers, overrides })
}

/// On stdout where the result is elsewhere.
fn tell(console: &Console, to: Option<&Path>, converted: &Converted) -> anyhow::Result<()> {
    let Converted { from, into, bytes, operations, answers, overrides } = converted;
    if console.json() {
        console.data_json(&json!({
            "from": from,
            "into": into,
            "to": to,
            "bytes": bytes.len(),
            "operations": operations,
            "answers": answers,
            "overrides": overrides,
        }))?;
        return Ok(());
    }
    let count = |count: usize, one, many| counted(count as u64, one, many);
    let mut said = format!(
        "{from} -> {into} of {}: {}, {}",
        count(bytes.len(), "byte", "bytes"),
        count(*operations, "operation", "operations"),
        count(*answers, "answer", "answers"),
    );
    if *overrides > 0 {
        said += &format!("; it was run, with {}", count(*overrides, "override", "overrides"));
    }
    match to {
        Some(_) => console.data(said)?,
        None => console.say(said),
    }
    Ok(())
}
