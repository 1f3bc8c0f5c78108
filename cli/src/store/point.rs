//! One key at a time: `put`, `get`, `del`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use super::{Use, argument, look, open};
use crate::args::Put;
use crate::bytes::{Hex, Shown, write_text};
use crate::console::Console;
use crate::exit::{Exit, Failure};

pub(crate) fn put(console: &Console, path: &Path, arguments: &Put) -> anyhow::Result<Exit> {
    let key = argument(console, "key", &arguments.key)?;
    // Before the database is opened: what cannot be put must not leave an empty one behind.
    check_size("key", &key, seawall::KEY_BYTES_MAX)?;
    let value = value_of(console, &arguments.value)?;
    check_size("value", &value, seawall::VALUE_BYTES_MAX)?;
    let db = open(console, path, Use::Creating)?;
    let seqno = db.put(&*key, &*value)?;
    db.close()?;
    acknowledge(console, "put", seqno)
}

pub(crate) fn del(console: &Console, path: &Path, key: &OsStr) -> anyhow::Result<Exit> {
    let key = argument(console, "key", key)?;
    let db = open(console, path, Use::Existing)?;
    let seqno = db.delete(&*key)?;
    db.close()?;
    acknowledge(console, "deleted", seqno)
}

pub(crate) fn get(console: &Console, path: &Path, key: &OsStr) -> anyhow::Result<Exit> {
    let key = argument(console, "key", key)?;
    let Some(value) = look(console, path)?.get(&*key)? else {
        return Err(not_found(console, &key).into());
    };
    if console.json() {
        let shown = |bytes| Shown { bytes, hex: console.hex };
        console.data_json(&json!({ "key": shown(&key), "value": shown(&value) }))?;
    } else {
        let mut out = console.stdout();
        write_text(&mut out, &value, console.hex)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(Exit::Fine)
}

fn not_found(console: &Console, key: &[u8]) -> Failure {
    let shown = match std::str::from_utf8(key) {
        Ok(text) if !console.hex => format!("`{}`", text.escape_debug()),
        _ => format!("0x{}", Hex(key)),
    };
    Failure::new(
        Exit::KeyNotFound,
        format!("there is no key {shown}"),
        "list the keys there are with `{seawall} scan --keys-only`",
    )
}

fn acknowledge(console: &Console, what: &str, seqno: seawall::SeqNo) -> anyhow::Result<Exit> {
    if console.json() {
        console.data_json(&json!({ "seqno": seqno }))?;
    } else {
        console.detail(format_args!("{what}, sequence number {}", seqno));
    }
    Ok(Exit::Fine)
}

fn check_size(what: &str, bytes: &[u8], max: usize) -> anyhow::Result<()> {
    if bytes.len() <= max {
        return Ok(());
    }
    let what = format!("the {what} has more than {max} bytes, which is the limit");
    Err(Failure::error(what, "split it over several keys").into())
}

/// All of an input, or as much as shows that it is too large for a value.
fn read_value(input: impl Read) -> std::io::Result<Vec<u8>> {
    let mut value = Vec::new();
    input.take(seawall::VALUE_BYTES_MAX as u64 + 1).read_to_end(&mut value)?;
    Ok(value)
}

/// The value that the second argument of `put` means: itself, `-` for stdin, `@FILE` for a file.
fn value_of<'a>(console: &Console, text: &'a OsStr) -> anyhow::Result<Cow<'a, [u8]>> {
    let raw = text.as_bytes();
    if raw == b"-" {
        let value = read_value(std::io::stdin()).context("cannot read the value from stdin")?;
        return Ok(Cow::Owned(value));
    }
    if let Some(file) = raw.strip_prefix(b"@") {
        let file = Path::new(OsStr::from_bytes(file));
        let value = std::fs::File::open(file).and_then(read_value).map_err(|error| {
            Failure::error(
                format!("cannot read the value from {}: {error}", file.display()),
                "after @ stands the name of a file; a value that begins with @ is given on stdin, \
                 with `-` in its place",
            )
        })?;
        return Ok(Cow::Owned(value));
    }
    argument(console, "value", text)
}
