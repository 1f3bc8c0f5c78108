//! An embedded LSM-tree key-value store that runs, unchanged, under a deterministic crash simulator.
#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports, reason = "the layers above are being built")]

mod base;
mod batch;
mod db;
pub mod inspect;
mod iter;
mod log;
mod manifest;
mod memtable;
mod sstable;
mod tables;
mod tree;
mod wal;

pub use base::error::{Error, ErrorKind, Result};
pub use base::key::SeqNo;
pub use base::limits::{BATCH_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use base::slice::Slice;
pub use batch::WriteBatch;
pub use db::{Builder, Cut, Db, Durability, Options, Range, RecoveryReport, Stats, VerifyReport};
pub use seawall_os as os;
