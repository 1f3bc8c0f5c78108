//! `admin salvage`: what is good comes out, what is lost is told, and the damaged database stays as it is.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use binary::{Scratch, check_failure, files_of, files_with, flip, json_of, name_of};
use serde_json::Value;

const ALL: &str = "a\t1\nb\t2\nc\t3\n";

/// A table below with a, b and d; one above with a new b and without d; the log has c.
fn layered() -> Scratch {
    let scratch = Scratch::new();
    for line in ["put a 1", "put b old", "put d 4", "admin compact"] {
        scratch.fine(line);
    }
    for line in ["put b 2", "del d", "admin flush", "put c 3"] {
        scratch.fine(line);
    }
    assert_eq!(scratch.fine("scan"), ALL);
    scratch
}

/// Salvages and checks that the damaged database is as it was; the report and what the new one holds.
fn salvaged(scratch: &Scratch, code: i32) -> (Value, String) {
    let directory = scratch.path().join("seawall-db");
    let before = files_of(&directory);
    let answer = scratch.run("admin salvage --to rescued --output json");
    assert_eq!(answer.code, Some(code), "{answer:?}");
    assert!(before == files_of(&directory), "salvage changed a file");
    let report = json_of(&answer.stdout);
    scratch.fine("--db rescued admin verify");
    (report, scratch.fine("--db rescued scan"))
}

#[test]
fn without_damage_all_of_it_comes_out() {
    let scratch = layered();
    let text = scratch.fine("admin salvage --to text");
    assert!(
        text.ends_with("\nwritten    3 entries to text; nothing is lost that any file tells of\n"),
        "{text}"
    );
    let (report, scan) = salvaged(&scratch, 0);
    assert_eq!((&*scan, &report["verdict"]), (ALL, &"complete".into()), "{report}");
    assert_eq!((&report["written"], &report["damage"]), (&3.into(), &Value::Array(vec![])));
}

#[test]
fn a_lost_current_costs_nothing() {
    for current in [None, Some("garbage")] {
        let scratch = layered();
        let path = scratch.path().join("seawall-db/CURRENT");
        std::fs::remove_file(&path).expect("there");
        current.iter().for_each(|text| scratch.write("seawall-db/CURRENT", text));
        assert_eq!(scratch.run("scan").code, Some(4));
        let (report, scan) = salvaged(&scratch, 0);
        assert_eq!((&*scan, &report["damage"][0]["file"]), (ALL, &"CURRENT".into()), "{report}");
        assert_eq!(report["damage"][0]["lost"], false, "{report}");
    }
}

#[test]
fn without_a_manifest_the_operations_tell_whether_that_is_all() {
    let scratch = layered();
    for manifest in files_with(&scratch, "MANIFEST") {
        std::fs::remove_file(manifest).expect("there");
    }
    let (report, scan) = salvaged(&scratch, 0);
    assert_eq!((&*scan, &report["manifest"]), (ALL, &Value::Null), "{report}");
    let what = report["damage"][0]["what"].as_str().expect("text");
    assert!(what.ends_with("; all operations up to seqno 6 were found without it"), "{report}");
    // The oldest table, and all logs that knew of it.
    std::fs::remove_file(files_with(&scratch, ".sst").remove(0)).expect("there");
    let logs = files_with(&scratch, ".wal");
    logs[..logs.len() - 1].iter().for_each(|log| std::fs::remove_file(log).expect("there"));
    let answer = scratch.run("admin salvage --to less");
    assert_eq!(answer.code, Some(4), "{answer:?}");
    let line = "LOSS       MANIFEST-";
    for words in [line, " were not found: merges have dropped them as overwritten or deleted, or "]
    {
        assert!(answer.stdout.contains(words), "no {words:?} in {}", answer.stdout);
    }
}

/// What `verify` calls lost, salvage does not get back either.
#[test]
fn verify_calls_nothing_lost_that_a_salvage_finds() {
    let verified = |scratch: &Scratch| {
        let answer = scratch.run("admin verify");
        assert_eq!(answer.code, Some(4), "{answer:?}");
        answer
    };
    let scratch = layered();
    std::fs::remove_file(files_with(&scratch, "CURRENT").remove(0)).expect("there");
    let answer = verified(&scratch);
    assert_eq!(answer.stdout, "damage     CURRENT: the file is missing\ndamaged in 1 place\n");
    let read = scratch.run("get a");
    assert_eq!(read.code, Some(4), "{read:?}");
    assert!(read.stderr.contains("the file is missing, yet there is "), "{read:?}");
    assert!(read.stderr.contains("this was a database: seawall-db/CURRENT\n"), "{read:?}");
    for what in ["levels", "manifest", "wal"] {
        let shown = scratch.run(&format!("inspect {what}"));
        assert_eq!(shown.code, Some(4), "{shown:?}");
        assert!(shown.stderr.contains("this was a database"), "{shown:?}");
    }

    let scratch = layered();
    std::fs::remove_file(files_with(&scratch, "MANIFEST").remove(0)).expect("there");
    let answer = verified(&scratch);
    assert!(answer.stdout.starts_with("damage     MANIFEST-"), "{answer:?}");
    assert!(answer.stdout.contains(" were found without it\n"), "{answer:?}");
    let shown = scratch.run("inspect levels");
    assert_eq!(shown.code, Some(4), "{shown:?}");
    assert!(shown.stderr.contains("the manifest that CURRENT names is missing"), "{shown:?}");

    let scratch = layered();
    let newest = files_with(&scratch, ".wal").pop().expect("there");
    std::fs::remove_file(&newest).expect("there");
    let name = name_of(&newest);
    for answer in [verified(&scratch), scratch.run("get a")] {
        let what = "the segment is missing";
        assert!(answer.stderr.contains(what) && answer.stderr.contains(&name), "{answer:?}");
    }
}

/// What a crash leaves behind and what damage does look the same.
#[test]
fn a_torn_end_of_the_log_is_called_that() {
    let turn_on_behind_the_log = |scratch: &Scratch| {
        let logs = files_with(scratch, ".wal").into_iter().rev();
        let mut begun = logs.map(|log| (std::fs::read(&log).expect("readable"), log));
        let begun = begun.find(|(bytes, _)| bytes.iter().any(|byte| *byte != 0));
        let (mut bytes, log) = begun.expect("a log that is begun");
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("a frame") + 9;
        bytes[end] = 1;
        std::fs::write(&log, bytes).expect("writable");
    };
    let closed = layered();
    turn_on_behind_the_log(&closed);
    let answer = closed.run("admin salvage --to out");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains(": the log was closed here, and what follows"), "{answer:?}");
    assert!(closed.run("get a").stderr.contains("behind the end of a log that was closed"));

    let scratch = layered();
    scratch.import_and_kill("{\"key\":\"e\",\"value\":\"5\"}");
    turn_on_behind_the_log(&scratch);
    assert_eq!(scratch.run("admin verify").code, Some(0));
    let answer = scratch.run("admin salvage --to out");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("\ntorn       "), "{answer:?}");
    assert!(answer.stdout.contains("; if it is damage, the last operations are\n"), "{answer:?}");
}

#[test]
fn a_lost_table_is_told_with_its_keys_and_what_came_back() {
    let scratch = layered();
    let newest = files_with(&scratch, ".sst").pop().expect("it was flushed");
    let name = name_of(&newest);
    flip(&newest, 3);
    let answer = scratch.run("admin salvage --to text");
    assert_eq!(answer.code, Some(4), "{answer:?}");
    let line = format!("LOSS       {name} at byte 0, 1 block of ");
    let held = "           it held keys from \"b\" to \"d\", both included; seqnos 4..=5\n";
    let back = "           2 keys there may have come back older, or although deleted\n";
    for words in [&*line, " bytes: the checksum of a block does not match\n", held, back] {
        assert!(answer.stdout.contains(words), "no {words:?} in {}", answer.stdout);
    }
    for words in ["something is lost, or may be, in 1 place of", "next: the report above says"] {
        assert!(answer.stderr.contains(words), "no {words:?} in {}", answer.stderr);
    }
    std::fs::remove_file(newest).expect("there");
    let (report, scan) = salvaged(&scratch, 4);
    let damage = &report["damage"][0];
    assert_eq!((&damage["file"], &damage["lost"]), (&name.into(), &true.into()), "{report}");
    assert_eq!((&damage["smallest"], &damage["largest"]), (&"b".into(), &"d".into()), "{report}");
    assert_eq!(damage["older_keys"], 2, "{report}");
    assert_eq!(scan, "a\t1\nb\told\nc\t3\nd\t4\n");
}

#[test]
fn it_fills_no_directory_that_holds_anything_and_makes_none_for_nothing() {
    let scratch = layered();
    std::fs::create_dir(scratch.path().join("full")).expect("free");
    scratch.write("full/letter", "dear");
    for (line, code, words) in [
        ("admin salvage --to full", 1, "full is not empty"),
        ("admin salvage --to seawall-db", 1, "seawall-db is not empty"),
        ("admin salvage --to seawall-db/new", 1, "lies in the database"),
        ("admin salvage --to ./seawall-db/../seawall-db/new", 1, "lies in the database"),
        ("admin salvage --to new --db nothing", 1, "there is no database at nothing"),
        ("admin salvage --to new --db full", 1, "there is no database at full"),
        ("admin salvage", 2, "--to <DIR>"),
    ] {
        check_failure(&scratch, line, code, &[words]);
        assert!(!scratch.path().join("new").exists(), "{line}");
    }
    assert!(!scratch.path().join("seawall-db/new").exists());
    assert_eq!(scratch.fine("scan"), ALL);
}
