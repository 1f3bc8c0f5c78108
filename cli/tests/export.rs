//! `export`: what it writes `import` reads, and how it ends when something is in its way.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::io::Read;

use binary::Scratch;

/// Keys and values of all sorts: empty, text, what JSON escapes, bytes that are no text.
fn with_all_sorts() -> Scratch {
    let scratch = Scratch::new();
    let bytes: Vec<String> = (0..=255).map(|byte| format!("{byte:02x}")).collect();
    let long = bytes.concat();
    let entries = [("", "00"), ("61", ""), ("22090a5c", "c3a9"), ("ff00fe", &long), (&long, "fe")];
    for (key, value) in entries {
        scratch.fine(&format!("--hex put '{key}' '{value}'"));
    }
    scratch
}

#[test]
fn import_of_an_export_is_the_same_database() {
    let scratch = with_all_sorts();
    let before = scratch.fine("--hex scan");
    assert_eq!(before.lines().count(), 5);
    for (number, form) in ["", "--hex", "--output json"].iter().enumerate() {
        let exported = scratch.fine(&format!("export {form}"));
        assert_eq!(exported.lines().count(), 5, "{exported}");
        let answer = scratch.run_with(&format!("--db copy{number} import - {form}"), &exported);
        assert_eq!(answer.code, Some(0), "{form}: {answer:?}");
        assert_eq!(scratch.fine(&format!("--db copy{number} --hex scan")), before, "{form}");
        assert_eq!(scratch.fine(&format!("--db copy{number} export {form}")), exported);
    }
}

#[test]
fn a_file_is_made_and_none_is_overwritten() {
    let scratch = with_all_sorts();
    let answer = scratch.run("export lines");
    assert_eq!((answer.code, &*answer.stdout), (Some(0), ""), "{answer:?}");
    assert!(answer.stderr.starts_with("exported 5 entries in "), "{answer:?}");
    let written = std::fs::read_to_string(scratch.path().join("lines")).expect("text");
    assert_eq!(written, scratch.fine("export -"));
    let answer = scratch.run("export lines");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    for words in ["cannot write lines", "next: name a file that is not there yet"] {
        assert!(answer.stderr.contains(words), "{answer:?}");
    }
    assert_eq!(std::fs::read_to_string(scratch.path().join("lines")).expect("text"), written);
    let report = scratch.fine("export other --output json");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["exported"], &report["interrupted"]), (&5.into(), &false.into()));
    // A device is there already, and may be written to.
    scratch.fine("export /dev/null");
}

#[test]
fn without_a_database_there_is_no_file() {
    let scratch = Scratch::new();
    let answer = scratch.run("--db nothing export lines");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    assert!(answer.stderr.contains("there is no database at nothing"), "{answer:?}");
    assert!(!scratch.path().join("lines").exists() && !scratch.path().join("nothing").exists());
}

#[test]
fn a_closed_pipe_ends_an_export_quietly() {
    let scratch = Scratch::new();
    let line = |n| format!("{{\"key\":\"key{n:05}\",\"value\":\"{}\"}}\n", "x".repeat(100));
    let answer = scratch.run_with("import -", (0..5000).map(line).collect::<String>());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let mut export = scratch.start("export");
    let mut first = [0; 8];
    export.stdout.take().expect("piped").read_exact(&mut first).expect("it prints");
    let answer = export.wait_with_output().expect("it ends");
    assert_eq!((answer.status.code(), &*answer.stderr), (Some(0), &b""[..]), "{answer:?}");
}
