//! One planted bug: build it, sweep it, note what it took to find it.

use std::fs;
use std::io::Read;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

use super::patch::Patch;
use super::tree::{SCRATCH, Tree};
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// What is swept: the range that everybody runs, and one that nobody tunes for.
pub(crate) const RANGES: [Range<u64>; 2] = [0..2000, 1_000_000..1_002_000];

/// One sweep of one planted bug.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) killed: bool,
    /// Up to and with the first that found it; all of them if none did.
    pub(crate) seeds: u64,
    /// User and system time of the sweep, shrinking included.
    pub(crate) cpu_seconds: f64,
    /// Which property it violated.
    pub(crate) property: Option<String>,
    pub(crate) shrunk_operations: Option<u64>,
    /// What the failure says why it is.
    pub(crate) blame: Option<String>,
    pub(crate) tape: Option<PathBuf>,
    /// Why the sweep is no verdict: it ended in a way that none should.
    pub(crate) broken: Option<String>,
}

/// The part of a run's JSON that counts here.
#[derive(Deserialize)]
struct RunReport {
    verdict: String,
    seeds: u64,
    failures: Vec<RunFailure>,
}

#[derive(Deserialize)]
struct RunFailure {
    seed: SeedText,
    property: String,
    tape: Option<PathBuf>,
    shrunk_operations: Option<u64>,
    #[serde(default)]
    blame: Option<String>,
}

/// Seeds above 2^53 do not survive in JSON numbers, so they are written as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum SeedText {
    Number(u64),
    Text(String),
}

/// How a child process ended, and what it used.
struct Ended {
    status: ExitStatus,
    cpu_seconds: f64,
    stdout: Vec<u8>,
}

/// Builds the copy with the patch in it; returns the binary.
///
/// # Errors
/// The patch does not apply, or what it makes does not compile.
pub(crate) fn build(
    console: &Console,
    root: &Path,
    tree: &Tree,
    patch: &Patch,
) -> anyhow::Result<PathBuf> {
    tree.reset()?;
    tree.apply(patch)?;
    let target = root.join(SCRATCH).join("build");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--package", "seawall-cli", "--target-dir"]);
    // What is built is no commit, so it must not take itself for the one around it.
    command.arg(&target).current_dir(tree.copy()).env("GIT_CEILING_DIRECTORIES", root);
    // One file changes from build to build.
    command.env("CARGO_INCREMENTAL", "1");
    if !console.verbose {
        command.arg("--quiet");
    }
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    if !status.context("cannot run cargo")?.success() {
        return Err(Failure::error(
            format!("the tree does not compile with {}", patch.path.display()),
            "write the same mistake so that it compiles; what cargo said stands above",
        )
        .into());
    }
    Ok(target.join("release/seawall"))
}

/// Sweeps one range with the binary, until the first failure.
///
/// Returns nothing when it was interrupted.
pub(crate) fn sweep(
    root: &Path,
    binary: &Path,
    patch: &Patch,
    seeds: &Range<u64>,
    jobs: Option<u16>,
) -> anyhow::Result<Option<Sweep>> {
    // Tapes of what was found land here, for a look at what the failure says.
    let directory = root.join(SCRATCH).join("runs").join(&patch.id);
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let mut command = Command::new(binary);
    let range = format!("{}..{}", seeds.start, seeds.end);
    // Whether a seed does the same thing twice is for the sweep of the tree without bugs.
    command.args(["sim", "run", "--output", "json", "--quiet", "--once", "--seeds", &range]);
    if let Some(jobs) = jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    let ended = run(command.current_dir(&directory))?;
    if ended.status.code() == Some(Exit::Interrupted as i32) {
        return Ok(None);
    }
    Ok(Some(judge(&ended, seeds, &directory)))
}

fn run(command: &mut Command) -> anyhow::Result<Ended> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().context("cannot start the binary just built")?;
    let Some(mut output) = child.stdout.take() else { bail!("the child has no stdout") };
    let mut stdout = Vec::new();
    output.read_to_end(&mut stdout).context("cannot read what the sweep found")?;
    let ended = child.wait4().context("cannot wait for the sweep")?;
    let cpu = ended.rusage.utime + ended.rusage.stime;
    Ok(Ended { status: ended.status, cpu_seconds: cpu.as_secs_f64(), stdout })
}

/// What an ended sweep says about the bug.
fn judge(ended: &Ended, seeds: &Range<u64>, directory: &Path) -> Sweep {
    let mut sweep = Sweep {
        from: seeds.start,
        to: seeds.end,
        killed: false,
        seeds: 0,
        cpu_seconds: ended.cpu_seconds,
        property: None,
        shrunk_operations: None,
        blame: None,
        tape: None,
        broken: None,
    };
    let report = match serde_json::from_slice::<RunReport>(&ended.stdout) {
        Ok(report) => report,
        Err(error) => {
            sweep.broken = Some(format!("{}, no report: {error}", how(ended.status)));
            return sweep;
        }
    };
    sweep.seeds = report.seeds;
    match (&*report.verdict, report.failures.into_iter().next()) {
        // A bug may also make the store do less; that does not find it.
        ("ok" | "missed", None) => {}
        ("violated", Some(failure)) => {
            sweep.killed = true;
            sweep.seeds = failure.seed.number().map_or(report.seeds, |s| s - seeds.start + 1);
            sweep.property = Some(failure.property);
            sweep.shrunk_operations = failure.shrunk_operations;
            sweep.blame = failure.blame;
            sweep.tape = failure.tape.map(|tape| directory.join(tape));
        }
        _ => sweep.broken = Some(how(ended.status)),
    }
    sweep
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown end".to_owned(),
    }
}

impl SeedText {
    fn number(&self) -> Option<u64> {
        match self {
            SeedText::Number(number) => Some(*number),
            SeedText::Text(text) => crate::sim::seeds::seed(text).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(code: i32, stdout: &str) -> Sweep {
        let status = ExitStatus::from_raw(code << 8);
        let ended = Ended { status, cpu_seconds: 1.5, stdout: stdout.as_bytes().to_vec() };
        judge(&ended, &(1000..3000), Path::new("runs"))
    }

    #[test]
    fn a_violation_kills_after_the_seeds_up_to_its_own() {
        let sweep = judged(
            10,
            r#"{"verdict":"violated","seeds":40,"failures":[{"seed":"0x3f1","property":"O1",
                "tape":"seawall-sim/3f1.tape","shrunk_operations":3,"blame":"..","personalities":[]}]}"#,
        );
        assert!(sweep.killed && sweep.broken.is_none());
        assert_eq!((sweep.seeds, sweep.property.as_deref()), (10, Some("O1")));
        assert_eq!(sweep.tape, Some("runs/seawall-sim/3f1.tape".into()));
    }

    #[test]
    fn a_clean_sweep_is_a_miss_and_any_other_end_is_no_verdict() {
        let clean = judged(0, r#"{"verdict":"ok","seeds":2000,"failures":[]}"#);
        assert_eq!((clean.killed, clean.seeds, clean.broken), (false, 2000, None));
        assert_eq!(
            judged(11, r#"{"verdict":"nondeterministic","seeds":9,"failures":[]}"#).broken,
            Some("exit code 11".into())
        );
        assert!(judged(70, "").broken.expect("broken").starts_with("exit code 70, no report"));
    }
}
