//! The commands on one database: `put get del batch scan count import export`, and `admin`.

pub(crate) mod batch;
pub(crate) mod export;
pub(crate) mod import;
mod lines;
pub(crate) mod point;
pub(crate) mod salvage;
pub(crate) mod scan;
pub(crate) mod tend;
pub(crate) mod verify;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use seawall::{Cut, Db, ErrorKind, Options, ReadOnlyDb, RecoveryReport};

use crate::bytes;
use crate::console::Console;
use crate::exit::Failure;

/// How a command uses the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// There must be one; a few operations at most.
    Existing,
    /// Made if missing, directory and all; a few operations.
    Creating,
    /// Made if missing; more operations than anybody counts.
    Filling,
    /// With the options of the library, which are measured. Made if missing, unless it must exist.
    Measuring { existing: bool },
}

impl Use {
    fn options(self) -> Options {
        if let Use::Measuring { existing } = self {
            return Options { create_if_missing: !existing, ..Options::default() };
        }
        let small = self != Use::Filling;
        Options {
            create_if_missing: self != Use::Existing,
            // Segments are made at their full size, which a single `put` should not wait for.
            segment_bytes: if small { 64 << 10 } else { 4 << 20 },
            spare_segment: !small,
            ..Options::default()
        }
    }
}

/// Opens the database and says with `-v` what recovery did.
pub(crate) fn open(console: &Console, path: &Path, how: Use) -> anyhow::Result<Db> {
    let db = match Db::builder(path).options(how.options()).open() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(none_at(path)),
        opened => opened.with_context(|| format!("cannot open {}", path.display()))?,
    };
    tell(console, db.recovery_report());
    Ok(db)
}

/// Opens the database for reading alone: nothing of it changes. Says with `-v` what was found.
pub(crate) fn look(console: &Console, path: &Path) -> anyhow::Result<ReadOnlyDb> {
    let db = match Db::open_read_only(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(none_at(path)),
        opened => opened.with_context(|| format!("cannot read {}", path.display()))?,
    };
    tell(console, db.recovery_report());
    Ok(db)
}

/// What was found, with `-v`; what was left out, always: nobody can tell whether a crash or damage made it.
fn tell(console: &Console, report: &RecoveryReport) {
    console.detail(report.to_string().trim_end());
    for Cut { file, offset, bytes, behind_close } in &report.cut {
        let why = match behind_close {
            true => "damage, behind the end of a log that was closed, where nothing was written",
            false => "a torn write, or damage",
        };
        console.say(format_args!(
            "note: {bytes} bytes of {file} at byte {offset} are not whole and count for nothing: {why}"
        ));
    }
}

/// There is no database, and how to make one.
pub(crate) fn none_at(path: &Path) -> anyhow::Error {
    let next = "make one with `{seawall} put KEY VALUE` or `{seawall} import FILE`, or name another \
                directory with `--db DIR`";
    Failure::error(format!("there is no database at {}", path.display()), next).into()
}

/// The bytes of a key or value on the command line.
///
/// # Errors
/// With `--hex`, text that is not hexadecimal.
pub(crate) fn argument<'a>(
    console: &Console,
    what: &str,
    text: &'a OsStr,
) -> anyhow::Result<Cow<'a, [u8]>> {
    if !console.hex {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let wrong = |why| Failure::usage(format!("the {what} is not hexadecimal: {why}"), HEX_FORM);
    Ok(Cow::Owned(bytes::from_hex(text.as_bytes()).map_err(wrong)?))
}

const HEX_FORM: &str = "with --hex write two digits a byte, such as 6b6579, or leave --hex out";

/// A count of entries on stderr, if that is a terminal.
pub(crate) fn counter(console: &Console) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{human_pos} entries  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
