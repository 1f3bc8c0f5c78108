//! A real process, a real directory, and `kill -9`.
//!
//! The test runs itself again as a writer, which tells through a pipe what was acknowledged, and kills
//! it at a random moment, two hundred times on one database. After each kill nothing acknowledged may be
//! missing, and every batch must be there entirely or not at all.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a process of its own, which is not simulated"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use seawall::{Db, Durability, Options};

const TEST: &str = "a_killed_process_loses_nothing_that_was_acknowledged";

/// Where the writer finds its database. Its presence makes the test the writer.
const DIRECTORY: &str = "SEAWALL_KILL_DIRECTORY";

const KILLS: u32 = 200;
const WRITERS: u32 = 2;

/// How many keys a batch puts, beside the one that says which is the last.
const BATCH_KEYS: u32 = 3;

/// How many batches of a writer are kept; the next one deletes the oldest.
const KEPT: u32 = 20;

/// Small, so that a few batches rotate, flush and roll.
fn options() -> Options {
    Options {
        memtable_entries_max: 100,
        segment_bytes: 8 << 10,
        manifest_roll_edits: 4,
        ..Options::default()
    }
}

fn open(directory: &Path) -> Db {
    Db::builder(directory).options(options()).open().expect("it opens")
}

fn key(writer: u32, batch: u32, number: u32) -> String {
    format!("{writer}/{batch:08}/{number}")
}

fn value(writer: u32, batch: u32, number: u32) -> String {
    format!("{writer} {batch} {number} ").repeat(1 + (batch % 7) as usize)
}

fn last_key(writer: u32) -> String {
    format!("last/{writer}")
}

/// The last batch of a writer; 0 when there is none.
fn last(db: &Db, writer: u32) -> u32 {
    let last = db.get(last_key(writer)).expect("readable");
    last.map_or(0, |last| String::from_utf8_lossy(&last).parse().expect("a number"))
}

/// The writer: commits batches until it is killed, and says which commits returned.
fn write(directory: &Path) {
    say("opening");
    let db = open(directory);
    std::thread::scope(|scope| {
        for writer in 1..=WRITERS {
            let db = &db;
            scope.spawn(move || {
                for batch in last(db, writer) + 1.. {
                    let durability = if batch % 4 == 0 { Durability::Sync } else { Durability::Os };
                    commit(db, writer, batch, durability);
                    say(&format!("acknowledged {writer} {batch}"));
                }
            });
        }
    });
}

/// One write to the pipe, which is done entirely or not at all.
fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).expect("the reader is there");
}

fn commit(db: &Db, writer: u32, batch: u32, durability: Durability) {
    let mut changes = db.batch();
    for number in 0..BATCH_KEYS {
        changes.put(key(writer, batch, number), value(writer, batch, number));
        if batch > KEPT {
            changes.delete(key(writer, batch - KEPT, number));
        }
    }
    changes.put(last_key(writer), batch.to_string());
    db.commit_with(changes, durability).expect("nothing fails but the process");
}

/// A small generator: the moments of the kills follow from one seed.
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        write(Path::new(&directory));
        return;
    }
    let seed = std::env::var("SEAWALL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEAWALL_SEED={seed}");
    let mut moments = Moments(seed | 1 << 63);
    let directory = tempfile::tempdir().expect("a directory");
    let mut acknowledged = BTreeMap::new();
    for kill in 0..KILLS {
        // In one of five it is killed while it opens, which takes longer than a commit.
        let (lines, moment) = match moments.below(5) {
            0 => (1, moments.below(1_000_000)),
            _ => (1 + moments.below(80), moments.below(20_000)),
        };
        println!("kill {kill} after {lines} lines and {moment} turns");
        for (writer, batch) in run_and_kill(directory.path(), lines, moment) {
            acknowledged.insert(writer, batch);
        }
        let db = open(directory.path());
        check(&db, &acknowledged);
        if kill % 3 == 0 {
            db.close().expect("closed");
        }
    }
    let written: u32 = acknowledged.values().sum();
    assert!(written > KILLS * 10, "only {written} batches were written");
}

/// Runs a writer until it has said so many lines and a moment has passed, and kills it. Returns what
/// was acknowledged, in order.
fn run_and_kill(directory: &Path, lines: u64, moment: u64) -> Vec<(u32, u32)> {
    let mut child = Command::new(std::env::current_exe().expect("the test itself"))
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // The harness says something too.
    let mut said = said
        .map(|line| line.expect("readable"))
        .filter(|line| line == "opening" || line.starts_with("acknowledged "));
    let mut heard: Vec<String> = said.by_ref().take(lines as usize).collect();
    for turn in 0..moment {
        std::hint::black_box(turn);
        std::hint::spin_loop();
    }
    end(&mut child);
    heard.extend(said);
    assert!(heard.len() as u64 >= lines, "the writer ended by itself: {heard:?}");
    heard.iter().filter_map(|line| acknowledgement(line)).collect()
}

/// Kills a process with SIGKILL and waits until it is gone.
fn end(child: &mut Child) {
    child.kill().expect("it runs");
    let status = child.wait().expect("it has ended");
    assert!(status.code().is_none(), "it was not killed but ended: {status}");
}

fn acknowledgement(line: &str) -> Option<(u32, u32)> {
    let (writer, batch) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((writer.parse().expect("a number"), batch.parse().expect("a number")))
}

/// Everything acknowledged is there, and every batch is whole.
fn check(db: &Db, acknowledged: &BTreeMap<u32, u32>) {
    let mut expected = BTreeSet::new();
    for writer in 1..=WRITERS {
        let last = last(db, writer);
        let told = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(last >= told, "writer {writer}: batch {told} was acknowledged, {last} is the last");
        for batch in last.saturating_sub(KEPT - 1).max(1)..=last {
            for number in 0..BATCH_KEYS {
                let pair = (key(writer, batch, number), value(writer, batch, number));
                expected.insert(pair);
            }
        }
        if last > 0 {
            expected.insert((last_key(writer), last.to_string()));
        }
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let found: BTreeSet<(String, String)> = db
        .iter()
        .map(|entry| entry.expect("readable"))
        .map(|(key, value)| (text(&key), text(&value)))
        .collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}\nextra {extra:?}");
    let report = db.verify().expect("sound");
    assert!(report.orphans.is_empty() && report.set_aside.is_empty(), "{report:?}");
}
