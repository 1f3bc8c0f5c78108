//! The store and its files under bytes that a fuzzer gives; the storm is [`crate::fuzz::storm`].
//!
//! Nobody guesses a checksum, so what is made of the bytes is sealed where it says so: the decoders
//! behind the checksums see any content. Each target is a function of bytes that tells what is wrong with
//! the store, and `corpus/fuzz/` keeps inputs that reach far, for each.

mod interface;
mod log_files;
mod tables;

use std::sync::Arc;

use seawall::{Db, Durability, Error, ErrorKind, Options, Slice};
use seawall_os::vfs::{MemFs, OpenMode, Vfs};

pub use interface::interface;
pub use log_files::{manifest, wal};
pub use tables::table;

/// Where the database lies.
const DIRECTORY: &str = "/db";

/// Small enough that a few operations reach everything.
fn options() -> Options {
    Options {
        memtable_entries_max: 8,
        segment_bytes: 4_096,
        block_bytes: 64,
        table_bytes: 512,
        manifest_roll_edits: 4,
        ..Options::default()
    }
}

fn open(vfs: &Arc<dyn Vfs>) -> Result<Db, Error> {
    Db::builder(DIRECTORY).vfs(Arc::clone(vfs)).options(options()).open()
}

fn told(error: &Error) -> String {
    format!("{:?}: {error}", error.kind())
}

/// A database of two tables and a log, whose handle was dropped.
fn killed_database() -> Result<Arc<dyn Vfs>, Error> {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let db = open(&vfs)?;
    for round in 0..2 {
        for key in 0..4 {
            db.put_with([key], [round, key], Durability::Os)?;
        }
        db.flush()?;
    }
    for key in 4..8 {
        db.put_with([key], [key; 3], Durability::Os)?;
    }
    db.put([8], "durable")?;
    Ok(vfs)
}

/// The bytes of a file.
fn read(vfs: &dyn Vfs, name: &str) -> std::io::Result<Vec<u8>> {
    let file = vfs.open(&std::path::Path::new(DIRECTORY).join(name), OpenMode::ReadOnly)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0)];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Makes a file hold these bytes and no others.
fn replace(vfs: &dyn Vfs, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = std::path::Path::new(DIRECTORY).join(name);
    let file = vfs.open(&path, OpenMode::ReadWrite)?;
    file.set_len(0)?;
    file.write_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)
}

/// Opens whatever is there, to read and then to write: both see the same or both find damage, and what
/// an open has returned the next one returns too.
fn opens_or_finds_damage(vfs: &Arc<dyn Vfs>) -> Result<(), String> {
    let builder = Db::builder(DIRECTORY).vfs(Arc::clone(vfs)).options(options());
    let looked = builder.open_read_only().and_then(|db| Ok((db.last_seqno(), all(db.iter())?)));
    let opened = builder.open().and_then(|db| Ok((db.last_seqno(), all(db.iter())?, db)));
    let (seqno, entries, db) = match (looked, opened) {
        (Ok((seqno, entries)), Ok((again, found, db))) if (seqno, &entries) == (again, &found) => {
            (seqno, entries, db)
        }
        (Err(looked), Err(opened)) => {
            let is_damage = |error: &Error| {
                matches!(error.kind(), ErrorKind::Corruption | ErrorKind::FormatTooNew)
            };
            let fair = is_damage(&looked) && is_damage(&opened);
            return if fair { Ok(()) } else { Err(format!("{looked:?} and then {opened:?}")) };
        }
        (looked, opened) => return Err(format!("{looked:?} and then {opened:?}")),
    };
    drop(db);
    let again = open(vfs).map_err(|error| told(&error))?;
    let found = all(again.iter()).map_err(|error| told(&error))?;
    if (seqno, &entries) != (again.last_seqno(), &found) {
        return Err(format!("{seqno}, {entries:?} became {}, {found:?}", again.last_seqno()));
    }
    Ok(())
}

fn all(range: seawall::Range) -> Result<Vec<(Slice, Slice)>, Error> {
    range.collect()
}
