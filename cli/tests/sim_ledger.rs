//! `sim run --ledger`: what it refuses, and that it writes nothing then. How blocks run, are resumed
//! and checked again is tested beside the code, with blocks that take no minute.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use binary::{Scratch, check_failure};

const LINE: &str = "commit=1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d profile=default first=3000 \
                    seeds=1000 runs=2 states=49123 operations=981234 fault.sync_eio=812 \
                    fingerprint=00ff000000000001 cpu_seconds=43.120";

#[test]
fn flags_that_contradict_a_ledger_are_refused() {
    let scratch = Scratch::new();
    for flags in [
        "--recheck 1",
        "--ledger l --ops 5",
        "--ledger l --keep-going",
        "--ledger l --recheck 0",
        "--ledger l --recheck 1 --seeds 0..1000",
        "--ledger l --recheck 1 --once",
    ] {
        check_failure(&scratch, &format!("sim run {flags}"), 2, &["--help"]);
    }
    let next = "next: a line is for a whole block";
    check_failure(&scratch, "sim run --ledger l --seed 7", 2, &["`--seed` runs one seed", next]);
    let said = ["0..1500 is not made of blocks of 1000 seeds", next];
    check_failure(&scratch, "sim run --ledger l --seeds 0..1500", 2, &said);
    assert!(!scratch.path().join("l").exists());
}

#[test]
fn a_ledger_that_says_nothing_is_refused_by_line_and_stays_as_it_is() {
    let scratch = Scratch::new();
    for (second, said) in [
        ("nonsense\n".to_owned(), "`commit=` is missing where `nonsense` stands"),
        (LINE.replace("states=49123", "states=x") + "\n", "`states=x` is no number"),
        (LINE.replace("seeds=1000", "seeds=100") + "\n", "its block has 100 seeds, and not 1000"),
        (LINE.to_owned() + "\n", "it is the block of line 1 again"),
        ("half a thought".to_owned(), "it does not begin with `commit=`"),
    ] {
        let text = format!("{LINE}\n{second}");
        scratch.write("l", &text);
        for flags in ["--seeds 0..1000", "--recheck 1"] {
            let said = ["line 2 of the ledger l is malformed: ", said, "next: take the line out"];
            check_failure(&scratch, &format!("sim run --ledger l {flags}"), 2, &said);
        }
        let after = std::fs::read_to_string(scratch.path().join("l")).expect("it is there");
        assert_eq!(after, text);
    }
}

#[test]
fn a_ledger_that_cannot_be_read_is_refused() {
    let scratch = Scratch::new();
    let said = ["cannot use the ledger", "next: name a file"];
    for flags in ["--ledger .", "--ledger none --recheck 1", "--ledger . --recheck 1"] {
        check_failure(&scratch, &format!("sim run {flags}"), 2, &said);
    }
}

/// Which of the two it is depends on the tree that this test was built from.
#[test]
fn a_build_with_changes_writes_no_ledger_and_one_without_begins_it() {
    let scratch = Scratch::new();
    let version = scratch.fine("--version --output json");
    let run = "sim run --ledger l --time 0s";
    if version.contains("\"clean\":true") {
        let answer = scratch.run(run);
        assert_eq!(answer.code, Some(12), "{answer:?}");
        let said = "  ledger l   blocks written 0, skipped 0, rechecked 0   lines 0\n  states of all lines 0";
        assert!(answer.stdout.contains(said), "{}", answer.stdout);
        assert_eq!(std::fs::read(scratch.path().join("l")).expect("it is there"), b"");
    } else {
        check_failure(
            &scratch,
            run,
            2,
            &["stands for a commit, and this build is", "next: commit or"],
        );
        assert!(!scratch.path().join("l").exists());
    }
    scratch.write("l", format!("{LINE}\n"));
    let said = if version.contains("\"clean\":true") { "none of the 1 line" } else { "this build" };
    check_failure(&scratch, "sim run --ledger l --recheck 1", 2, &[said]);
}
