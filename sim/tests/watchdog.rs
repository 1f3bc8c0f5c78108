//! The watchdog: a seed that never ends and one that takes the process with it are found, with their
//! last events.
//!
//! The children are this program again, at the test [`the_child`].
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it runs real processes against a real clock"
)]

mod toy;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seawall_sim::explore::watch::{Announcer, Lost, Order, Watched, alone, probe, watch};
use seawall_sim::explore::{Sweep, sweep};
use seawall_sim::system::System;
use toy::{Toy, bug};

/// What a child is to do; nothing when it is not set.
const TASK: &str = "SEAWALL_WATCHDOG_TEST";

/// Longer than any seed of the toy that ends.
const LIMIT: Duration = Duration::from_secs(3);

#[test]
fn the_child() {
    let Ok(task) = std::env::var(TASK) else { return };
    match task.split_whitespace().collect::<Vec<_>>()[..] {
        ["stuck", what] => child::<{ bug::NEVER_RETURNS }>(what),
        ["dying", what] => child::<{ bug::ABORTS }>(what),
        ["fine", what] => child::<{ bug::NONE }>(what),
        _ => panic!("there is no task {task:?}"),
    }
}

fn child<const BUG: u8>(what: &str)
where
    Toy<BUG>: System,
{
    static STOP: AtomicBool = AtomicBool::new(false);
    let announcer = Announcer::over_stdin(|order| match order {
        Order::Stop => STOP.store(true, Ordering::Relaxed),
        Order::ParentGone => std::process::exit(1),
    });
    let announcer = Arc::new(announcer.expect("stdin is a socket"));
    if let Ok(seed) = what.parse() {
        probe::<Toy<BUG>>(&announcer, seed, Vec::new()).expect("a seed makes a run");
        return;
    }
    announcer.note("before the first");
    let seeds = if what == "endless" { 0..u64::MAX } else { 0..20 };
    sweep::<Toy<BUG>>(&Sweep { stop: Some(&STOP), ..Sweep::of(seeds) }, &*announcer);
    announcer.note("after the last");
}

fn command(kind: &str, what: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["the_child", "--exact", "--nocapture"]);
    command.env(TASK, format!("{kind} {what}")).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn swept(kind: &str, what: &str, stop: Option<&AtomicBool>) -> Watched {
    watch(&mut command(kind, what), LIMIT, stop).expect("it can be watched")
}

/// Sweeps, and runs alone what was under way when the child was lost.
#[track_caller]
fn check(kind: &str, expected: Lost) {
    let watched = swept(kind, "all", None);
    let (lost, seeds) = watched.lost.expect("the child was lost");
    assert_eq!((lost, seeds.len()), (expected, 1));
    assert_eq!(watched.note.as_deref(), Some("before the first"));
    let suspects = alone(&seeds, LIMIT, None, |seed| command(kind, &seed.to_string()));
    let suspects = suspects.expect("they can be watched");
    assert_eq!((suspects.len(), suspects[0].alone), (1, Some(expected)), "{suspects:?}");
    assert_eq!(suspects[0].seed, seeds[0]);
    let last = suspects[0].events.last().expect("there were events");
    assert!(last.starts_with('#'), "{last}");
}

#[test]
fn a_seed_that_never_ends_is_found_with_its_last_events() {
    check("stuck", Lost::Stuck(LIMIT));
}

#[test]
fn a_seed_that_aborts_the_process_is_found_with_its_last_events() {
    check("dying", Lost::Died(6));
}

#[test]
fn a_child_that_ends_by_itself_is_not_lost_and_its_last_note_is_kept() {
    let watched = swept("fine", "all", None);
    assert!(watched.status.success() && watched.lost.is_none(), "{watched:?}");
    assert_eq!(watched.note.as_deref(), Some("after the last"));
}

#[test]
fn a_seed_that_ends_when_alone_stays_a_suspect_without_events() {
    let suspects = alone(&[3, 4], LIMIT, None, |seed| command("fine", &seed.to_string()));
    let suspects = suspects.expect("they can be watched");
    let seeds: Vec<_> = suspects.iter().map(|suspect| suspect.seed).collect();
    assert_eq!(seeds, [3, 4]);
    assert!(suspects.iter().all(|suspect| suspect.alone.is_none() && suspect.events.is_empty()));
}

#[test]
fn a_child_that_is_told_to_stop_ends_its_sweep() {
    let watched = swept("fine", "endless", Some(&AtomicBool::new(true)));
    assert!(watched.status.success() && watched.lost.is_none(), "{watched:?}");
    assert_eq!(watched.note.as_deref(), Some("after the last"));
}
