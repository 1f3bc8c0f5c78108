//! `inspect levels|sst|stats`: what they show of tables, and how they end when one is damaged.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::io::{Read, Write};

use binary::{Scratch, files_with, flip, json_of, name_of};
use serde_json::Value;

const PARTS: [&str; 6] = ["", "blocks", "index", "filter", "props", "check"];

/// One table with keys from k0000 to k0999, of which the last is deleted, and a key in the log.
fn with_a_table() -> Scratch {
    let scratch = Scratch::new();
    let line = |n| format!("{{\"key\":\"k{n:04}\",\"value\":\"value {n}\"}}\n");
    let answer = scratch.run_with("import -", (0..1000).map(line).collect::<String>());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for line in ["del k0999", "admin flush", "put log 1"] {
        scratch.fine(line);
    }
    scratch
}

#[test]
fn levels_show_each_table() {
    let scratch = with_a_table();
    let name = name_of(&files_with(&scratch, ".sst").remove(0));
    let text = scratch.fine("inspect levels");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("level 0  1 table, "), "{text}");
    assert!(lines[1].starts_with(&format!("  {name}  ")), "{text}");
    assert!(
        lines[1].contains("1001 entries, seqnos 1..=1001, keys \"k0000\"..=\"k0999\""),
        "{text}"
    );
    assert!(lines[2].starts_with("in all   1 table, "), "{text}");
    assert!(scratch.fine("inspect levels --hex").contains("keys 6b30303030..=6b30393939"));
    let dump = json_of(&scratch.fine("inspect levels --output json"));
    let table = &dump["levels"][0]["tables"][0];
    assert_eq!((&table["smallest"], &table["entry_count"]), (&"k0000".into(), &1001.into()));
    assert_eq!(dump["levels"][0]["bytes"], table["size_bytes"], "{dump}");
}

#[test]
fn a_manifest_shows_keys_as_hexadecimal_if_asked_and_counts_well() {
    let scratch = Scratch::new();
    scratch.fine("put --hex ff00 01");
    scratch.fine("admin flush");
    let text = scratch.fine("inspect manifest");
    assert!(
        text.contains(" bytes, 1 entry, keys \"\\xff\\x00\"..=\"\\xff\\x00\", seqnos "),
        "{text}"
    );
    let text = scratch.fine("inspect manifest --hex");
    assert_eq!(text.matches(", 1 entry, keys ff00..=ff00, seqnos 1..=1\n").count(), 2, "{text}");
    assert!(text.contains("\n  + level 0 "), "{text}");
    let table = name_of(&files_with(&scratch, ".sst")[0]);
    let text = scratch.fine(&format!("inspect sst {table} check"));
    assert!(text.contains("\nentries    1 in 1 block\n"), "{text}");
}

#[test]
fn a_database_without_tables_has_no_levels() {
    let scratch = Scratch::new();
    scratch.fine("put a 1");
    assert_eq!(scratch.fine("inspect levels"), "in all   0 tables, 0 bytes\n");
    let stats = json_of(&scratch.fine("inspect stats --output json"));
    assert_eq!((&stats["levels"], &stats["last_seqno"]), (&serde_json::json!([]), &1.into()));
}

#[test]
fn a_table_is_shown_part_by_part_by_name_or_path() {
    let scratch = with_a_table();
    let table = files_with(&scratch, ".sst").remove(0);
    let (name, path) = (name_of(&table), table.display().to_string());
    for part in PARTS {
        let text = scratch.fine(&format!("inspect sst {name} {part}"));
        assert!(text.lines().next().is_some_and(|line| line.contains(": table ")), "{text}");
        let json = scratch.fine(&format!("inspect sst {name} {part} --output json"));
        assert!(json_of(&json)["number"].is_u64(), "{json}");
    }
    let all = json_of(&scratch.fine(&format!("--db none inspect sst {path} --output json")));
    let properties = &all["properties"];
    assert_eq!(
        (&properties["entry_count"], &properties["tombstone_count"]),
        (&1001.into(), &1.into())
    );
    let blocks = json_of(&scratch.fine(&format!("inspect sst {name} blocks --output json")));
    let blocks = blocks["blocks"].as_array().expect("a list");
    let entries: u64 = blocks.iter().filter_map(|block| block["entry_count"].as_u64()).sum();
    assert_eq!((entries, &blocks[0]["first_key"]), (1001, &"k0000".into()));
    assert!(blocks.len() > 1);
    let text = scratch.fine(&format!("inspect sst {name} index --hex"));
    assert_eq!(text.lines().count(), 1 + blocks.len(), "{text}");
    assert!(text.contains("to 6b30393939 @"), "{text}");
    let text = scratch.fine(&format!("inspect sst {name} check"));
    assert!(text.ends_with("blocks\nno damage found\n"), "{text}");
}

#[test]
fn a_file_that_is_no_table_is_not_called_damaged() {
    let scratch = with_a_table();
    scratch.write("notes", "a file of somebody's");
    for file in ["CURRENT", "LOCK", "notes"] {
        for part in ["", "check"] {
            let answer = scratch.run(&format!("inspect sst {file} {part}"));
            assert_eq!(answer.code, Some(1), "{answer:?}");
            for words in
                ["this is no table, or", "next: see the names there are: `seawall inspect levels`"]
            {
                assert!(answer.stderr.contains(words), "no {words:?} in {answer:?}");
            }
        }
    }
}

#[test]
fn a_table_that_is_not_there_gets_its_own_advice() {
    let scratch = with_a_table();
    let answer = scratch.run("inspect sst 999999.sst");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    for words in ["999999.sst", "next: see the names there are", "inspect levels"] {
        assert!(answer.stderr.contains(words), "{answer:?}");
    }
}

/// Ends with 4, and names the file and where in it.
#[track_caller]
fn check_damaged(scratch: &Scratch, line: &str, name: &str) -> Value {
    let answer = scratch.run(&format!("{line} --output json"));
    assert_eq!(answer.code, Some(4), "{line}: {answer:?}");
    let error = json_of(&answer.stderr);
    assert!(error["file"].as_str().is_some_and(|file| file.ends_with(name)), "{line}: {error}");
    assert!(error["offset"].is_u64(), "{line}: {error}");
    let text = scratch.run(line);
    assert!(text.stderr.contains(name) && text.stderr.contains("at byte "), "{line}: {text:?}");
    error["offset"].clone()
}

#[test]
fn a_flipped_bit_in_a_block_is_found_by_whoever_reads_it() {
    let scratch = with_a_table();
    let table = files_with(&scratch, ".sst").remove(0);
    let name = name_of(&table);
    flip(&table, 100);
    for part in ["blocks", "check"] {
        let line = format!("inspect sst {name} {part}");
        assert_eq!(check_damaged(&scratch, &line, &name), 0);
    }
    // A check tells of all of them.
    flip(&table, 6000);
    let answer = scratch.run(&format!("inspect sst {name} check --output json"));
    let report = json_of(&answer.stdout);
    let damage = report["damage"].as_array().expect("a list");
    assert_eq!((damage.len(), &report["verdict"]), (2, &"damaged".into()), "{report}");
    assert_eq!((&damage[0]["offset"], &damage[0]["smallest"]), (&0.into(), &"k0000".into()));
    flip(&table, 6000);
    // The other blocks are shown all the same.
    let answer = scratch.run(&format!("inspect sst {name} blocks --output json"));
    let blocks = json_of(&answer.stdout);
    assert!(blocks["blocks"][0]["error"].is_string(), "{blocks}");
    assert!(blocks["blocks"][1]["entry_count"].is_u64(), "{blocks}");
    // Nothing of that block is in its index.
    scratch.fine(&format!("inspect sst {name} index"));
}

#[test]
fn a_flipped_bit_in_the_end_or_a_cut_is_found_by_all() {
    let scratch = with_a_table();
    let table = files_with(&scratch, ".sst").remove(0);
    let name = name_of(&table);
    let bytes = std::fs::read(&table).expect("readable");
    let mut flipped = bytes.clone();
    flipped[bytes.len() - 100] ^= 1;
    for damaged in [&flipped[..], &bytes[..bytes.len() / 2], &bytes[..20], &[]] {
        std::fs::write(&table, damaged).expect("writable");
        for part in PARTS {
            check_damaged(&scratch, &format!("inspect sst {name} {part}"), &name);
        }
        check_damaged(&scratch, "inspect stats", &name);
        // The manifest is whole.
        scratch.fine("inspect levels");
    }
}

#[test]
fn stats_sum_up_tables_and_log() {
    let scratch = with_a_table();
    let stats = json_of(&scratch.fine("inspect stats --output json"));
    let tables = &stats["tables"];
    assert_eq!((&tables["entries"], &tables["tombstones"]), (&1001.into(), &1.into()), "{stats}");
    assert_eq!((&stats["last_seqno"], &stats["flushed_seqno"]), (&1002.into(), &1001.into()));
    assert!(stats["log"]["segments"].as_u64() > Some(0), "{stats}");
    let text = scratch.fine("inspect stats");
    assert!(text.ends_with("seqnos     to 1002, in tables to 1001\n"), "{text}");
    let table = files_with(&scratch, ".sst").remove(0);
    std::fs::remove_file(&table).expect("removable");
    let answer = scratch.run("inspect stats");
    assert_eq!((answer.code, &*answer.stdout), (Some(4), ""), "{answer:?}");
    assert!(answer.stderr.contains(&name_of(&table)), "{answer:?}");
    for command in ["levels", "stats"] {
        let answer = scratch.run(&format!("--db nothing inspect {command}"));
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.stderr.contains("there is no database at nothing"), "{answer:?}");
    }
}

#[test]
fn tables_are_shown_beside_a_writer() {
    let scratch = with_a_table();
    let name = name_of(&files_with(&scratch, ".sst").remove(0));
    let mut holder = scratch.start("import --batch 1 -");
    let mut input = holder.stdin.take().expect("piped");
    input.write_all(b"{\"key\":\"a\",\"value\":\"1\"}\n").expect("it reads");
    // Once it acknowledges, it holds the database.
    let mut said = [0; 12];
    holder.stderr.as_mut().expect("piped").read_exact(&mut said).expect("it talks");
    assert_eq!(scratch.run("get a").code, Some(5));
    scratch.fine("inspect levels");
    scratch.fine(&format!("inspect sst {name} check"));
    assert!(scratch.fine("inspect stats").contains("\nseqnos     to 1003, "));
    drop(input);
    assert_eq!(holder.wait().expect("it ends").code(), Some(0));
}

/// Level 1: a, m. Level 0: m deleted, over d. The log: q.
fn in_layers() -> Scratch {
    let scratch = Scratch::new();
    for line in
        ["put a 1", "put m 22", "admin compact", "put d 333", "del m", "admin flush", "put q ''"]
    {
        scratch.fine(line);
    }
    scratch
}

#[test]
fn a_key_is_followed_through_the_layers_to_its_value() {
    let scratch = in_layers();
    let text = scratch.fine("inspect key a");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "key        \"a\" as of seqno 5");
    assert_eq!(lines[1], "log        nothing");
    assert!(lines[2].starts_with("level 0    "), "{text}");
    assert!(lines[2].ends_with(".sst, the key is out of its range"), "{text}");
    assert!(lines[3].contains(".sst, filter: yes, it may be there, block at 0, "), "{text}");
    assert!(lines[3].ends_with(" bytes, a value of 1 byte @1"), "{text}");
    assert!(lines[4].starts_with("answer     a value of 1 byte @1, from 0"), "{text}");
    assert!(lines[4].ends_with(".sst"), "{text}");
    let text = scratch.fine("inspect key q");
    assert!(text.ends_with("answer     a value of 0 bytes @5, from the log\n"), "{text}");
    assert_eq!(text.matches("not asked: the answer was found before").count(), 2, "{text}");
}

#[test]
fn a_key_that_is_deleted_or_missing_is_an_answer_too() {
    let scratch = in_layers();
    let text = scratch.fine("inspect key m");
    assert!(text.contains("\nanswer     deleted @4, from 0"), "{text}");
    let text = scratch.fine("inspect key --hex 6262");
    assert!(text.starts_with("key        6262 as of seqno 5\n"), "{text}");
    assert!(text.ends_with("answer     no such key: no layer has it\n"), "{text}");
    let path = json_of(&scratch.fine("inspect key m --output json"));
    assert_eq!((&path["key"], &path["outcome"]), (&"m".into(), &"deleted".into()), "{path}");
    let (log, first) = (&path["layers"][0], &path["layers"][1]);
    assert_eq!((&log["layer"], &log["reached"]), (&"log".into(), &true.into()), "{path}");
    assert_eq!((&first["level"], &first["filter"]), (&0.into(), &true.into()), "{path}");
    assert_eq!((&path["from"], &path["found"]), (&first["file"], &first["found"]), "{path}");
    assert_eq!(first["block"]["cached"], false, "{path}");
    let path = json_of(&scratch.fine("inspect key zz --output json"));
    assert_eq!((&path["outcome"], &path["from"]), (&"missing".into(), &Value::Null), "{path}");
    let answer = scratch.run("inspect key a --db nothing");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    assert!(answer.stderr.contains("there is no database at nothing"), "{answer:?}");
}
