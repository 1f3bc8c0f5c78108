//! `import`: lines of JSON into the database, in batches that are durable when acknowledged.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use seawall::{Db, Durability, KEY_BYTES_MAX, VALUE_BYTES_MAX, WriteBatch};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::json;

use super::lines::{Lines, Next};
use super::{Use, open};
use crate::args::Import;
use crate::bytes::{Parsed, from_hex};
use crate::console::{Console, counted};
use crate::exit::{Exit, Failure};
use crate::hint::{quoted, seawall};
use crate::interrupt;

/// A batch is committed early when its keys and values are this large together.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// One line of input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    key: Parsed<'a>,
    #[serde(borrow)]
    value: Parsed<'a>,
}

/// A key and its value.
type Entry<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// An import under way.
struct Importer<'a> {
    console: &'a Console,
    path: &'a Path,
    arguments: &'a Import,
    db: Db,
    /// Whether a pause of the input ends a batch. In one of a file nobody waits for anything, and
    /// batches stay as they were asked for.
    pause_ends_batch: bool,
    batch: WriteBatch,
    /// Lines read so far, blank ones too.
    lines: u64,
    /// Entries that are durable.
    acknowledged: u64,
}

pub(crate) fn import(console: &Console, path: &Path, arguments: &Import) -> anyhow::Result<Exit> {
    let input = open_input(&arguments.file)?;
    interrupt::listen()?;
    let db = open(console, path, Use::Filling)?;
    let started = Instant::now();
    let mut importer = Importer {
        console,
        path,
        arguments,
        db,
        pause_ends_batch: !arguments.file.is_file(),
        batch: WriteBatch::new(),
        lines: 0,
        acknowledged: 0,
    };
    let ended = importer.read_all(&Lines::of(input));
    // Whatever ended it: the lines before that are good, and are written.
    let committed = importer.commit();
    let result = committed.and(ended);
    report(&importer, &result, started)?;
    let closed = importer.db.close();
    let exit = result?;
    closed?;
    Ok(exit)
}

/// The file, or stdin for `-`.
pub(super) fn open_input(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    let opened = open_file(file).map_err(|error| {
        Failure::error(
            format!("cannot read {}: {error}", file.display()),
            "name a file of lines {\"key\": .., \"value\": ..}, or `-` for stdin",
        )
    })?;
    Ok(Box::new(opened))
}

/// A directory opens like a file and cannot be read: told before a database is made for it.
fn open_file(file: &Path) -> std::io::Result<File> {
    let opened = File::open(file)?;
    if opened.metadata()?.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    Ok(opened)
}

impl Importer<'_> {
    fn read_all(&mut self, input: &Lines) -> anyhow::Result<Exit> {
        loop {
            match input.next().context("cannot read the input")? {
                Next::Chunk(chunk) => {
                    for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                        self.line(line)?;
                        if interrupt::asked() {
                            return Ok(Exit::Interrupted);
                        }
                    }
                }
                Next::Pause if self.pause_ends_batch => drop(self.commit()?),
                Next::Pause => {}
                Next::End => return Ok(Exit::Fine),
                Next::Interrupted => return Ok(Exit::Interrupted),
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let line = line.trim_ascii();
        if !line.is_empty() {
            let parsed = parse(line, self.console.hex);
            let (key, value) = parsed.map_err(|why| self.malformed(&why))?;
            self.batch.put(&*key, &*value);
        }
        self.lines += 1;
        if self.batch.len() >= self.arguments.batch as usize || self.batch.byte_len() >= BATCH_BYTES
        {
            self.commit()?;
        }
        Ok(())
    }

    /// Makes what was read so far durable and says so.
    fn commit(&mut self) -> anyhow::Result<Exit> {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            let entries = batch.len() as u64;
            self.db.commit_with(batch, Durability::Sync)?;
            self.acknowledged += entries;
            self.console.always(format_args!("acknowledged {}", self.acknowledged));
        }
        Ok(Exit::Fine)
    }

    fn malformed(&self, why: &str) -> Failure {
        let line = self.lines + 1;
        let imported = self.acknowledged + self.batch.len() as u64;
        let stays = if imported == 1 { "is imported and stays" } else { "are imported and stay" };
        let imported = counted(imported);
        Failure::error(
            format!("line {line}, {why}; {imported} before it {stays}"),
            format!("mend line {line} and import from there on: {}", self.rest_from(line)),
        )
    }

    /// The command that imports what is left.
    fn rest_from(&self, line: u64) -> String {
        let Importer { console, path, arguments: Import { file, batch }, .. } = self;
        let file = if file == Path::new("-") { "FILE".to_owned() } else { quoted(file) };
        let seawall = seawall(console, path);
        format!("`tail -n +{line} {file} | {seawall} import --batch {batch} -`")
    }
}

/// The key and value of a line, or what is wrong with it and at which column.
fn parse(line: &[u8], hex: bool) -> Result<Entry<'_>, String> {
    let Line { key, value } = serde_json::from_slice(line).map_err(column_and_what)?;
    Ok((decoded("key", key, hex)?, decoded("value", value, hex)?))
}

/// What is wrong with a line of JSON, and at which column.
pub(super) fn column_and_what(error: serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let what = match error.classify() {
        Category::Eof => "the line ends too early",
        _ if matches!(what, "expected value" | "expected ident") => "no JSON begins here",
        _ => what,
    };
    format!("column {}: {what}", error.column())
}

/// The bytes of a key or value, which `what` says. What the store would refuse is found while the line's
/// number is still known.
pub(super) fn decoded<'a>(
    what: &str,
    parsed: Parsed<'a>,
    hex: bool,
) -> Result<Cow<'a, [u8]>, String> {
    let decode = |text: Cow<'_, [u8]>| {
        from_hex(&text).map_err(|why| format!("the {what} is not hexadecimal: {why}"))
    };
    let bytes = if hex { decode(parsed.0)?.into() } else { parsed.0 };
    let max = if what == "key" { KEY_BYTES_MAX } else { VALUE_BYTES_MAX };
    if bytes.len() > max {
        return Err(format!("the {what} has {} bytes, the limit is {max}", bytes.len()));
    }
    Ok(bytes)
}

fn report(
    importer: &Importer<'_>,
    result: &anyhow::Result<Exit>,
    started: Instant,
) -> anyhow::Result<()> {
    let Importer { console, acknowledged, lines, .. } = importer;
    let seconds = started.elapsed().as_secs_f64();
    let interrupted = matches!(result, Ok(Exit::Interrupted));
    if interrupted {
        let rest = importer.rest_from(lines + 1);
        console.say(format_args!("interrupted after line {lines}; go on with {rest}"));
    }
    if console.json() {
        console.data_json(&json!({
            "imported": acknowledged,
            "lines": lines,
            "seconds": seconds,
            "interrupted": interrupted,
        }))?;
    } else {
        console.say(format_args!("imported {} in {seconds:.1} s", counted(*acknowledged)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error(line: &str, expected: &str) {
        let error = parse(line.as_bytes(), false).expect_err(line);
        assert_eq!(error, expected, "{line}");
    }

    #[test]
    fn a_line_is_a_key_and_a_value() {
        let line = br#"{"value": {"b64": "/w=="}, "key": "caf\u00e9"}"#;
        let (key, value) = parse(line, false).expect("valid");
        assert_eq!((&*key, &*value), ("caf\u{e9}".as_bytes(), &[0xff][..]));
    }

    #[test]
    fn hexadecimal_lines_are_decoded() {
        let (key, value) = parse(br#"{"key":"00ff","value":""}"#, true).expect("valid");
        assert_eq!((&*key, &*value), (&[0, 0xff][..], &b""[..]));
        assert!(parse(br#"{"key":"0","value":""}"#, true).is_err());
    }

    #[test]
    fn a_malformed_line_says_where_and_what() {
        check_error("{\"key\":\"a\"}", "column 11: missing field `value`");
        check_error("{\"key\":\"a\",\"value\":\"b\"} x", "column 25: trailing characters");
        check_error(
            "{\"key\":7,\"value\":\"b\"}",
            "column 8: invalid type: integer `7`, expected a string or {\"b64\": \"..\"}",
        );
        check_error(
            "{\"key\":\"a\",\"val\":\"b\"}",
            "column 16: unknown field `val`, expected `key` or `value`",
        );
        check_error("key value", "column 1: no JSON begins here");
        check_error("{\"key\":\"a\"", "column 10: the line ends too early");
        check_error(
            "{\"key\":{\"b64\":\"!!\"},\"value\":\"b\"}",
            "column 19: `b64` does not hold base64 as RFC 4648 has it, with its padding",
        );
    }

    #[test]
    fn parsing_borrows_from_the_line() {
        let (key, value) = parse(br#"{"key":"user456","value":"bob"}"#, false).expect("valid");
        assert!(matches!((key, value), (Cow::Borrowed(_), Cow::Borrowed(_))));
    }
}
