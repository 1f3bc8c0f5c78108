//! `inspect`: what the files of a database hold, read without opening it and without its lock; only
//! `inspect key` opens it, for reading alone.

mod key;
mod levels;
mod manifest;
mod sst;
mod stats;

use std::error::Error as _;
use std::io::{self, Write as _};
use std::path::Path;

use seawall::ErrorKind;
use seawall::inspect::{FrameInfo, SegmentDump, TableInfo};
use seawall::os::vfs::OsFs;
use serde_json::{Value, json};

use crate::args::Inspect;
use crate::bytes::Shown;
use crate::console::Console;
use crate::damage::key_text;
use crate::exit::{Exit, Failure};
use crate::store::none_at;

pub(crate) fn inspect(console: &Console, db: &Path, what: &Inspect) -> anyhow::Result<Exit> {
    let read = |error| explained(error, db);
    match what {
        Inspect::Manifest => {
            let dump = seawall::inspect::manifest(&OsFs::new(), db).map_err(read)?;
            manifest::print(console, &dump)
        }
        Inspect::Wal { file } => {
            let dump = seawall::inspect::wal(&OsFs::new(), db, file.as_deref()).map_err(read)?;
            let segments = || dump.segments.iter().map(segment_json).collect::<Vec<_>>();
            print(console, &dump, || json!({ "segments": segments() }))
        }
        Inspect::Levels => {
            let dump = seawall::inspect::manifest(&OsFs::new(), db).map_err(read)?;
            levels::print(console, db, &dump)
        }
        Inspect::Sst(arguments) => sst::inspect(console, db, arguments),
        Inspect::Key { key } => key::inspect(console, db, key),
        Inspect::Stats => stats::inspect(console, db),
    }
}

fn print(
    console: &Console,
    text: &impl std::fmt::Display,
    json: impl FnOnce() -> Value,
) -> anyhow::Result<Exit> {
    if console.json() {
        console.data_json(&json())?;
    } else {
        let mut out = console.stdout();
        write!(out, "{text}")?;
        out.flush()?;
    }
    Ok(Exit::Fine)
}

/// Tells a directory without a database from a database without that segment.
fn explained(error: seawall::Error, db: &Path) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound if error.file() == Some(db) => none_at(db),
        ErrorKind::NotFound => {
            Failure::error(error.to_string(), "see the names there are: `{seawall} inspect wal`")
                .into()
        }
        _ => error.into(),
    }
}

/// Whether there is no file of the name it tried to open.
fn is_missing(error: &seawall::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound)
}

fn keys_text(console: &Console, smallest: &[u8], largest: &[u8]) -> String {
    format!("{}..={}", key_text(console, smallest), key_text(console, largest))
}

fn tables_json(console: &Console, tables: &[TableInfo]) -> Vec<Value> {
    let hex = console.hex;
    let one = |table: &TableInfo| {
        json!({
            "level": table.level,
            "number": table.number,
            "size_bytes": table.size_bytes,
            "entry_count": table.entry_count,
            "smallest": Shown { bytes: &table.smallest, hex },
            "largest": Shown { bytes: &table.largest, hex },
            "seqno_min": table.seqno_min,
            "seqno_max": table.seqno_max,
        })
    };
    tables.iter().map(one).collect()
}

fn segment_json(segment: &SegmentDump) -> Value {
    json!({
        "file": segment.file,
        "size_bytes": segment.size_bytes,
        "end": segment.end,
        "bytes_beyond": segment.bytes_beyond,
        "frames": segment.frames.iter().map(frame_json).collect::<Vec<_>>(),
    })
}

fn frame_json(frame: &FrameInfo) -> Value {
    let follows = frame.follows.map(|(segment, end)| json!({ "segment": segment, "end": end }));
    json!({
        "offset": frame.offset,
        "bytes": frame.bytes,
        "kind": frame.kind,
        "count": frame.count,
        "first_seqno": frame.first_seqno,
        "synced_upto": frame.synced_upto,
        "follows": follows,
        "beyond_damage": frame.beyond_damage,
    })
}
