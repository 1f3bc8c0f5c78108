//! Runs the real binary in a scratch directory.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
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

    /// Starts `line`, split as [`Scratch::run`] does, with pipes to all three streams.
    pub(crate) fn start(&self, line: &str) -> Child {
        self.command()
            .args(words(line))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    /// Runs `line`, split at spaces; `'..'` keeps an argument with spaces together.
    pub(crate) fn run(&self, line: &str) -> Answer {
        self.run_with(line, "")
    }

    pub(crate) fn run_with(&self, line: &str, stdin: impl AsRef<[u8]>) -> Answer {
        let mut child = self.start(line);
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

    /// Imports one line, and kills the import once that is acknowledged.
    pub(crate) fn import_and_kill(&self, line: &str) {
        let mut writer = self.start("import - --batch 1");
        let mut input = writer.stdin.take().expect("piped");
        writeln!(input, "{line}").expect("it reads");
        let mut said = String::new();
        let mut talk = BufReader::new(writer.stderr.take().expect("piped"));
        talk.read_line(&mut said).expect("it talks");
        assert_eq!(said, "acknowledged 1\n");
        writer.kill().expect("it runs");
        writer.wait().expect("it ends");
    }

    /// Runs `line` and insists that it works; returns its data.
    pub(crate) fn fine(&self, line: &str) -> String {
        let answer = self.run(line);
        assert_eq!(answer.code, Some(0), "{line}: {answer:?}");
        answer.stdout
    }
}

/// A command that must end with that code and print that.
#[track_caller]
pub(crate) fn check(scratch: &Scratch, line: &str, code: i32, stdout: &str) {
    let answer = scratch.run(line);
    assert_eq!((answer.code, &*answer.stdout), (Some(code), stdout), "{line}: {answer:?}");
}

/// A command that must fail and print nothing, with words that must be in what it says.
#[track_caller]
pub(crate) fn check_failure(scratch: &Scratch, line: &str, code: i32, said: &[&str]) {
    let answer = scratch.run(line);
    assert_eq!((answer.code, &*answer.stdout), (Some(code), ""), "{line}: {answer:?}");
    for words in said {
        assert!(answer.stderr.contains(words), "{line}: no {words:?} in {}", answer.stderr);
    }
}

/// The JSON that a command printed.
#[track_caller]
pub(crate) fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// As many lines for `import` as there are numbers in `keys`.
pub(crate) fn lines(keys: std::ops::Range<u64>) -> String {
    keys.map(|n| format!("{{\"key\":\"k{n:06}\",\"value\":\"v{n}\"}}\n")).collect()
}

/// The files of the database `seawall-db` whose names hold `part`, in order of their names.
pub(crate) fn files_with(scratch: &Scratch, part: &str) -> Vec<PathBuf> {
    let directory = scratch.path().join("seawall-db");
    let names = files_of(&directory).into_keys().filter(|name| name.contains(part));
    names.map(|name| directory.join(name)).collect()
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// Turns a bit of the byte `at` of a file over.
pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[at] ^= 1;
    std::fs::write(path, bytes).expect("writable");
}

/// Makes the database `seawall-db` look as if a newer version had written it.
pub(crate) fn make_newer(scratch: &Scratch) {
    let path = scratch.path().join("seawall-db/CURRENT");
    let current = std::fs::read_to_string(&path).expect("text");
    let (above, _) = current.rsplit_once("check ").expect("a checksum");
    let newer = above.replacen("seawall 1\n", "seawall 9\n", 1);
    let newer = format!("{newer}check {:08x}\n", crc32c(newer.as_bytes()));
    std::fs::write(&path, newer).expect("writable");
}

/// The CRC32C of `bytes`, a bit at a time.
fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}

/// Sends a signal to a process, such as `INT`, which is Ctrl-C.
pub(crate) fn signal(process: impl ToString, signal: &str) {
    let kill = Command::new("kill").args([format!("-{signal}"), process.to_string()]).status();
    assert!(kill.expect("kill runs").success());
}

/// Waits until a process would not die of Ctrl-C.
pub(crate) fn until_it_listens(process: u32) {
    const SIGINT_BIT: u64 = 1 << 1;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
        let caught = u64::from_str_radix(caught.trim(), 16).expect("hexadecimal");
        if caught & SIGINT_BIT != 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
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
