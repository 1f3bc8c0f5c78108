//! A ledger's file: lines that are only ever appended, each whole and durable before the next block.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::line::{BEGINNING, Line};
use crate::exit::{Exit, Failure};

/// What a ledger says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) lines: Vec<Line>,
    pub(super) torn: Option<Torn>,
}

/// A last line that was not written to its end; it counts as absent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Torn {
    /// Its number, from 1.
    pub(super) line: usize,
    /// Where in the file it begins.
    at: u64,
}

/// A line that says nothing: its number, from 1, and why.
#[derive(Debug, PartialEq, Eq)]
struct Malformed(usize, String);

impl Ledger {
    /// Reads a file whose blocks have `size` seeds.
    ///
    /// # Errors
    /// It cannot be read, or a line of it is malformed.
    pub(super) fn read(path: &Path, size: u64) -> anyhow::Result<Ledger> {
        Ledger::read_from(&mut open(path, OpenOptions::new().read(true))?, path, size)
    }

    fn read_from(file: &mut File, path: &Path, size: u64) -> anyhow::Result<Ledger> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| unusable(path, &error))?;
        Ledger::parse(&bytes, size).map_err(|Malformed(line, why)| {
            let what = format!("line {line} of the ledger {} is malformed: {why}", path.display());
            let next = "take the line out, or name another ledger; nothing was run or written";
            bad_input(path, what, next)
        })
    }

    fn parse(bytes: &[u8], size: u64) -> Result<Ledger, Malformed> {
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let (whole, rest) = bytes.split_at(end);
        let mut ledger = Ledger::default();
        let mut seen = BTreeMap::new();
        for (index, text) in whole.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            let line = line(&text[..text.len() - 1], size).map_err(|why| Malformed(number, why))?;
            let block = (line.commit.clone(), line.profile.clone(), line.first);
            if let Some(other) = seen.insert(block, number) {
                return Err(Malformed(number, format!("it is the block of line {other} again")));
            }
            ledger.lines.push(line);
        }
        if !rest.is_empty() {
            let line = ledger.lines.len() + 1;
            let begins = rest.starts_with(BEGINNING.as_bytes());
            // A file of another kind is not cut as if it were ours.
            if !begins && !BEGINNING.as_bytes().starts_with(rest) {
                return Err(Malformed(line, format!("it does not begin with `{BEGINNING}`")));
            }
            ledger.torn = Some(Torn { line, at: end as u64 });
        }
        Ok(ledger)
    }

    /// The blocks that a commit has run of a profile, by their first seeds.
    pub(super) fn blocks(&self, commit: &str, profile: &str) -> BTreeSet<u64> {
        let of = |line: &&Line| line.commit == commit && line.profile == profile;
        self.lines.iter().filter(of).map(|line| line.first).collect()
    }

    /// The recovered states of all lines.
    pub(super) fn states(&self) -> u64 {
        self.lines.iter().map(|line| line.states).sum()
    }

    /// The recovered states of a commit's lines.
    pub(super) fn states_of(&self, commit: &str) -> u64 {
        let lines = self.lines.iter().filter(|line| line.commit == commit);
        lines.map(|line| line.states).sum()
    }
}

fn line(bytes: &[u8], size: u64) -> Result<Line, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let line = Line::parse(text)?;
    if line.seeds != size {
        return Err(format!("its block has {} seeds, and not {size}", line.seeds));
    }
    if !line.first.is_multiple_of(size) || line.first.checked_add(size).is_none() {
        return Err(format!("no block of {size} seeds begins at {}", line.first));
    }
    if !matches!(line.runs, 1 | 2) {
        return Err(format!("`runs={}` is neither 1 nor 2", line.runs));
    }
    Ok(line)
}

/// A ledger that lines are appended to; no other process appends to it meanwhile.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) ledger: Ledger,
    path: PathBuf,
    file: File,
    /// How long the file is.
    length: u64,
}

impl Book {
    /// Opens a ledger, or makes it.
    ///
    /// # Errors
    /// As [`Ledger::read`]; another process appends to it; it cannot be written.
    pub(super) fn open(path: &Path, size: u64) -> anyhow::Result<Book> {
        let is_new = !path.exists();
        let mut file = open(path, OpenOptions::new().read(true).append(true).create(true))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path)),
            Err(TryLockError::Error(error)) => return Err(unusable(path, &error)),
        }
        if is_new {
            // Else the name of the file may go with the power although its lines were synced.
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = File::open(folder.unwrap_or(Path::new(".")));
            folder.and_then(|folder| folder.sync_all()).map_err(|error| unusable(path, &error))?;
        }
        let ledger = Ledger::read_from(&mut file, path, size)?;
        let length = file.metadata().map_err(|error| unusable(path, &error))?.len();
        Ok(Book { ledger, path: path.to_owned(), file, length })
    }

    /// Appends a line; it is durable when this returns.
    ///
    /// # Errors
    /// Somebody has changed the file since it was opened, or it cannot be written. What came of the
    /// line then is at most torn.
    pub(super) fn append(&mut self, line: Line) -> anyhow::Result<()> {
        let cannot = || format!("cannot append to the ledger {}", self.path.display());
        if !self.is_as_we_left_it().with_context(cannot)? {
            return Err(changed(&self.path).into());
        }
        let torn = self.ledger.torn.take().map(|torn| torn.at);
        let text = format!("{line}\n");
        let append = || {
            torn.map_or(Ok(()), |at| self.file.set_len(at))?;
            (&self.file).write_all(text.as_bytes())?;
            self.file.sync_all()
        };
        append().with_context(cannot)?;
        self.length = torn.unwrap_or(self.length) + text.len() as u64;
        self.ledger.lines.push(line);
        Ok(())
    }

    /// Whether the path still leads to the file that was opened, and nobody else has written to it. A
    /// block takes long enough for a checkout to come between.
    fn is_as_we_left_it(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        let there = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            there => there?,
        };
        let same = (ours.dev(), ours.ino()) == (there.dev(), there.ino());
        Ok(same && ours.len() == self.length)
    }
}

/// Opens a file; a folder, a pipe or a device is none.
fn open(path: &Path, options: &OpenOptions) -> anyhow::Result<File> {
    let other = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    let opened = if other { Err(io::Error::other("it is no file")) } else { options.open(path) };
    opened.map_err(|error| unusable(path, &error))
}

fn bad_input(path: &Path, what: String, next: &str) -> anyhow::Error {
    Failure { place: Some((path.to_owned(), None)), ..Failure::usage(what, next) }.into()
}

fn unusable(path: &Path, error: &io::Error) -> anyhow::Error {
    let what = format!("cannot use the ledger {}: {error}", path.display());
    bad_input(path, what, "name a file that can be read and written, in a folder that is there")
}

fn in_use(path: &Path) -> anyhow::Error {
    let what = format!("another process appends to the ledger {}", path.display());
    Failure::new(Exit::Locked, what, "wait until it ends, or name another ledger").into()
}

fn changed(path: &Path) -> Failure {
    Failure::error(
        format!("the ledger {} was changed or replaced while a block ran", path.display()),
        "see who did, and run it again: the last block was not written",
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";

    fn text(first: u64, states: u64) -> String {
        format!(
            "commit={COMMIT} profile=default first={first} seeds=10 runs=2 states={states} \
             operations=5 fault.sync_eio=1 fingerprint=0000000000000001 cpu_seconds=0.100"
        )
    }

    fn parse(text: &str) -> Result<Ledger, Malformed> {
        Ledger::parse(text.as_bytes(), 10)
    }

    #[test]
    fn states_add_up_over_lines_and_by_commit() {
        let other = text(10, 7).replace(COMMIT, &COMMIT.replace('1', "2"));
        let text = format!("{}\n{other}\n{}\n", text(0, 100), text(20, 1));
        let ledger = parse(&text).expect("a ledger");
        assert_eq!((ledger.states(), ledger.states_of(COMMIT)), (108, 101));
        assert_eq!(ledger.blocks(COMMIT, "default"), [0, 20].into());
        assert_eq!((ledger.blocks(COMMIT, "other"), ledger.torn), (BTreeSet::new(), None));
    }

    #[test]
    fn a_malformed_line_is_named_by_its_number() {
        for (second, said) in [
            ("", "`commit=` is missing at its end"),
            ("# a comment", "`commit=` is missing where `#` stands"),
            (&*text(10, 1).replace("seeds=10", "seeds=20"), "its block has 20 seeds, and not 10"),
            (&*text(13, 1), "no block of 10 seeds begins at 13"),
            (&*text(10, 1).replace("runs=2", "runs=3"), "`runs=3` is neither 1 nor 2"),
            (&*text(0, 9), "it is the block of line 1 again"),
        ] {
            let Malformed(line, why) =
                parse(&format!("{}\n{second}\n", text(0, 9))).expect_err(said);
            assert_eq!((line, why.contains(said)), (2, true), "{why}");
        }
    }

    #[test]
    fn a_torn_last_line_counts_as_absent_and_gives_way_to_the_next() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("ledger");
        let (first, second) = (format!("{}\n", text(0, 1)), text(10, 2));
        for cut in 1..=second.len() {
            std::fs::write(&path, format!("{first}{}", &second[..cut])).expect("written");
            let mut book = Book::open(&path, 10).expect("a ledger");
            let torn = book.ledger.torn.as_ref().map(|torn| torn.line);
            assert_eq!((torn, book.ledger.lines.len()), (Some(2), 1), "{cut}");
            book.append(Line::parse(&second).expect("a line")).expect("appended");
            book.append(Line::parse(&text(20, 3)).expect("a line")).expect("appended");
            let all = std::fs::read_to_string(&path).expect("read");
            assert_eq!(all, format!("{first}{second}\n{}\n", text(20, 3)));
            assert_eq!(parse(&all), Ok(book.ledger));
        }
    }

    #[test]
    fn what_is_no_ledger_is_not_cut() {
        for text in ["hello", "come", "\0\0\0"] {
            assert!(parse(text).is_err_and(|Malformed(line, _)| line == 1), "{text}");
        }
    }

    #[test]
    fn a_ledger_has_one_writer_and_notices_another() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("ledger");
        let mut book = Book::open(&path, 10).expect("a new one");
        let second = Book::open(&path, 10).expect_err("it is in use");
        assert_eq!(Failure::of(&second, "seawall").exit, Exit::Locked);
        std::fs::write(&path, format!("{}\n", text(0, 1))).expect("written");
        let line = Line::parse(&text(10, 1)).expect("a line");
        assert!(book.append(line.clone()).is_err_and(|why| why.to_string().contains("changed")));
        std::fs::remove_file(&path).expect("removed");
        assert!(book.append(line).is_err_and(|why| why.to_string().contains("replaced")));
    }
}
