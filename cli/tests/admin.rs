//! `admin flush`, `admin compact` and `admin verify`: what they do and say.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use binary::{Scratch, files_of, files_with, flip, json_of, name_of};
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

#[test]
fn a_verify_lists_all_damage_also_where_nothing_opens() {
    let scratch = with_two_tables();
    let [first, second] = &files_with(&scratch, ".sst")[..] else { panic!("two tables") };
    [first, second].iter().for_each(|table| flip(table, 3));
    let check = |places: &[&std::path::Path]| {
        let before = files_of(&scratch.path().join("seawall-db"));
        let names: Vec<String> = places.iter().map(|path| name_of(path)).collect();
        let answer = scratch.run("admin verify");
        assert_eq!(answer.code, Some(4), "{answer:?}");
        for name in &names {
            let line = "\n           it held keys from \"";
            assert!(answer.stdout.contains(&format!("{name} at byte 0")), "{answer:?}");
            assert!(answer.stdout.contains(line), "{answer:?}");
        }
        let count = places.len();
        assert!(answer.stdout.ends_with(&format!("\ndamaged in {count} places\n")), "{answer:?}");
        let more = format!("{} at byte 0, and {} more damaged place", names[0], count - 1);
        assert!(answer.stderr.contains(&more), "{answer:?}");
        let answer = scratch.run("admin verify --output json");
        let (report, error) = (json_of(&answer.stdout), json_of(&answer.stderr));
        let damage = report["damage"].as_array().expect("a list");
        let named: Vec<&str> = damage.iter().map(|d| d["file"].as_str().expect("a name")).collect();
        assert_eq!(
            (named, &report["verdict"]),
            (names.iter().map(|n| &**n).collect(), &"damaged".into())
        );
        assert_eq!((&error["exit"], &error["offset"]), (&4.into(), &0.into()), "{error}");
        assert!(error["file"].as_str().is_some_and(|file| file.ends_with(&names[0])), "{error}");
        assert!(before == files_of(&scratch.path().join("seawall-db")), "a file was changed");
    };
    check(&[first, second]);
    let manifest = files_with(&scratch, "MANIFEST").remove(0);
    flip(&manifest, 50);
    check(&[&manifest, first, second]);
}

#[test]
fn a_long_list_of_damage_is_counted_in_text_and_whole_in_json() {
    let scratch = Scratch::new();
    let line = |n| format!("{{\"key\":\"k{n:05}\",\"value\":\"{}\"}}\n", word(n).repeat(20));
    scratch.run_with("import -", (0..10_000).map(line).collect::<String>());
    scratch.fine("admin compact");
    let table = files_with(&scratch, ".sst").remove(0);
    let blocks =
        json_of(&scratch.fine(&format!("inspect sst {} blocks --output json", name_of(&table))));
    let blocks = blocks["blocks"].as_array().expect("a list");
    // Every second block, so that no two are in a row.
    let places = blocks.iter().step_by(2).map(|block| block["offset"].as_u64().expect("a number"));
    let count = places.map(|at| flip(&table, at as usize)).count();
    assert!(count > 100, "{count}");
    let text = scratch.run("admin verify").stdout;
    assert_eq!(text.matches("LOSS  ").count(), 100, "{text}");
    let end = format!(
        "\ndamage     {} more places, which `--output json` lists\ndamaged in {count} places\n",
        count - 100
    );
    assert!(text.ends_with(&end), "{text}");
    let report = json_of(&scratch.run("admin verify --output json").stdout);
    assert_eq!(report["damage"].as_array().map(Vec::len), Some(count));
}

/// Sixteen digits that hardly repeat from one number to the next.
fn word(n: u64) -> String {
    let mixed =
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    format!("{mixed:016x}")
}
