//! The litmus table: small programs, and exactly what each personality leaves of them.
//!
//! ```text
//! litmus/*.txt ──► program ──┬─► model: made up and filtered by the cells ──► the states of the table
//!                            └─► ours: the disk, all decisions answered   ──► the same states
//! ```
//!
//! The table is written by the model (`SEAWALL_LITMUS=write`), and read by people.

#![expect(clippy::disallowed_methods, reason = "the tables are files of the repository")]

mod failed;
mod left;
mod model;
mod ours;
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::random::config;
use crate::disk::Personality;
use program::{Call, Program, When, read, states_text};

/// The tables, in `litmus/`.
const TABLES: [&str; 6] =
    ["overwrite.txt", "append.txt", "names.txt", "rename.txt", "sync.txt", "failed.txt"];

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/disk/litmus").join(name)
}

fn table(name: &str) -> String {
    std::fs::read_to_string(path_of(name)).expect("the table can be read")
}

fn programs() -> impl Iterator<Item = Program> {
    TABLES.into_iter().flat_map(|name| read(&table(name)))
}

#[test]
fn the_table_is_what_the_rules_say() {
    if std::env::var("SEAWALL_LITMUS").is_ok_and(|mode| mode == "write") {
        return TABLES.into_iter().for_each(write);
    }
    assert!(programs().count() >= 60);
    for program in programs() {
        for (name, rules) in Personality::NAMED {
            let states = model::states(&program, rules);
            assert_eq!(program.expected.get(name), Some(&states), "{name}: {}", program.story);
        }
    }
}

/// Writes a table anew, with the states that the model finds.
fn write(name: &str) {
    let mut text = String::new();
    for block in table(name).trim_end().split("\n\n") {
        let is_of_program = |line: &&str| !line.contains(": ") || line.starts_with(['#', '/']);
        let joined = block.replace("\n    ", " ");
        let lines: Vec<_> = joined.lines().filter(is_of_program).collect();
        text.push_str(&format!("{}\n", lines.join("\n")));
        for program in read(block) {
            let states = Personality::NAMED
                .map(|(name, rules)| (name.to_owned(), model::states(&program, rules)));
            text.push_str(&states_text(&program, &BTreeMap::from(states)));
        }
        text.push('\n');
    }
    let text = text.trim_end().to_owned() + "\n";
    std::fs::write(path_of(name), text).expect("the table can be written");
}

#[test]
fn the_disk_leaves_what_the_table_says() {
    for program in programs() {
        for (name, personality) in Personality::NAMED {
            let states = ours::states(&program, personality);
            assert_eq!(program.expected.get(name), Some(&states), "{name}: {}", program.story);
        }
    }
}

#[test]
fn every_cell_is_noticed_by_the_table() {
    let programs: Vec<_> = programs().collect();
    for (name, personality) in Personality::NAMED {
        for other in personality.flips() {
            let notices = |program: &&Program| {
                program.expected.get(name) != Some(&ours::states(program, other))
            };
            assert!(programs.iter().any(|it| notices(&it)), "{name} as {}", other.name());
        }
    }
}

#[test]
fn no_personality_leaves_what_posix_does_not() {
    for program in programs() {
        let strictest = &program.expected["posix"];
        for (name, states) in &program.expected {
            for (when, left) in states {
                assert!(left.is_subset(&strictest[when]), "{name} {when:?}: {}", program.story);
            }
        }
    }
}

const FILES: [&str; 3] = ["f", "g", "d/h"];

fn call() -> impl Strategy<Value = Call> {
    let file = || prop::sample::select(&FILES[..]).prop_map(str::to_owned);
    let letters = prop::sample::select(&["x", "y", "z", "xy"][..]).prop_map(str::to_owned);
    prop_oneof![
        2 => file().prop_map(Call::Create),
        4 => (file(), 0..3usize, letters).prop_map(|(file, at, it)| Call::Write(file, at, it)),
        2 => (file(), 0..3usize).prop_map(|(file, len)| Call::SetLen(file, len)),
        2 => (file(), file()).prop_map(|(from, to)| Call::Rename(from, to)),
        1 => file().prop_map(Call::Remove),
        2 => file().prop_map(Call::Sync),
        2 => prop::sample::select(&[".", "d"][..]).prop_map(|it| Call::SyncDir(it.to_owned())),
        1 => file().prop_map(Call::FailingSync),
        1 => Just(Call::FailingSyncDir(".".to_owned())),
    ]
}

/// The calls that can succeed, one after another, of these: at most one sync fails.
fn sensible(calls: Vec<Call>) -> Vec<Call> {
    let mut there = vec!["f".to_owned()];
    let mut fails = false;
    let mut kept = Vec::new();
    for call in calls {
        let is_there = |path: &String| there.contains(path);
        let fits = match &call {
            Call::Create(path) => !is_there(path),
            Call::Rename(from, to) => is_there(from) && from != to,
            Call::Write(path, ..) | Call::SetLen(path, _) => is_there(path),
            Call::Remove(path) | Call::Sync(path) => is_there(path),
            Call::FailingSync(path) => is_there(path) && !fails,
            Call::FailingSyncDir(_) => false,
            Call::CreateDir(_) | Call::SyncDir(_) => true,
        };
        if !fits {
            continue;
        }
        match &call {
            Call::Create(path) => there.push(path.clone()),
            Call::Rename(from, to) => {
                there.retain(|path| path != from && path != to);
                there.push(to.clone());
            }
            Call::Remove(path) => there.retain(|it| it != path),
            Call::FailingSync(_) => fails = true,
            _ => {}
        }
        kept.push(call);
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..config() })]

    #[test]
    fn the_disk_and_the_rules_agree_on_random_programs(
        calls in prop::collection::vec(call(), 2..7),
        flip in 0..40usize,
        which in 0..4usize,
    ) {
        let given = vec![("d/".to_owned(), String::new()), ("f".to_owned(), "a".to_owned())];
        let calls = sensible(calls);
        let program = Program { story: String::new(), given, calls, expected: BTreeMap::new() };
        let named = Personality::NAMED[which].1;
        let personality = named.flips().get(flip).copied().unwrap_or(named);
        let (ours, rules) = (ours::states(&program, personality), model::states(&program, personality));
        let power = When::Power;
        prop_assert_eq!(&ours[&power], &rules[&power], "{}: {:?}", personality.name(), program.calls);
        prop_assert_eq!(ours, rules, "{}: {:?}", personality.name(), program.calls);
    }
}
