//! `sim planted` from end to end, on a workspace whose simulator is ten lines.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::process::Command;

use binary::{Answer, Scratch};

const MANIFEST: &str = "[package]\nname = \"seawall-cli\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                        [[bin]]\nname = \"seawall\"\npath = \"src/main.rs\"\n[workspace]\n";
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"seawall-cli\"\nversion = \"0.0.0\"\n";

/// Fails from the second seed of a range on when the store does not sync.
const SIMULATOR: &str = r##"const SYNCS: bool = true;
const TWICE: bool = true;
const LUCK: u64 = 0;
fn main() {
    let range = std::env::args().skip_while(|a| a != "--seeds").nth(1).unwrap();
    let start: u64 = range.split("..").next().unwrap().parse().unwrap();
    let seed = if SYNCS && TWICE && start >= LUCK { None } else { Some(start + 1) };
    let failures = seed.map(|s| format!(r#"{{"seed":"{s:#x}","property":"O1","shrunk_operations":3}}"#));
    let verdict = if seed.is_some() { "violated" } else { "ok" };
    let failures = failures.unwrap_or_default();
    println!(r#"{{"verdict":"{verdict}","seeds":2000,"failures":[{failures}]}}"#);
    std::process::exit(if seed.is_some() { 10 } else { 0 });
}
"##;

const FOUND: &str = "# what: no sync\n# oracle: O1\n# fast: yes\n--- a/src/main.rs\n+++ b/src/main.rs\n\
    @@ -1,2 +1,2 @@\n-const SYNCS: bool = true;\n+const SYNCS: bool = false;\n const TWICE: bool = true;\n";
const REDUNDANT: &str = "# what: one sync of two\n# redundant: the other covers it\n\
    --- a/src/main.rs\n+++ b/src/main.rs\n@@ -1,3 +1,3 @@\n const SYNCS: bool = true;\n\
    -const TWICE: bool = true;\n+const TWICE: bool = !false;\n const LUCK: u64 = 0;\n";
/// Only the first range finds it.
const LUCKY: &str = "# what: rare\n--- a/src/main.rs\n+++ b/src/main.rs\n@@ -2,3 +2,3 @@\n const TWICE: bool = true;\n\
     -const LUCK: u64 = 0;\n+const LUCK: u64 = 5000;\n fn main() {\n";
const STALE: &str = "# what: gone\n--- a/src/main.rs\n+++ b/src/main.rs\n@@ -1,1 +1,1 @@\n\
    -const NOTHING: bool = true;\n+const NOTHING: bool = false;\n";

fn workspace(patches: &[(&str, &str)]) -> Scratch {
    let scratch = Scratch::new();
    for directory in ["src", "sim/planted"] {
        std::fs::create_dir_all(scratch.path().join(directory)).expect("a directory");
    }
    scratch.write("Cargo.toml", MANIFEST);
    scratch.write("Cargo.lock", LOCK);
    scratch.write(".gitignore", "target/\n");
    scratch.write("src/main.rs", SIMULATOR);
    for (name, text) in patches {
        scratch.write(&format!("sim/planted/{name}.patch"), text);
    }
    let git = Command::new("git").args(["init", "-q"]).current_dir(scratch.path()).status();
    assert!(git.expect("git runs").success());
    scratch
}

fn rows(answer: &Answer) -> serde_json::Value {
    let report: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    report["planted"].clone()
}

#[test]
fn each_bug_is_planted_alone_and_what_finding_it_took_is_told() {
    let scratch = workspace(&[("01-no-sync", FOUND), ("02-one-of-two", REDUNDANT)]);
    let answer = scratch.run("sim planted --output json -q");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let rows = rows(&answer);
    assert_eq!((&rows[0]["id"], &rows[1]["id"]), (&"01-no-sync".into(), &"02-one-of-two".into()));
    assert_eq!((&rows[0]["killed"], &rows[1]["killed"]), (&true.into(), &false.into()));
    assert_eq!((&rows[0]["seeds"], &rows[1]["seeds"]), (&2.into(), &2000.into()));
    assert!(rows[0]["cpu_seconds"].is_f64() && rows[0]["blame_right"].is_null(), "{rows}");
    let second = &rows[0]["ranges"][1];
    assert_eq!((&second["from"], &second["property"]), (&1_000_000.into(), &"O1".into()), "{rows}");

    // The tree is as it was, and what was measured is not measured again.
    let source = std::fs::read_to_string(scratch.path().join("src/main.rs")).expect("readable");
    assert_eq!(source, SIMULATOR);
    let again = scratch.run("sim planted --resume --output json");
    assert_eq!(
        (again.code, &*again.stderr),
        (Some(0), "1 of 1 found, 1 more said to be redundant; blame right for 0 of 0\n")
    );
    assert_eq!(again.stdout, answer.stdout);

    let one = scratch.run("sim planted --only 1 --gate --resume");
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(one.stdout.lines().nth(1).is_some_and(|l| l.contains("found          2")), "{one:?}");
}

#[test]
fn a_bug_that_one_range_misses_is_missed() {
    let scratch = workspace(&[("03-rare", LUCKY)]);
    let answer = scratch.run("sim planted");
    assert_eq!(answer.code, Some(13), "{answer:?}");
    assert!(answer.stdout.contains("03-rare      MISSED"), "{answer:?}");
    assert!(answer.stderr.contains("missed: 03-rare\n  next: prove the mistake"), "{answer:?}");
}

#[test]
fn a_patch_that_no_longer_applies_fails_the_command_before_anything_is_built() {
    let scratch = workspace(&[("01-no-sync", FOUND), ("04-stale", STALE)]);
    let answer = scratch.run("sim planted");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("04-stale.patch no longer applies"), "{answer:?}");
    assert!(!scratch.path().join("target/planted/build").exists());
    let none = scratch.run("sim planted --only 7");
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("no such patch"), "{none:?}");
}

#[test]
fn outside_a_clone_there_is_nothing_to_plant() {
    let answer = Scratch::new().run("sim planted");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("next: run it in a clone of seawall"), "{answer:?}");
}
