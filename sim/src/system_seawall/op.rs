//! What clients do to the store, with a text form for tapes.
//!
//! ```text
//! put 7 40 sync          key 7, a value of 40 bytes, durable
//! del 7 os               survives a kill
//! batch 7=40 3=x 7=0 os  x deletes
//! get 7   get 7+         + is the place right behind a key
//! scan 3..9  rscan ..9+  mscan ..    forward, backward, from both ends
//! flush   verify   compact 3..9   reopen
//! snap 1  snapget 1 7  snapscan 1 3..9  snapdrop 1    a snapshot in place 1
//! hold 1 3..9  drain 1                                an iterator in place 1, begun and ended
//! ```

use std::fmt;
use std::str::FromStr;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Changes, in one batch. One alone is done by `put` or `delete`.
    Write {
        /// Key and the value's length; no length deletes.
        changes: Vec<(u16, Option<u32>)>,
        /// Whether they are to be durable.
        sync: bool,
        /// Whether they go in a batch even when there is one alone.
        batch: bool,
    },
    /// Reads one key.
    Get(Place),
    /// Reads a range, from the first place to just before the second.
    Scan {
        /// In which order.
        order: Order,
        /// The first place; none is the start of all keys.
        from: Option<Place>,
        /// The place after the last; none is the end of all keys.
        to: Option<Place>,
    },
    /// Takes a snapshot and keeps it in a slot, from which others may read.
    Snapshot(u8),
    /// Reads one key through the snapshot of a slot.
    SnapshotGet(u8, Place),
    /// Reads a range through the snapshot of a slot.
    SnapshotScan(u8, Option<Place>, Option<Place>),
    /// Lets the snapshot of a slot go.
    SnapshotDrop(u8),
    /// Begins to read a range, and keeps the iterator in a slot after its first entry.
    Hold(u8, Option<Place>, Option<Place>),
    /// Reads to its end what is held in a slot.
    Drain(u8),
    /// Merges tables of a range.
    Compact(Option<Place>, Option<Place>),
    /// Writes tables.
    Flush,
    /// Reads and checks everything.
    Verify,
    /// Closes the store and opens it again, whoever else is at it.
    Reopen,
}

/// A place among the keys: a key, or right behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The key's number.
    pub key: u16,
    /// Not the key itself but the smallest one greater than it.
    pub behind: bool,
}

/// How a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the first key.
    Forward,
    /// From the last key.
    Reverse,
    /// From both ends in turn.
    Both,
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Order::Forward => "scan",
            Order::Reverse => "rscan",
            Order::Both => "mscan",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.key, if self.behind { "+" } else { "" })
    }
}

/// A range as text.
struct Span(Option<Place>, Option<Place>);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |place: Option<Place>| place.map_or(String::new(), |place| place.to_string());
        write!(f, "{}..{}", text(self.0), text(self.1))
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Flush => f.write_str("flush"),
            Op::Verify => f.write_str("verify"),
            Op::Reopen => f.write_str("reopen"),
            Op::Get(place) => write!(f, "get {place}"),
            Op::Scan { order, from, to } => {
                write!(f, "{} {}", order.word(), Span(*from, *to))
            }
            Op::Snapshot(slot) => write!(f, "snap {slot}"),
            Op::SnapshotGet(slot, place) => write!(f, "snapget {slot} {place}"),
            Op::SnapshotScan(slot, from, to) => write!(f, "snapscan {slot} {}", Span(*from, *to)),
            Op::SnapshotDrop(slot) => write!(f, "snapdrop {slot}"),
            Op::Hold(slot, from, to) => write!(f, "hold {slot} {}", Span(*from, *to)),
            Op::Drain(slot) => write!(f, "drain {slot}"),
            Op::Compact(from, to) => write!(f, "compact {}", Span(*from, *to)),
            Op::Write { changes, sync, batch } => {
                write_changes(f, changes, *batch)?;
                f.write_str(if *sync { " sync" } else { " os" })
            }
        }
    }
}

fn write_changes(
    f: &mut fmt::Formatter<'_>,
    changes: &[(u16, Option<u32>)],
    batch: bool,
) -> fmt::Result {
    match changes {
        [(key, Some(len))] if !batch => write!(f, "put {key} {len}"),
        [(key, None)] if !batch => write!(f, "del {key}"),
        _ => {
            f.write_str("batch")?;
            for (key, len) in changes {
                match len {
                    Some(len) => write!(f, " {key}={len}")?,
                    None => write!(f, " {key}=x")?,
                }
            }
            Ok(())
        }
    }
}

impl FromStr for Op {
    type Err = String;

    fn from_str(text: &str) -> Result<Op, String> {
        parse(text).ok_or_else(|| format!("{text:?} is no operation"))
    }
}

fn parse(text: &str) -> Option<Op> {
    let words: Vec<&str> = text.split(' ').collect();
    let (first, rest) = words.split_first()?;
    match (*first, rest) {
        ("flush", []) => Some(Op::Flush),
        ("verify", []) => Some(Op::Verify),
        ("reopen", []) => Some(Op::Reopen),
        ("get", [place]) => Some(Op::Get(parse_place(place)?)),
        ("scan" | "rscan" | "mscan", [range]) => parse_scan(first, range),
        ("snap", [slot]) => Some(Op::Snapshot(slot.parse().ok()?)),
        ("snapget", [slot, place]) => {
            Some(Op::SnapshotGet(slot.parse().ok()?, parse_place(place)?))
        }
        ("snapscan", [slot, range]) => {
            let (from, to) = parse_span(range)?;
            Some(Op::SnapshotScan(slot.parse().ok()?, from, to))
        }
        ("snapdrop", [slot]) => Some(Op::SnapshotDrop(slot.parse().ok()?)),
        ("hold", [slot, range]) => {
            let (from, to) = parse_span(range)?;
            Some(Op::Hold(slot.parse().ok()?, from, to))
        }
        ("drain", [slot]) => Some(Op::Drain(slot.parse().ok()?)),
        ("compact", [range]) => parse_span(range).map(|(from, to)| Op::Compact(from, to)),
        ("put", [key, len, how]) => {
            let change = (key.parse().ok()?, Some(len.parse().ok()?));
            Some(Op::Write { changes: vec![change], sync: parse_how(how)?, batch: false })
        }
        ("del", [key, how]) => {
            let change = (key.parse().ok()?, None);
            Some(Op::Write { changes: vec![change], sync: parse_how(how)?, batch: false })
        }
        ("batch", [changes @ .., how]) => {
            let changes =
                changes.iter().map(|change| parse_change(change)).collect::<Option<_>>()?;
            Some(Op::Write { changes, sync: parse_how(how)?, batch: true })
        }
        _ => None,
    }
}

fn parse_how(word: &str) -> Option<bool> {
    match word {
        "sync" => Some(true),
        "os" => Some(false),
        _ => None,
    }
}

fn parse_change(word: &str) -> Option<(u16, Option<u32>)> {
    let (key, len) = word.split_once('=')?;
    let len = if len == "x" { None } else { Some(len.parse().ok()?) };
    Some((key.parse().ok()?, len))
}

fn parse_place(word: &str) -> Option<Place> {
    let key = word.strip_suffix('+');
    Some(Place { key: key.unwrap_or(word).parse().ok()?, behind: key.is_some() })
}

fn parse_scan(word: &str, range: &str) -> Option<Op> {
    let order =
        [Order::Forward, Order::Reverse, Order::Both].into_iter().find(|o| o.word() == word)?;
    let (from, to) = parse_span(range)?;
    Some(Op::Scan { order, from, to })
}

fn parse_span(range: &str) -> Option<(Option<Place>, Option<Place>)> {
    let end = |text: &str| {
        if text.is_empty() { Some(None) } else { parse_place(text).map(Some) }
    };
    let (from, to) = range.split_once("..")?;
    Some((end(from)?, end(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_read_back_from_their_text() {
        let texts = [
            "put 7 40 sync",
            "put 7 0 os",
            "del 7 os",
            "batch 7=40 3=x 7=0 os",
            "batch 7=40 sync",
            "batch sync",
            "get 7",
            "get 7+",
            "scan ..",
            "rscan 3..9+",
            "mscan 3+..",
            "flush",
            "verify",
            "reopen",
            "compact ..3+",
            "snap 1",
            "snapget 1 7+",
            "snapscan 2 3..",
            "snapdrop 1",
            "hold 0 ..",
            "drain 0",
        ];
        for text in texts {
            assert_eq!(text.parse::<Op>().map(|op| op.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "",
            "put 7 40",
            "put x 40 os",
            "scan 3",
            "batch 7 os",
            "get",
            "flush 1",
            "snap",
            "hold 1",
        ] {
            assert!(text.parse::<Op>().is_err(), "{text:?}");
        }
    }
}
