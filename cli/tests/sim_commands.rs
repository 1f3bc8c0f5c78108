//! `sim run`, `replay`, `keep` and `list`: how they end, and the names that scripts read.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::process::Stdio;
use std::time::Duration;

use binary::{Scratch, check_failure, json_of, signal, until_it_listens};

#[test]
fn a_passing_sweep_is_one_json_object_with_these_names() {
    let report = json_of(&Scratch::new().fine("sim run --seeds 0..2 --jobs 2 --output json"));
    let mut numbers =
        vec!["seeds", "operations", "system_calls", "states_checked", "seconds", "jobs"];
    numbers.extend(["opened_damaged", "states_per_second_per_core"]);
    for name in numbers {
        assert!(report[name].is_number(), "{name} in {report}");
    }
    for name in ["fingerprint", "commit", "profile", "personality", "version"] {
        assert!(report[name].is_string(), "{name} in {report}");
    }
    let crashes = &report["crashes"];
    for name in ["power", "kill", "inside_open", "after_failed_sync"] {
        assert!(crashes[name].is_u64(), "{name} in {report}");
    }
    // Each stands in one scope.
    for kind in ["power", "kill"] {
        let scopes = crashes["at"].as_object().expect("an object").values();
        let sum: u64 = scopes.map(|at| at[kind].as_u64().expect("a number")).sum();
        assert_eq!(Some(sum), crashes[kind].as_u64(), "{report}");
        assert!(sum > 0, "{report}");
    }
    assert!(report["faults"].as_object().is_some_and(|faults| !faults.is_empty()), "{report}");
    assert_eq!((&report["verdict"], &report["failures"]), (&"ok".into(), &serde_json::json!([])));
    assert_eq!((&report["seeds"], &report["jobs"]), (&2.into(), &2.into()));
}

#[test]
fn a_passing_sweep_reads_like_this_and_is_the_same_whatever_the_jobs() {
    let scratch = Scratch::new();
    let one = scratch.fine("sim run --seeds 3..5 --jobs 1");
    let two = scratch.fine("sim run --seeds 3..5 --jobs 2");
    let heading = "seawall sim: 2 seeds, profile default, personality posix, 1 job ";
    assert!(one.starts_with(heading) && one.contains(" [########] 100 %  00:"), "{one}");
    assert!(one.contains("\n  operations ") && one.contains("   system calls "), "{one}");
    let last = one.lines().last().expect("a line");
    assert!(last.starts_with("  every recovered state legal; every seed ran twice, same"), "{one}");
    assert!(last.ends_with(" OK"), "{one}");
    let below = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    assert_eq!(below(&one), below(&two));
}

#[test]
fn coverage_shows_how_often_and_where() {
    let scratch = Scratch::new();
    let text = scratch.fine("sim run --seeds 0..3 --once --coverage");
    let report = json_of(&scratch.fine("sim run --seeds 0..3 --once --coverage --output json"));
    let coverage = &report["coverage"];
    let cells = coverage["cells"].as_array().expect("a list");
    let count = |cell: &serde_json::Value, name: &str| cell[name].as_u64().expect("a number");
    let crashes: u64 = (cells.iter())
        .map(|cell| ["all", "less", "again"].into_iter().map(|name| count(cell, name)).sum::<u64>())
        .sum();
    assert!(crashes > 20, "{coverage}");
    for cell in cells {
        let row = format!("  {} ", cell["site"].as_str().expect("a site"));
        let line = |line: &&str| line.starts_with(&row) && line.contains('/');
        assert!(text.lines().any(|l| line(&l)), "{row:?} in {text}");
    }
    let activation = coverage["activation"].as_object().expect("an object");
    assert!(activation["flushes"].as_u64() > Some(0), "{coverage}");
    assert!(text.lines().any(|line| line.trim_start().starts_with("flushes ")), "{text}");
    // Three seeds do not go everywhere, and that is said.
    let empty = coverage["empty"].as_array().expect("a list");
    assert!(!empty.is_empty() && text.contains("that are empty\n"), "{text}");
    for cell in empty {
        assert!(text.contains(&format!("\n  {}\n", cell.as_str().expect("a cell"))), "{text}");
    }
}

#[test]
fn a_git_hash_is_a_seed() {
    let scratch = Scratch::new();
    let hash = "0000000000000007aaaaaaaaaaaaaaaaaaaaaaaa";
    let fingerprint = |line: &str| json_of(&scratch.fine(line))["fingerprint"].clone();
    let by_hash = fingerprint(&format!("sim run --output json --seed {hash}"));
    assert_eq!(by_hash, fingerprint("sim run --output json --seed 0x7"));
    for line in ["sim run --seed x", "sim run --seeds 5..5", "sim run --seed 1 --seeds 1..2"] {
        check_failure(&scratch, line, 2, &["--help"]);
    }
}

#[test]
fn ops_says_how_many_operations_a_seed_has() {
    let scratch = Scratch::new();
    let operations = |line: &str| {
        let report = json_of(&scratch.fine(line));
        report["operations"].as_u64().expect("a number")
    };
    let few = operations("sim run --output json --seeds 0..4 --ops 20");
    let more = operations("sim run --output json --seeds 0..4 --ops 200");
    let drawn = operations("sim run --output json --seeds 0..4");
    assert!(few < more && more < drawn, "{few}, {more}, {drawn}");
    check_failure(&scratch, "sim run --ops 0", 2, &["--ops <N>", "--help"]);
}

#[test]
fn a_sweep_that_finishes_nothing_ends_with_12() {
    let answer = Scratch::new().run("sim run --time 0s --output json");
    assert_eq!(answer.code, Some(12), "{answer:?}");
    assert_eq!(json_of(&answer.stdout)["verdict"], "budget");
}

#[test]
fn an_interrupted_sweep_still_tells_what_it_did() {
    let scratch = Scratch::new();
    let sweep = scratch.start("sim run --time 1h --jobs 1 --output json");
    until_it_listens(sweep.id());
    signal(sweep.id(), "INT");
    let output = sweep.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report = json_of(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(report["verdict"], "interrupted");
    assert!(report["seeds"].is_u64() && report["operations"].is_u64(), "{report}");
}

#[test]
fn a_seed_that_takes_too_long_fails_with_its_number() {
    let scratch = Scratch::new();
    let line = "sim run --seed 7 --ops 30 --seed-time 0s";
    let answer = scratch.run(line);
    assert_eq!(answer.code, Some(10), "{answer:?}");
    for words in [
        "FAIL  seed 0x7   profile default   personalities posix",
        "  got       still running after 0ns\n",
        "seawall sim run --seed 0x7 --ops 30 ",
        "FAILED",
    ] {
        assert!(answer.stdout.contains(words), "no {words:?} in {}", answer.stdout);
    }
    let report = json_of(&scratch.run(&format!("{line} --output json")).stdout);
    assert_eq!((&report["verdict"], &report["seeds"]), (&"violated".into(), &0.into()), "{report}");
    let failure = &report["failures"][0];
    assert_eq!((&failure["seed"], &failure["property"]), (&"0x7".into(), &"watchdog".into()));
}

#[test]
fn a_sweep_whose_process_is_ended_tells_which_seeds_ran() {
    let scratch = Scratch::new();
    let sweep = scratch
        .command()
        .args(["sim", "run", "--time", "1h", "--jobs", "2", "--output", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let child = child_that_runs_a_seed(sweep.id());
    signal(child, "ABRT");
    let output = sweep.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    let report = json_of(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(report["verdict"], "violated");
    let failures = report["failures"].as_array().expect("a list");
    assert!(!failures.is_empty() && failures.len() <= 2, "{report}");
    assert!(failures.iter().all(|failure| failure["property"] == "watchdog"), "{report}");
}

/// The child of a process, once it has the threads on which seeds run: itself, its listener, that of
/// Ctrl-C, and for each of two jobs a worker and its twin.
fn child_that_runs_a_seed(parent: u32) -> String {
    const THREADS: usize = 7;
    loop {
        let children = format!("/proc/{parent}/task/{parent}/children");
        let children = std::fs::read_to_string(children).expect("the parent runs");
        if let Some(child) = children.split_whitespace().next() {
            let threads = std::fs::read_dir(format!("/proc/{child}/task"));
            if threads.is_ok_and(|threads| threads.count() >= THREADS) {
                return child.to_owned();
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

const CALM: &str = "seawall tape 1\nsystem seawall\nop 0 g0 c0 get 3\n";

#[test]
fn a_tape_that_breaks_nothing_says_so() {
    let scratch = Scratch::new();
    scratch.write("calm.tape", CALM);
    let text = scratch.fine("sim replay calm.tape");
    assert!(text.starts_with("no property is violated   fingerprint "), "{text}");
    let report = json_of(&scratch.fine("sim replay calm.tape --output json"));
    assert_eq!(report["verdict"], "ok", "{report}");
    let next = "next: see what it does: `seawall sim replay calm.tape`";
    check_failure(&scratch, "sim shrink calm.tape", 1, &["cannot be made smaller", next]);
}

#[test]
fn a_file_that_is_no_tape_is_refused_with_the_line() {
    let scratch = Scratch::new();
    scratch.write("bad.tape", "seawall tape 1\nnonsense\n");
    scratch.write("other.tape", "seawall tape 1\nsystem other\nop 0 g0 c0 get 3\n");
    for command in ["replay", "shrink"] {
        let line = |name| format!("sim {command} {name}");
        check_failure(&scratch, &line("bad.tape"), 1, &["is no tape", "line 2", "next: "]);
        check_failure(&scratch, &line("none.tape"), 1, &["cannot read none.tape", "next: "]);
        check_failure(&scratch, &line("other.tape"), 1, &["system \"other\"", "next: "]);
    }
}

#[test]
fn a_tape_becomes_an_input_and_comes_back_as_it_was() {
    let scratch = Scratch::new();
    let tape = "seawall tape 1\n# a\\n\nsystem seawall\nbase seed 0x2a\n\
                op 0 g0 c0 put 3 40 sync\nop 1 g0 c0 get 3\n\
                answer crash g0/op0 commit/wal/write_at 0 = end-power-during\n";
    scratch.write("a.tape", tape);
    let said = scratch.fine("sim convert a.tape --to a.input");
    assert!(said.starts_with("tape -> input of ") && said.ends_with(": 2 operations, 1 answer\n"));
    let back = scratch.run("sim convert a.input");
    assert_eq!((back.code, &*back.stdout), (Some(0), tape));
    let said = format!("input -> tape of {} bytes: 2 operations, 1 answer\n", tape.len());
    assert_eq!(back.stderr, said);
    let report = json_of(&scratch.fine("sim convert a.input --to b.tape --output json"));
    assert_eq!((&report["into"], &report["to"]), (&"tape".into(), &"b.tape".into()), "{report}");
    let again = std::fs::read_to_string(scratch.path().join("b.tape"));
    assert_eq!(again.expect("it is there"), tape);
}

#[test]
fn what_a_fuzzer_found_becomes_a_tape_that_is_the_same_run() {
    let scratch = Scratch::new();
    // Two operations that are drawn, and an override.
    scratch.write("crash-1", b"o\x00\x00\x21\x07\x31\no\x01\x01\x80\nx\x02\x40\x00\x00\x03\n");
    let answer = scratch.run("sim convert crash-1");
    assert!(answer.stderr.contains(": 2 operations, "), "{answer:?}");
    assert!(answer.stderr.ends_with("; it was run, with 1 override\n"), "{answer:?}");
    scratch.write("found.tape", &answer.stdout);
    assert!(scratch.fine("sim replay found.tape").starts_with("no property is violated"));
}

#[test]
fn what_cannot_be_converted_is_told() {
    let scratch = Scratch::new();
    scratch.write("empty", "");
    scratch.write("bad.tape", "seawall tape 1\nnonsense\n");
    scratch.write("old.tape", "seawall tape 1\nop frobnicate\n");
    scratch.write("other", "sother\no1 g0 c0 flush\nx\n");
    check_failure(&scratch, "sim convert none", 1, &["cannot read none", "next: "]);
    check_failure(&scratch, "sim convert empty", 1, &["neither a tape nor an input", "next: "]);
    check_failure(&scratch, "sim convert bad.tape", 1, &["is no tape", "line 2", "next: "]);
    check_failure(&scratch, "sim convert old.tape", 1, &["cannot be an input", "next: "]);
    check_failure(&scratch, "sim convert other", 1, &["system \"other\"", "next: "]);
    check_failure(&scratch, "sim convert old.tape --to none/b", 1, &["cannot be an input"]);
    check_failure(&scratch, "sim convert other --output json", 2, &["--to FILE"]);
    check_failure(&scratch, "sim convert", 2, &["<TAPE|INPUT>"]);
}

#[test]
fn a_kept_tape_goes_into_the_corpus_with_its_story() {
    let scratch = Scratch::new();
    scratch.write("calm.tape", CALM);
    let keep = "sim keep calm.tape -m 'nothing was lost'";
    check_failure(&scratch, keep, 1, &["not the root of a repository", "next: "]);
    std::fs::create_dir(scratch.path().join("corpus")).expect("a directory");
    assert_eq!(scratch.fine(keep), "corpus/tapes/calm.tape\n");
    let kept = std::fs::read_to_string(scratch.path().join("corpus/tapes/calm.tape"));
    let kept = kept.expect("it is there");
    assert!(kept.starts_with("seawall tape 1\n# why nothing was lost\nsystem seawall\n"), "{kept}");
    assert!(scratch.fine("sim replay corpus/tapes/calm.tape").starts_with("no property"));
    check_failure(&scratch, keep, 1, &["corpus/tapes/calm.tape exists", "next: rename the tape"]);
    check_failure(&scratch, "sim keep calm.tape -m ' '", 2, &["not one line", "next: "]);
}

#[test]
fn the_names_that_other_commands_take_are_listed() {
    let scratch = Scratch::new();
    let text = scratch.fine("sim list");
    for words in
        ["profiles, ", "\n  default  ", "\n  posix  ", "\n  sync_eio  ", "commit/wal/sync_data"]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}
