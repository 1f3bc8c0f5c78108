//! Where output goes: data on stdout, talk on stderr, neither ever a reason to panic.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::exit::Failure;

/// The form of the data on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// How a command speaks; made once from the global flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) format: Format,
    /// Keys and values are hexadecimal, in and out.
    pub(crate) hex: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

/// What a message is, for its colour.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Bad,
}

impl Console {
    pub(crate) fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// A buffered writer to stdout. The caller flushes it: dropping it ignores errors.
    pub(crate) fn stdout(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::with_capacity(64 * 1024, io::stdout().lock())
    }

    /// Writes one line of data.
    pub(crate) fn data(&self, text: impl fmt::Display) -> io::Result<()> {
        let mut out = self.stdout();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Writes one JSON value on a line of its own.
    pub(crate) fn data_json(&self, value: &impl Serialize) -> io::Result<()> {
        let mut out = self.stdout();
        serde_json::to_writer(&mut out, value)?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Says something on stderr that a person may want to know; silent with `-q`.
    pub(crate) fn say(&self, text: impl fmt::Display) {
        if !self.quiet {
            self.always(text);
        }
    }

    /// Says something on stderr with `-v` only.
    pub(crate) fn detail(&self, text: impl fmt::Display) {
        if self.verbose {
            self.always(text);
        }
    }

    /// Says something on stderr that others rely on, also with `-q`.
    ///
    /// One system call a line, so that a kill never leaves half a line for another's whole one. A
    /// closed stderr is no reason to stop.
    pub(crate) fn always(&self, text: impl fmt::Display) {
        let line = format!("{text}\n");
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// Says why the command ended, and what to do next.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json() {
            let (file, offset) = failure.place.clone().unzip();
            let object = serde_json::json!({
                "error": failure.what,
                "next": failure.next,
                "exit": failure.exit as u8,
                "file": file,
                "offset": offset.flatten(),
            });
            self.always(object);
        } else {
            let label = paint("seawall:", Tone::Bad, io::stderr().is_terminal());
            self.always(format_args!("{label} {}\n  next: {}", failure.what, failure.next));
        }
    }

    /// Whether a progress display makes sense.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// `text` in the colour of its tone, if stdout is a terminal that shows colours.
    pub(crate) fn painted(&self, text: &str, tone: Tone) -> String {
        paint(text, tone, io::stdout().is_terminal())
    }
}

/// Colours `text` unless `NO_COLOR` or the terminal says otherwise.
fn paint(text: &str, tone: Tone, terminal: bool) -> String {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if !terminal || refused || dumb {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => 32,
        Tone::Bad => 31,
    };
    format!("\x1b[1;{code}m{text}\x1b[0m")
}

/// Lets a verdict stand although nobody reads it any more.
pub(crate) fn unless_reader_went_away(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// `1 entry`, `2 entries`.
pub(crate) fn counted(entries: u64) -> String {
    format!("{entries} {}", if entries == 1 { "entry" } else { "entries" })
}

/// `1 block`, `2 blocks`: for words that take an s.
pub(crate) fn several(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}
