//! An embedded LSM-tree key-value store that runs, unchanged, under a deterministic crash simulator.
//!
//! # Five minutes
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
//! assert_eq!(db.get("user456")?.as_deref(), Some(&b"bob"[..]));
//! assert_eq!(db.get("user457")?, None);
//!
//! // All of it or nothing, whatever crashes, and no read ever sees half of it.
//! let mut batch = db.batch();
//! batch.put("user457", "eve");
//! batch.delete("visits");
//! let seqno = db.commit(batch)?;
//!
//! // A view that stays as it is, however long it is held.
//! let snapshot = db.snapshot();
//! assert_eq!(snapshot.seqno(), seqno);
//! db.delete("user456")?;
//! assert!(snapshot.get("user456")?.is_some());
//!
//! // In order of the keys, from either end.
//! for entry in db.prefix("user") {
//!     let (key, value) = entry?;
//!     assert_eq!((&key[..], &value[..]), (&b"user457"[..], &b"eve"[..]));
//! }
//! assert_eq!(snapshot.range("user456"..).rev().count(), 2);
//! db.close()
//! # }
//! ```
//!
//! A [`Db`] is a handle: clones are cheap, and any thread may use one. Reads never wait for writes.
//! Commits of several threads share one sync. Flushes and compactions run on threads of their own;
//! [`Db::stats`] says what they did, and whether commits wait for them.
//!
//! # What survives what
//!
//! | commit | the process is killed | the power goes |
//! |---|---|---|
//! | [`Durability::Sync`], the default | all of it | all of it |
//! | [`Durability::Os`] | all of it | a prefix: never a commit without every one before it |
//! | [`Db::close`] or [`Db::flush`] has returned since | all of it | all of it |
//! | the call has not returned | whole or not at all | whole or not at all |
//!
//! After any crash a prefix of the commits is there, each whole, and what an open returned is never taken
//! back. A failed sync stops writes until the database is opened again ([`ErrorKind::Stopped`]), as nobody
//! knows what it lost. Damage on disk is an [`Error`] that names file and offset, never a wrong value;
//! [`Builder::find_damage`] lists all of it, and [`Salvage`] reads what is left.
//!
//! # Features
//!
//! - `tracing`: events of opens, closes, flushes, compactions and stops. Off by default.
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

pub use base::damage::Damage;
pub use base::error::{Error, ErrorKind, Result};
pub use base::key::SeqNo;
pub use base::limits::{BATCH_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use base::slice::Slice;
pub use batch::WriteBatch;
pub use db::{Builder, Cursor, Cut, Db, Durability, LevelStats, Options, Range, RecoveryReport};
pub use db::{ReadOnlyDb, Snapshot, Stall, Stats, VerifyReport};
pub use salvage::{Salvage, SalvageReport};
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
