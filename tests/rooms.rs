//! What may be used only in its room, and what may be used nowhere.
//!
//! A room is a folder or a file whose purpose the thing is: files in `os/src/vfs`, threads and locks in
//! `os/src/sync`. Elsewhere it would go around the simulator. Clippy's bans (`clippy.toml`) say most of
//! it while one types; this test holds what clippy cannot see, and cannot be lifted by an attribute.
//! Each rule carries a sample that it must find.

mod source;

use source::{PathUse, Source, Token, sources};

const LIBRARIES: &[&str] = &["os/src", "src"];
const SIMULATED: &[&str] = &["os/src", "src", "sim/src"];
const SHIPPED: &[&str] = &["os/src", "src", "sim/src", "cli/src"];
const EVERYTHING: &[&str] = &[
    "os/src",
    "os/tests",
    "os/examples",
    "src",
    "tests",
    "examples",
    "sim/src",
    "sim/tests",
    "sim/examples",
    "sim/benches",
    "bench",
    "cli/src",
    "cli/tests",
];

/// A thing, and where it is at home.
struct Rule {
    what: &'static str,
    /// What to do instead.
    instead: &'static str,
    /// The folders in which it is looked for.
    folders: &'static [&'static str],
    /// Beginnings of the paths at which it is permitted.
    rooms: &'static [&'static str],
    finds: Finds,
    /// Each is found.
    bad: &'static [&'static str],
    /// None is found.
    good: &'static [&'static str],
}

/// How a rule finds what it forbids.
enum Finds {
    /// Paths that lead to one of these or below it, in shipped code.
    Paths(&'static [&'static str]),
    /// One of these sequences of tokens, in shipped code.
    Tokens(&'static [&'static [&'static str]]),
    /// As `Tokens`, in test code too.
    TokensInTests(&'static [&'static [&'static str]]),
    /// One of these words in the body of an `impl Drop`, in shipped code.
    InDrop(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    Rule {
        what: "files",
        instead: "go through seawall_os::vfs",
        folders: LIBRARIES,
        rooms: &["os/src/vfs/os_fs.rs"],
        finds: Finds::Paths(&["std::fs"]),
        bad: &[
            "use std::fs;",
            "use std::{io, fs::File};",
            "fn f() { std::fs::read(p) }",
            "use std as s; use s::fs::read;",
            "use std::*;",
        ],
        good: &["use std::io;", "// std::fs", "fn f() { g(\"std::fs\") }"],
    },
    Rule {
        what: "a system call",
        instead: "go through seawall_os",
        folders: LIBRARIES,
        rooms: &["os/src/vfs/"],
        finds: Finds::Paths(&["rustix", "libc", "nix"]),
        bad: &["use rustix::io::pread;", "fn f() { libc::fsync(fd) }"],
        good: &["use std::io;"],
    },
    Rule {
        what: "locks, atomics and channels",
        instead: "use those of seawall_os::sync",
        folders: LIBRARIES,
        rooms: &["os/src/sync/"],
        finds: Finds::Paths(&[
            "std::sync::Mutex",
            "std::sync::MutexGuard",
            "std::sync::RwLock",
            "std::sync::Condvar",
            "std::sync::Barrier",
            "std::sync::Once",
            "std::sync::OnceLock",
            "std::sync::LazyLock",
            "std::sync::mpsc",
            "std::sync::atomic",
            "parking_lot",
            "lock_api",
            "arc_swap",
        ]),
        bad: &[
            "use std::sync::Mutex;",
            "use std::sync::{Arc, OnceLock as O};",
            "use std::sync::*;",
            "use std::sync; fn f() { sync::atomic::fence(o) }",
            "static A: std::sync::atomic::AtomicU64 = x;",
            "use parking_lot::RwLock;",
        ],
        good: &["use std::sync::Arc;", "use seawall_os::sync::Mutex;", "use crate::sync::Mutex;"],
    },
    Rule {
        what: "threads",
        instead: "use seawall_os::sync::{spawn, sleep}",
        folders: LIBRARIES,
        rooms: &["os/src/sync/"],
        finds: Finds::Paths(&["std::thread"]),
        bad: &["use std::thread;", "fn f() { std::thread::sleep(d) }", "use std::thread as t;"],
        good: &["use seawall_os::sync::spawn;"],
    },
    Rule {
        what: "clocks",
        instead: "use seawall_os::sync::now",
        folders: SIMULATED,
        rooms: &["os/src/sync/", "sim/src/explore"],
        finds: Finds::Paths(&["std::time::Instant", "std::time::SystemTime"]),
        bad: &[
            "use std::time::{Duration, Instant};",
            "use std::time; fn f() { time::SystemTime::now() }",
        ],
        good: &["use std::time::Duration;"],
    },
    Rule {
        what: "thread_local!",
        instead: "use seawall_os::sync::TaskLocal: a simulated task is not an OS thread",
        folders: LIBRARIES,
        rooms: &["os/src/sync/"],
        finds: Finds::Tokens(&[&["thread_local", "!"]]),
        bad: &["thread_local! { static A: u8 = 1; }", "std::thread_local! {}"],
        good: &["// thread_local!\n", "/// See `thread_local!`.\nfn f() {}"],
    },
    Rule {
        what: "collections ordered by hash",
        instead: "use a BTreeMap or BTreeSet: their order is the same in every run",
        folders: SIMULATED,
        rooms: &[],
        finds: Finds::Paths(&[
            "std::collections::HashMap",
            "std::collections::HashSet",
            "std::collections::hash_map",
            "std::collections::hash_set",
            "std::hash::RandomState",
            "std::hash::DefaultHasher",
        ]),
        bad: &[
            "use std::collections::{BTreeMap, HashMap};",
            "type Map = std::collections::HashSet<u8>;",
            "use std::collections::hash_map::RandomState;",
            "use std::collections::*;",
        ],
        good: &["use std::collections::BTreeMap;", "use std::hash::Hash;"],
    },
    Rule {
        what: "ambient randomness",
        instead: "draw from the run's choices, or ask seawall_os::vfs::Vfs::entropy",
        folders: SIMULATED,
        rooms: &["os/src/vfs/"],
        finds: Finds::Paths(&[
            "rand::rng",
            "rand::random",
            "rand::make_rng",
            "rand::thread_rng",
            "rand::rngs::ThreadRng",
            "rand::rngs::SysRng",
            "rand::rngs::OsRng",
            "getrandom",
        ]),
        bad: &["use rand::rng;", "fn f() -> u64 { rand::random() }", "use getrandom::fill;"],
        good: &["use rand::Rng;", "use rand::rngs::SmallRng;"],
    },
    Rule {
        what: "the process and its environment",
        instead: "take it as an option",
        folders: LIBRARIES,
        rooms: &[],
        finds: Finds::Paths(&["std::env", "std::process"]),
        bad: &["fn f() { std::env::var(n) }", "use std::process;"],
        good: &["const N: &str = env!(\"CARGO_PKG_VERSION\");"],
    },
    Rule {
        what: "printing",
        instead: "return it: a library does not talk",
        folders: SIMULATED,
        rooms: &[],
        finds: Finds::Tokens(&[
            &["println", "!"],
            &["print", "!"],
            &["eprintln", "!"],
            &["eprint", "!"],
            &["dbg", "!"],
        ]),
        bad: &["fn f() { println!() }", "fn f() { eprint!(\"x\") }", "fn f() { dbg!(x); }"],
        good: &["fn f() { writeln!(out) }", "#[cfg(test)] mod t { fn f() { println!() } }"],
    },
    Rule {
        what: "unsafe",
        instead: "find a safe way",
        folders: SHIPPED,
        rooms: &["src/memtable/", "sim/src/sched/"],
        finds: Finds::Tokens(&[&["unsafe"]]),
        bad: &["unsafe fn f() {}", "fn f() { unsafe { g() } }", "unsafe impl Send for A {}"],
        good: &["#![forbid(unsafe_code)]", "// unsafe"],
    },
    Rule {
        what: ".unwrap()",
        instead: "hand the error up, or say in expect why there is none",
        folders: SHIPPED,
        rooms: &[],
        finds: Finds::Tokens(&[&[".", "unwrap", "(", ")"]]),
        bad: &["fn f() { a.unwrap(); }", "fn f() { a\n.unwrap\n() }", "fn f() { g!(a.unwrap()) }"],
        good: &[
            "fn f() { a.unwrap_or(1) }",
            "#[cfg(test)] mod tests { fn f() { a.unwrap() } }",
            "#[test] fn f() { a.unwrap() }",
            "/// `a.unwrap()`\nfn f() {}",
        ],
    },
    Rule {
        what: "unfinished code",
        instead: "finish it, or leave it out",
        folders: EVERYTHING,
        rooms: &[],
        finds: Finds::TokensInTests(&[&["todo", "!", "("], &["unimplemented", "!", "("]]),
        bad: &["fn f() { todo!() }", "#[test] fn f() { unimplemented!(\"x\") }"],
        good: &["fn f() { g(\"todo!()\") }", "use todo;"],
    },
    Rule {
        what: "a test that does not run",
        instead: "mend it or delete it",
        folders: EVERYTHING,
        rooms: &[],
        finds: Finds::TokensInTests(&[&["#", "[", "ignore"]]),
        bad: &["#[test] #[ignore] fn f() {}", "#[ignore = \"slow\"] fn f() {}"],
        good: &["// #[ignore]\n"],
    },
    Rule {
        what: "a Drop that does I/O",
        instead: "leave it to a background task: nothing that correctness needs happens in a drop",
        folders: &["src"],
        rooms: &[],
        finds: Finds::InDrop(&[
            "vfs",
            "Vfs",
            "read_at",
            "write_at",
            "set_len",
            "allocate",
            "sync_data",
            "sync_all",
            "sync_dir",
            "create_dir",
            "free_space",
            "entropy",
        ]),
        bad: &[
            "impl Drop for A { fn drop(&mut self) { self.file.sync_data(); } }",
            "impl<T> std::ops::Drop for A<T> where T: B { fn drop(&mut self) { self.vfs.remove(p); } }",
        ],
        good: &[
            "impl Drop for A { fn drop(&mut self) { self.count -= 1; } } fn f() { file.sync_data() }",
            "impl A { fn drop(&mut self) { self.file.sync_data(); } }",
        ],
    },
    Rule {
        what: "a Drop that waits",
        instead: "only that of the last user handle, in src/db, stops and joins the background tasks",
        folders: &["src"],
        rooms: &["src/db/"],
        finds: Finds::InDrop(&["join", "sleep", "wait_while", "wait_while_for", "Turn"]),
        bad: &["impl Drop for A { fn drop(&mut self) { self.task.join(); } }"],
        good: &["fn f() { task.join() }"],
    },
];

#[test]
fn everything_is_in_its_room() {
    let mut found = Vec::new();
    for rule in RULES {
        for source in sources(rule.folders) {
            found.extend(rule.violations(&source));
        }
    }
    assert!(found.is_empty(), "{} things are out of place:\n{}", found.len(), found.join("\n"));
}

impl Rule {
    fn violations(&self, source: &Source) -> Vec<String> {
        if self.rooms.iter().any(|room| source.path.starts_with(room)) {
            return Vec::new();
        }
        let mut lines = match self.finds {
            Finds::Paths(banned) => lines_with_path(&source.paths(), banned),
            Finds::Tokens(banned) => lines_with_tokens(&source.shipped(), banned),
            Finds::TokensInTests(banned) => lines_with_tokens(&source.tokens, banned),
            Finds::InDrop(banned) => {
                let words: Vec<&[&str]> = banned.iter().map(std::slice::from_ref).collect();
                let shipped = source.shipped();
                let bodies = drop_bodies(&shipped);
                bodies.iter().flat_map(|body| lines_with_tokens(body, &words)).collect()
            }
        };
        lines.dedup();
        let message = |line| format!("{}:{line}: {}; {}", source.path, self.what, self.instead);
        lines.into_iter().map(message).collect()
    }
}

fn lines_with_path(paths: &[PathUse], banned: &[&str]) -> Vec<usize> {
    let leads = |path: &&PathUse| banned.iter().any(|wanted| path.leads_to(wanted));
    paths.iter().filter(leads).map(|path| path.line).collect()
}

fn lines_with_tokens(tokens: &[Token], banned: &[&[&str]]) -> Vec<usize> {
    let begins = |at: usize| {
        banned.iter().any(|words| {
            let rest = &tokens[at..];
            rest.len() >= words.len() && rest.iter().zip(*words).all(|(a, b)| a.text == *b)
        })
    };
    (0..tokens.len()).filter(|at| begins(*at)).map(|at| tokens[at].line).collect()
}

/// The tokens of each `impl .. Drop for .. { .. }`.
fn drop_bodies(tokens: &[Token]) -> Vec<&[Token]> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    let starts = (0..tokens.len()).filter(|at| is(*at, "Drop") && is(at + 1, "for"));
    let bodies = starts.filter_map(|start| {
        let open = start + tokens[start..].iter().position(|token| token.text == "{")?;
        let mut depth = 0;
        let len = tokens[open..].iter().position(|token| {
            depth += i32::from(token.text == "{") - i32::from(token.text == "}");
            depth == 0
        })?;
        Some(&tokens[open..open + len])
    });
    bodies.collect()
}

#[test]
fn every_rule_finds_its_bad_samples_and_nothing_in_the_good_ones() {
    for rule in RULES {
        let path = format!("{}/some/file.rs", rule.folders[0]);
        for bad in rule.bad {
            let found = rule.violations(&Source::parse(&path, bad));
            assert!(!found.is_empty(), "the rule on {} misses {bad:?}", rule.what);
            assert!(found[0].starts_with(&format!("{path}:")), "no place in {}", found[0]);
        }
        for good in rule.good {
            let found = rule.violations(&Source::parse(&path, good));
            assert!(found.is_empty(), "the rule on {} finds {good:?}", rule.what);
        }
        assert!(!rule.bad.is_empty(), "the rule on {} is not tried", rule.what);
    }
}

#[test]
fn a_thing_is_permitted_in_its_room_and_a_finding_names_its_line() {
    let rule = RULES.iter().find(|rule| rule.what == "files").expect("there is such a rule");
    let text = "\n\nuse std::fs;\nfn f() { fs::read(p) }";
    assert!(rule.violations(&Source::parse("os/src/vfs/os_fs.rs", text)).is_empty());
    assert_eq!(
        rule.violations(&Source::parse("src/db/open.rs", text)),
        [
            "src/db/open.rs:3: files; go through seawall_os::vfs",
            "src/db/open.rs:4: files; go through seawall_os::vfs",
        ]
    );
}

#[test]
fn every_crate_and_its_tests_are_looked_at() {
    let all: Vec<String> = sources(EVERYTHING).into_iter().map(|source| source.path).collect();
    for known in [
        "os/src/lib.rs",
        "os/tests/fs_agree.rs",
        "src/lib.rs",
        "sim/src/lib.rs",
        "cli/src/main.rs",
        "tests/rooms.rs",
    ] {
        assert!(all.iter().any(|path| path == known), "{known} is not looked at");
    }
}
