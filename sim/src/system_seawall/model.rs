//! The plain map that the store must agree with.

use std::sync::Arc;

use seawall::Slice;

use super::keys::Keys;
use super::op::{Op, Place};
use super::value::{Value, describe};
use crate::system::Difference;

/// What every key holds.
#[derive(Clone, Debug)]
pub struct Model {
    keys: Arc<Keys>,
    values: Vec<Option<Value>>,
}

/// What a read of the store returned.
#[derive(Debug, Hash)]
pub enum Seen {
    /// Of one key.
    Value(Option<Slice>),
    /// Of a range, in order of the keys whichever way it was read.
    Entries(Vec<(Slice, Slice)>),
    /// Of a range that an earlier operation began to read: from, to, and what was there.
    Held(Option<Place>, Option<Place>, Vec<(Slice, Slice)>),
}

impl Model {
    pub(super) fn new(keys: Arc<Keys>) -> Model {
        let values = vec![None; keys.count()];
        Model { keys, values }
    }

    pub(super) fn commit(&mut self, id: u32, op: &Op) {
        let Op::Write { changes, .. } = op else { return };
        for (place, (key, len)) in changes.iter().enumerate() {
            let value = len.map(|len| Value { op: id, place: place as u16, len });
            self.values[self.keys.index(*key)] = value;
        }
    }

    pub(super) fn allows(&self, op: &Op, seen: &Seen) -> Result<(), Difference> {
        match (op, seen) {
            (Op::Get(place) | Op::SnapshotGet(_, place), Seen::Value(got)) => {
                self.allows_value(*place, got.as_deref())
            }
            (Op::Scan { from, to, .. } | Op::SnapshotScan(_, from, to), Seen::Entries(got)) => {
                self.allows_range(op, *from, *to, got)
            }
            (Op::Snapshot(_), Seen::Entries(got)) => self.allows_range(op, None, None, got),
            (Op::Drain(_), Seen::Held(from, to, got)) => self.allows_range(op, *from, *to, got),
            _ => Err(Difference {
                what: op.to_string(),
                expected: "an answer to what was asked".to_owned(),
                got: format!("{seen:?}"),
            }),
        }
    }

    fn allows_range(
        &self,
        op: &Op,
        from: Option<Place>,
        to: Option<Place>,
        got: &[(Slice, Slice)],
    ) -> Result<(), Difference> {
        let (from, to) = (self.start(from), self.end(to));
        self.allows_entries(from, to.max(from), got).map_err(|difference| Difference {
            what: format!("{} in {op}", difference.what),
            ..difference
        })
    }

    fn allows_value(&self, place: Place, got: Option<&[u8]>) -> Result<(), Difference> {
        let value = if place.behind { self.behind(place) } else { self.value_of(place) };
        match (value, got) {
            (None, None) => Ok(()),
            (Some(value), Some(got)) if value.is(got) => Ok(()),
            _ => Err(Difference {
                what: format!("key {place}"),
                expected: text_of(value),
                got: got.map_or("none".to_owned(), describe),
            }),
        }
    }

    fn value_of(&self, place: Place) -> Option<Value> {
        self.values[self.keys.index(place.key)]
    }

    /// Right behind a key there may be another one.
    fn behind(&self, place: Place) -> Option<Value> {
        let index = self.keys.find(&self.keys.bytes_of(place))?;
        self.values[index]
    }

    fn start(&self, from: Option<Place>) -> usize {
        from.map_or(0, |place| self.keys.first_from(place))
    }

    fn end(&self, to: Option<Place>) -> usize {
        to.map_or(self.values.len(), |place| self.keys.first_from(place))
    }

    fn allows_entries(
        &self,
        from: usize,
        to: usize,
        got: &[(Slice, Slice)],
    ) -> Result<(), Difference> {
        let mut got = got.iter();
        let held = (from..to).filter_map(|index| Some((index, self.values[index]?)));
        for (index, value) in held {
            let next = got.next();
            let same = next.is_some_and(|(key, bytes)| {
                **key == *self.keys.get(index as u16) && value.is(bytes)
            });
            if !same {
                return Err(Difference {
                    what: format!("key {index}"),
                    expected: value.to_string(),
                    got: next.map_or("the end".to_owned(), |(key, bytes)| self.entry(key, bytes)),
                });
            }
        }
        match got.next() {
            None => Ok(()),
            Some((key, bytes)) => Err(Difference {
                what: "after the last key".to_owned(),
                expected: "the end".to_owned(),
                got: self.entry(key, bytes),
            }),
        }
    }

    fn entry(&self, key: &[u8], bytes: &[u8]) -> String {
        let key = match self.keys.find(key) {
            Some(index) => format!("key {index}"),
            None => format!("the unknown key b\"{}\"", key.escape_ascii()),
        };
        format!("{key} = {}", describe(bytes))
    }
}

fn text_of(value: Option<Value>) -> String {
    value.map_or("none".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, knob};

    const KNOBS: &[crate::config::Knob] = &[knob("keys", &[4]), knob("key_shape", &[0])];

    /// Four keys, the first three put by one operation.
    fn three_of_four() -> Model {
        let keys = Arc::new(Keys::of(&Config::calm(&[KNOBS])));
        let mut model = Model::new(keys);
        model.commit(1, &op("batch 0=40 1=40 2=40 os"));
        model
    }

    fn op(text: &str) -> Op {
        text.parse().expect("an operation")
    }

    /// What a scan sees when the store holds what operation 1 put under these keys.
    fn entries(model: &Model, keys: std::ops::Range<u16>) -> Seen {
        let value = |place| Value { op: 1, place, len: 40 }.bytes().into();
        Seen::Entries(keys.map(|key| (model.keys.get(key).into(), value(key))).collect())
    }

    #[test]
    fn a_deleted_key_is_gone() {
        let mut model = three_of_four();
        let value = Value { op: 1, place: 1, len: 40 }.bytes();
        let found = || Seen::Value(Some(value.as_slice().into()));
        assert!(model.allows(&op("get 1"), &found()).is_ok());
        assert!(model.allows(&op("get 1"), &Seen::Value(None)).is_err());
        model.commit(2, &op("del 1 os"));
        assert!(model.allows(&op("get 1"), &found()).is_err());
        assert!(model.allows(&op("get 1"), &Seen::Value(None)).is_ok());
    }

    #[test]
    fn a_range_has_every_key_in_it_and_none_behind() {
        let model = three_of_four();
        let allows = |scan: &str, keys| model.allows(&op(scan), &entries(&model, keys)).is_ok();
        assert!(allows("scan ..", 0..3) && allows("scan 1..3", 1..3) && allows("rscan ..2", 0..2));
        assert!(!allows("scan ..", 0..2), "the last key is missing");
        assert!(!allows("scan ..", 1..3), "the first key is missing");
        assert!(!allows("scan ..2", 0..3), "a key at the end of the range is not in it");
    }
}
