//! `bench`: what it measures, and that it keeps out of databases that are there.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use binary::{Scratch, json_of, signal};
use serde_json::Value;

fn measured(scratch: &Scratch, line: &str) -> Value {
    json_of(&scratch.fine(&format!("bench {line} --output json")))
}

/// How many operations of a kind were measured; their latencies must ascend.
fn ops(report: &Value, kind: &str) -> u64 {
    let kind = &report["kinds"][kind];
    let number = |name: &str| kind[name].as_f64().expect("a number");
    assert!(number("p50_us") <= number("p99_us") && number("p99_us") <= number("max_us"), "{kind}");
    assert!(number("max_us") > 0.0 && number("ops_per_second") > 0.0, "{kind}");
    kind["ops"].as_u64().expect("a number")
}

#[test]
fn each_workload_does_what_was_asked() {
    let common = "--ops 200 --value-bytes 10";
    for (what, threads, durability) in
        [("write", 3, "sync"), ("read", 1, "sync"), ("scan", 2, "os"), ("mixed", 4, "os")]
    {
        let scratch = Scratch::new();
        let line = format!("{what} {common} --threads {threads} --durability {durability}");
        let report = measured(&scratch, &line);
        assert_eq!((&report["bench"], &report["durability"]), (&what.into(), &durability.into()));
        assert_eq!((&report["threads"], &report["ops"]), (&threads.into(), &200.into()));
        let kinds = report["kinds"].as_object().expect("an object").keys();
        let sum: u64 = kinds.map(|kind| ops(&report, kind)).sum();
        assert_eq!((sum, &report["interrupted"]), (200, &false.into()), "{report}");
        if what != "write" {
            assert_eq!(scratch.fine("count"), "200\n");
        }
    }
}

#[test]
fn both_halves_of_mixed_are_shown() {
    let scratch = Scratch::new();
    let text = scratch.fine("bench mixed --ops 300 --durability os");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("write  ") && lines[1].starts_with("read   "), "{text}");
    for line in lines {
        assert!([" p50 ", " p99 ", " max ", "/s "].iter().all(|w| line.contains(w)), "{line}");
    }
    let report = measured(&scratch, "scan --ops 300 --existing");
    assert_eq!(
        (ops(&report, "scan"), report["kinds"].as_object().map(|k| k.len())),
        (300, Some(1))
    );
    assert!(report["scanned_entries"].as_u64() > Some(300), "{report}");
}

#[test]
fn a_database_that_is_there_is_left_alone_unless_it_is_asked_for() {
    let scratch = Scratch::new();
    scratch.fine("put mine 1");
    let answer = scratch.run("bench write --ops 10");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    for words in ["seawall-db holds a database", "next: name a directory", "--existing"] {
        assert!(answer.stderr.contains(words), "no {words:?} in {answer:?}");
    }
    assert_eq!(scratch.fine("count"), "1\n");
    std::fs::create_dir(scratch.path().join("full")).expect("a directory");
    scratch.write("full/letter", "dear");
    let answer = scratch.run("--db full bench write --ops 10");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("full is not empty"), "{answer:?}");
    scratch.fine("bench read --ops 10 --existing");
    assert_eq!(scratch.fine("count"), "11\n");
    assert_eq!(scratch.fine("get mine"), "1\n");
    let answer = scratch.run("--db nothing bench read --existing");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("there is no database at nothing"), "{answer:?}");
    assert!(!scratch.path().join("nothing").exists());
}

#[test]
fn an_interrupt_shows_what_was_measured() {
    let scratch = Scratch::new();
    let child = scratch.start("bench write --ops 1000000000 --output json");
    // By the time there is a log it listens.
    let log = || {
        let names = std::fs::read_dir(scratch.path().join("seawall-db")).ok()?;
        names.flatten().find(|entry| entry.file_name().to_string_lossy().ends_with(".wal"))
    };
    while log().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    signal(child.id(), "INT");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["interrupted"], true, "{report}");
    scratch.fine("admin verify");
}

#[test]
fn wrong_numbers_are_refused() {
    let scratch = Scratch::new();
    for line in ["write --ops 0", "read --threads 0", "write --value-bytes 67108865", "fly"] {
        let answer = scratch.run(&format!("bench {line}"));
        assert_eq!((answer.code, &*answer.stdout), (Some(2), ""), "{line}: {answer:?}");
    }
    assert!(!scratch.path().join("seawall-db").exists());
}
