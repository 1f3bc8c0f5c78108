//! Imports go down only.
//!
//! The tables below are those of `ARCHITECTURE.md`. A failure names the file and line, what is
//! imported there and what is permitted. Test code may import what it likes.
#![allow(clippy::disallowed_methods, reason = "reads the sources; not simulated")]

mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{PathUse, Source, sources};

/// The store's modules, lowest first. A module may import those of the rows above its own.
const STORE: &[&[&str]] = &[
    &["base"],
    &["iter", "batch"],
    &["log", "memtable", "sstable"],
    &["wal", "manifest"],
    &["tables", "inspect", "salvage"],
    &["tree"],
    &["db"],
];

/// The modules of the seams, lowest first.
const SEAMS: &[&[&str]] = &[&["site"], &["sync"], &["vfs"], &["fs"]];

/// A crate of the workspace.
struct Crate {
    /// The folder of its sources.
    folder: &'static str,
    /// Its name in a path.
    name: &'static str,
    /// The other crates it may name.
    may_name: &'static [&'static str],
    /// Its layers; without a table its modules need only be free of circles.
    layers: Option<&'static [&'static [&'static str]]>,
}

const CRATES: &[Crate] = &[
    Crate { folder: "os/src", name: "seawall_os", may_name: &[], layers: Some(SEAMS) },
    Crate { folder: "src", name: "seawall", may_name: &["seawall_os"], layers: Some(STORE) },
    Crate {
        folder: "sim/src",
        name: "seawall_sim",
        may_name: &["seawall_os", "seawall"],
        layers: None,
    },
    Crate {
        folder: "cli/src",
        name: "seawall_cli",
        may_name: &["seawall_os", "seawall", "seawall_sim"],
        layers: None,
    },
];

/// Where the simulator may name the store: the `System` that drives it.
const DRIVES_THE_STORE: &str = "sim/src/system";

#[test]
fn imports_go_down_only() {
    let mut found = Vec::new();
    for of in CRATES {
        let sources = sources(&[of.folder]);
        found.extend(of.violations(&sources));
    }
    assert!(found.is_empty(), "{} imports are not permitted:\n{}", found.len(), found.join("\n"));
}

impl Crate {
    fn violations(&self, sources: &[Source]) -> Vec<String> {
        let modules: BTreeSet<String> =
            sources.iter().filter_map(|source| self.module(source).into_iter().next()).collect();
        let mut found: Vec<String> = self.layers.map_or_else(Vec::new, |layers| {
            let listed =
                |module: &&String| !layers.iter().any(|row| row.contains(&module.as_str()));
            let unknown = modules.iter().filter(listed);
            unknown
                .map(|module| format!("{}/{module}: not in the table of layers", self.folder))
                .collect()
        });
        let mut graph = Graph::new();
        for source in sources {
            // What goes through a name that the file imported was judged at the import.
            for path in source.paths().iter().filter(|path| !path.imported) {
                let place = format!("{}:{}", source.path, path.line);
                let wrong = self.wrong_crate(source, path).or_else(|| {
                    let from = self.module(source);
                    let to = target(&from, path)?;
                    let here = from.first()?;
                    let there = to.first().map_or("", String::as_str);
                    if here != there && modules.contains(there) {
                        let imports = graph.entry(here.clone()).or_default();
                        imports.entry(there.to_owned()).or_insert_with(|| place.clone());
                    }
                    self.wrong_module(here, there, &modules, path)
                });
                found.extend(wrong.map(|wrong| format!("{place}: {wrong}")));
            }
        }
        found.extend(circle(&graph).map(|circle| format!("{}: a circle: {circle}", self.folder)));
        found
    }

    /// The module a file is, as names from the crate's root; none for the root itself.
    fn module(&self, source: &Source) -> Vec<String> {
        let inside = source.path.strip_prefix(self.folder).unwrap_or(&source.path);
        let inside = inside.trim_start_matches('/').trim_end_matches(".rs");
        let mut names: Vec<String> = inside.split('/').map(str::to_owned).collect();
        names.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
        names
    }

    fn wrong_crate(&self, source: &Source, path: &PathUse) -> Option<String> {
        let named = path.segments[0].as_str();
        let known = named != self.name && CRATES.iter().any(|other| other.name == named);
        if !known {
            return None;
        }
        let permitted = self.may_name.contains(&named);
        if permitted && self.name == "seawall_sim" && named == "seawall" {
            let home = source.path.starts_with(DRIVES_THE_STORE);
            return (!home)
                .then(|| format!("names {}; permitted only in {DRIVES_THE_STORE}*", path.text()));
        }
        (!permitted).then(|| format!("names {}; permitted: {}", path.text(), list(self.may_name)))
    }

    fn wrong_module(
        &self,
        here: &str,
        there: &str,
        modules: &BTreeSet<String>,
        path: &PathUse,
    ) -> Option<String> {
        if !modules.contains(there) {
            let text = path.text();
            return Some(format!("{text} goes through the crate's root; name the module it is in"));
        }
        let layers = self.layers?;
        let row = layers.iter().position(|row| row.contains(&here))?;
        let below: Vec<&str> = layers[..row].concat();
        let permitted = here == there || below.contains(&there);
        (!permitted).then(|| format!("{here} imports {}; permitted: {}", path.text(), list(&below)))
    }
}

/// What a path of this crate leads to, as names from its root; none for a path that does not say.
fn target(from: &[String], path: &PathUse) -> Option<Vec<String>> {
    let mut at = from.to_vec();
    at.extend(std::iter::repeat_n("{inline}".to_owned(), path.inline_modules));
    let mut segments = path.segments.iter().peekable();
    match segments.peek()?.as_str() {
        "crate" => at.clear(),
        "super" | "self" => {}
        _ => return None,
    }
    while let Some(step) =
        segments.next_if(|name| ["crate", "super", "self"].contains(&name.as_str()))
    {
        if step == "super" {
            at.pop();
        }
    }
    at.extend(segments.cloned());
    Some(at)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Which module imports which, and where it first does.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// Some circle of imports between modules, if there is one.
fn circle(graph: &Graph) -> Option<String> {
    let mut free = BTreeSet::new();
    graph.keys().find_map(|module| circle_from(graph, module, &mut Vec::new(), &mut free))
}

/// Follows the imports of `module`. `way` has the modules passed and where each imports the next;
/// `free` those known to lead into no circle.
fn circle_from<'a>(
    graph: &'a Graph,
    module: &'a str,
    way: &mut Vec<(&'a str, &'a str)>,
    free: &mut BTreeSet<&'a str>,
) -> Option<String> {
    if let Some(start) = way.iter().position(|(name, _)| *name == module) {
        let steps = way[start..].iter().map(|(name, place)| format!("{name} -> ({place}) "));
        return Some(steps.collect::<String>() + module);
    }
    if free.contains(module) {
        return None;
    }
    for (next, place) in graph.get(module).into_iter().flatten() {
        way.push((module, place));
        let found = circle_from(graph, next, way, free);
        if found.is_some() {
            return found;
        }
        way.pop();
    }
    free.insert(module);
    None
}

#[test]
fn the_manifests_name_no_crate_from_above() {
    for of in CRATES {
        let folder = of.folder.trim_end_matches("src");
        let manifest = source::root().join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("every crate has a manifest");
        let dependencies = text.lines().skip_while(|line| *line != "[dependencies]").skip(1);
        for line in dependencies.take_while(|line| !line.starts_with('[')) {
            let name = line.split(['.', ' ', '=']).next().unwrap_or(line).replace('-', "_");
            let ours = CRATES.iter().any(|other| other.name == name);
            assert!(
                !ours || of.may_name.contains(&name.as_str()),
                "{folder}Cargo.toml: {} depends on {name}; permitted: {}",
                of.name,
                list(of.may_name)
            );
        }
    }
}

#[test]
fn the_architecture_shows_these_tables() {
    let path = source::root().join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).expect("the architecture is described");
    for (letter, layers) in [('L', STORE), ('S', SEAMS)] {
        for (index, row) in layers.iter().enumerate() {
            let row = format!("| {letter}{index} | `{}` |", row.join("`, `"));
            assert!(text.lines().any(|line| line == row), "ARCHITECTURE.md lacks the row {row}");
        }
    }
}

/// Checks files of one crate, each a path and its text.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source::parse(path, text)).collect();
    let longest = |of: &&Crate| files[0].0.starts_with(of.folder);
    let of = CRATES.iter().find(longest).expect("a file of some crate");
    assert_eq!(of.violations(&sources), expected);
}

#[test]
fn an_import_from_a_higher_layer_is_found_with_its_place() {
    let cases = [
        ("\nuse crate::wal::Log;", 2, "crate::wal::Log"),
        ("use crate::{base::error, wal::{Log as L}};", 1, "crate::wal::Log"),
        ("use crate::{\nbase::error,\nwal,\n};", 3, "crate::wal"),
        ("use super::super::wal::*;", 1, "super::super::wal::*"),
        ("fn f() {\n crate::wal::Log::new() }", 2, "crate::wal::Log::new"),
        ("fn f() {\n assert!(crate::wal::MAX > 1) }", 2, "crate::wal::MAX"),
    ];
    for (text, line, path) in cases {
        let expected =
            format!("src/log/frame.rs:{line}: log imports {path}; permitted: base, iter, batch");
        check(
            &[("src/log/frame.rs", text), ("src/wal/mod.rs", ""), ("src/base/mod.rs", "")],
            &[&expected],
        );
    }
}

#[test]
fn an_import_from_the_same_layer_is_found() {
    check(
        &[("src/manifest/edit.rs", "use crate::wal;"), ("src/wal/mod.rs", "")],
        &[
            "src/manifest/edit.rs:1: manifest imports crate::wal; permitted: base, iter, batch, log, memtable, sstable",
        ],
    );
}

#[test]
fn an_import_through_the_crates_root_is_found() {
    let cases = [
        ("use crate::Error;", "crate::Error"),
        ("use crate::*;", "crate::*"),
        ("use super::Error;", "super::Error"),
        ("fn f() -> crate::Error {}", "crate::Error"),
        ("use crate as root; use root::Error;", "crate"),
    ];
    for (text, path) in cases {
        let expected = format!(
            "src/batch.rs:1: {path} goes through the crate's root; name the module it is in"
        );
        check(&[("src/batch.rs", text), ("src/lib.rs", "mod batch;")], &[&expected]);
    }
}

#[test]
fn a_module_outside_the_table_is_found() {
    check(&[("src/helpers.rs", "")], &["src/helpers: not in the table of layers"]);
}

#[test]
fn imports_downwards_of_the_own_module_and_in_tests_are_permitted() {
    check(
        &[
            ("src/lib.rs", "pub use db::Db; pub use base::error::Error;"),
            (
                "src/log/frame.rs",
                "use crate::base::error::Error; use super::scan; use self::inner::X; \
                 use seawall_os::vfs::File; pub(crate) struct A; mod inner { use super::super::scan; } \
                 // use crate::wal::Segment;\n const S: &str = \"crate::wal::Segment\"; \
                 #[cfg(test)] mod tests { use super::*; use crate::wal::Segment; }",
            ),
            ("src/base/error.rs", ""),
            ("src/wal/mod.rs", "use crate::log::frame;"),
        ],
        &[],
    );
}

#[test]
fn the_seams_are_layered_and_name_no_other_crate() {
    check(
        &[
            ("os/src/sync/mod.rs", "use crate::vfs::Vfs;\nuse seawall::Error;"),
            ("os/src/vfs/mod.rs", "use crate::sync::Mutex; use crate::site::Site;"),
            ("os/src/site.rs", ""),
        ],
        &[
            "os/src/sync/mod.rs:1: sync imports crate::vfs::Vfs; permitted: site",
            "os/src/sync/mod.rs:2: names seawall::Error; permitted: nothing",
            "os/src: a circle: sync -> (os/src/sync/mod.rs:1) vfs -> (os/src/vfs/mod.rs:1) sync",
        ],
    );
}

#[test]
fn the_simulator_names_the_store_only_where_it_drives_it() {
    check(
        &[
            ("sim/src/system/store.rs", "use seawall::Db;"),
            ("sim/src/disk/mod.rs", "use seawall::Db; use seawall_os::vfs::Vfs;"),
        ],
        &["sim/src/disk/mod.rs:1: names seawall::Db; permitted only in sim/src/system*"],
    );
}

#[test]
fn a_circle_is_found_where_there_is_no_table() {
    check(
        &[
            ("sim/src/a.rs", "use crate::b;"),
            ("sim/src/b/mod.rs", "use crate::c::X;"),
            ("sim/src/c.rs", "use crate::a;"),
            ("sim/src/d.rs", "use crate::a;"),
        ],
        &[
            "sim/src: a circle: a -> (sim/src/a.rs:1) b -> (sim/src/b/mod.rs:1) c -> (sim/src/c.rs:1) a",
        ],
    );
}
