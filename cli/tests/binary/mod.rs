//! Runs the real binary in a scratch directory.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A scratch directory that commands run in.
pub(crate) struct Scratch {
    directory: TempDir,
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch { directory: tempfile::tempdir().expect("a scratch directory") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).expect("a scratch file");
    }

    /// The binary, ready to run here, deaf to the environment of whoever runs the tests.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
        command.current_dir(self.path()).env_remove("SEAWALL_DB").env("NO_COLOR", "1");
        command
    }

    /// Runs `line`, split at spaces; `'..'` keeps an argument with spaces together.
    pub(crate) fn run(&self, line: &str) -> Answer {
        self.run_with(line, "")
    }

    pub(crate) fn run_with(&self, line: &str, stdin: impl AsRef<[u8]>) -> Answer {
        let mut child = self
            .command()
            .args(words(line))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut input = child.stdin.take().expect("piped");
        // A command that reads no stdin may be gone already.
        let _ = input.write_all(stdin.as_ref());
        drop(input);
        let output = child.wait_with_output().expect("the binary ends");
        Answer {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs `line` and insists that it works; returns its data.
    pub(crate) fn fine(&self, line: &str) -> String {
        let answer = self.run(line);
        assert_eq!(answer.code, Some(0), "{line}: {answer:?}");
        answer.stdout
    }
}

/// The bytes of each file in a directory, by name.
pub(crate) fn files_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|e| e.expect("a name"));
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).expect("readable"))
        })
        .collect()
}

/// Splits a line at spaces, except within single quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
