//! What an error advises can be pasted: the commands run as they stand, on the database that was meant.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::process::Command;

use binary::{Scratch, flip, lines};

/// A database with a blank in its name: a and b, of which a is in a table.
fn in_my_db() -> Scratch {
    let scratch = Scratch::new();
    for line in ["put a 1", "admin flush", "put b 2"] {
        scratch.fine(&format!("{line} --db 'my db'"));
    }
    scratch
}

/// The commands between backquotes in what was said, with words for what they leave open.
fn advised(said: &str) -> Vec<String> {
    let filled = |command: &str| {
        let words = [("KEY", "k"), ("VALUE", "v"), ("FILE", "lines"), ("DIR", "rescued")];
        words.iter().fold(command.to_owned(), |command, (open, word)| command.replace(open, word))
    };
    said.split('`').skip(1).step_by(2).filter(|c| c.contains("seawall")).map(filled).collect()
}

/// Runs `line`, which fails, and then what it advises; each must say what it is to say.
#[track_caller]
fn check(scratch: &Scratch, line: &str, expected: &[(&str, i32, &str)]) {
    let answer = scratch.run(line);
    assert!(!matches!(answer.code, Some(0 | 2)), "{line}: {answer:?}");
    let commands = advised(&answer.stderr);
    assert_eq!(
        commands,
        expected.iter().map(|(command, ..)| *command).collect::<Vec<_>>(),
        "{line}"
    );
    for (command, code, said) in expected {
        paste(scratch, command, *code, said);
    }
}

/// Runs a command in a shell that finds the program.
#[track_caller]
fn paste(scratch: &Scratch, command: &str, code: i32, said: &str) {
    let program = env!("CARGO_BIN_EXE_seawall");
    let folder = program.strip_suffix("/seawall").expect("its folder");
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(command).current_dir(scratch.path()).env("PATH", path);
    let output = shell.env_remove("SEAWALL_DB").output().expect("bash runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(code), "{command}: {text}");
    assert!(text.contains(said), "{command}: no {said:?} in {text}");
}

#[test]
fn a_key_that_is_not_there() {
    let scratch = in_my_db();
    let keys = "a\nb\n";
    check(&scratch, "get c --db 'my db'", &[("seawall --db 'my db' scan --keys-only", 0, keys)]);
    let line = "get 63 --hex --db 'my db'";
    check(&scratch, line, &[("seawall --db 'my db' --hex scan --keys-only", 0, "61\n62\n")]);
}

#[test]
fn no_database() {
    let scratch = Scratch::new();
    scratch.write("lines", lines(0..3));
    let expected = [("seawall put k v", 0, ""), ("seawall import lines", 0, "acknowledged 3")];
    check(&scratch, "count", &expected);
    let expected = [
        ("seawall --db ./-x put k v", 0, ""),
        ("seawall --db ./-x import lines", 0, "acknowledged 3"),
    ];
    check(&scratch, "count --db=-x", &expected);
}

#[test]
fn a_file_that_is_not_there() {
    let scratch = in_my_db();
    let expected = [("seawall --db 'my db' inspect levels", 0, "in all   1 table")];
    check(&scratch, "--db 'my db' inspect sst none", &expected);
    let expected = [("seawall --db 'my db' inspect wal", 0, ".wal: ")];
    check(&scratch, "--db 'my db' inspect wal none", &expected);
}

#[test]
fn damage() {
    let scratch = in_my_db();
    let folder = scratch.path().join("my db");
    let files = std::fs::read_dir(&folder).expect("there").map(|file| file.expect("a file").path());
    let manifest = files.filter(|path| path.to_string_lossy().contains("MANIFEST")).max();
    flip(&manifest.expect("there"), 50);
    let expected = [
        ("seawall --db 'my db' admin verify", 4, "at byte 0"),
        ("seawall --db 'my db' admin salvage --to rescued", 0, "written    2 entries to rescued"),
    ];
    check(&scratch, "--db 'my db' get a", &expected);
}

#[test]
fn an_import_that_did_not_come_to_its_end() {
    let scratch = in_my_db();
    scratch.write("my lines", format!("{}x\n{}", lines(0..2), lines(2..4)));
    // Whoever mends nothing is told of the same line again, by its new number.
    let rest = "tail -n +3 'my lines' | seawall --db 'my db' import --batch 7 -";
    let line = "--db 'my db' import 'my lines' --batch 7";
    check(&scratch, line, &[(rest, 1, "line 1, column 1: ")]);
    scratch.write("my lines", lines(0..4));
    paste(&scratch, rest, 0, "acknowledged 2");
    assert_eq!(scratch.fine("--db 'my db' count"), "6\n");
}
