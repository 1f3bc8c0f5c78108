//! `sim run`: a sweep over seeds, its progress, and what it found.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use seawall_sim::explore::{self, Bad, DEFAULT_SEEDS, FLOORS, Sweep, Wrong};
use seawall_sim::system_seawall::Seawall;

use super::args::Run;
use super::failure;
use super::numbers::grouped;
use super::summary::{Crashes, Failed, Summary, Verdict, heading};
use crate::console::{Console, Tone, unless_reader_went_away};
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::version;

/// Seeds to a slice, for each job. Between slices the sweep looks whether it was interrupted; a slice
/// takes about a second, as threads that end early wait for the last one.
const SLICE_MIN: u64 = 4;
const SLICE_MAX: u64 = 256;

/// What is to be swept.
struct Plan<'a> {
    arguments: &'a Run,
    seeds: Range<u64>,
    jobs: u64,
}

/// Slices, added up.
#[derive(Default)]
struct Swept {
    summary: explore::Summary,
    bad: Vec<Bad>,
    elapsed: Duration,
    busy: Duration,
    complete: bool,
}

pub(crate) fn run(console: &Console, arguments: &Run) -> anyhow::Result<Exit> {
    let plan = Plan::of(arguments);
    interrupt::listen()?;
    let swept = sweep(console, &plan);
    let failures = failure::all(console, arguments, &swept.bad)?;
    let too_few = plan.too_little(&swept);
    let verdict = verdict(&swept, !too_few.is_empty());
    let summary = summarise(&plan, swept, verdict, failures);
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
    fn of(arguments: &Run) -> Plan<'_> {
        let seeds = match (arguments.seed, &arguments.seeds, arguments.time) {
            // The largest seed has no half-open range of its own.
            (Some(seed), ..) => seed.min(u64::MAX - 1)..seed.saturating_add(1),
            (None, Some(range), _) => range.0.clone(),
            (None, None, Some(_)) => 0..u64::MAX,
            (None, None, None) => DEFAULT_SEEDS,
        };
        let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        Plan { arguments, seeds, jobs: arguments.jobs.map_or_else(cores, u64::from) }
    }

    /// How many seeds, if that is known beforehand.
    fn count(&self) -> Option<u64> {
        (self.seeds.end < u64::MAX).then(|| self.seeds.end - self.seeds.start)
    }

    /// What a sweep over the default range did too little of.
    fn too_little(&self, swept: &Swept) -> Vec<String> {
        if self.seeds != DEFAULT_SEEDS || !swept.complete || !swept.bad.is_empty() {
            return Vec::new();
        }
        FLOORS.check(&swept.summary).iter().map(ToString::to_string).collect()
    }
}

/// Sweeps slice by slice until the range, the time, or the person's patience ends.
fn sweep(console: &Console, plan: &Plan<'_>) -> Swept {
    let started = Instant::now();
    let bar = bar(console, plan);
    let mut swept = Swept::default();
    let mut next = plan.seeds.start;
    while next < plan.seeds.end && !interrupt::asked() {
        let left = plan.arguments.time.map(|time| time.saturating_sub(started.elapsed()));
        let stop = swept.bad.is_empty() || plan.arguments.keep_going;
        if left == Some(Duration::ZERO) || !stop {
            break;
        }
        let in_a_second = swept.summary.seeds as f64 / started.elapsed().as_secs_f64().max(1.0);
        let size = (in_a_second as u64).clamp(SLICE_MIN * plan.jobs, SLICE_MAX * plan.jobs);
        let end = plan.seeds.end.min(next.saturating_add(size));
        let slice = Sweep {
            jobs: plan.jobs as usize,
            keep_going: plan.arguments.keep_going,
            time: left,
            ..Sweep::of(next..end)
        };
        let states = swept.summary.counts.states;
        let done = explore::sweep::<Seawall>(&slice, &|progress| {
            bar.inc(1);
            bar.set_message(grouped(states + progress.states));
        });
        swept.summary.merge(&done.summary);
        swept.bad.extend(done.bad);
        swept.busy += done.busy;
        next = end;
    }
    bar.finish_and_clear();
    swept.elapsed = started.elapsed();
    swept.complete = Some(swept.summary.seeds) == plan.count();
    swept
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(console: &Console, plan: &Plan<'_>) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let Run { profile, personality, .. } = plan.arguments;
    let bar = plan.count().map_or_else(ProgressBar::no_length, ProgressBar::new);
    let shape = match plan.count() {
        Some(_) => "{prefix}  [{bar:8}] {percent:>3} %  {elapsed}  states {msg}",
        None => "{prefix}  {human_pos} seeds  {elapsed}  states {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(shape) {
        bar.set_style(style.progress_chars("##."));
    }
    bar.set_prefix(heading(plan.count(), profile, personality, plan.jobs));
    bar
}

fn verdict(swept: &Swept, too_little: bool) -> Verdict {
    let violated = |bad: &Bad| matches!(bad.what, Wrong::Violated(_));
    if swept.bad.iter().any(|bad| !violated(bad)) {
        Verdict::Nondeterministic
    } else if !swept.bad.is_empty() {
        Verdict::Violated
    } else if interrupt::asked() {
        Verdict::Interrupted
    } else if swept.summary.seeds == 0 {
        Verdict::Budget
    } else if too_little {
        Verdict::Missed
    } else {
        Verdict::Ok
    }
}

fn summarise(plan: &Plan<'_>, swept: Swept, verdict: Verdict, failures: Vec<Failed>) -> Summary {
    let Swept { summary, busy, elapsed, .. } = swept;
    let story = summary.to_string().trim_end().to_owned();
    let counts = summary.counts;
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
        },
        faults,
        states_checked: counts.states,
        seconds: elapsed.as_secs_f64(),
        jobs: plan.jobs,
        states_per_second_per_core: counts.states as f64 / busy.as_secs_f64().max(1e-9),
        fingerprint: format!("{:016x}", summary.fingerprint),
        commit: build.commit.to_owned(),
        profile: plan.arguments.profile.clone(),
        personality: plan.arguments.personality.clone(),
        version: build.version.to_owned(),
        failures,
        planned: plan.count(),
        story,
    }
}

fn print(console: &Console, summary: &Summary) -> std::io::Result<()> {
    if console.json() {
        return console.data_json(summary);
    }
    let mut out = console.stdout();
    for failure in &summary.failures {
        writeln!(out, "{}", failure.block)?;
    }
    let tone = if summary.verdict == Verdict::Ok { Tone::Good } else { Tone::Bad };
    writeln!(out, "{summary}{}", console.painted(summary.word(), tone))?;
    out.flush()
}
