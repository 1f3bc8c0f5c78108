//! The documents are true: each command of the README and of the pages of `docs/` is run, and what is
//! shown as its output is compared.
//!
//! In blocks fenced as ```` ```console ````, a line that begins with `$ ` is a command, with the lines
//! that end in `\` joined, and what follows up to the next command is its output. All commands of a
//! file run in order, in one scratch directory, by `sh`, with `seawall` on the path. A block that is
//! fenced as something that nobody looks at, such as ```` ```sh ````, is refused.
//!
//! - `...` in shown output stands for anything: within a line, or alone on a line for any lines.
//! - A command with no output shown may print what it likes. A command must exit with 0, unless the
//!   block's fence says otherwise: ```` ```console exit=10 ````.
//! - A block fenced ```` ```console norun ```` is not run: it needs a clone, minutes, or another tool.
//! - `cargo run --release -- ..` runs the binary under test instead of building another.
//! - `cargo test`, `git clone` and `cd` are not run: whoever reads this test is doing just that.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::path::{Path, PathBuf};
use std::process::Command;

use binary::Scratch;

/// A command of a document, and the output shown below it.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    command: String,
    shown: String,
    exit: i32,
}

const NOT_RUN: [&str; 3] = ["cargo test", "git clone", "cd "];

fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut exit = None;
    let mut continued = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(fence) = line.strip_prefix("```") {
            let wanted = fence.strip_prefix("console").filter(|flags| !flags.contains("norun"));
            exit = wanted.filter(|_| exit.is_none()).map(exit_of);
            continued = false;
        } else if let Some(exit) = exit {
            if let Some(command) = line.strip_prefix("$ ") {
                let (command, shown) = (command.to_owned(), String::new());
                examples.push(Example { line: index + 1, command, shown, exit });
            } else if let Some(example) = examples.last_mut() {
                let text = if continued { &mut example.command } else { &mut example.shown };
                text.push_str(line);
                text.push('\n');
            }
            continued = line.ends_with('\\');
            if let (true, Some(example)) = (continued, examples.last_mut()) {
                example.command = example.command.trim_end_matches(['\\', '\n']).to_owned();
            }
        }
    }
    examples.retain(|example| !NOT_RUN.iter().any(|words| example.command.starts_with(words)));
    examples
}

fn exit_of(flags: &str) -> i32 {
    flags.trim().strip_prefix("exit=").and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Whether `text` is what `shown` describes.
fn matches(shown: &str, text: &str) -> bool {
    fn lines(shown: &[&str], text: &[&str]) -> bool {
        match (shown.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((first, rest)), _) if first.trim() == "..." => {
                (0..=text.len()).any(|skipped| lines(rest, &text[skipped..]))
            }
            (Some((first, rest)), Some((line, others))) => {
                line_matches(first, line) && lines(rest, others)
            }
            _ => false,
        }
    }
    fn split(text: &str) -> Vec<&str> {
        text.trim_end().lines().map(str::trim_end).collect()
    }
    lines(&split(shown), &split(text))
}

fn line_matches(shown: &str, line: &str) -> bool {
    let Some((start, rest)) = shown.split_once("...") else { return shown == line };
    let Some(line) = line.strip_prefix(start) else { return false };
    (0..=line.len()).any(|at| line.is_char_boundary(at) && line_matches(rest, &line[at..]))
}

/// Runs an example of a document; returns what is wrong, if anything.
fn run(name: &str, scratch: &Scratch, example: &Example) -> Option<String> {
    let command = example.command.replace("cargo run --release -- ", "seawall ");
    let binary = Path::new(env!("CARGO_BIN_EXE_seawall")).parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .current_dir(scratch.path())
        .env("PATH", format!("{}:{path}", binary.display()))
        .env("NO_COLOR", "1")
        .env_remove("SEAWALL_DB")
        .output()
        .expect("sh runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let here = format!("{name}:{}: $ {}", example.line, example.command);
    if output.status.code() != Some(example.exit) {
        return Some(format!("{here}\nended with {}:\n{printed}", output.status));
    }
    let differs = !example.shown.trim().is_empty() && !matches(&example.shown, &printed);
    differs.then(|| format!("{here}\nprinted:\n{printed}\nbut shown is:\n{}", example.shown))
}

/// A document of the project, by its path from the root.
fn read(name: &str) -> String {
    let file = root().join(name);
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages of `docs/`.
fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).expect("there are documents");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        format!("docs/{}", entry.expect("readable").file_name().to_string_lossy())
    };
    let mut pages: Vec<_> = entries.map(name).filter(|name| name.ends_with(".md")).collect();
    pages.sort();
    pages
}

/// Runs every command of a document; returns how many there are.
#[track_caller]
fn check(name: &str) -> usize {
    let examples = examples(&read(name));
    let scratch = Scratch::new();
    let wrong: Vec<String> =
        examples.iter().filter_map(|example| run(name, &scratch, example)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    examples.len()
}

#[test]
fn every_command_of_the_readme_does_what_it_shows() {
    assert!(
        check("README.md") > 10,
        "the README shows few commands, or none in the form of this test"
    );
}

#[test]
fn every_command_of_the_documents_does_what_it_shows() {
    let count: usize = pages().iter().map(|name| check(name)).sum();
    assert!(count > 5, "docs/ shows {count} commands, or few in the form of this test");
}

/// What blocks may be: commands that are run, files that a test compares, Rust that is compiled or is a
/// piece of an example that is, dependencies that are looked up, and text that claims nothing.
const FENCES: [&str; 8] =
    ["console", "console norun", "hexdump", "rust", "rust,no_run", "rust,ignore", "text", "toml"];

/// The blocks of a document that nothing holds to be true.
fn unknown_fences(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut unknown = Vec::new();
    for fence in text.lines().filter_map(|line| line.trim_start().strip_prefix("```")) {
        inside = !inside;
        let kind = fence.split(" exit=").next().unwrap_or(fence);
        let word = kind.split(' ').next().unwrap_or(kind);
        let known = FENCES.contains(&kind) || ["hexdump", "text"].contains(&word);
        if inside && !known {
            unknown.push(fence);
        }
    }
    unknown
}

#[test]
fn no_block_of_a_document_goes_unseen() {
    let library = read("src/lib.rs");
    for name in pages().into_iter().chain(["README.md".to_owned()]) {
        let text = read(&name);
        assert_eq!(unknown_fences(&text), [""; 0], "{name}");
        let compiled = library.contains(&format!("include_str!(\"../{name}\")"));
        let has_rust = ["```rust\n", "```rust,no_run\n"].iter().any(|fence| text.contains(fence));
        assert!(compiled || !has_rust, "src/lib.rs does not compile {name}");
    }
}

#[test]
fn the_dependencies_that_pages_name_are_crates_of_this_clone() {
    let mut found = 0;
    for name in pages().into_iter().chain(["README.md".to_owned()]) {
        for line in read(&name).lines().filter(|line| line.contains("{ path = \"../seawall")) {
            let (package, rest) = line.split_once(" = { path = \"../seawall").expect("a path");
            let folder = rest.trim_start_matches('/').trim_end_matches("\" }");
            let manifest = read(&Path::new(folder).join("Cargo.toml").display().to_string());
            assert!(manifest.contains(&format!("name = \"{package}\"")), "{name}: {line}");
            found += 1;
        }
    }
    assert!(found >= 3, "{found} dependencies");
}

#[test]
fn a_block_that_nobody_looks_at_is_found() {
    let text = "```console\n$ x\n```\n```sh\ny\n```\n```console exit=3\n```\n```\n```\n\
                ```hexdump 000002.wal\n```\n```text CURRENT\n```\n```console notrun\n```\n";
    assert_eq!(unknown_fences(text), ["sh", "", "console notrun"]);
}

#[test]
fn commands_and_their_output_are_found() {
    let text = "a\n```console\n$ seawall put \\\n    a 1\n$ seawall get a\n1\n```\n$ not this\n\
                ```console exit=3\n$ seawall get b\n...\n```\n```console norun\n$ x\n```\n\
                ```sh\n$ y\n```\n";
    let found: Vec<_> =
        examples(text).into_iter().map(|e| (e.line, e.command, e.shown, e.exit)).collect();
    let expected = [
        (3, "seawall put     a 1\n", "", 0),
        (5, "seawall get a", "1\n", 0),
        (10, "seawall get b", "...\n", 3),
    ];
    let expected = expected.map(|(l, c, s, e)| (l, c.to_owned(), s.to_owned(), e));
    assert_eq!(found, expected);
}

#[test]
fn three_dots_stand_for_anything() {
    for (shown, text) in [
        ("a ... c", "a b c"),
        ("...", ""),
        ("a\n...\nd", "a\nb\nc\nd\n"),
        ("a...", "a"),
        ("...b...", "abc"),
    ] {
        assert!(matches(shown, text), "{shown:?} {text:?}");
    }
    for (shown, text) in [("a", "b"), ("a", "a\nb"), ("a ... c", "a b"), ("a\n...\nd", "a\nb")] {
        assert!(!matches(shown, text), "{shown:?} {text:?}");
    }
}
