//! The commands on a database: what they print, how they end, and what they say when they fail.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::io::Read;

use binary::{Scratch, check, check_failure, files_with, flip, json_of, make_newer, name_of};

fn with_three_keys() -> Scratch {
    let scratch = Scratch::new();
    for (key, value) in [("a", "1"), ("b", "2"), ("ba", "3")] {
        check(&scratch, &format!("put {key} {value}"), 0, "");
    }
    scratch
}

#[test]
fn what_is_put_is_there_until_it_is_deleted() {
    let scratch = with_three_keys();
    check(&scratch, "get b", 0, "2\n");
    check(&scratch, "count", 0, "3\n");
    check(&scratch, "del b", 0, "");
    check_failure(&scratch, "get b", 3, &["there is no key `b`", "next: "]);
    check(&scratch, "del b", 0, "");
    check(&scratch, "count", 0, "2\n");
}

#[test]
fn a_scan_is_bounded_cut_and_turned_around() {
    let scratch = with_three_keys();
    check(&scratch, "scan", 0, "a\t1\nb\t2\nba\t3\n");
    check(&scratch, "scan --reverse", 0, "ba\t3\nb\t2\na\t1\n");
    check(&scratch, "scan --start b --end ba", 0, "b\t2\n");
    check(&scratch, "scan --prefix b --keys-only", 0, "b\nba\n");
    check(&scratch, "scan --prefix b --reverse --limit 1", 0, "ba\t3\n");
    check(&scratch, "scan --start x --end b", 0, "");
    check(&scratch, "scan --limit 0", 0, "");
}

#[test]
fn json_is_one_value_a_line_with_the_names_that_import_reads() {
    let scratch = with_three_keys();
    check(&scratch, "get a --output json", 0, "{\"key\":\"a\",\"value\":\"1\"}\n");
    check(&scratch, "count --output json", 0, "{\"count\":3}\n");
    check(&scratch, "put z 1 --output json", 0, "{\"seqno\":4}\n");
    check(&scratch, "del z --output json", 0, "{\"seqno\":5}\n");
    let lines = "{\"key\":\"b\",\"value\":\"2\"}\n{\"key\":\"ba\",\"value\":\"3\"}\n";
    check(&scratch, "scan --prefix b --output json", 0, lines);
    check(&scratch, "scan --limit 1 --keys-only --output json", 0, "{\"key\":\"a\"}\n");
    let answer = scratch.run("get none --output json");
    let error: serde_json::Value = serde_json::from_str(&answer.stderr).expect("JSON");
    assert_eq!(error["exit"], 3, "{answer:?}");
    assert!(error["error"].is_string() && error["next"].is_string(), "{answer:?}");
}

#[test]
fn binary_keys_and_values_go_in_and_out_as_hexadecimal() {
    let scratch = Scratch::new();
    check(&scratch, "put 00ff fe --hex", 0, "");
    check(&scratch, "get 00FF --hex", 0, "fe\n");
    check(&scratch, "scan --hex", 0, "00ff\tfe\n");
    check(&scratch, "scan --hex --output json", 0, "{\"key\":\"00ff\",\"value\":\"fe\"}\n");
    let line = "{\"key\":{\"b64\":\"AP8=\"},\"value\":{\"b64\":\"/g==\"}}\n";
    check(&scratch, "scan --output json", 0, line);
    check_failure(&scratch, "get 0g --hex", 2, &["`g` is not a hexadecimal digit", "next: "]);
}

#[test]
fn a_value_may_come_from_stdin_or_a_file() {
    let scratch = Scratch::new();
    let answer = scratch.run_with("put a -", b"from\nstdin");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    check(&scratch, "get a", 0, "from\nstdin\n");
    scratch.write("value", "from a file");
    check(&scratch, "put b @value", 0, "");
    check(&scratch, "get b", 0, "from a file\n");
    check_failure(&scratch, "put c @none", 1, &["cannot read the value from none", "next: "]);
    check(&scratch, "put '' ''", 0, "");
    check(&scratch, "get ''", 0, "\n");
}

#[test]
fn a_value_may_begin_with_a_hyphen() {
    let scratch = Scratch::new();
    for value in ["-5", "-1e-9", "--", "--nosuch", "-xyz", "--a=b", "-----BEGIN"] {
        check(&scratch, &format!("put -- k {value}"), 0, "");
        check(&scratch, "get k", 0, &format!("{value}\n"));
        if value != "--" {
            check(&scratch, "put k old", 0, "");
            check(&scratch, &format!("put k {value}"), 0, "");
            check(&scratch, "get k", 0, &format!("{value}\n"));
        }
    }
    // Our own options stay options, in any place.
    check(&scratch, "put --hex 6b --quiet 2d", 0, "");
    check(&scratch, "put 6b 2d --hex", 0, "");
    check(&scratch, "get k", 0, "-\n");
    check(&scratch, "put k -- -v", 0, "");
    check(&scratch, "get k", 0, "-v\n");
    check_failure(&scratch, "put k -v", 2, &["--help"]);
}

#[test]
fn what_puts_nothing_makes_no_database() {
    let scratch = Scratch::new();
    for line in ["get a", "del a", "scan", "count", "admin verify", "inspect manifest"] {
        let line = format!("--db nothing {line}");
        check_failure(&scratch, &line, 1, &["there is no database at nothing", "put KEY VALUE"]);
        assert!(!scratch.path().join("nothing").exists(), "{line} made a directory");
    }
    check_failure(&scratch, "--db nothing put a @none", 1, &["cannot read the value"]);
    check_failure(&scratch, "--db nothing import none", 1, &["cannot read none", "next: "]);
    assert!(!scratch.path().join("nothing").exists());
    check(&scratch, "--db some/where put a 1", 0, "");
    check(&scratch, "--db some/where get a", 0, "1\n");
}

#[test]
fn wrong_command_lines_end_with_2() {
    let scratch = Scratch::new();
    for line in ["", "fetch", "get", "put a", "scan --limit x", "-q -v count", "--output xml count"]
    {
        let answer = scratch.run(line);
        assert_eq!((answer.code, &*answer.stdout), (Some(2), ""), "{line}: {answer:?}");
        assert!(answer.stderr.contains("--help"), "{line}: {answer:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    let scratch = Scratch::new();
    assert!(scratch.fine("--help").contains("Exit codes: 0 fine"));
    assert!(scratch.fine("import --help").contains("acknowledged N"));
    assert!(scratch.fine("--version").starts_with("seawall 0."));
    let version: serde_json::Value =
        serde_json::from_str(&scratch.fine("--version --output json")).expect("JSON");
    assert!(version["version"].is_string() && version["commit"].is_string(), "{version}");
}

#[test]
fn a_database_in_use_ends_with_5() {
    let scratch = with_three_keys();
    let mut holder = scratch.start("import -");
    let mut input = holder.stdin.take().expect("piped");
    let line = b"{\"key\":\"k\",\"value\":\"v\"}\n".repeat(1000);
    std::io::Write::write_all(&mut input, &line).expect("it reads");
    // Once it acknowledges, it holds the database.
    let mut said = [0; 12];
    let mut talk = holder.stderr.take().expect("piped");
    talk.read_exact(&mut said).expect("it talks");
    assert_eq!(&said, b"acknowledged");
    check_failure(&scratch, "get a", 5, &["next: wait until the other process ends"]);
    drop(input);
    assert_eq!(holder.wait().expect("it ends").code(), Some(0));
    check(&scratch, "get k", 0, "v\n");
}

#[test]
fn a_line_of_a_scan_is_one_entry_whatever_its_bytes_are() {
    let scratch = Scratch::new();
    for [key, value] in [["a\tb", "c\nd\\n"], ["e", "\x1b[31mred\x7f"], ["\u{e9}", "\u{f6}"]] {
        scratch.fine(&format!("put {key} {value}"));
    }
    let all = "a\\tb\tc\\nd\\\\n\ne\t\\x1b[31mred\\x7f\n\u{e9}\t\u{f6}\n";
    check(&scratch, "scan", 0, all);
    check(&scratch, "scan --keys-only --limit 1", 0, "a\\tb\n");
    check(&scratch, "scan --hex --limit 1", 0, "610962\t630a645c6e\n");
    // Alone, a value is what it is.
    check(&scratch, "get a\tb", 0, "c\nd\\n\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scratch = Scratch::new();
    let line = |n| format!("{{\"key\":\"key{n:05}\",\"value\":\"{}\"}}\n", "x".repeat(100));
    let answer = scratch.run_with("import -", (0..5000).map(line).collect::<String>());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let mut scan = scratch.start("scan");
    let mut first = [0; 8];
    scan.stdout.take().expect("piped").read_exact(&mut first).expect("it prints");
    let answer = scan.wait_with_output().expect("it ends");
    assert_eq!((answer.status.code(), &*answer.stderr), (Some(0), &b""[..]), "{answer:?}");
}

#[test]
fn a_database_of_a_newer_format_ends_with_6() {
    let scratch = with_three_keys();
    make_newer(&scratch);
    let next = "next: use the version of seawall that wrote it";
    check_failure(&scratch, "get a", 6, &["format 9 is newer than 1", "CURRENT", next]);
}

#[test]
fn damage_ends_with_4_and_names_file_and_offset() {
    let scratch = with_three_keys();
    let manifest = files_with(&scratch, "MANIFEST").remove(0);
    flip(&manifest, 50);
    let name = name_of(&manifest);
    for line in ["get a", "put a 2"] {
        check_failure(&scratch, line, 4, &[&name, "at byte 0", "next: no data was changed"]);
    }
    let answer = scratch.run("admin verify --output json");
    let error: serde_json::Value = serde_json::from_str(&answer.stderr).expect("JSON");
    assert_eq!((&error["exit"], &error["offset"]), (&4.into(), &0.into()), "{error}");
    assert!(error["file"].as_str().is_some_and(|file| file.ends_with(&name)), "{error}");
}

#[test]
fn verify_says_what_it_read() {
    let scratch = with_three_keys();
    let text = scratch.fine("admin verify");
    assert!(text.starts_with("tables    0, 0 entries\nlog       "), "{text}");
    assert!(text.ends_with("\nno damage found\n"), "{text}");
    let report: serde_json::Value =
        serde_json::from_str(&scratch.fine("admin verify --output json")).expect("JSON");
    assert_eq!((&report["verdict"], &report["orphans"]), (&"ok".into(), &serde_json::json!([])));
}

#[test]
fn many_small_commands_do_not_pile_up_segments() {
    let scratch = Scratch::new();
    for n in 0..30 {
        check(&scratch, &format!("put key{n} {n}"), 0, "");
    }
    let names = std::fs::read_dir(scratch.path().join("seawall-db")).expect("a directory");
    let names = names.map(|entry| entry.expect("a name").file_name().into_string());
    let segments = names.filter(|name| name.as_ref().is_ok_and(|name| name.ends_with(".wal")));
    assert!(segments.count() < 12);
    check(&scratch, "count", 0, "30\n");
}

#[test]
fn the_manifest_is_shown_from_current_to_the_last_edit() {
    let scratch = with_three_keys();
    let text = scratch.fine("inspect manifest");
    for words in ["database ", "MANIFEST-", "snapshot to byte ", "\nedit ", "\nnow: edit "] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let dump = json_of(&scratch.fine("inspect manifest --output json"));
    assert_eq!(dump["id"].as_str().map(str::len), Some(32), "{dump}");
    assert!(dump["state"]["tables"].is_array() && dump["edits"][0]["number"].is_u64(), "{dump}");
}

#[test]
fn the_log_is_shown_frame_by_frame_also_beside_a_writer() {
    let scratch = with_three_keys();
    let dump = json_of(&scratch.fine("inspect wal --output json"));
    let frames = |segment: &serde_json::Value| segment["frames"].as_array().cloned();
    let all = dump["segments"].as_array().expect("a list").iter().filter_map(frames).flatten();
    let data: u64 = all.filter(|f| f["kind"] == "DATA").filter_map(|f| f["count"].as_u64()).sum();
    assert_eq!(data, 3, "{dump}");
    let name = dump["segments"][0]["file"].as_str().expect("a name");
    let one = scratch.fine(&format!("inspect wal {name}"));
    assert!(one.starts_with(name) && one.contains("LINK"), "{one}");
    let next = "next: see the names there are";
    check_failure(&scratch, "inspect wal 999999.wal", 1, &["no log segment of that name", next]);
}

/// Whatever the limit, a command works or says what it lacked, and the next one finds everything.
#[test]
fn too_few_open_files_are_told_and_lose_nothing() {
    let scratch = with_three_keys();
    let mut refused = 0;
    for limit in 4..16 {
        for (line, stdout) in [("get b", "2\n"), ("put b 2", "")] {
            let script = format!("ulimit -n {limit}; exec \"$0\" {line}");
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &script, env!("CARGO_BIN_EXE_seawall")]).current_dir(scratch.path());
            let output = shell.output().expect("a shell");
            let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
            if output.status.success() {
                assert_eq!(String::from_utf8_lossy(&out), stdout, "{limit}: {line}");
                continue;
            }
            // The loader needs a file of its own before there is anybody to say it well.
            if err.contains("loading shared libraries") {
                continue;
            }
            assert_eq!(output.status.code(), Some(1), "{limit}: {line}: {err}");
            for words in ["Too many open files", "seawall-db", "next: ", "`ulimit -n`"] {
                assert!(err.contains(words), "{limit}: {line}: no {words:?} in {err}");
            }
            refused += 1;
        }
    }
    assert!(refused > 0, "no limit was too low");
    check(&scratch, "scan", 0, "a\t1\nb\t2\nba\t3\n");
    scratch.fine("admin verify");
}

#[test]
fn a_file_in_place_of_a_directory_and_the_other_way_round_get_their_own_advice() {
    let scratch = with_three_keys();
    scratch.write("file", "a\t1\n");
    check_failure(&scratch, "get a --db file", 1, &["file", "name a directory"]);
    check_failure(&scratch, "import seawall-db", 1, &["cannot read", "name a file"]);
}

#[test]
fn a_batch_puts_and_deletes_as_one() {
    let scratch = with_three_keys();
    let lines = "{\"key\":\"a\",\"delete\":true}\n\n{\"key\":\"b\",\"value\":\"20\"}\n\
                 {\"key\":\"c\",\"value\":{\"b64\":\"/w==\"}}\n{\"key\":\"b\",\"delete\":true}";
    let answer = scratch.run_with("batch - --output json", lines);
    assert_eq!((answer.code, &*answer.stderr), (Some(0), ""), "{answer:?}");
    assert_eq!(json_of(&answer.stdout), serde_json::json!({ "operations": 4, "seqno": 7 }));
    check(&scratch, "scan --hex", 0, "6261\t33\n63\tff\n");
    let answer = scratch.run_with("batch -", "{\"key\":\"x\",\"value\":\"\"}\n{\"key\":\"y\"}\n");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    check(&scratch, "count", 0, "2\n");
    assert_eq!(scratch.run("batch -").stderr, "committed 0 operations as one\n");
}
