//! The sweep of `sim run`: its progress, and what it found. It runs in a child; `supervise` watches it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;

use indicatif::{ProgressBar, ProgressStyle};
use seawall_sim::explore::watch::Announcer;
use seawall_sim::explore::{self, Bad, DEFAULT_SEEDS, FLOORS, Sweep, Swept, Watch, Wrong};
use seawall_sim::numbers::grouped;
use seawall_sim::system_seawall::Seawall;

use super::args::Run;
use super::coverage::Coverage;
use super::failure;
use super::summary::{Crashes, Failed, Summary, Verdict, heading};
use super::supervise::{Told, announcer};
use crate::console::{Console, Tone, unless_reader_went_away};
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::version;

/// What is to be swept.
pub(super) struct Plan<'a> {
    arguments: &'a Run,
    pub(super) seeds: Range<u64>,
    pub(super) jobs: u64,
    /// How many seeds, if that is known beforehand.
    pub(super) planned: Option<u64>,
}

pub(crate) fn run(console: &Console, arguments: &Run) -> anyhow::Result<Exit> {
    let plan = Plan::of(arguments);
    let announcer = announcer()?;
    let swept = sweep(console, &plan, &announcer);
    let failures = failure::all(console, &announcer, arguments, &swept.bad)?;
    let too_few = plan.too_little(&swept);
    let verdict = verdict(&swept, !too_few.is_empty());
    let summary = summarise(&plan, &swept, verdict, failures);
    unless_reader_went_away(print(console, &summary))?;
    if verdict == Verdict::Missed {
        return Err(Failure::new(
            verdict.exit(),
            format!("the sweep did too little: {}", too_few.join("; ")),
            "whatever made it do less, in the store or in the simulator, is hiding bugs: find it",
        )
        .into());
    }
    Ok(verdict.exit())
}

impl Plan<'_> {
    pub(super) fn of(arguments: &Run) -> Plan<'_> {
        let seeds = match (arguments.seed, &arguments.seeds, arguments.time) {
            // The largest seed has no half-open range of its own.
            (Some(seed), ..) => seed.min(u64::MAX - 1)..seed.saturating_add(1),
            (None, Some(range), _) => range.0.clone(),
            (None, None, Some(_)) => 0..u64::MAX,
            (None, None, None) => DEFAULT_SEEDS,
        };
        let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let jobs = arguments.jobs.map_or_else(cores, u64::from);
        let planned = (seeds.end < u64::MAX).then(|| seeds.end - seeds.start);
        Plan { arguments, seeds, jobs, planned }
    }

    /// The sweep of some seeds as the command line wants it.
    pub(super) fn sweep(&self, seeds: Range<u64>) -> Sweep {
        Sweep {
            jobs: self.jobs as usize,
            twice: !self.arguments.once,
            keep_going: self.arguments.keep_going,
            stop: Some(interrupt::flag()),
            knobs: self.arguments.knobs(),
            ..Sweep::of(seeds)
        }
    }

    /// What a sweep over the default range did too little of.
    fn too_little(&self, swept: &Swept) -> Vec<String> {
        let drawn = self.arguments.is_drawn() && self.arguments.ops.is_none();
        let default = self.seeds == DEFAULT_SEEDS && drawn;
        if !default || !swept.complete || !swept.bad.is_empty() {
            return Vec::new();
        }
        FLOORS.check(&swept.summary).iter().map(ToString::to_string).collect()
    }
}

/// Sweeps until the range, the time, or the person's patience ends.
fn sweep(console: &Console, plan: &Plan<'_>, announcer: &Announcer) -> Swept {
    let bar = bar(console, plan);
    let sweep = Sweep { time: plan.arguments.time, ..plan.sweep(plan.seeds.clone()) };
    let shown = Shown { bar, told: Told { plan, announcer } };
    let swept = explore::sweep::<Seawall>(&sweep, &shown);
    shown.bar.finish_and_clear();
    swept
}

/// Shows the sweep to the person, and tells the parent.
struct Shown<'a> {
    bar: ProgressBar,
    told: Told<'a>,
}

impl Watch for Shown<'_> {
    fn begins(&self, seed: u64) {
        self.told.begins(seed);
    }

    fn ended(&self, seed: u64, so_far: &Swept) {
        self.told.ended(seed, so_far);
        self.bar.inc(1);
        self.bar.set_message(grouped(so_far.summary.counts.states));
    }
}

/// A bar on a terminal, and nothing elsewhere.
pub(super) fn bar(console: &Console, plan: &Plan<'_>) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let Run { profile, personality, .. } = plan.arguments;
    let bar = plan.planned.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let shape = match plan.planned {
        Some(_) => "{prefix}  [{bar:8}] {percent:>3} %  {elapsed}  states {msg}",
        None => "{prefix}  {human_pos} seeds  {elapsed}  states {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(shape) {
        bar.set_style(style.progress_chars("##."));
    }
    bar.set_prefix(heading(plan.planned, profile, personality, plan.jobs));
    bar
}

pub(super) fn verdict(swept: &Swept, too_little: bool) -> Verdict {
    let violated = |bad: &Bad| matches!(bad.what, Wrong::Violated(_));
    if swept.bad.iter().any(|bad| !violated(bad)) {
        Verdict::Nondeterministic
    } else if !swept.bad.is_empty() {
        Verdict::Violated
    } else if interrupt::asked() && !swept.complete {
        Verdict::Interrupted
    } else if swept.summary.seeds == 0 {
        Verdict::Budget
    } else if too_little {
        Verdict::Missed
    } else {
        Verdict::Ok
    }
}

/// The sweep as it is printed.
pub(super) fn summarise(
    plan: &Plan<'_>,
    swept: &Swept,
    verdict: Verdict,
    failures: Vec<Failed>,
) -> Summary {
    let Swept { summary, elapsed, .. } = swept;
    let story = summary.to_string().trim_end().to_owned();
    let counts = &summary.counts;
    let losses = ["units_lost", "units_torn", "units_garbage", "names_lost", "sizes_lost"];
    let faults = counts.disk.faults_by_class();
    let losses = counts.disk.named().filter(|(name, _)| losses.contains(name));
    let faults: BTreeMap<_, _> =
        faults.chain(losses).map(|(name, count)| (name.to_owned(), count)).collect();
    let build = version::of_this_build();
    Summary {
        verdict,
        seeds: summary.seeds,
        operations: counts.operations,
        system_calls: counts.disk.calls,
        crashes: Crashes {
            power: counts.power,
            kill: counts.kill,
            inside_open: counts.inside_open,
            after_failed_sync: counts.after_failed_sync,
            at: counts.cut_in.iter().map(|(scope, cut)| (scope.clone(), (*cut).into())).collect(),
        },
        faults,
        opened_damaged: counts.damaged,
        states_checked: counts.states,
        seconds: elapsed.as_secs_f64(),
        jobs: plan.jobs,
        states_per_second_per_core: swept.states_per_second(),
        fingerprint: format!("{:016x}", summary.fingerprint),
        commit: build.commit.to_owned(),
        profile: plan.arguments.profile.clone(),
        personality: plan.arguments.personality.clone(),
        version: build.version.to_owned(),
        failures,
        ledger: None,
        coverage: plan.arguments.coverage.then(|| Coverage::of(summary)),
        planned: plan.planned,
        once: plan.arguments.once,
        story,
    }
}

/// Prints the failures, and the sweep.
pub(super) fn print(console: &Console, summary: &Summary) -> std::io::Result<()> {
    if console.json() {
        return console.data_json(summary);
    }
    let mut out = console.stdout();
    for failure in &summary.failures {
        writeln!(out, "{}", failure.block)?;
    }
    if let Some(coverage) = &summary.coverage {
        write!(out, "{coverage}")?;
    }
    let tone = if summary.verdict == Verdict::Ok { Tone::Good } else { Tone::Bad };
    writeln!(out, "{summary}{}", console.painted(summary.word(), tone))?;
    out.flush()
}
