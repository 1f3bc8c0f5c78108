//! Places of files that are not as they were written, told one by one.

use std::fmt;
use std::path::Path;

use seawall::Damage;
use serde_json::{Value, json};

use crate::bytes::{Hex, Shown};
use crate::console::{Console, several, unless_reader_went_away};
use crate::exit::{Exit, Failure};

/// More places than this are counted in text. JSON has them all.
const TOLD_MAX: usize = 100;

/// Prints all `damage` in the files of `folder`, if there is any, and says how the command ends then. The
/// verdict is not for a reader who went away alone.
pub(crate) fn report(
    console: &Console,
    folder: &Path,
    damage: &[Damage],
    next: &str,
) -> anyhow::Result<()> {
    let Some(first) = damage.first() else { return Ok(()) };
    let printed = if console.json() {
        let damage: Vec<Value> = damage.iter().map(|damage| as_json(console, damage)).collect();
        console.data_json(&json!({ "verdict": "damaged", "damage": damage }))
    } else {
        let count = several(damage.len() as u64, "place");
        console.data(format_args!("{}damaged in {count}", Told { console, damage }))
    };
    unless_reader_went_away(printed)?;
    let path = folder.join(&first.file);
    let at = first.offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
    let more = match damage.len() {
        1 => String::new(),
        count => format!(", and {}", several(count as u64 - 1, "more damaged place")),
    };
    let what = format!("{}: {}{at}{more}", first.what, path.display());
    let place = Some((path, first.offset));
    Err(Failure { place, ..Failure::new(Exit::Corruption, what, next) }.into())
}

/// A list for people, each place on lines of its own.
pub(crate) struct Told<'a> {
    pub(crate) console: &'a Console,
    pub(crate) damage: &'a [Damage],
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { console, damage } = self;
        damage.iter().take(TOLD_MAX).try_for_each(|damage| write_one(f, console, damage))?;
        match damage.len().saturating_sub(TOLD_MAX) {
            0 => Ok(()),
            more => {
                let places = several(more as u64, "more place");
                writeln!(f, "damage     {places}, which `--output json` lists")
            }
        }
    }
}

fn write_one(f: &mut fmt::Formatter<'_>, console: &Console, damage: &Damage) -> fmt::Result {
    let Damage { file, offset, bytes, blocks, what, lost, torn, keys, seqnos, older_keys } = damage;
    let class = match (lost, torn) {
        (_, true) => "torn",
        (true, false) => "LOSS",
        (false, false) => "damage",
    };
    write!(f, "{class:<10} {file}")?;
    if let Some(offset) = offset {
        write!(f, " at byte {offset}")?;
    }
    match (blocks, bytes) {
        (0, Some(bytes)) => write!(f, ", {}", several(*bytes, "byte"))?,
        (blocks, Some(bytes)) => {
            write!(f, ", {} of {}", several(*blocks, "block"), several(*bytes, "byte"))?;
        }
        (_, None) => {}
    }
    writeln!(f, ": {what}")?;
    let key = |key: &[u8]| key_text(console, key);
    let mut bounds = Vec::new();
    bounds.extend(keys.as_ref().map(|(from, upto)| match upto {
        Some(upto) => format!("keys from {} to {}, both included", key(from), key(upto)),
        None => format!("keys from {} on", key(from)),
    }));
    bounds.extend(seqnos.map(|(first, last)| match last {
        Some(last) => format!("seqnos {first}..={last}"),
        None => format!("seqnos from {first} on, if there were any"),
    }));
    if !bounds.is_empty() {
        writeln!(f, "           it held {}", bounds.join("; "))?;
    }
    if *older_keys > 0 {
        let keys = several(*older_keys, "key");
        writeln!(f, "           {keys} there may have come back older, or although deleted")?;
    }
    Ok(())
}

/// A key for people: in quotes, or as hexadecimal digits.
pub(crate) fn key_text(console: &Console, key: &[u8]) -> String {
    if console.hex { Hex(key).to_string() } else { format!("\"{}\"", key.escape_ascii()) }
}

pub(crate) fn as_json(console: &Console, damage: &Damage) -> Value {
    let Damage { file, offset, bytes, blocks, what, lost, torn, keys, seqnos, older_keys } = damage;
    let key = |key: Option<&Vec<u8>>| {
        key.map_or(Value::Null, |bytes| json!(Shown { bytes, hex: console.hex }))
    };
    json!({
        "file": file,
        "offset": offset,
        "bytes": bytes,
        "blocks": blocks,
        "what": what,
        "lost": lost,
        "torn": torn,
        "smallest": key(keys.as_ref().map(|(from, _)| from)),
        "largest": key(keys.as_ref().and_then(|(_, upto)| upto.as_ref())),
        "first_seqno": seqnos.map(|(first, _)| first),
        "last_seqno": seqnos.and_then(|(_, last)| last),
        "older_keys": older_keys,
    })
}
