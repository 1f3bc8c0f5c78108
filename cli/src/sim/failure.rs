//! What a sweep found, made small, on a tape, and in words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use seawall_sim::blame::blame;
use seawall_sim::choice::Tape;
use seawall_sim::driver;
use seawall_sim::explore::watch::Announcer;
use seawall_sim::explore::{Bad, Wrong, admitting};
use seawall_sim::report::{FailureReport, Stamp};
use seawall_sim::shrink::shrink;
use seawall_sim::system_seawall::Seawall;

use super::args::Run;
use super::summary::Failed;
use super::tape;
use crate::console::Console;
use crate::version;

/// How many runs making a failure small may take.
pub(super) const SHRINK_RUNS_MAX: u32 = 2_000;

/// How many of the last events a failure shows.
pub(super) const EVENTS_SHOWN: usize = 12;

/// What a seed that cannot be repeated is said to violate.
const NONDETERMINISM: &str = "nondeterminism";

/// Where reports say they come from.
pub(super) fn stamp(profile: &str, personality: &str) -> Stamp {
    Stamp {
        commit: version::commit_and_tree(),
        profile: profile.to_owned(),
        personality: personality.to_owned(),
        version: version::of_this_build().version.to_owned(),
    }
}

/// What to type to see the failure of a tape again, and to keep it.
pub(super) fn commands_of_tape(tape: &str) -> Vec<(&'static str, String)> {
    vec![
        ("reproduce", format!("seawall sim replay {tape}")),
        ("keep", format!("seawall sim keep {tape} -m \"why\"")),
    ]
}

/// Tells every failure of a sweep.
///
/// Of several failures of one property only the first is made small: the others most likely are the
/// same bug.
pub(super) fn all(
    console: &Console,
    announcer: &Announcer,
    run: &Run,
    bad: &[Bad],
) -> anyhow::Result<Vec<Failed>> {
    let mut seen = BTreeSet::new();
    let mut failures = Vec::new();
    for bad in bad {
        let build = version::of_this_build();
        let recorded = Tape { commit: build.commit.to_owned(), ..bad.tape.clone() };
        let path = tape::write(bad.seed, &recorded)?;
        failures.push(match &bad.what {
            Wrong::Violated(failure) => {
                console.detail(format_args!(
                    "seed {:#x} fails, its tape is {}",
                    bad.seed,
                    path.display()
                ));
                let make_small = seen.insert(failure.violation.property);
                announcer.busy(bad.seed);
                let failed = violated(run, bad.seed, failure, &recorded, path, make_small)?;
                announcer.done(bad.seed);
                failed
            }
            Wrong::Differs { first, second } => differs(run, bad.seed, *first, second, path),
        });
    }
    Ok(failures)
}

/// A violated property. The small tape takes the place of the long one, which the seed gives again.
fn violated(
    run: &Run,
    seed: u64,
    failure: &driver::Failure,
    recorded: &Tape,
    path: PathBuf,
    make_small: bool,
) -> anyhow::Result<Failed> {
    let shrunk = make_small.then(|| shrink::<Seawall>(recorded, SHRINK_RUNS_MAX));
    let shrunk = shrunk.and_then(Result::ok);
    if let Some(shrunk) = &shrunk {
        tape::write(seed, &Tape { commit: recorded.commit.clone(), ..shrunk.tape.clone() })?;
    }
    let blame = shrunk.as_ref().and_then(|shrunk| blame::<Seawall>(&shrunk.tape).ok());
    let personalities = match &shrunk {
        Some(it) => admitting::<Seawall>(&it.tape, it.failure.violation.property),
        None => vec![&*run.personality],
    };
    let stamp = stamp(&run.profile, &personalities.join(" "));
    let (flags, commit) = (run.flags(), &stamp.commit);
    let from_seed = format!("seawall sim run --seed {seed:#x}{flags}    (only at commit {commit})");
    let mut commands = commands_of_tape(&path.display().to_string());
    commands.insert(1, ("from seed", from_seed));
    let report = FailureReport {
        seed: Some(seed),
        failure,
        shrunk: shrunk.as_ref(),
        blame: blame.as_ref(),
        commands: &commands,
        stamp: &stamp,
        events: EVENTS_SHOWN,
    };
    let told = shrunk.as_ref().map_or(failure, |shrunk| &shrunk.failure);
    Ok(Failed {
        seed: format!("{seed:#x}"),
        property: failure.violation.property.name().to_owned(),
        block: report.to_string(),
        tape: Some(path),
        shrunk_operations: shrunk.as_ref().map(|shrunk| shrunk.after.operations as u64),
        facts: facts_of(told),
        events: blame.as_ref().map_or_else(|| tail_of(told), |blame| blame.events.clone()),
        blame: blame.map(|blame| blame.sentence),
        runs: shrunk.as_ref().map(|shrunk| u64::from(shrunk.runs)),
        personalities: personalities.into_iter().map(str::to_owned).collect(),
    })
}

/// The facts of a failure by label; where two have one label, a line each.
pub(super) fn facts_of(failure: &driver::Failure) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([("world".to_owned(), failure.world.clone())]);
    for (label, text) in &failure.violation.facts {
        let fact: &mut String = facts.entry((*label).to_owned()).or_default();
        if !fact.is_empty() {
            fact.push('\n');
        }
        fact.push_str(text);
    }
    facts
}

/// The last events of a failure.
fn tail_of(failure: &driver::Failure) -> Vec<String> {
    failure.tail[failure.tail.len().saturating_sub(EVENTS_SHOWN)..].to_vec()
}

/// A seed whose second run was not its first again: a bug of the simulator, or a leak around it.
fn differs(
    run: &Run,
    seed: u64,
    first: u64,
    second: &Result<u64, String>,
    path: PathBuf,
) -> Failed {
    let flags = run.flags();
    let second = second.as_ref().map_or_else(Clone::clone, |second| format!("{second:016x}"));
    let block = format!(
        "FAIL  seed {seed:#x}   commit {}\n  \
         property  a seed does the same thing twice\n  \
         expected  fingerprint {first:016x} again\n  \
         got       {second}\n\
         reproduce   seawall sim run --seed {seed:#x}{flags}\n\
         its tape    {}\n",
        version::commit_and_tree(),
        path.display(),
    );
    Failed {
        seed: format!("{seed:#x}"),
        property: NONDETERMINISM.to_owned(),
        block,
        tape: Some(path),
        shrunk_operations: None,
        blame: None,
        facts: BTreeMap::new(),
        events: Vec::new(),
        runs: None,
        personalities: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run {
            seed: None,
            seeds: None,
            time: None,
            jobs: None,
            profile: "default".to_owned(),
            personality: "posix".to_owned(),
            ops: None,
            seed_time: std::time::Duration::from_secs(30),
            once: false,
            ledger: None,
            recheck: None,
            keep_going: false,
            coverage: false,
            role: crate::sim::args::Role::Parent,
        }
    }

    #[test]
    fn a_seed_that_cannot_be_repeated_is_told_with_both_fingerprints() {
        let run = Run { ops: Some(20), ..run() };
        let failed = differs(&run, 0x2a, 1, &Ok(2), "seawall-sim/2a.tape".into());
        assert_eq!((&*failed.seed, &*failed.property), ("0x2a", "nondeterminism"));
        for words in [
            "fingerprint 0000000000000001 again",
            "got       0000000000000002",
            "seawall sim run --seed 0x2a --ops 20\n",
        ] {
            assert!(failed.block.contains(words), "{}", failed.block);
        }
    }
}
