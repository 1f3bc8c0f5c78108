//! `scan` and `count`: reading in key order, one entry in memory at a time.

use std::io::{self, Write};
use std::ops::Bound;
use std::path::Path;

use seawall::{ReadOnlyDb, Slice};
use serde::Serialize;
use serde_json::json;

use super::{argument, look};
use crate::args::Scan;
use crate::bytes::{Shown, write_field};
use crate::console::Console;
use crate::exit::Exit;
use crate::interrupt;

type Entry = seawall::Result<(Slice, Slice)>;

/// A range of keys: from `start` on, up to but not `end`.
#[derive(Debug, PartialEq, Eq)]
struct Bounds {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

pub(crate) fn scan(console: &Console, path: &Path, arguments: &Scan) -> anyhow::Result<Exit> {
    let bounds = bounds_of(console, arguments)?;
    interrupt::listen()?;
    let db = look(console, path)?;
    let limit = arguments.limit.unwrap_or(usize::MAX);
    match entries(&db, &bounds) {
        None => Ok(Exit::Fine),
        Some(all) if arguments.reverse => print(console, arguments, all.rev().take(limit)),
        Some(all) => print(console, arguments, all.take(limit)),
    }
}

pub(crate) fn count(console: &Console, path: &Path) -> anyhow::Result<Exit> {
    interrupt::listen()?;
    let db = look(console, path)?;
    let mut count: u64 = 0;
    for entry in db.iter() {
        if interrupt::asked() {
            console.say(format_args!("interrupted after {count} keys"));
            return Ok(Exit::Interrupted);
        }
        entry?;
        count += 1;
    }
    if console.json() {
        console.data_json(&json!({ "count": count }))?;
    } else {
        console.data(count)?;
    }
    Ok(Exit::Fine)
}

/// The entries within the bounds, or nothing when no key can be.
fn entries(db: &ReadOnlyDb, bounds: &Bounds) -> Option<seawall::Range> {
    let end = match &bounds.end {
        Some(end) if *end <= bounds.start => return None,
        Some(end) => Bound::Excluded(end.clone()),
        None => Bound::Unbounded,
    };
    Some(db.range((Bound::Included(bounds.start.clone()), end)))
}

fn print(
    console: &Console,
    arguments: &Scan,
    entries: impl Iterator<Item = Entry>,
) -> anyhow::Result<Exit> {
    let mut out = console.stdout();
    for entry in entries {
        if interrupt::asked() {
            out.flush()?;
            return Ok(Exit::Interrupted);
        }
        let (key, value) = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // What was read before the damage is good, and worth having.
                out.flush()?;
                return Err(error.into());
            }
        };
        let value = (!arguments.keys_only).then_some(&*value);
        write_entry(console, &mut out, &key, value)?;
    }
    out.flush()?;
    Ok(Exit::Fine)
}

#[derive(Serialize)]
struct Line<'a> {
    key: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Shown<'a>>,
}

fn write_entry(
    console: &Console,
    out: &mut impl Write,
    key: &[u8],
    value: Option<&[u8]>,
) -> io::Result<()> {
    if console.json() {
        return write_line(out, console.hex, key, value);
    }
    write_field(out, key, console.hex)?;
    if let Some(value) = value {
        out.write_all(b"\t")?;
        write_field(out, value, console.hex)?;
    }
    out.write_all(b"\n")
}

/// Writes an entry as `import` reads it.
pub(super) fn write_line(
    mut out: impl Write,
    hex: bool,
    key: &[u8],
    value: Option<&[u8]>,
) -> io::Result<()> {
    let shown = |bytes| Shown { bytes, hex };
    serde_json::to_writer(&mut out, &Line { key: shown(key), value: value.map(shown) })?;
    out.write_all(b"\n")
}

fn bounds_of(console: &Console, arguments: &Scan) -> anyhow::Result<Bounds> {
    let mut bounds = Bounds { start: Vec::new(), end: None };
    if let Some(prefix) = &arguments.prefix {
        let prefix = argument(console, "prefix", prefix)?;
        bounds.end = after_prefix(&prefix);
        bounds.start = prefix.into_owned();
    }
    if let Some(start) = &arguments.start {
        let start = argument(console, "start", start)?.into_owned();
        bounds.start = bounds.start.max(start);
    }
    if let Some(end) = &arguments.end {
        let end = argument(console, "end", end)?.into_owned();
        bounds.end = Some(bounds.end.map_or_else(|| end.clone(), |other| other.min(end.clone())));
    }
    Ok(bounds)
}

/// The smallest key after all that begin with `prefix`; none if every larger key does.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=kept].to_vec();
    end[kept] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Format;

    fn bounds(start: &str, end: &str, prefix: &str) -> Bounds {
        let console = Console { format: Format::Text, hex: false, quiet: false, verbose: false };
        let given = |text: &str| (!text.is_empty()).then(|| text.into());
        let arguments = Scan {
            start: given(start),
            end: given(end),
            prefix: given(prefix),
            limit: None,
            reverse: false,
            keys_only: false,
        };
        bounds_of(&console, &arguments).expect("plain text")
    }

    #[test]
    fn a_prefix_narrows_the_range_and_is_narrowed_by_it() {
        let check = |given: (&str, &str, &str), start: &str, end: Option<&str>| {
            let expected = Bounds { start: start.into(), end: end.map(Into::into) };
            assert_eq!(bounds(given.0, given.1, given.2), expected, "{given:?}");
        };
        check(("", "", ""), "", None);
        check(("b", "d", ""), "b", Some("d"));
        check(("", "", "ab"), "ab", Some("ac"));
        check(("abc", "", "ab"), "abc", Some("ac"));
        check(("a", "abx", "ab"), "ab", Some("abx"));
        check(("x", "", "ab"), "x", Some("ac"));
    }

    #[test]
    fn a_prefix_of_largest_bytes_has_no_end() {
        assert_eq!(after_prefix(&[0xff, 0xff]), None);
        assert_eq!(after_prefix(&[1, 0xff]), Some(vec![2]));
        assert_eq!(after_prefix(b""), None);
    }
}
