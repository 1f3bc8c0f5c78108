//! Tiny blocks of the real store, from the first run to a line that is not true.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use seawall_sim::explore::Sweep;
use tempfile::TempDir;

use super::append::{Missing, append};
use super::blocks::Blocks;
use super::file::tests::COMMIT;
use super::file::{Book, Ledger};
use super::recheck::{draw, recheck};

const SIZE: u64 = 2;

fn blocks() -> Blocks {
    Blocks {
        size: SIZE,
        commit: COMMIT.to_owned(),
        profile: "default".to_owned(),
        sweep: Sweep { knobs: vec![("operations".to_owned(), 30)], ..Sweep::of(0..0) },
        started: Instant::now(),
        time: None,
    }
}

fn scratch() -> (TempDir, PathBuf) {
    let scratch = tempfile::tempdir().expect("a directory");
    let path = scratch.path().join("ledger");
    (scratch, path)
}

/// Runs what is missing of a range; returns how many blocks that were, and whether it is complete.
fn grow(path: &std::path::Path, blocks: &Blocks, range: std::ops::Range<u64>) -> (u64, bool) {
    let mut book = Book::open(path, SIZE).expect("a ledger");
    let missing = Missing::of(blocks, &book, range);
    let (written, swept) = append(blocks, &mut book, &missing, &()).expect("appended");
    assert!(swept.bad.is_empty() && written <= missing.count());
    assert_eq!(Ledger::read(path, SIZE).expect("a ledger"), book.ledger);
    (written, swept.complete)
}

#[test]
fn a_run_goes_on_where_the_ledger_ends_and_other_commits_begin_anew() {
    let (_scratch, path) = scratch();
    assert_eq!(grow(&path, &blocks(), 0..4), (2, true));
    assert_eq!(grow(&path, &blocks(), 0..4), (0, true));
    assert_eq!(grow(&path, &blocks(), 2..6), (1, true));
    let other = Blocks { commit: COMMIT.replace('1', "2"), ..blocks() };
    assert_eq!(grow(&path, &other, 0..4), (2, true));
    let ledger = Ledger::read(&path, SIZE).expect("a ledger");
    let firsts: Vec<_> = ledger.lines.iter().map(|line| line.first).collect();
    assert_eq!(firsts, [0, 2, 4, 0, 2]);
    let ours = ledger.states_of(COMMIT);
    assert!(0 < ours && ours < ledger.states());
}

#[test]
fn what_was_stopped_leaves_no_line() {
    static STOP: AtomicBool = AtomicBool::new(true);
    let (_scratch, path) = scratch();
    let mut stopped = blocks();
    stopped.sweep.stop = Some(&STOP);
    assert_eq!(grow(&path, &stopped, 0..4), (0, false));
    let late = Blocks { time: Some(Duration::ZERO), ..blocks() };
    assert_eq!(grow(&path, &late, 0..4), (0, false));
    assert_eq!(std::fs::read(&path).expect("it is there"), b"");
}

#[test]
fn a_block_gives_its_line_again_whatever_the_jobs_and_a_line_that_is_not_true_is_found() {
    let (_scratch, path) = scratch();
    let once = Blocks { sweep: Sweep { twice: false, ..blocks().sweep }, ..blocks() };
    grow(&path, &once, 0..2);
    grow(&path, &blocks(), 0..6);
    let mut ledger = Ledger::read(&path, SIZE).expect("a ledger");
    assert_eq!(ledger.lines.iter().map(|line| line.runs).collect::<Vec<_>>(), [1, 2, 2]);

    let jobs = Blocks { sweep: Sweep { jobs: 2, ..blocks().sweep }, ..blocks() };
    let lines = draw(&ledger, &jobs, 9, 7);
    let (same, swept, differs) = recheck(&jobs, &lines, &()).expect("run");
    assert_eq!((same, swept.complete, differs.is_none()), (3, true, true));

    ledger.lines[1].states += 1;
    let lines = draw(&ledger, &blocks(), 9, 7);
    let (_, _, differs) = recheck(&blocks(), &lines, &()).expect("run");
    let differs = differs.expect("one line says too much");
    let fields: Vec<_> = differs.fields.iter().map(|field| &*field.field).collect();
    assert_eq!((&*differs.line.range(), &*fields), ("2..4", &["states"][..]));
}

#[test]
fn the_seed_draws_the_blocks() {
    let (_scratch, path) = scratch();
    grow(&path, &blocks(), 0..16);
    let ledger = Ledger::read(&path, SIZE).expect("a ledger");
    let drawn = |seed| -> Vec<u64> {
        draw(&ledger, &blocks(), 2, seed).iter().map(|line| line.first).collect()
    };
    assert_eq!(drawn(1), drawn(1));
    assert!((0..20).any(|seed| drawn(seed) != drawn(1)));
    let other = Blocks { commit: COMMIT.replace('1', "2"), ..blocks() };
    assert_eq!(draw(&ledger, &other, 2, 1), []);
}
