//! `sim run` from outside: the sweep is a child of this process, so that a seed that never ends, or
//! that takes its process with it, is told like any other failure.
//!
//! The child prints everything itself. This process only waits, hands Ctrl-C on, and has something to
//! say when the child was lost: which seed it was, by running alone what was under way then.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use seawall_sim::explore::watch::{Announcer, Lost, Order, Suspect, alone, probe, watch};
use seawall_sim::explore::{Swept, Watch};
use seawall_sim::system_seawall::Seawall;
use serde::{Deserialize, Serialize};

use super::args::Run;
use super::run::{Plan, print, summarise};
use super::summary::{Failed, Summary, Verdict};
use crate::console::{Console, unless_reader_went_away};
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::version;

/// What a seed is said to violate that was stopped from outside.
const WATCHDOG: &str = "watchdog";

/// SIGINT: also a child that had not begun to listen yet is ended by Ctrl-C.
const INTERRUPTED: Lost = Lost::Died(2);

/// Runs the sweep and ends as it does.
pub(crate) fn run(console: &Console, arguments: &Run) -> anyhow::Result<Exit> {
    interrupt::listen()?;
    let started = Instant::now();
    let stop = Some(interrupt::flag());
    let mut sweep = myself();
    sweep.args(std::env::args_os().skip(1)).args(["--role", "sweep"]);
    let watched = watch(&mut sweep, arguments.seed_time, stop).context("cannot run the sweep")?;
    let Some((lost, seeds)) = watched.lost else {
        return exit_of(watched.status);
    };
    if lost == INTERRUPTED && interrupt::asked() {
        return Ok(Exit::Interrupted);
    }
    if seeds.is_empty() {
        return Err(Failure::error(
            format!("the sweep was lost while no seed ran: {lost}"),
            "see whether the machine ended it, for want of memory perhaps; then run it again",
        )
        .into());
    }
    console.say(format_args!("\nthe sweep was lost: {lost}; running alone what ran then"));
    let command = |seed| alone_command(arguments, seed);
    let suspects = alone(&seeds, arguments.seed_time, stop, command);
    let suspects = suspects.context("cannot run a seed alone")?;
    let mut summary = so_far(arguments, watched.note.as_deref(), started.elapsed())?;
    summary.failures = suspects.iter().map(|suspect| failed(arguments, lost, suspect)).collect();
    unless_reader_went_away(print(console, &summary))?;
    Ok(Exit::Violated)
}

/// This very program, also when its file has been replaced since.
fn myself() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(std::env::args_os().next().unwrap_or_else(|| "seawall".into()));
    command
}

fn alone_command(arguments: &Run, seed: u64) -> Command {
    let mut command = myself();
    command.args(["sim", "run", "--role", "alone", "--seed", &seed.to_string()]);
    command.args(arguments.flags().split_whitespace());
    // What the seed says before its end was said when it ran the first time.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn exit_of(status: ExitStatus) -> anyhow::Result<Exit> {
    status.code().and_then(Exit::of_code).ok_or_else(|| anyhow!("the sweep ended with {status}"))
}

/// What the child has said of the sweep before it was lost.
fn so_far(arguments: &Run, note: Option<&str>, elapsed: Duration) -> anyhow::Result<Summary> {
    let plan = Plan::of(arguments);
    let summary = match note {
        Some(note) => {
            let Note { summary, story, planned } =
                serde_json::from_str(note).context("cannot read what the sweep has said")?;
            Summary { story, planned, ..summary }
        }
        None => summarise(&plan, &Swept::default(), Verdict::Violated, Vec::new()),
    };
    Ok(Summary { verdict: Verdict::Violated, seconds: elapsed.as_secs_f64(), ..summary })
}

/// The failure of a seed that was under way when the sweep was lost.
fn failed(arguments: &Run, lost: Lost, suspect: &Suspect) -> Failed {
    let Run { profile, personality, seed_time, .. } = arguments;
    let Suspect { seed, alone, events } = suspect;
    let (flags, commit) = (arguments.flags(), version::commit_and_tree());
    let got = match alone {
        Some(alone) => alone.to_string(),
        None => format!("{lost}, while this seed ran; alone it came to its end"),
    };
    let events: String = events.iter().map(|event| format!("  {event}\n")).collect();
    let block = format!(
        "FAIL  seed {seed:#x}   profile {profile}   personalities {personality}   commit {commit}\n  \
         property  a seed ends by itself, within {seed_time:?}\n  \
         got       {got}\n\
         {events}\
         from seed   seawall sim run --seed {seed:#x}{flags}    (only at commit {commit})\n",
    );
    Failed {
        seed: format!("{seed:#x}"),
        property: WATCHDOG.to_owned(),
        block,
        tape: None,
        shrunk_operations: None,
        blame: None,
        personalities: vec![personality.clone()],
        facts: BTreeMap::new(),
        events: Vec::new(),
        runs: None,
    }
}

/// What the parent is left with of a sweep that was lost.
#[derive(Serialize, Deserialize)]
struct Note {
    summary: Summary,
    story: String,
    planned: Option<u64>,
}

/// The child's end: obeys the parent.
///
/// # Errors
/// Nobody has started this process as a child.
pub(super) fn announcer() -> anyhow::Result<Announcer> {
    interrupt::leave_to_parent()?;
    let obey = |order| match order {
        Order::Stop => interrupt::ask(),
        Order::ParentGone => std::process::exit(Exit::Interrupted as i32),
    };
    Announcer::over_stdin(obey).context("`--role` is for `seawall sim run` itself")
}

/// Tells the parent how the sweep goes.
pub(super) struct Told<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) announcer: &'a Announcer,
}

impl Watch for Told<'_> {
    fn begins(&self, seed: u64) {
        self.announcer.begins(seed);
    }

    fn ended(&self, seed: u64, so_far: &Swept) {
        self.announcer.ended(seed, so_far);
        let mut summary = summarise(self.plan, so_far, Verdict::Ok, Vec::new());
        let (story, planned) = (std::mem::take(&mut summary.story), summary.planned);
        let note = Note { summary, story, planned };
        if let Ok(note) = serde_json::to_string(&note) {
            self.announcer.note(&note);
        }
    }
}

/// The child that runs one seed and tells its events.
pub(crate) fn run_alone(arguments: &Run) -> anyhow::Result<Exit> {
    let announcer = Arc::new(announcer()?);
    let seed = arguments.seed.context("a seed that runs alone has a number")?;
    probe::<Seawall>(&announcer, seed, arguments.knobs()).map_err(|why| anyhow!(why))?;
    Ok(Exit::Fine)
}
