//! The store's interface against a plain map, without crashes.
//!
//! A record is an operation: the low bits of its first byte say which, the others are keys and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use seawall::{Db, Durability, Error};
use seawall_os::vfs::{MemFs, Vfs};

use super::{open, told};
use crate::fuzz::records::{number, split};

/// The most operations of a run.
const OPERATIONS_MAX: usize = 200;

type Model = BTreeMap<[u8; 1], Vec<u8>>;

/// Does what the bytes say to a database and to a map.
///
/// # Errors
/// How they differ, or what failed.
pub fn interface(bytes: &[u8]) -> Result<(), String> {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let fails = |error: Error| told(&error);
    let mut db = open(&vfs).map_err(fails)?;
    let mut model = Model::new();
    for record in split(bytes).iter().take(OPERATIONS_MAX) {
        let Some((kind, what)) = record.split_first() else { continue };
        match kind % 8 {
            0 | 1 => put(&db, &mut model, what).map_err(fails)?,
            2 => batch(&db, &mut model, what).map_err(fails)?,
            3 => get(&db, &model, what)?,
            4 => scan(&db, &model, what)?,
            5 => db.flush().map_err(fails)?,
            6 => db.compact_range::<&[u8]>(..).map_err(fails)?,
            _ => {
                db.close().map_err(fails)?;
                db = open(&vfs).map_err(fails)?;
            }
        }
    }
    scan(&db, &model, &[0, 255])?;
    db.verify().map_err(fails)?;
    db.close().map_err(fails)
}

fn key(what: &[u8], at: usize) -> [u8; 1] {
    [number(what, at, 1) as u8]
}

/// A value, or a deletion where there is no byte of one.
fn put(db: &Db, model: &mut Model, what: &[u8]) -> Result<(), Error> {
    let key = key(what, 0);
    match what.get(1..).filter(|value| !value.is_empty()) {
        Some(value) => {
            db.put_with(key, value, Durability::Os)?;
            model.insert(key, value.to_vec());
        }
        None => {
            db.delete_with(key, Durability::Os)?;
            model.remove(&key);
        }
    }
    Ok(())
}

/// Pairs of key and value; the value zero deletes.
fn batch(db: &Db, model: &mut Model, what: &[u8]) -> Result<(), Error> {
    let mut batch = db.batch();
    for pair in what.chunks(2) {
        let (key, value) = (key(pair, 0), number(pair, 1, 1) as u8);
        if value == 0 {
            batch.delete(key);
            model.remove(&key);
        } else {
            batch.put(key, [value]);
            model.insert(key, vec![value]);
        }
    }
    db.commit_with(batch, Durability::Os).map(drop)
}

fn get(db: &Db, model: &Model, what: &[u8]) -> Result<(), String> {
    let key = key(what, 0);
    let found = db.get(key).map_err(|error| told(&error))?;
    let expected = model.get(&key).map(|value| &value[..]);
    if found.as_deref() == expected {
        return Ok(());
    }
    Err(format!("get {key:?}: expected {expected:?}, got {found:?}"))
}

fn scan(db: &Db, model: &Model, what: &[u8]) -> Result<(), String> {
    let (one, other) = (key(what, 0), key(what, 1));
    let (from, to) = (one.min(other), one.max(other));
    let read = |range: seawall::Range, back: bool| -> Result<Vec<_>, Error> {
        if back { range.rev().collect() } else { range.collect() }
    };
    let found = read(db.range(from..=to), false).map_err(|error| told(&error))?;
    let mut back = read(db.range(from..=to), true).map_err(|error| told(&error))?;
    back.reverse();
    let expected: Vec<_> = model.range(from..=to).collect();
    let is_right = found.len() == expected.len()
        && found.iter().zip(&expected).all(|((key, value), (known, expected))| {
            (&key[..], &value[..]) == (&known[..], &expected[..])
        });
    if found == back && is_right {
        return Ok(());
    }
    Err(format!("scan {from:?}..={to:?}: expected {expected:?}, got {found:?}, backwards {back:?}"))
}
