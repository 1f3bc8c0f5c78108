//! The keys of a run: few, so that operations meet, and awkward, so that comparisons are tried.

use super::op::Place;
use crate::config::Config;

/// The keys that operations speak of by number, in order of their bytes.
#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<Vec<u8>>,
}

impl Keys {
    /// The keys of a configuration: `keys` of them, shaped as `key_shape` says.
    pub(super) fn of(config: &Config) -> Keys {
        let count = config.get("keys").clamp(1, 4_096) as usize;
        let mut keys: Vec<Vec<u8>> = match config.get("key_shape") {
            0 => (0..count).map(|number| format!("user{number:04}").into_bytes()).collect(),
            1 => (0..count).map(|number| long(number).into_bytes()).collect(),
            _ => (0..count).map(awkward).collect(),
        };
        keys.sort();
        keys.dedup();
        Keys { keys }
    }

    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// The key of a number; numbers beyond the last begin again.
    pub(super) fn get(&self, number: u16) -> &[u8] {
        &self.keys[self.index(number)]
    }

    /// Where a numbered key stands among all of them.
    pub(super) fn index(&self, number: u16) -> usize {
        usize::from(number) % self.keys.len()
    }

    /// The bytes of a place: those of its key, or the first that sort behind it.
    pub(super) fn bytes_of(&self, place: Place) -> Vec<u8> {
        let mut bytes = self.get(place.key).to_vec();
        if place.behind {
            bytes.push(0);
        }
        bytes
    }

    /// The first key at or after a place.
    pub(super) fn first_from(&self, place: Place) -> usize {
        // Nothing sorts between a key and the first bytes behind it.
        self.index(place.key) + usize::from(place.behind)
    }

    /// The key's number, if it is one.
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        self.keys.binary_search_by(|known| known.as_slice().cmp(key)).ok()
    }
}

/// Many bytes in common, at both ends.
fn long(number: usize) -> String {
    format!("{}{number:04}{}", "p".repeat(120), "s".repeat(number % 3 * 40))
}

/// The empty key, keys that are the start of others, the lowest and the highest bytes.
fn awkward(number: usize) -> Vec<u8> {
    let low = vec![0; number / 4 % 3];
    match number % 4 {
        0 if number == 0 => Vec::new(),
        0 => vec![u8::MAX; number / 4],
        1 => [b"a".repeat(number / 4 + 1), low].concat(),
        2 => vec![0; number / 4 + 1],
        _ => [vec![b'a', number as u8], low].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, knob};

    #[test]
    fn keys_of_every_shape_are_sorted_and_found() {
        for shape in 0..3 {
            let knobs = &[knob("keys", &[64]), knob("key_shape", &[0])];
            let knobs: [&'static [_]; 1] = [Box::leak(Box::new(*knobs))];
            let mut config = Config::calm(&knobs);
            config.set("key_shape", shape).expect("it is a knob");
            let keys = Keys::of(&config);
            assert!(keys.count() > 48, "shape {shape} has {} keys", keys.count());
            assert!(keys.keys.is_sorted());
            for number in 0..keys.count() {
                assert_eq!(keys.find(keys.get(number as u16)), Some(number));
            }
        }
    }
}
