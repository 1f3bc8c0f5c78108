//! Commands that only look change no byte on disk, whatever state the database was left in.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::io::{BufRead, BufReader};

use binary::{Scratch, files_of};

/// What reads and never writes; `{table}` is the name of a table.
const LOOKING: [&str; 17] = [
    "get a",
    "scan",
    "scan --reverse --output json",
    "count",
    "export",
    "export lines",
    "inspect levels",
    "inspect manifest",
    "inspect wal",
    "inspect sst {table}",
    "inspect sst {table} blocks",
    "inspect sst {table} check",
    "inspect key b",
    "inspect stats",
    "admin verify",
    "admin verify --output json",
    "-v get b",
];

/// A database with a table that was killed over an import: `seawall-db`, and what a crash left beside.
fn killed() -> Scratch {
    let scratch = Scratch::new();
    scratch.fine("put a 1");
    scratch.fine("admin flush");
    scratch.import_and_kill("{\"key\":\"b\",\"value\":\"2\"}");
    scratch.write("seawall-db/CURRENT.tmp", "torn");
    scratch
}

#[test]
fn commands_that_look_change_nothing_on_disk() {
    let scratch = killed();
    let directory = scratch.path().join("seawall-db");
    let before = files_of(&directory);
    let mut tables = before.keys().filter(|name| name.ends_with(".sst"));
    let table = tables.next_back().expect("it was flushed").clone();
    for line in LOOKING {
        scratch.fine(&line.replace("{table}", &table));
        assert!(before == files_of(&directory), "{line} changed a file");
    }
    assert_eq!(scratch.run("get none").code, Some(3));
    assert!(before == files_of(&directory), "a key that is not there");
    assert_eq!(scratch.fine("scan"), "a\t1\nb\t2\n");
    scratch.fine("put c 3");
    assert!(!files_of(&directory).contains_key("CURRENT.tmp"), "a write sweeps");
}

#[test]
fn verify_names_what_the_next_write_removes() {
    let scratch = killed();
    let text = scratch.fine("admin verify");
    let orphans = text.lines().find_map(|line| line.strip_prefix("orphans   ")).expect(&text);
    assert!(orphans.split(' ').any(|name| name == "CURRENT.tmp"), "{text}");
    scratch.fine("put c 3");
    let text = scratch.fine("admin verify");
    assert!(!text.contains("orphans"), "{text}");
}

#[test]
fn readers_share_a_database() {
    let scratch = killed();
    // More than a pipe takes: who prints all of it waits for us, and keeps the database open.
    scratch.run_with("import -", {
        let line = |n: u32| format!("{{\"key\":\"k{n}\",\"value\":\"{}\"}}\n", "v".repeat(1000));
        (0..1000).map(line).collect::<String>()
    });
    let mut child = scratch.start("scan");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    lines.read_line(&mut String::new()).expect("it prints");
    assert_eq!(scratch.fine("get a"), "1\n");
    let answer = scratch.run("put a 2");
    assert_eq!(answer.code, Some(5), "{answer:?}");
    assert!(answer.stderr.contains("next: wait until the other process ends"), "{answer:?}");
    drop(lines);
    child.wait().expect("it ends");
    scratch.fine("put a 2");
}
