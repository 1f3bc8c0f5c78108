//! Bad input, as a table: a command, what it meets, how it ends, what it says, and what is left on disk.
//!
//! What belongs to one command alone is tested beside its other tests: too few open files, malformed lines
//! and ledgers, tapes that are none.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Child;

use binary::{Scratch, check, files_with, flip, lines, make_newer, signal, until_it_listens};

/// What a command meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// No database, and files for commands that read some.
    Missing,
    /// A database that another process writes to.
    Locked,
    /// A bit of the manifest has turned over.
    Damaged,
    /// A newer version has written it.
    Newer,
    /// A sound database: a, b and c, of which a is in a table.
    Sound,
}

/// What is on disk afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// All files are as they were, and there are no others.
    Same,
    /// A database, and in it these keys.
    Keys(&'static str),
}

use Left::{Keys, Same};
use Met::{Damaged, Locked, Missing, Newer, Sound};

const NONE: &str = "there is no database at seawall-db";
const IN_USE: &str = "next: wait until the other process ends";
const DAMAGE: &str = "at byte 0";
const NEWER: &str = "next: use the version of seawall that wrote it";

/// Every command on a database, and its code beside each: missing, locked, damaged, newer.
const COMMANDS: &[(&str, [i32; 4])] = &[
    ("put a 1", [0, 5, 4, 6]),
    ("get a", [1, 5, 4, 6]),
    ("del a", [1, 5, 4, 6]),
    ("batch operations", [0, 5, 4, 6]),
    ("scan", [1, 5, 4, 6]),
    ("count", [1, 5, 4, 6]),
    ("import lines", [0, 5, 4, 6]),
    ("export", [1, 5, 4, 6]),
    ("export new", [1, 5, 4, 6]),
    // Files are shown also beside a writer. The log alone needs no manifest.
    ("inspect levels", [1, 0, 4, 6]),
    ("inspect manifest", [1, 0, 4, 6]),
    ("inspect wal", [1, 0, 0, 6]),
    ("inspect key a", [1, 5, 4, 6]),
    ("inspect stats", [1, 0, 4, 6]),
    ("admin verify", [1, 5, 4, 6]),
    ("admin flush", [1, 5, 4, 6]),
    ("admin compact", [1, 5, 4, 6]),
    // The log still has every operation that there ever was.
    ("admin salvage --to new", [1, 5, 0, 6]),
    ("bench write --existing --ops 1", [1, 5, 4, 6]),
];

/// One of a kind each.
const ROWS: &[(Met, &str, i32, &str, Left)] = &[
    // Command lines that are wrong.
    (Missing, "", 2, "--help", Same),
    (Missing, "fetch", 2, "unrecognized subcommand", Same),
    (Missing, "--nosuch count", 2, "--nosuch", Same),
    (Missing, "get", 2, "<KEY>", Same),
    (Missing, "get a b", 2, "unexpected argument 'b'", Same),
    (Missing, "put a", 2, "<VALUE>", Same),
    (Missing, "put a 1 2", 2, "unexpected argument '2'", Same),
    (Missing, "del", 2, "<KEY>", Same),
    (Missing, "count a", 2, "unexpected argument 'a'", Same),
    (Missing, "count --output xml", 2, "xml", Same),
    (Missing, "count -q -v", 2, "cannot be used with", Same),
    (Missing, "count --db", 2, "--db <DIR>", Same),
    (Missing, "scan --limit -1", 2, "-1", Same),
    (Missing, "scan --limit x", 2, "--limit <N>", Same),
    (Missing, "import", 2, "<FILE>", Same),
    (Missing, "import --batch 0 lines", 2, "--batch <N>", Same),
    (Missing, "import --batch 1000001 lines", 2, "--batch <N>", Same),
    (Missing, "inspect", 2, "--help", Same),
    (Missing, "inspect nosuch", 2, "unrecognized subcommand", Same),
    (Missing, "inspect sst", 2, "<FILE>", Same),
    (Missing, "inspect sst lines nosuch", 2, "[possible values: blocks", Same),
    (Missing, "inspect key", 2, "<KEY>", Same),
    (Missing, "admin", 2, "--help", Same),
    (Missing, "admin salvage", 2, "--to <DIR>", Same),
    (Missing, "bench", 2, "<WHAT>", Same),
    (Missing, "bench write --threads 0", 2, "--threads <T>", Same),
    (Missing, "completions", 2, "<SHELL>", Same),
    (Missing, "sim", 2, "--help", Same),
    (Missing, "sim run --seeds 5..1", 2, "--help", Same),
    (Missing, "sim run --seed x", 2, "--seed", Same),
    (Missing, "sim run --profile nosuch --seed 1", 2, "nosuch", Same),
    // Keys and values that cannot be.
    (Sound, "get a --hex", 2, "1 hexadecimal digit, and each byte has two", Same),
    (Sound, "put 6g 00 --hex", 2, "`g` is not a hexadecimal digit", Same),
    (Sound, "put 61 0 --hex", 2, "the value is not hexadecimal", Same),
    (Sound, "scan --hex --start 0", 2, "the start is not hexadecimal", Same),
    (Sound, "admin compact --start b --end a", 2, "no key from --start up to --end", Same),
    (Missing, "put a @none", 1, "cannot read the value from none", Same),
    (Missing, "put a @.", 1, "cannot read the value from .", Same),
    (Missing, "put a @big", 1, "the value has more than 67108864 bytes", Same),
    (Sound, "put a @big", 1, "next: split it over several keys", Same),
    (Sound, "put b @/dev/zero", 1, "the value has more than 67108864 bytes", Same),
    (Sound, "get none", 3, "next: list the keys there are", Same),
    (Sound, "get none --output json", 3, "\"exit\":3", Same),
    (Sound, "del none", 0, "", Keys("a b c")),
    // Files that are not what they should be.
    (Missing, "import none", 1, "cannot read none", Same),
    (Missing, "import .", 1, "next: name a file of lines", Same),
    (Missing, "import broken", 1, "line 2, column 11: missing field `value`", Keys("k")),
    (Sound, "batch operations", 0, "committed 2 operations as one", Keys("a b c k")),
    (Missing, "batch broken", 1, "line 2, a line has either a `value` or", Same),
    (Sound, "batch broken", 1, "; nothing was written", Same),
    (Sound, "batch none", 1, "cannot read none", Same),
    (Sound, "batch .", 1, "next: name a file of lines", Same),
    (Missing, "batch", 2, "<FILE>", Same),
    (Sound, "import --hex lines", 1, "the key is not hexadecimal", Keys("a b c")),
    (Sound, "export lines", 1, "next: name a file that is not there yet", Same),
    (Sound, "export none/new", 1, "cannot write none/new", Same),
    (Sound, "inspect sst none", 1, "next: see the names there are", Same),
    (Sound, "inspect sst lines", 1, "this is no table, or", Same),
    (Sound, "inspect sst lines check", 1, "lines at byte", Same),
    (Sound, "inspect wal none", 1, "next: see the names there are", Same),
    (Sound, "count --db lines", 1, "next: a file stands there; name a directory", Same),
    (Sound, "put a 1 --db lines", 1, "next: a file stands there; name a directory", Same),
    (Sound, "put a 1 --db lines/below", 1, "next: a file stands there; name a directory", Same),
    (Sound, "count --db full", 1, "there is no database at full", Same),
    (Sound, "bench write --ops 1", 1, "seawall-db holds a database", Same),
    (Sound, "admin salvage --to full", 1, "full is not empty", Same),
    (Sound, "sim replay lines", 1, "is no tape", Same),
    (Sound, "sim shrink none", 1, "cannot read none", Same),
    (Sound, "sim keep lines -m why", 1, "next: ", Same),
];

/// What is on disk: the files of the scratch directory and those of each directory in it.
fn disk(scratch: &Scratch) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut to_do = vec![scratch.path().to_owned()];
    while let Some(directory) = to_do.pop() {
        let entries =
            std::fs::read_dir(&directory).expect("a directory").map(|e| e.expect("a name"));
        let mut files = BTreeMap::new();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                to_do.push(path);
            } else if !path.ends_with("big") {
                let bytes = std::fs::read(&path).expect("readable");
                files.insert(path.to_string_lossy().into_owned(), bytes);
            }
        }
        found.insert(directory.to_string_lossy().into_owned(), files);
    }
    found
}

/// A scratch directory with what the command meets, and who holds the lock.
fn met(met: Met) -> (Scratch, Option<Child>) {
    let scratch = Scratch::new();
    scratch.write("lines", lines(0..3));
    scratch
        .write("operations", "{\"key\":\"d\",\"delete\":true}\n{\"key\":\"k\",\"value\":\"\"}\n");
    scratch.write("broken", "{\"key\":\"k\",\"value\":\"\"}\n{\"key\":\"x\"}\n");
    std::fs::create_dir(scratch.path().join("full")).expect("a directory");
    scratch.write("full/letter", "dear");
    // A hole: it takes no room.
    let big = std::fs::File::create(scratch.path().join("big")).expect("a file");
    big.set_len(100 << 20).expect("sized");
    if met == Missing {
        return (scratch, None);
    }
    for line in ["put a 1", "admin flush", "put b 2", "put c 3"] {
        scratch.fine(line);
    }
    match met {
        Damaged => flip(&files_with(&scratch, "MANIFEST")[0], 50),
        Newer => make_newer(&scratch),
        Locked => {
            let holder = holding(&scratch);
            return (scratch, Some(holder));
        }
        Missing | Sound => {}
    }
    (scratch, None)
}

/// A process that has the database open for writing until its stdin ends.
fn holding(scratch: &Scratch) -> Child {
    let mut holder = scratch.start("import - --batch 1");
    let input = holder.stdin.as_mut().expect("piped");
    input.write_all(b"{\"key\":\"c\",\"value\":\"3\"}\n").expect("it reads");
    let mut said = [0; 15];
    holder.stderr.as_mut().expect("piped").read_exact(&mut said).expect("it talks");
    assert_eq!(&said, b"acknowledged 1\n");
    holder
}

/// What is said with each code.
fn expected(code: i32) -> &'static str {
    match code {
        1 => NONE,
        4 => DAMAGE,
        5 => IN_USE,
        6 => NEWER,
        _ => "",
    }
}

#[test]
fn every_command_ends_as_the_table_says_whatever_it_meets() {
    for (column, state) in [Missing, Locked, Damaged, Newer].into_iter().enumerate() {
        let (mut scratch, mut holder) = met(state);
        for (line, codes) in COMMANDS {
            let (code, before) = (codes[column], disk(&scratch));
            let answer = scratch.run(line);
            let what = format!("{line}, {state:?}: {answer:?}");
            assert_eq!(answer.code, Some(code), "{what}");
            assert!(answer.stderr.contains(expected(code)), "{what}");
            assert_eq!(code == 0, !answer.stderr.contains("\n  next: "), "{what}");
            let reports = *line == "admin verify" && code == 4;
            assert!(code == 0 || reports || answer.stdout.is_empty(), "{what}");
            // Who holds the database may write to it at any time.
            if code != 0 && state != Locked {
                assert!(
                    before == disk(&scratch),
                    "{line}, {state:?}: something is different on disk"
                );
            } else if state == Missing {
                (scratch, holder) = met(state);
            }
        }
        if let Some(mut holder) = holder.take() {
            drop(holder.stdin.take());
            assert!(holder.wait().expect("it ends").success());
            check(&scratch, "scan", 0, "a\t1\nb\t2\nc\t3\n");
        }
    }
}

#[test]
fn each_row_ends_as_it_says_and_leaves_what_it_says() {
    let mut kept: Option<(Met, Scratch)> = None;
    for (state, line, code, said, left) in ROWS {
        let scratch = match kept.take() {
            Some((of, scratch)) if of == *state => scratch,
            _ => met(*state).0,
        };
        let before = disk(&scratch);
        let answer = scratch.run(line);
        assert_eq!(answer.code, Some(*code), "{line}: {answer:?}");
        assert!(answer.stderr.contains(said), "{line}: no {said:?} in {}", answer.stderr);
        assert!([0, 4].contains(code) || answer.stdout.is_empty(), "{line}: {answer:?}");
        // A line that clap refuses is explained by its own usage.
        let next = ["next: ", "\"next\":", "--help", "Usage: "];
        let helped = next.iter().any(|words| answer.stderr.contains(words));
        assert!(*code == 0 || helped, "{line}: no advice in {}", answer.stderr);
        match left {
            Same => {
                assert!(before == disk(&scratch), "{line}: something is different on disk");
                kept = Some((*state, scratch));
            }
            Keys(keys) => {
                let found = scratch.fine("scan --keys-only");
                assert_eq!(found.split_whitespace().collect::<Vec<_>>().join(" "), *keys, "{line}");
            }
        }
    }
}

#[test]
fn keys_and_values_that_are_no_text_are_taken_as_they_are() {
    let scratch = Scratch::new();
    let bytes = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let put = [bytes(b"put"), bytes(b"\xff\xfe"), bytes(b"\xc3(")];
    assert!(scratch.command().args(put).status().expect("it runs").success());
    let get = scratch.command().args([bytes(b"get"), bytes(b"\xff\xfe")]).output();
    assert_eq!(get.expect("it runs").stdout, b"\xc3(\n");
    let line = "{\"key\":{\"b64\":\"//4=\"},\"value\":{\"b64\":\"wyg=\"}}\n";
    check(&scratch, "scan --output json", 0, line);
    check(&scratch, "get fffe --hex", 0, "c328\n");
    let missing = scratch.command().args([bytes(b"get"), bytes(b"\xff")]).output();
    let missing = missing.expect("it runs");
    assert_eq!(missing.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no key 0xff"));
}

/// Whatever prints, prints to nobody, and ends quietly with 0.
#[test]
fn a_pipe_that_was_closed_before_the_first_word_is_no_error() {
    let (scratch, _) = met(Sound);
    for line in [
        "get a",
        "scan",
        "scan --output json",
        "count",
        "export",
        "import lines --output json",
        "inspect levels --output json",
        "inspect levels",
        "inspect manifest",
        "inspect wal",
        "inspect key a",
        "inspect stats",
        "admin verify",
        "admin flush --output json",
        "admin compact --output json",
        "admin salvage --to saved",
        "batch operations --output json",
        "sim run --seeds 0..2 --once --jobs 1",
        "bench read --ops 1 --existing",
        "completions zsh",
        "sim list",
        "--help",
        "--version",
    ] {
        let mut child = scratch.start(line);
        drop((child.stdin.take(), child.stdout.take()));
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        assert!(!said.contains("seawall: ") && !said.contains("next: "), "{line}: {said}");
    }
    // A verdict stands although nobody reads the report.
    std::fs::remove_file(files_with(&scratch, ".sst").remove(0)).expect("there");
    let mut child = scratch.start("admin salvage --to lost");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(4));
}

/// What prints more than a pipe takes is interrupted while it waits for its reader.
#[test]
fn an_interrupt_ends_what_prints_with_130_and_whole_lines() {
    let scratch = Scratch::new();
    let line = |n| format!("{{\"key\":\"k{n:05}\",\"value\":\"{}\"}}\n", "v".repeat(1000));
    scratch.run_with("import -", (0..3000).map(line).collect::<String>());
    for (line, said) in [("export", "interrupted after "), ("scan", ""), ("scan --reverse", "")] {
        let mut child = scratch.start(line);
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut text = String::new();
        lines.read_line(&mut text).expect("it prints");
        signal(child.id(), "INT");
        lines.read_to_string(&mut text).expect("text");
        assert!(text.ends_with('\n') && text.lines().count() < 3000, "{line}");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{line}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{line}: {output:?}");
    }
    check(&scratch, "count", 0, "3000\n");
}

/// What waits for more is interrupted while it waits, and keeps and tells what it has.
#[test]
fn an_interrupt_ends_what_runs_on_with_130_and_what_it_has() {
    for (line, input, printed, after) in [
        ("import - --output json", lines(0..15), "\"imported\":15", Some("15\n")),
        ("batch - --output json", lines(0..15), "", None),
        ("sim run --time 1h --jobs 1 --output json", String::new(), "\"interrupted\"", None),
        ("bench write --ops 1000000000 --output json", String::new(), "\"interrupted\":true", None),
    ] {
        let scratch = Scratch::new();
        let mut child = scratch.start(line);
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        until_it_listens(child.id());
        if after.is_some() {
            let mut said = String::new();
            let talk = child.stderr.as_mut().expect("piped");
            BufReader::new(talk).read_line(&mut said).expect("it talks");
            assert!(said.starts_with("acknowledged "), "{line}: {said}");
        }
        signal(child.id(), "INT");
        let output = child.wait_with_output().expect("it ends");
        drop(stdin);
        assert_eq!(output.status.code(), Some(130), "{line}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(printed), "{line}: no {printed:?} in {text}");
        if let Some(count) = after {
            check(&scratch, "count", 0, count);
        }
    }
}

#[test]
fn an_output_that_takes_nothing_is_told_of_help_too() {
    for arguments in [&["--help"][..], &["--version"], &["sim", "run", "--help"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_seawall"));
        let output = command.args(arguments).stdout(full).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        for words in ["cannot write to stdout: No space left on device", "\n  next: "] {
            assert!(said.contains(words), "{arguments:?}: no {words:?} in {said}");
        }
    }
}
