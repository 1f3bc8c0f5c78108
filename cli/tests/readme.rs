//! The README is true: each of its commands is run, and what it shows as output is compared.
//!
//! In blocks fenced as ```` ```console ````, a line that begins with `$ ` is a command, with the lines
//! that end in `\` joined, and what follows up to the next command is its output. All commands of the
//! file run in order, in one scratch directory, by `sh`, with `seawall` on the path.
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

use std::path::Path;
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

/// Runs an example; returns what is wrong, if anything.
fn run(scratch: &Scratch, example: &Example) -> Option<String> {
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
    let here = format!("README.md:{}: $ {}", example.line, example.command);
    if output.status.code() != Some(example.exit) {
        return Some(format!("{here}\nended with {}:\n{printed}", output.status));
    }
    let differs = !example.shown.trim().is_empty() && !matches(&example.shown, &printed);
    differs.then(|| format!("{here}\nprinted:\n{printed}\nbut shown is:\n{}", example.shown))
}

#[test]
fn every_command_of_the_readme_does_what_it_shows() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(file).expect("the README is at the repository's root");
    let examples = examples(&text);
    assert!(!examples.is_empty(), "the README shows no command, or none in the form of this test");
    let scratch = Scratch::new();
    let wrong: Vec<String> = examples.iter().filter_map(|example| run(&scratch, example)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
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
