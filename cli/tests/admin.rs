//! `admin flush` and `admin compact`: what they do and say.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use binary::{Scratch, json_of};
use serde_json::Value;

/// The tables of each level, from level 0 down.
fn tables(report: &Value, when: &str) -> Vec<u64> {
    let levels = report[when].as_array().expect("a list").iter();
    levels.map(|level| level["tables"].as_u64().expect("a number")).collect()
}

/// Two tables in level 0: keys from a to c, and from x to z.
fn with_two_tables() -> Scratch {
    let scratch = Scratch::new();
    for keys in [["a", "b", "c"], ["x", "y", "z"]] {
        keys.iter().for_each(|key| drop(scratch.fine(&format!("put {key} 1"))));
        scratch.fine("admin flush");
    }
    scratch
}

#[test]
fn a_flush_makes_a_table_and_says_so() {
    let scratch = Scratch::new();
    scratch.fine("put a 1");
    let answer = scratch.run("admin flush");
    assert_eq!((answer.code, &*answer.stdout), (Some(0), ""), "{answer:?}");
    assert!(answer.stderr.starts_with("flushed in "), "{answer:?}");
    assert!(answer.stderr.contains("\nlevel 0  tables 0 -> 1, bytes 0 -> "), "{answer:?}");
    assert!(answer.stderr.contains("\nin all   tables 0 -> 1, bytes 0 -> "), "{answer:?}");
    // There is nothing to write any more.
    let report = json_of(&scratch.fine("admin flush --output json"));
    assert_eq!((&report["done"], tables(&report, "before")[0]), (&"flushed".into(), 1));
    assert_eq!(report["before"], report["after"]);
    assert_eq!(scratch.run("admin flush -q").stderr, "");
    assert_eq!(scratch.fine("get a"), "1\n");
}

#[test]
fn a_compaction_leaves_nothing_deleted() {
    let scratch = with_two_tables();
    for key in ["a", "b", "c", "x", "y", "z"] {
        scratch.fine(&format!("del {key}"));
    }
    let report = json_of(&scratch.fine("admin compact --output json"));
    assert_eq!(report["done"], "compacted");
    assert_eq!(tables(&report, "before").iter().sum::<u64>(), 2, "{report}");
    assert_eq!(tables(&report, "after").iter().sum::<u64>(), 0, "{report}");
    assert_eq!(scratch.fine("count"), "0\n");
}

/// The number of the table that begins with `key`.
fn table_at(scratch: &Scratch, key: &str) -> u64 {
    let dump = json_of(&scratch.fine("inspect manifest --output json"));
    let mut tables = dump["state"]["tables"].as_array().expect("a list").iter();
    let table = tables.find(|table| table["smallest"] == key);
    table.and_then(|table| table["number"].as_u64()).expect("such a table")
}

#[test]
fn a_compaction_keeps_to_its_range_which_is_half_open() {
    let scratch = Scratch::new();
    for keys in [["a", "b", "c"], ["x", "y", "z"]] {
        keys.iter().for_each(|key| drop(scratch.fine(&format!("put {key} 1"))));
        // From the first of them on: what was merged before stays as it is.
        scratch.fine(&format!("admin compact --hex --start {:02x}", keys[0].as_bytes()[0]));
    }
    let (first, last) = (table_at(&scratch, "a"), table_at(&scratch, "x"));
    scratch.fine("del b");
    let report = json_of(&scratch.fine("admin compact --start b --end x --output json"));
    assert_eq!(tables(&report, "after").iter().sum::<u64>(), 2, "{report}");
    assert_eq!(table_at(&scratch, "x"), last, "the end is no part of it");
    assert_ne!(table_at(&scratch, "a"), first);
    assert_eq!(scratch.fine("count"), "5\n");
}

#[test]
fn a_range_that_can_hold_no_key_is_refused() {
    let scratch = with_two_tables();
    for (line, words) in [
        ("admin compact --start b --end b", "no key from --start up to --end"),
        ("admin compact --hex --start 0", "the start is not hexadecimal"),
    ] {
        let answer = scratch.run(line);
        assert_eq!((answer.code, &*answer.stdout), (Some(2), ""), "{answer:?}");
        assert!(answer.stderr.contains(words) && answer.stderr.contains("next: "), "{answer:?}");
    }
    let answer = scratch.run("--db nothing admin compact");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(!scratch.path().join("nothing").exists());
}
