//! An embedded LSM-tree key-value store that runs, unchanged, under a deterministic crash simulator.
//!
//! ```
//! use std::sync::Arc;
//!
//! use seawall::os::vfs::MemFs;
//! use seawall::{Db, Durability};
//!
//! # fn main() -> seawall::Result<()> {
//! // `Db::open(path)` opens a directory on disk; this one lives in memory.
//! let db = Db::builder("/example").vfs(Arc::new(MemFs::new())).open()?;
//! db.put("user456", "bob")?; // durable when it returns
//! db.put_with("visits", "17", Durability::Os)?; // survives a killed process, not a power loss
//!
//! let mut batch = db.batch(); // all of it or nothing
//! batch.put("a", "1");
//! batch.delete("visits");
//! db.commit(batch)?;
//!
//! assert_eq!(db.get("user456")?.as_deref(), Some(&b"bob"[..]));
//! assert_eq!(db.iter().count(), 2);
//! db.close()
//! # }
//! ```
//!
//! A commit with [`Durability::Sync`], the default, survives a power loss when it returns, and so does
//! every commit before it. After any crash a prefix of the commits is there, each whole. A failed sync
//! stops writes until the database is reopened; damage on disk is an error that names file and offset,
//! never a wrong value.
#![forbid(unsafe_code)]

mod base;
mod batch;
mod db;
pub mod inspect;
mod iter;
mod log;
mod manifest;
mod memtable;
mod salvage;
mod sstable;
mod tables;
mod tree;
mod wal;

pub use base::error::{Error, ErrorKind, Result};
pub use base::key::SeqNo;
pub use base::limits::{BATCH_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use base::slice::Slice;
pub use batch::WriteBatch;
pub use db::{Builder, Cursor, Cut, Db, Durability, LevelStats, Options, Range, RecoveryReport};
pub use db::{ReadOnlyDb, Snapshot, Stall, Stats, VerifyReport};
pub use salvage::{Damage, Salvage, SalvageReport};
pub use seawall_os as os;
pub use sstable::BlockRead;
pub use tree::{KeyVersion, Layer, LayerRead, ReadPath};

/// Handles go to other threads, and are used by several at once.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Db>();
    shared::<ReadOnlyDb>();
    shared::<Snapshot>();
    shared::<Slice>();
    shared::<Error>();
    shared::<WriteBatch>();
    const fn sent<T: Send>() {}
    sent::<Range>();
    sent::<Cursor>();
};

/// The Rust in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
