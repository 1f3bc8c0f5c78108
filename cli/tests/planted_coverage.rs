//! Every sync of the store is needed, and the simulator can tell: for each call of `sync_data`,
//! `sync_all` and `sync_dir` in `src/` there is a patch in `sim/planted/` that deletes it, and
//! `seawall sim planted` must find each.
//!
//! A patch deletes a call when one of its hunks removes the line that the call stands on and adds no
//! line with the same call. Code below a file's `#[cfg(test)] mod` is not the store.
//!
//! In the same way each place where the store stops writes for good has a patch in which it goes on. And
//! the mistakes in the oracle, in `sim/mutated/`, name tests of the simulator that are there.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it reads the source"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SYNCS: [&str; 3] = [".sync_data(", ".sync_all(", ".sync_dir("];

/// How writes are stopped for good after an error.
const STOPS: [&str; 2] = [".stop(error)", ".stop(&error)"];

/// A line of a file: the path from the root of the workspace, and the number from 1.
type Place = (PathBuf, usize);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// The patches of a folder, at least one.
fn patches_in(folder: &str) -> Vec<PathBuf> {
    let listing = fs::read_dir(root().join(folder)).expect("there are patches");
    let paths = listing.map(|entry| entry.expect("readable").path());
    let mut patches: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "patch")).collect();
    assert!(!patches.is_empty(), "{folder} is empty: a gate that finds nothing passes");
    patches.sort();
    patches
}

fn hunks_of_planted() -> Vec<Hunk> {
    let patches = patches_in("sim/planted").into_iter();
    let texts = patches.map(|path| fs::read_to_string(path).expect("readable"));
    texts.flat_map(|text| hunks(&text)).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The lines of a file up to its tests.
fn shipped_lines(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        let (attribute, item) = (pair[0].trim(), pair[1].trim());
        attribute.starts_with("#[cfg(test)]")
            && item.trim_start_matches("pub(crate) ").starts_with("mod ")
    });
    lines[..tests.unwrap_or(lines.len())].to_vec()
}

/// Which of `calls` a line makes.
fn call_in(line: &str, calls: &[&'static str]) -> Option<&'static str> {
    let code = line.trim_start();
    calls.iter().copied().find(|call| !code.starts_with("//") && code.contains(call))
}

/// Where in the store any of `calls` is made.
fn places_of(calls: &[&'static str]) -> BTreeSet<Place> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut places = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let name = file.strip_prefix(root()).expect("below the root").to_owned();
        for (index, line) in shipped_lines(&text).into_iter().enumerate() {
            if call_in(line, calls).is_some() {
                places.insert((name.clone(), index + 1));
            }
        }
    }
    places
}

/// One `@@` of a diff: what it replaces, and by what.
#[derive(Debug, Default)]
struct Hunk {
    file: PathBuf,
    /// The line it was made at, from 1.
    start: usize,
    /// The lines it expects: whether each is removed, and its text.
    old: Vec<(bool, String)>,
    added: Vec<String>,
}

fn hunks(diff: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut file = PathBuf::new();
    for line in diff.lines() {
        if let Some(name) = line.strip_prefix("--- ") {
            let name = name.split('\t').next().unwrap_or(name);
            file = PathBuf::from(name.strip_prefix("a/").unwrap_or(name));
        } else if let Some(range) = line.strip_prefix("@@ -") {
            let start = range.split([',', ' ']).next().and_then(|start| start.parse().ok());
            let start = start.unwrap_or(1);
            hunks.push(Hunk { file: file.clone(), start, ..Hunk::default() });
        } else if let Some(hunk) = hunks.last_mut() {
            match line.split_at_checked(1) {
                Some(("-", text)) => hunk.old.push((true, text.to_owned())),
                Some((" ", text)) => hunk.old.push((false, text.to_owned())),
                Some(("+", text)) if !line.starts_with("+++ ") => hunk.added.push(text.to_owned()),
                _ => {}
            }
        }
    }
    hunks
}

impl Hunk {
    /// Where in the present file it applies: of the places that match, the nearest to its own.
    fn position(&self, lines: &[&str]) -> Option<usize> {
        let fits = |at: &usize| {
            self.old.iter().zip(&lines[*at..]).all(|((_, expected), line)| expected == line)
        };
        let last = lines.len().checked_sub(self.old.len())?;
        (0..=last).filter(fits).min_by_key(|at| at.abs_diff(self.start.saturating_sub(1)))
    }

    /// The lines of which it deletes a call.
    fn deleted(&self, calls: &[&'static str]) -> Vec<Place> {
        let Ok(text) = fs::read_to_string(root().join(&self.file)) else { return Vec::new() };
        let lines: Vec<&str> = text.lines().collect();
        let Some(at) = self.position(&lines) else { return Vec::new() };
        let deletes = |line: &str| {
            call_in(line, calls)
                .is_some_and(|call| !self.added.iter().any(|added| added.contains(call)))
        };
        let old = self.old.iter().enumerate();
        let deleted = old.filter(|(_, (removed, line))| *removed && deletes(line));
        deleted.map(|(offset, _)| (self.file.clone(), at + offset + 1)).collect()
    }
}

/// Fails unless each place where one of `calls` is made has a patch that deletes it.
fn assert_each_is_deleted(calls: &[&'static str]) {
    let hunks = hunks_of_planted();
    let deleted: BTreeSet<Place> = hunks.iter().flat_map(|hunk| hunk.deleted(calls)).collect();
    let places = places_of(calls);
    assert!(places.len() > 5, "{calls:?} are called in {} places only", places.len());
    let missing: Vec<String> = places
        .difference(&deleted)
        .map(|(file, line)| {
            format!("{}:{line}: no patch in sim/planted deletes this", file.display())
        })
        .collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_sync_of_the_store_has_a_patch_that_deletes_it() {
    assert_each_is_deleted(&SYNCS);
}

#[test]
fn every_stop_of_writes_has_a_patch_that_goes_on() {
    assert_each_is_deleted(&STOPS);
}

/// The names below `# caught by:` in the headers of `sim/mutated/`, each with its patch.
fn named_tests() -> Vec<(PathBuf, String)> {
    let mut named = Vec::new();
    for path in patches_in("sim/mutated") {
        let text = fs::read_to_string(&path).expect("readable");
        let names: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# caught by: ").map(str::to_owned))
            .collect();
        assert!(!names.is_empty(), "{} names no test", path.display());
        named.extend(names.into_iter().map(|name| (path.clone(), name)));
    }
    named
}

/// The file that a test of the simulator would be in, and what its name must be there.
fn home_of(name: &str) -> (Vec<PathBuf>, &str) {
    let sim = root().join("sim");
    let (modules, function) = name.rsplit_once("::").expect("a path of modules");
    let modules: Vec<&str> = modules.split("::").collect();
    match modules[0].strip_prefix("tests/") {
        Some(file) => (vec![sim.join(format!("tests/{file}.rs"))], function),
        None => {
            let module = sim.join("src").join(modules.join("/"));
            let inline = sim.join("src").join(modules[..modules.len() - 1].join("/"));
            (vec![module.with_extension("rs"), inline.with_extension("rs")], function)
        }
    }
}

#[test]
fn every_mistake_in_the_oracle_names_tests_that_exist() {
    let mut missing = Vec::new();
    for (patch, name) in named_tests() {
        let (files, function) = home_of(&name);
        let there = files.iter().filter_map(|file| fs::read_to_string(file).ok()).any(|text| {
            // Some are made by a macro, which takes the name and what to expect.
            text.contains(&format!("fn {function}()")) || text.contains(&format!("{function}: "))
        });
        if !there {
            missing.push(format!("{}: there is no test {name}", patch.display()));
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_patch_applies_to_the_present_tree() {
    let mut stale = Vec::new();
    let all = ["sim/planted", "sim/mutated"].into_iter().flat_map(patches_in);
    for patch in all {
        let git = Command::new("git")
            .args(["apply", "--check", "--whitespace=nowarn"])
            .arg(&patch)
            .current_dir(root())
            .output()
            .expect("git runs");
        if !git.status.success() {
            let why = String::from_utf8_lossy(&git.stderr).trim().to_owned();
            stale.push(format!("{}: {why}", patch.display()));
        }
    }
    assert!(stale.is_empty(), "\n{}", stale.join("\n"));
}

#[test]
fn a_hunk_is_found_again_where_its_lines_moved_to() {
    let diff = "# what: x\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -2,3 +2,2 @@ fn a\n x\n-    f.sync_data()?;\n y\n";
    let hunks = hunks(diff);
    assert_eq!(hunks.len(), 1);
    let lines = ["x", "    f.sync_data()?;", "z", "new", "x", "    f.sync_data()?;", "y"];
    assert_eq!(hunks[0].position(&lines), Some(4));
    assert_eq!(hunks[0].position(&lines[..4]), None);
    assert_eq!((&*hunks[0].file, hunks[0].start), (Path::new("src/a.rs"), 2));
}

#[test]
fn syncs_are_found_in_code_and_not_in_comments_or_tests() {
    assert_eq!(call_in("    self.file.sync_data()?;", &SYNCS), Some(".sync_data("));
    assert_eq!(call_in("    // then .sync_data() covers it", &SYNCS), None);
    assert_eq!(call_in("    file.sync_data().inspect_err(|e| stop(e))?;", &STOPS), None);
    let text = "a\n#[cfg(test)]\nmod tests {\nfile.sync_all();\n}\n";
    assert_eq!(shipped_lines(text), ["a"]);
}
