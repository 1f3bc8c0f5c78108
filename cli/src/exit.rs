//! How a command ends: the exit codes, and the error a person can act on.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | fine; also when the reader of our output went away (`seawall scan \| head`) |
//! | 1 | an error |
//! | 2 | the command line is wrong |
//! | 3 | no such key |
//! | 4 | bytes on disk are damaged; of a salvage: something is lost, or may be |
//! | 5 | another process has the database open |
//! | 6 | the database was written by a newer version |
//! | 10 | the simulator found a violated property |
//! | 11 | the simulator itself did not do the same thing twice |
//! | 12 | nothing finished within the time given |
//! | 13 | a planted bug was missed, or a mistake in the oracle |
//! | 70 | a bug of ours (a panic) |
//! | 130 | interrupted; what was done or found until then was printed |

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use seawall::ErrorKind;

/// What the process tells its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Fine = 0,
    Error = 1,
    Usage = 2,
    KeyNotFound = 3,
    Corruption = 4,
    Locked = 5,
    FormatTooNew = 6,
    Violated = 10,
    Nondeterminism = 11,
    NothingFinished = 12,
    PlantedMissed = 13,
    OurBug = 70,
    Interrupted = 130,
}

impl Exit {
    /// What another process of ours has told us.
    pub(crate) fn of_code(code: i32) -> Option<Exit> {
        use Exit::{
            Corruption, Error, Fine, FormatTooNew, Interrupted, KeyNotFound, Locked,
            Nondeterminism, NothingFinished, OurBug, PlantedMissed, Usage, Violated,
        };
        let all = [
            Fine,
            Error,
            Usage,
            KeyNotFound,
            Corruption,
            Locked,
            FormatTooNew,
            Violated,
            Nondeterminism,
            NothingFinished,
            PlantedMissed,
            OurBug,
            Interrupted,
        ];
        all.into_iter().find(|exit| *exit as i32 == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The program in a command that an advice suggests, with what makes it speak of the same database.
const SEAWALL: &str = "{seawall}";

/// Why a command did not do what it was asked, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) what: String,
    /// [`SEAWALL`] stands for the program in commands that it suggests on the same database.
    pub(crate) next: String,
    /// The file concerned and where in it, if that is known.
    pub(crate) place: Option<(PathBuf, Option<u64>)>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { exit, what: what.into(), next: next.into(), place: None }
    }

    /// A failure of the ordinary kind.
    pub(crate) fn error(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Exit::Error, what, next)
    }

    /// A command line that parses but makes no sense.
    pub(crate) fn usage(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, what, next)
    }

    /// What to tell the person about any error that a command returned; `seawall` begins the commands
    /// that may help.
    pub(crate) fn of(error: &anyhow::Error, seawall: &str) -> Failure {
        if let Some(failure) = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
            let Failure { exit, what, next, place } = failure;
            let next = next.replace(SEAWALL, seawall);
            return Failure { place: place.clone(), ..Failure::new(*exit, what, next) };
        }
        if let Some(cause) = error.chain().find_map(|cause| cause.downcast_ref::<seawall::Error>())
        {
            let (exit, mut next) = of_store(cause.kind());
            if let (Exit::Error, Some(better)) = (exit, of_io(error)) {
                next = better;
            }
            let next = next.replace(SEAWALL, seawall);
            let place = cause.file().map(|file| (file.to_owned(), cause.offset()));
            return Failure { place, ..Failure::new(exit, all_causes(error), next) };
        }
        let next = of_io(error).unwrap_or("see the message above; `-v` says more about each step");
        // Files are named where they are opened, read and written; what has no name is the output.
        let is_bare = error.is::<io::Error>() && error.chain().len() == 1;
        let place = if is_bare { "cannot write to stdout: " } else { "" };
        Failure::error(format!("{place}{}", all_causes(error)), next)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// What to do when bytes are not what they were.
pub(crate) const ON_DAMAGE: &str = "no data was changed; copy the directory before anything else. \
    `{seawall} admin verify` lists all that is damaged; `{seawall} admin salvage --to DIR` writes what is \
    good into the new database DIR";

/// The exit code and the advice for each kind of failure of the store.
fn of_store(kind: ErrorKind) -> (Exit, &'static str) {
    match kind {
        ErrorKind::Corruption => (Exit::Corruption, ON_DAMAGE),
        ErrorKind::Locked => (
            Exit::Locked,
            "wait until the other process ends, or end it; the lock goes with that process, there \
             is no file to delete",
        ),
        ErrorKind::FormatTooNew => {
            (Exit::FormatTooNew, "use the version of seawall that wrote it, or a newer one")
        }
        ErrorKind::NotFound => (Exit::Error, "name the directory with `--db DIR`"),
        ErrorKind::InvalidArgument => (Exit::Error, "change the argument and run it again"),
        ErrorKind::TooLarge => (Exit::Error, "split the data into smaller values or batches"),
        ErrorKind::TooManyTables => (Exit::Error, "run it again when compactions have made room"),
        ErrorKind::DiskFull => {
            (Exit::Error, "free some space and run it again; what was acknowledged is safe")
        }
        ErrorKind::PermissionDenied => {
            (Exit::Error, "run it as the owner of the directory, or change its permissions")
        }
        ErrorKind::ReadOnly => (Exit::Error, "mount the file system writable, or use a copy"),
        ErrorKind::Stopped | ErrorKind::Closed => {
            (Exit::Error, "run the command again: opening the database anew clears this state")
        }
        _ => (
            Exit::Error,
            "look into the system's log for the device; what was acknowledged before is safe to \
             read after the cause is gone",
        ),
    }
}

/// The advice for failures of the system that people cause themselves.
fn of_io(error: &anyhow::Error) -> Option<&'static str> {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>())?;
    match (cause.kind(), cause.raw_os_error()) {
        (io::ErrorKind::NotADirectory, _) => Some("a file stands there; name a directory"),
        (io::ErrorKind::IsADirectory, _) => Some("a directory stands there; name a file"),
        (io::ErrorKind::StorageFull, _) => {
            Some("free some space and run it again; what was acknowledged is safe")
        }
        (_, Some(ENFILE | EMFILE)) => {
            Some("permit more open files (`ulimit -n`); nothing was lost by the attempt")
        }
        _ => None,
    }
}

/// The message with those of its causes that it does not already repeat, outermost first.
fn all_causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Whether the command ended because whoever read its output went away.
pub(crate) fn reader_went_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_code_and_advice_below_other_context() {
        let error = anyhow::Error::new(Failure::new(Exit::KeyNotFound, "no key a", "look"))
            .context("while reading");
        let failure = Failure::of(&error, "seawall");
        assert_eq!(
            (failure.exit, failure.what.as_str(), failure.next.as_str()),
            (Exit::KeyNotFound, "no key a", "look")
        );
    }

    #[test]
    fn causes_are_told_once_and_outermost_first() {
        let inner = io::Error::other("disk on fire");
        let error = anyhow::Error::new(inner).context("cannot read ops.json");
        assert_eq!(Failure::of(&error, "seawall").what, "cannot read ops.json: disk on fire");
        let repeated = anyhow::Error::new(io::Error::other("x")).context("cannot read: x");
        assert_eq!(Failure::of(&repeated, "seawall").what, "cannot read: x");
    }
}
