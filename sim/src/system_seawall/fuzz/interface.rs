//! The store's interface against a plain map, without crashes.
//!
//! A record is an operation: its first byte says which, the others are keys and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use seawall::{Db, Durability, Error};
use seawall_os::vfs::{MemFs, Vfs};

use super::{open, told};
use crate::fuzz::records::split;

/// The most operations of a run.
const OPERATIONS_MAX: usize = 200;

type Model = BTreeMap<[u8; 1], Vec<u8>>;

/// What is done to both.
#[derive(Debug, PartialEq, Eq)]
enum Operation<'a> {
    /// An empty value deletes.
    Put(u8, &'a [u8]),
    /// The value zero deletes.
    Batch(Vec<(u8, u8)>),
    Get(u8),
    Scan(u8, u8),
    Flush,
    Compact,
    Reopen,
}

impl<'a> Arbitrary<'a> for Operation<'a> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Operation<'a>> {
        Ok(match bytes.arbitrary::<u8>()? % 8 {
            0 | 1 => Operation::Put(bytes.arbitrary()?, bytes.bytes(bytes.len())?),
            2 => {
                let mut changes = Vec::new();
                while !bytes.is_empty() {
                    changes.push(bytes.arbitrary()?);
                }
                Operation::Batch(changes)
            }
            3 => Operation::Get(bytes.arbitrary()?),
            4 => Operation::Scan(bytes.arbitrary()?, bytes.arbitrary()?),
            5 => Operation::Flush,
            6 => Operation::Compact,
            _ => Operation::Reopen,
        })
    }
}

/// Does what the bytes say to a database and to a map.
///
/// # Errors
/// How they differ, or what failed.
pub fn interface(bytes: &[u8]) -> Result<(), String> {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let fails = |error: Error| told(&error);
    let mut db = open(&vfs).map_err(fails)?;
    let mut model = Model::new();
    for record in split(bytes).iter().take(OPERATIONS_MAX).filter(|record| !record.is_empty()) {
        // Bytes that are not there are zero: a record always says something.
        let Ok(operation) = Operation::arbitrary(&mut Unstructured::new(record)) else { continue };
        match operation {
            Operation::Put(key, value) => put(&db, &mut model, [key], value).map_err(fails)?,
            Operation::Batch(changes) => batch(&db, &mut model, &changes).map_err(fails)?,
            Operation::Get(key) => get(&db, &model, [key])?,
            Operation::Scan(one, other) => scan(&db, &model, [one], [other])?,
            Operation::Flush => db.flush().map_err(fails)?,
            Operation::Compact => db.compact_range::<&[u8]>(..).map_err(fails)?,
            Operation::Reopen => {
                db.close().map_err(fails)?;
                db = open(&vfs).map_err(fails)?;
            }
        }
    }
    scan(&db, &model, [0], [255])?;
    db.verify().map_err(fails)?;
    db.close().map_err(fails)
}

fn put(db: &Db, model: &mut Model, key: [u8; 1], value: &[u8]) -> Result<(), Error> {
    if value.is_empty() {
        db.delete_with(key, Durability::Os)?;
        model.remove(&key);
    } else {
        db.put_with(key, value, Durability::Os)?;
        model.insert(key, value.to_vec());
    }
    Ok(())
}

fn batch(db: &Db, model: &mut Model, changes: &[(u8, u8)]) -> Result<(), Error> {
    let mut batch = db.batch();
    for (key, value) in changes {
        if *value == 0 {
            batch.delete([*key]);
            model.remove(&[*key]);
        } else {
            batch.put([*key], [*value]);
            model.insert([*key], vec![*value]);
        }
    }
    db.commit_with(batch, Durability::Os).map(drop)
}

fn get(db: &Db, model: &Model, key: [u8; 1]) -> Result<(), String> {
    let found = db.get(key).map_err(|error| told(&error))?;
    let expected = model.get(&key).map(|value| &value[..]);
    if found.as_deref() == expected {
        return Ok(());
    }
    Err(format!("get {key:?}: expected {expected:?}, got {found:?}"))
}

fn scan(db: &Db, model: &Model, one: [u8; 1], other: [u8; 1]) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_record_is_an_operation() {
        let of =
            |record: &[u8]| format!("{:?}", Operation::arbitrary(&mut Unstructured::new(record)));
        assert_eq!(of(&[0, 7, 1, 2]), "Ok(Put(7, [1, 2]))");
        assert_eq!(of(&[9]), "Ok(Put(0, []))");
        assert_eq!(of(&[2, 7, 1, 8]), "Ok(Batch([(7, 1), (8, 0)]))");
        assert_eq!(of(&[4, 7]), "Ok(Scan(7, 0))");
        assert_eq!(of(&[255]), "Ok(Reopen)");
    }
}
