//! `seawall sim mutated`: the simulator's tests are judged by the mistakes in it that they notice.
//!
//! An oracle that sees too little is silent, as one is that has nothing to tell. So each patch of
//! `sim/mutated/` blinds it at one place: the disk keeps more than it should, the model forgets, a check
//! lets something pass. The tests that the patch names are run with it, and one has to fail.
//!
//! Two things keep this honest. A canary, the first patch, is noticed even by careless tests; and before
//! it all the tests run on the tree as it is, where each has to be found and to pass.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use crate::console::{Console, Tone, unless_reader_went_away};
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::planted::patch::{self, MUTATED, Patch};
use crate::planted::tree::{self, SCRATCH, Tree};
use crate::sim::args::Mutated;

/// Begins the name of a test in a file of `sim/tests`, which stands before the first colons.
const IN_TESTS: &str = "tests/";

/// One mistake and what became of it; scripts depend on the names.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    what: String,
    caught: bool,
    /// The tests that failed.
    by: Vec<String>,
}

/// What a run of some tests gave.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ran {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
    /// A process of tests ended badly and named no test that failed.
    died: bool,
}

pub(crate) fn run(console: &Console, arguments: &Mutated) -> anyhow::Result<Exit> {
    let here = std::env::current_dir().context("cannot tell the current directory")?;
    let root = tree::root_from(&here, MUTATED)?;
    let patches = patch::chosen(&root, MUTATED, arguments.only.as_deref(), false)?;
    if let Some(patch) = patches.iter().find(|patch| patch.caught_by.is_empty()) {
        return Err(Failure::error(
            format!("{} names no test", patch.path.display()),
            "write `# caught by: module::tests::name` or `# caught by: tests/file::name` above its diff",
        )
        .into());
    }
    interrupt::listen()?;
    let tree = Tree::of(&root)?;
    for patch in &patches {
        tree.reset()?;
        tree.apply(patch)?;
    }
    let named = patches.iter().flat_map(|patch| &patch.caught_by).cloned().collect();
    control(console, &root, &tree, &named)?;
    let mut rows = Vec::new();
    for patch in &patches {
        let Some(row) = judge(console, &root, &tree, patch)? else { break };
        print(console, &row)?;
        rows.push(row);
    }
    conclude(console, &rows, rows.len() == patches.len())
}

/// Without a patch every test is there and passes.
fn control(
    console: &Console,
    root: &Path,
    tree: &Tree,
    named: &BTreeSet<String>,
) -> anyhow::Result<()> {
    console.say(format_args!("without a patch: {} tests", named.len()));
    tree.reset()?;
    let ran = run_tests(console, root, tree, named)?;
    if ran.died || ran.passed != *named {
        let missing: Vec<&str> = named.difference(&ran.passed).map(String::as_str).collect();
        return Err(Failure::error(
            format!("without a patch these do not pass: {}", missing.join(", ")),
            "a test that fails or does not exist notices nothing; name one that passes",
        )
        .into());
    }
    Ok(())
}

/// Runs the tests that a patch names, with it. Nothing when that was interrupted.
fn judge(
    console: &Console,
    root: &Path,
    tree: &Tree,
    patch: &Patch,
) -> anyhow::Result<Option<Row>> {
    console.say(format_args!("{}: {}", patch.id, patch.what));
    tree.reset()?;
    tree.apply(patch)?;
    let named = patch.caught_by.iter().cloned().collect();
    let ran = run_tests(console, root, tree, &named)?;
    if interrupt::asked() {
        return Ok(None);
    }
    let (id, what) = (patch.id.clone(), patch.what.clone());
    let caught = ran.died || !ran.failed.is_empty();
    Ok(Some(Row { id, what, caught, by: ran.failed.into_iter().collect() }))
}

/// Builds the tests of the copy and runs those with these names.
fn run_tests(
    console: &Console,
    root: &Path,
    tree: &Tree,
    named: &BTreeSet<String>,
) -> anyhow::Result<Ran> {
    let mut ran = Ran::default();
    let files: BTreeSet<Option<&str>> = named.iter().map(|name| split(name).0).collect();
    for file in files {
        let of_file = named.iter().filter(|name| split(name).0 == file);
        let names: Vec<&str> = of_file.map(|name| split(name).1).collect();
        let mut build = cargo(root, tree, file);
        build.arg("--no-run").stdout(Stdio::null());
        if !console.verbose {
            build.arg("--quiet");
        }
        if !build.status().context("cannot run cargo")?.success() {
            return Err(Failure::error(
                "the tests do not compile",
                "write the same mistake so that it compiles; what cargo said stands above",
            )
            .into());
        }
        let mut tests = cargo(root, tree, file);
        tests.args(["--", "--exact", "--color", "never"]).args(names);
        let output = tests.stderr(Stdio::null()).output().context("cannot run cargo")?;
        read(&String::from_utf8_lossy(&output.stdout), file, output.status.success(), &mut ran);
    }
    Ok(ran)
}

fn cargo(root: &Path, tree: &Tree, file: Option<&str>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--locked", "--package", "seawall-sim", "--target-dir"]);
    command.arg(root.join(SCRATCH).join("build")).current_dir(tree.copy());
    match file {
        Some(file) => command.args(["--test", file]),
        None => command.arg("--lib"),
    };
    command.env("GIT_CEILING_DIRECTORIES", root).env("CARGO_INCREMENTAL", "1");
    command.stdin(Stdio::null());
    command
}

/// The file of `sim/tests` that a test is in, if it is, and its name there.
fn split(name: &str) -> (Option<&str>, &str) {
    match name.strip_prefix(IN_TESTS).and_then(|rest| rest.split_once("::")) {
        Some((file, test)) => (Some(file), test),
        None => (None, name),
    }
}

/// Adds what a process of tests printed: `test NAME ... ok` or `FAILED` for each.
fn read(stdout: &str, file: Option<&str>, success: bool, ran: &mut Ran) {
    let whole = |name: &str| match file {
        Some(file) => format!("{IN_TESTS}{file}::{name}"),
        None => name.to_owned(),
    };
    let mut any_failed = false;
    for line in stdout.lines() {
        let Some((name, end)) = line.strip_prefix("test ").and_then(|l| l.split_once(" ... "))
        else {
            continue;
        };
        if end == "ok" {
            ran.passed.insert(whole(name));
        } else {
            ran.failed.insert(whole(name));
            any_failed = true;
        }
    }
    ran.died |= !success && !any_failed;
}

fn print(console: &Console, row: &Row) -> anyhow::Result<()> {
    if console.json() {
        return Ok(());
    }
    let (word, tone) = if row.caught { ("caught", Tone::Good) } else { ("SURVIVED", Tone::Bad) };
    let word = console.painted(&format!("{word:<8}"), tone);
    let by = if row.by.is_empty() { "-".to_owned() } else { row.by.join(" ") };
    let mut out = console.stdout();
    let line = writeln!(out, "{:<36}  {word}  {by}", row.id).and_then(|()| out.flush());
    unless_reader_went_away(line)?;
    Ok(())
}

fn conclude(console: &Console, rows: &[Row], complete: bool) -> anyhow::Result<Exit> {
    let survived: Vec<&str> =
        rows.iter().filter(|row| !row.caught).map(|row| row.id.as_str()).collect();
    let verdict = match (survived.is_empty(), complete) {
        (false, _) => "survived",
        (true, true) => "ok",
        (true, false) => "interrupted",
    };
    if console.json() {
        unless_reader_went_away(console.data_json(&json!({
            "verdict": verdict,
            "mutated": rows,
            "commit": crate::version::of_this_build().commit,
            "version": crate::version::of_this_build().version,
        })))?;
    }
    console.say(format_args!("{} of {} caught", rows.len() - survived.len(), rows.len()));
    if !survived.is_empty() {
        return Err(Failure::new(
            Exit::PlantedMissed,
            format!("survived: {}", survived.join(", ")),
            "the tests that the patch names would not notice such an oracle: write one that does",
        )
        .into());
    }
    Ok(if complete { Exit::Fine } else { Exit::Interrupted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_in_the_library_or_in_a_file_of_tests() {
        assert_eq!(split("check::tests::a"), (None, "check::tests::a"));
        assert_eq!(split("tests/driver::a::b"), (Some("driver"), "a::b"));
    }

    #[test]
    fn what_tests_print_is_read_and_a_process_that_dies_is_told() {
        let mut ran = Ran::default();
        let stdout = "\nrunning 2 tests\ntest a::b ... ok\ntest c ... FAILED\n\nfailures:\n";
        read(stdout, Some("driver"), false, &mut ran);
        assert!(
            ran.passed.contains("tests/driver::a::b") && ran.failed.contains("tests/driver::c")
        );
        assert!(!ran.died);
        read("running 1 test\n", None, false, &mut ran);
        assert!(ran.died);
    }
}
