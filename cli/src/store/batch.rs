//! `batch`: lines of JSON as one commit, all of it or nothing.

use std::path::Path;

use anyhow::Context;
use seawall::{BATCH_BYTES_MAX, WriteBatch};
use serde::Deserialize;
use serde_json::json;

use super::import::{column_and_what, decoded, open_input};
use super::lines::{Lines, Next};
use super::{Use, open};
use crate::bytes::Parsed;
use crate::console::{Console, several};
use crate::exit::{Exit, Failure};
use crate::interrupt;

/// One line of input: a value to put, or `"delete": true`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    key: Parsed<'a>,
    #[serde(borrow)]
    value: Option<Parsed<'a>>,
    #[serde(default)]
    delete: bool,
}

pub(crate) fn batch(console: &Console, path: &Path, file: &Path) -> anyhow::Result<Exit> {
    let input = Lines::of(open_input(file)?);
    interrupt::listen()?;
    // Whole before the database is opened: a malformed line must not leave an empty one behind.
    let Some(batch) = read(console, &input)? else {
        console.say("interrupted: nothing was written");
        return Ok(Exit::Interrupted);
    };
    let operations = batch.len();
    let db = open(console, path, Use::Creating)?;
    let seqno = db.commit(batch)?;
    db.close()?;
    if console.json() {
        console.data_json(&json!({ "operations": operations, "seqno": seqno }))?;
    } else {
        let operations = several(operations as u64, "operation");
        console.say(format_args!("committed {operations} as one"));
    }
    Ok(Exit::Fine)
}

/// All lines; `None` when interrupted.
fn read(console: &Console, input: &Lines) -> anyhow::Result<Option<WriteBatch>> {
    let mut batch = WriteBatch::new();
    let mut number: u64 = 0;
    loop {
        match input.next().context("cannot read the input")? {
            Next::Chunk(chunk) => {
                for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                    number += 1;
                    add(&mut batch, line.trim_ascii(), console.hex)
                        .map_err(|why| malformed(number, &why))?;
                }
            }
            Next::Pause => {}
            Next::End => return Ok(Some(batch)),
            Next::Interrupted => return Ok(None),
        }
    }
}

fn malformed(number: u64, why: &str) -> Failure {
    Failure::error(
        format!("line {number}, {why}; nothing was written"),
        format!("mend line {number} and run it again: a batch is written as one"),
    )
}

/// Adds a line to the batch, or says what is wrong with it.
fn add(batch: &mut WriteBatch, line: &[u8], hex: bool) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    let Line { key, value, delete } = serde_json::from_slice(line).map_err(column_and_what)?;
    let key = decoded("key", key, hex)?;
    match (value, delete) {
        (Some(value), false) => batch.put(key, decoded("value", value, hex)?),
        (None, true) => batch.delete(key),
        _ => return Err("a line has either a `value` or `\"delete\": true`".to_owned()),
    }
    if batch.byte_len() > BATCH_BYTES_MAX {
        return Err(format!(
            "the batch is larger than {BATCH_BYTES_MAX} bytes, which is the limit"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, hex: bool, expected: Result<usize, &str>) {
        let mut batch = WriteBatch::new();
        let added = add(&mut batch, line.as_bytes(), hex).map(|()| batch.len());
        assert_eq!(added, expected.map_err(str::to_owned), "{line}");
    }

    #[test]
    fn a_line_puts_or_deletes() {
        check(r#"{"key":"a","value":"1"}"#, false, Ok(1));
        check(r#"{"key":{"b64":"/w=="},"delete":true}"#, false, Ok(1));
        check(r#"{"key":"ff","value":"","delete":false}"#, true, Ok(1));
        check("", false, Ok(0));
    }

    #[test]
    fn a_line_that_does_both_or_neither_is_refused() {
        let either = Err("a line has either a `value` or `\"delete\": true`");
        check(r#"{"key":"a"}"#, false, either);
        check(r#"{"key":"a","value":"1","delete":true}"#, false, either);
        check(r#"{"key":"a","value":null}"#, false, either);
        check(r#"{"value":"1"}"#, false, Err("column 13: missing field `key`"));
        let hex = "the key is not hexadecimal: 1 hexadecimal digit, and each byte has two";
        check(r#"{"key":"a","delete":true}"#, true, Err(hex));
    }
}
