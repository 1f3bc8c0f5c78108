//! `export`: all keys with their values as lines of JSON, as `import` reads them, of one moment.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use indicatif::ProgressBar;
use seawall::ReadOnlyDb;
use serde_json::json;

use super::scan::write_line;
use super::{counter, look};
use crate::args::Export;
use crate::console::{Console, counted};
use crate::exit::{Exit, Failure};
use crate::interrupt;

/// Entries between two looks at the progress display.
const SHOW_EVERY: u64 = 256;

/// Where the lines go.
enum Output {
    Stdout(BufWriter<std::io::StdoutLock<'static>>),
    File(BufWriter<File>),
}

pub(crate) fn export(console: &Console, path: &Path, arguments: &Export) -> anyhow::Result<Exit> {
    interrupt::listen()?;
    // First: without a database there must be no file either.
    let db = look(console, path)?;
    let mut out = Output::of(console, &arguments.file)?;
    let started = Instant::now();
    let mut count = 0;
    let bar = bar(console, &out);
    let ended = write_all(console, &db, &mut out, &bar, &mut count);
    bar.finish_and_clear();
    // What was read before damage or Ctrl-C is good, and worth having.
    let finished = out.finish().with_context(|| cannot_write(&arguments.file));
    let exit = ended.with_context(|| format!("the export ended after {}", counted(count)))?;
    finished?;
    report(console, &out, exit, count, started)?;
    Ok(exit)
}

fn write_all(
    console: &Console,
    db: &ReadOnlyDb,
    out: &mut Output,
    bar: &ProgressBar,
    count: &mut u64,
) -> anyhow::Result<Exit> {
    for entry in db.iter() {
        if interrupt::asked() {
            return Ok(Exit::Interrupted);
        }
        let (key, value) = entry?;
        write_line(out.writer(), console.hex, &key, Some(&value))?;
        *count += 1;
        if count.is_multiple_of(SHOW_EVERY) {
            bar.set_position(*count);
        }
    }
    Ok(Exit::Fine)
}

impl Output {
    /// # Errors
    /// A file that is there already: what it holds may be all that is left of something.
    fn of(console: &Console, file: &Path) -> anyhow::Result<Output> {
        if file.as_os_str() == "-" {
            return Ok(Output::Stdout(console.stdout()));
        }
        let special = file.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir());
        // A pipe or a device is there before anybody writes to it.
        let opened =
            if special { File::options().write(true).open(file) } else { File::create_new(file) };
        let opened = opened.map_err(|error| {
            Failure::error(
                format!("{}: {error}", cannot_write(file)),
                "name a file that is not there yet, or leave it out: the lines then go to stdout",
            )
        })?;
        Ok(Output::File(BufWriter::with_capacity(64 * 1024, opened)))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Output::Stdout(out) => out,
            Output::File(out) => out,
        }
    }

    /// Nothing stays in the buffer; a file is durable.
    fn finish(&mut self) -> std::io::Result<()> {
        self.writer().flush()?;
        match self {
            Output::File(out) if out.get_ref().metadata()?.is_file() => out.get_ref().sync_all(),
            _ => Ok(()),
        }
    }
}

fn cannot_write(file: &Path) -> String {
    format!("cannot write {}", file.display())
}

/// A count on a terminal, unless the lines go there.
fn bar(console: &Console, out: &Output) -> ProgressBar {
    let in_the_way = matches!(out, Output::Stdout(_)) && std::io::stdout().is_terminal();
    if in_the_way { ProgressBar::hidden() } else { counter(console) }
}

fn report(
    console: &Console,
    out: &Output,
    exit: Exit,
    count: u64,
    started: Instant,
) -> anyhow::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    let interrupted = exit == Exit::Interrupted;
    let entries = counted(count);
    if interrupted {
        console.say(format_args!("interrupted after {entries}: that is not the whole database"));
    }
    if console.json() && matches!(out, Output::File(_)) {
        console.data_json(
            &json!({ "exported": count, "seconds": seconds, "interrupted": interrupted }),
        )?;
    } else {
        console.say(format_args!("exported {entries} in {seconds:.1} s"));
    }
    Ok(())
}
