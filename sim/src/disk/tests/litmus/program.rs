//! The text of litmus programs, and of what they leave.

use std::collections::{BTreeMap, BTreeSet};

/// A call of a program. Offsets and sizes are sectors, contents a letter a sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create(String),
    CreateDir(String),
    Write(String, usize, String),
    SetLen(String, usize),
    Rename(String, String),
    Remove(String),
    Sync(String),
    SyncDir(String),
    FailingSync(String),
    FailingSyncDir(String),
}

/// Where the states of a program are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum When {
    /// After a power loss.
    Power,
    /// After a kill.
    Kill,
    /// By the program itself, at its end.
    Seen,
}

/// For each moment, what may be there: `f=ab g=-`, or `nothing`.
pub(super) type States = BTreeMap<When, BTreeSet<String>>;

#[derive(Clone, Debug)]
pub(super) struct Program {
    /// What it shows, in a line.
    pub(super) story: String,
    /// What is durable before: directories end with a slash and have no content.
    pub(super) given: Vec<(String, String)>,
    pub(super) calls: Vec<Call>,
    /// What each personality leaves, by name.
    pub(super) expected: BTreeMap<String, States>,
}

impl Program {
    pub(super) fn has_failures(&self) -> bool {
        let fails = |call: &Call| matches!(call, Call::FailingSync(_) | Call::FailingSyncDir(_));
        self.calls.iter().any(fails)
    }

    /// When its states are told: what is seen without a power loss, only where a sync fails.
    pub(super) fn moments(&self) -> &'static [When] {
        let all = &[When::Power, When::Kill, When::Seen];
        if self.has_failures() { all } else { &all[..1] }
    }
}

/// Reads a table: programs with an empty line between them.
pub(super) fn read(table: &str) -> Vec<Program> {
    let blocks = table.split("\n\n").filter(|block| block.lines().any(|it| !it.starts_with("//")));
    blocks.map(read_program).collect()
}

fn read_program(block: &str) -> Program {
    let mut program = Program {
        story: String::new(),
        given: Vec::new(),
        calls: Vec::new(),
        expected: BTreeMap::new(),
    };
    let joined = block.replace("\n    ", " ");
    for line in joined.lines().map(str::trim_end).filter(|line| !line.starts_with("//")) {
        if let Some(story) = line.strip_prefix("# ") {
            program.story = story.to_owned();
        } else if let Some(given) = line.strip_prefix("given ") {
            program.given = given.split(' ').map(read_given).collect();
        } else if let Some((names, states)) = line.split_once(": ") {
            read_states(names, states, &mut program.expected);
        } else if !line.is_empty() {
            program.calls.push(read_call(line));
        }
    }
    program
}

fn read_given(word: &str) -> (String, String) {
    let (name, letters) = word.split_once('=').unwrap_or((word, ""));
    (name.to_owned(), letters.replace('-', ""))
}

/// `ext4 xfs, killed: f=a | f=b`
fn read_states(names: &str, states: &str, expected: &mut BTreeMap<String, States>) {
    let (names, when) = match names.split_once(", ") {
        None => (names, When::Power),
        Some((names, "killed")) => (names, When::Kill),
        Some((names, "seen")) => (names, When::Seen),
        Some((_, other)) => panic!("{other:?} is no moment"),
    };
    let states: BTreeSet<_> = states.split('|').map(|state| state.trim().to_owned()).collect();
    for name in names.split(' ') {
        expected.entry(name.to_owned()).or_default().insert(when, states.clone());
    }
}

fn read_call(line: &str) -> Call {
    let words: Vec<_> = line.trim().split(' ').collect();
    let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("{word:?} is no number"));
    let text = |word: &str| word.to_owned();
    match words[..] {
        ["create", path] => Call::Create(text(path)),
        ["mkdir", path] => Call::CreateDir(text(path)),
        ["write", path, at, letters] => Call::Write(text(path), number(at), text(letters)),
        ["set_len", path, len] => Call::SetLen(text(path), number(len)),
        ["rename", from, to] => Call::Rename(text(from), text(to)),
        ["unlink", path] => Call::Remove(text(path)),
        ["sync", path] => Call::Sync(text(path)),
        ["sync_dir", path] => Call::SyncDir(text(path)),
        ["failing", "sync", path] => Call::FailingSync(text(path)),
        ["failing", "sync_dir", path] => Call::FailingSyncDir(text(path)),
        _ => panic!("{line:?} is no call"),
    }
}

/// The lines of a program's states, personalities that leave the same together.
pub(super) fn states_text(program: &Program, states: &BTreeMap<String, States>) -> String {
    let mut text = String::new();
    for when in program.moments() {
        let mut groups: Vec<(Vec<&str>, &BTreeSet<String>)> = Vec::new();
        for name in ["posix", "ext4", "xfs", "btrfs"] {
            let left = &states[name][when];
            match groups.iter_mut().find(|(_, known)| *known == left) {
                Some((names, _)) => names.push(name),
                None => groups.push((vec![name], left)),
            }
        }
        let word = match when {
            When::Power => "",
            When::Kill => ", killed",
            When::Seen => ", seen",
        };
        for (names, left) in groups {
            let left: Vec<_> = left.iter().map(String::as_str).collect();
            wrap(&mut text, &format!("{}{word}: {}", names.join(" "), left.join(" | ")));
        }
    }
    text
}

/// Adds a line, broken at bars where it is long.
fn wrap(text: &mut String, line: &str) {
    let mut width = 0;
    for (index, part) in line.split(" | ").enumerate() {
        if index > 0 {
            let breaks = width + part.len() > 90;
            text.push_str(if breaks { " |\n    " } else { " | " });
            width = if breaks { 4 } else { width };
        }
        text.push_str(part);
        width += part.len() + 3;
    }
    text.push('\n');
}

/// One state as text, from its names and contents; directories have none.
pub(super) fn state_text(entries: impl Iterator<Item = (String, Option<String>)>) -> String {
    let sorted: BTreeSet<_> = entries
        .map(|(path, content)| match content {
            None => format!("{path}/"),
            Some(content) if content.is_empty() => format!("{path}=-"),
            Some(content) => format!("{path}={content}"),
        })
        .collect();
    if sorted.is_empty() {
        return "nothing".to_owned();
    }
    sorted.into_iter().collect::<Vec<_>>().join(" ")
}
