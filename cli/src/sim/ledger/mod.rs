//! The ledger of long runs: `sim run --ledger`.
//!
//! A ledger is a text file with a line for each block of seeds that ran to its end, at which commit,
//! and what came of it (`line`). `append` runs the blocks that are missing, `recheck` runs some again
//! and compares; both run them through `blocks`. `file` reads the file and appends to it.

mod append;
mod blocks;
mod file;
mod line;
mod recheck;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use seawall_sim::explore::watch::Announcer;
use seawall_sim::explore::{DEFAULT_SEEDS, Swept};
use seawall_sim::numbers::counted;

use super::args::Run;
use super::run::{Plan, bar, print, summarise};
use super::seeds;
use super::summary::{Failed, Verdict};
use super::supervise::{Told, announcer};
use super::totals::{LEDGER, Totals};
use super::{failure, run as sweeping};
use crate::console::{Console, unless_reader_went_away};
use crate::exit::{Exit, Failure};
use crate::version;

use append::{Missing, append};
use blocks::Blocks;
use file::{Book, Ledger};
use line::Line;
use recheck::{Differs, draw, recheck};
use shown::Shown;

/// Seeds to a block.
const BLOCK: u64 = 1_000;

/// Everything a run has of its surroundings.
struct Desk<'a> {
    console: &'a Console,
    announcer: &'a Announcer,
    arguments: &'a Run,
    file: &'a Path,
}

/// What a run over blocks came to.
struct Done {
    swept: Swept,
    blocks: u64,
    differs: Option<Differs>,
    totals: Totals,
}

/// Runs what the ledger lacks or, with `--recheck`, some of what it has.
///
/// # Errors
/// As the commands do; a ledger that cannot be used is a wrong command line.
pub(crate) fn run(console: &Console, arguments: &Run, file: &Path) -> anyhow::Result<Exit> {
    let announcer = announcer()?;
    let desk = Desk { console, announcer: &announcer, arguments, file };
    let mut plan = Plan::of(arguments);
    // Whatever is wrong with the file is told also by a build that would not write to it.
    let known = desk.known()?;
    if let Some(count) = arguments.recheck {
        let blocks = desk.blocks(&plan, commit_of_this_build()?);
        let seed = arguments.seed.unwrap_or_else(|| seed_of(&blocks.commit));
        let lines = draw(&known, &blocks, count, seed);
        let done = desk.recheck(&mut plan, &blocks, &known, &lines)?;
        return desk.tell(&plan, done);
    }
    let range = range(arguments, BLOCK)?;
    let blocks = desk.blocks(&plan, commit_of_this_build()?);
    let done = desk.append(&mut plan, &blocks, range)?;
    desk.tell(&plan, done)
}

impl Desk<'_> {
    /// What is in the file; nothing if it is yet to be made.
    fn known(&self) -> anyhow::Result<Ledger> {
        if self.arguments.recheck.is_none() && !self.file.exists() {
            return Ok(Ledger::default());
        }
        let known = Ledger::read(self.file, BLOCK)?;
        if let Some(torn) = &known.torn {
            let (line, file) = (torn.line, self.file.display());
            let torn = format!("line {line} of {file} is torn: its block counts as not run");
            self.console.say(torn);
        }
        Ok(known)
    }

    fn blocks(&self, plan: &Plan<'_>, commit: &str) -> Blocks {
        Blocks {
            size: BLOCK,
            commit: commit.to_owned(),
            profile: self.arguments.profile.clone(),
            sweep: plan.sweep(0..0),
            started: Instant::now(),
            time: self.arguments.time,
        }
    }

    fn append(
        &self,
        plan: &mut Plan<'_>,
        blocks: &Blocks,
        range: Range<u64>,
    ) -> anyhow::Result<Done> {
        let mut book = Book::open(self.file, BLOCK)?;
        let endless = plan.planned.is_none();
        let missing = Missing::of(blocks, &book, range);
        plan.planned = (!endless).then(|| missing.count() * BLOCK);
        let shown = self.shown(plan);
        let (written, swept) = append(blocks, &mut book, &missing, &shown)?;
        shown.bar.finish_and_clear();
        let totals = self.totals(&book.ledger, &blocks.commit);
        let totals =
            Totals { blocks_written: written, blocks_skipped: missing.skipped(), ..totals };
        Ok(Done { swept, blocks: written, differs: None, totals })
    }

    fn recheck(
        &self,
        plan: &mut Plan<'_>,
        blocks: &Blocks,
        known: &Ledger,
        lines: &[Line],
    ) -> anyhow::Result<Done> {
        if lines.is_empty() {
            return Err(no_lines(self.file, known, blocks).into());
        }
        plan.planned = Some(lines.len() as u64 * BLOCK);
        let shown = self.shown(plan);
        let (same, swept, differs) = recheck(blocks, lines, &shown)?;
        shown.bar.finish_and_clear();
        let totals = self.totals(known, &blocks.commit);
        let compared = same + u64::from(differs.is_some());
        let totals = Totals { blocks_rechecked: compared, ..totals };
        Ok(Done { swept, blocks: same, differs, totals })
    }

    fn shown<'a>(&'a self, plan: &'a Plan<'a>) -> Shown<'a> {
        Shown {
            console: self.console,
            bar: bar(self.console, plan),
            told: Told { plan, announcer: self.announcer },
            blocks: plan.planned.map(|seeds| seeds / BLOCK),
            begun: AtomicU64::new(0),
            before: Mutex::default(),
        }
    }

    fn totals(&self, ledger: &Ledger, commit: &str) -> Totals {
        Totals {
            file: self.file.to_owned(),
            blocks_written: 0,
            blocks_skipped: 0,
            blocks_rechecked: 0,
            lines: ledger.lines.len() as u64,
            states: ledger.states(),
            states_of_commit: ledger.states_of(commit),
        }
    }

    /// Prints what the run found, and the sums of the ledger.
    fn tell(&self, plan: &Plan<'_>, done: Done) -> anyhow::Result<Exit> {
        let Done { swept, blocks, differs, totals } = done;
        let mut failures = failure::all(self.console, self.announcer, self.arguments, &swept.bad)?;
        failures.extend(differs.iter().map(|differs| self.failed(differs)));
        let verdict = match sweeping::verdict(&swept, false) {
            _ if differs.is_some() => Verdict::Nondeterministic,
            Verdict::Ok | Verdict::Budget if swept.complete => Verdict::Ok,
            Verdict::Ok if blocks == 0 => Verdict::Budget,
            other => other,
        };
        let mut summary = summarise(plan, &swept, verdict, failures);
        summary.ledger = Some(totals);
        unless_reader_went_away(print(self.console, &summary))?;
        Ok(verdict.exit())
    }

    /// A block that did not give its line.
    fn failed(&self, Differs { line, fields }: &Differs) -> Failed {
        let (file, range) = (self.file.display(), line.range());
        let once = if line.runs == 1 { " --once" } else { "" };
        let fields: String = fields
            .iter()
            .map(|field| {
                format!(
                    "  field     {}\n  expected  {}\n  got       {}\n",
                    field.field, field.was, field.is
                )
            })
            .collect();
        let block = format!(
            "FAIL  block {range}   profile {}   commit {}\n  \
             property  a block that runs again gives its line of {file}\n\
             {fields}\
             reproduce   seawall sim run --seeds {range}{once}\n",
            line.profile,
            version::commit_and_tree(),
        );
        Failed {
            seed: format!("{:#x}", line.first),
            property: LEDGER.to_owned(),
            block,
            tape: None,
            shrunk_operations: None,
            blame: None,
            personalities: Vec::new(),
            facts: BTreeMap::new(),
            events: Vec::new(),
            runs: None,
        }
    }
}

/// The seeds to be run, which are whole blocks.
fn range(arguments: &Run, size: u64) -> Result<Range<u64>, Failure> {
    let next =
        "a line is for a whole block, from a multiple of 1,000 to the next: --seeds 0..10000";
    if arguments.seed.is_some() {
        let what = "`--seed` runs one seed, and a ledger has whole blocks";
        return Err(Failure::usage(what, next));
    }
    let range = match (&arguments.seeds, arguments.time) {
        (Some(range), _) => range.0.clone(),
        (None, Some(_)) => 0..u64::MAX / size * size,
        (None, None) => DEFAULT_SEEDS,
    };
    if range.start.is_multiple_of(size) && range.end.is_multiple_of(size) {
        return Ok(range);
    }
    let what = format!("{}..{} is not made of blocks of {size} seeds", range.start, range.end);
    Err(Failure::usage(what, next))
}

/// The commit whose lines this build may write and judge.
fn commit_of_this_build() -> Result<&'static str, Failure> {
    let build = version::of_this_build();
    if build.clean {
        return Ok(build.commit);
    }
    Err(Failure::usage(
        format!(
            "a ledger's line stands for a commit, and this build is {}",
            version::commit_and_tree()
        ),
        "commit or set aside the changes to files that git tracks, build again, and run that",
    ))
}

/// What draws the blocks if nobody says: another commit draws others.
fn seed_of(commit: &str) -> u64 {
    seeds::seed(commit).unwrap_or(0)
}

fn no_lines(file: &Path, known: &Ledger, blocks: &Blocks) -> Failure {
    let lines = counted(known.lines.len() as u64, "line", "lines");
    let (file, commit, profile) = (file.display(), &blocks.commit, &blocks.profile);
    Failure::usage(
        format!(
            "none of the {lines} of {file} is of this build's commit {commit}, profile {profile}"
        ),
        "build one of the commits in the file and run that; `seawall --version` says which it is",
    )
}
