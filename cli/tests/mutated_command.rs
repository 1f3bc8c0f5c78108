//! `sim mutated` from end to end, on a workspace whose oracle is one line.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::process::Command;

use binary::Scratch;

const MANIFEST: &str =
    "[package]\nname = \"seawall-sim\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"seawall-sim\"\nversion = \"0.0.0\"\n";
const ORACLE: &str = "pub fn is_lost(found: u64, promised: u64) -> bool {\n    found < promised\n}\n\n\
    #[cfg(test)]\nmod tests {\n    #[test]\n    fn all_but_one() {\n        \
    assert!(super::is_lost(1, 3));\n    }\n}\n";
const OUTSIDE: &str =
    "#[test]\nfn what_is_there_is_not_lost() {\n    assert!(!seawall_sim::is_lost(3, 3));\n}\n";

fn mutation(caught_by: &str, line: &str) -> String {
    format!(
        "# what: a mistake\n{caught_by}--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n \
         pub fn is_lost(found: u64, promised: u64) -> bool {{\n-    found < promised\n+    {line}\n }}\n"
    )
}

const BY_BOTH: &str =
    "# caught by: tests::all_but_one\n# caught by: tests/outside::what_is_there_is_not_lost\n";

fn workspace(patches: &[(&str, String)]) -> Scratch {
    let scratch = Scratch::new();
    for directory in ["src", "tests", "sim/mutated"] {
        std::fs::create_dir_all(scratch.path().join(directory)).expect("a directory");
    }
    scratch.write("Cargo.toml", MANIFEST);
    scratch.write("Cargo.lock", LOCK);
    scratch.write(".gitignore", "target/\n");
    scratch.write("src/lib.rs", ORACLE);
    scratch.write("tests/outside.rs", OUTSIDE);
    for (name, text) in patches {
        scratch.write(&format!("sim/mutated/{name}.patch"), text);
    }
    let git = Command::new("git").args(["init", "-q"]).current_dir(scratch.path()).status();
    assert!(git.expect("git runs").success());
    scratch
}

#[test]
fn a_mistake_that_no_test_notices_survives() {
    let blind = mutation(BY_BOTH, "found > promised + 9");
    let strict = mutation(BY_BOTH, "found <= promised");
    let off_by_one = mutation(BY_BOTH, "found + 1 < promised");
    let patches = [("00-blind", blind), ("01-strict", strict), ("02-off-by-one", off_by_one)];
    let scratch = workspace(&patches);
    let answer = scratch.run("sim mutated --output json");
    assert_eq!(answer.code, Some(13), "{answer:?}");
    assert!(answer.stderr.contains("survived: 02-off-by-one"), "{answer:?}");
    let report: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    let rows = &report["mutated"];
    assert_eq!(report["verdict"], "survived");
    assert_eq!((&rows[0]["caught"], &rows[2]["caught"]), (&true.into(), &false.into()), "{rows}");
    assert_eq!(rows[0]["by"], serde_json::json!(["tests::all_but_one"]));
    assert_eq!(rows[1]["by"], serde_json::json!(["tests/outside::what_is_there_is_not_lost"]));

    let one = scratch.run("sim mutated --only 1");
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(one.stdout.starts_with("01-strict ") && one.stdout.contains("  caught  "), "{one:?}");
}

#[test]
fn a_test_that_is_not_there_notices_nothing() {
    let none = mutation("# caught by: tests::of_another_time\n", "found > promised");
    let answer = workspace(&[("00-none", none)]).run("sim mutated");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("do not pass: tests::of_another_time"), "{answer:?}");
    let unnamed = mutation("", "found > promised");
    let answer = workspace(&[("00-unnamed", unnamed)]).run("sim mutated");
    assert!(answer.stderr.contains("00-unnamed.patch names no test"), "{answer:?}");
}
