//! Says of most keys that are not in a table that they are not, without reading a block of it: a
//! Bloom filter, cut into lines so that a lookup touches one line of the processor's cache.
//!
//! ```text
//! filter := line [u8; 64] * | probes u8
//! ```
//!
//! The upper half of a key's hash picks the line; the lower half, multiplied again and again, picks
//! `probes` of its 512 bits. A key is in the table only if all of them are set.
//!
//! Source: the format of RocksDB's FastLocalBloom; Putze, Sanders, Singler, "Cache-, Hash- and
//! Space-Efficient Bloom Filters", 2007.

use std::path::Path;

use crate::base::error::{Error, Result};

/// The bytes of a line.
const LINE_BYTES: usize = 64;

/// The bits of a line, as a power of two.
const LINE_BITS_LOG: u32 = 9;

/// More probes would make no filter better that anyone can afford.
const PROBES_MAX: u8 = 16;

/// The hash of a key, the same for every table: one lookup computes it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    /// Hashes a user key.
    #[inline]
    pub(crate) fn of(key: &[u8]) -> KeyHash {
        KeyHash(xxhash_rust::xxh3::xxh3_64(key))
    }

    /// Which of `lines` lines; fewer than 2^32, so the product fits.
    #[inline]
    fn line(self, lines: usize) -> usize {
        (((self.0 >> 32) * lines as u64) >> 32) as usize
    }

    /// The bits of the line, one for each probe.
    #[inline]
    fn bits(self, probes: u8) -> impl Iterator<Item = usize> {
        let mut rest = self.0 as u32;
        (0..probes).map(move |_| {
            let bit = rest >> (u32::BITS - LINE_BITS_LOG);
            // By the golden ratio, which spreads what is left of the hash over the upper bits.
            rest = rest.wrapping_mul(0x9e37_79b9);
            bit as usize
        })
    }
}

/// Gathers the keys of a table that is being written.
#[derive(Debug, Default)]
pub(super) struct FilterBuilder {
    hashes: Vec<KeyHash>,
}

impl FilterBuilder {
    /// Adds a key; versions of one key need it once.
    pub(super) fn add(&mut self, key: &[u8]) {
        self.hashes.push(KeyHash::of(key));
    }

    /// The filter of all keys with about that many bits for each.
    pub(super) fn finish(&self, bits_per_key: u32) -> Vec<u8> {
        let bits = self.hashes.len() as u64 * u64::from(bits_per_key);
        let lines = bits.div_ceil(8 * LINE_BYTES as u64).clamp(1, u64::from(u32::MAX)) as usize;
        // 0.69 would be best if lines filled evenly; they do not.
        let probes = (bits_per_key * 6 / 10).clamp(1, u32::from(PROBES_MAX)) as u8;
        let mut filter = vec![0; lines * LINE_BYTES + 1];
        for hash in &self.hashes {
            let line = &mut filter[hash.line(lines) * LINE_BYTES..][..LINE_BYTES];
            for bit in hash.bits(probes) {
                line[bit / 8] |= 1 << (bit % 8);
            }
        }
        filter[lines * LINE_BYTES] = probes;
        filter
    }
}

/// A filter in memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// At least one line.
    lines: Vec<u8>,
    probes: u8,
}

impl Filter {
    /// Takes the filter that stands at `offset` of the file at `path`.
    pub(super) fn decode(mut bytes: Vec<u8>, path: &Path, offset: u64) -> Result<Filter> {
        let probes = bytes.pop().unwrap_or(0);
        let whole_lines = !bytes.is_empty() && bytes.len().is_multiple_of(LINE_BYTES);
        let lines = bytes.len() / LINE_BYTES;
        if !whole_lines || lines > u32::MAX as usize || !(1..=PROBES_MAX).contains(&probes) {
            return Err(Error::corruption(path, offset, "bad filter"));
        }
        Ok(Filter { lines: bytes, probes })
    }

    /// Whether a key of this hash may be in the table; `false` is certain.
    #[inline]
    pub(super) fn may_hold(&self, hash: KeyHash) -> bool {
        let line = hash.line(self.lines.len() / LINE_BYTES);
        let line = &self.lines[line * LINE_BYTES..][..LINE_BYTES];
        hash.bits(self.probes).all(|bit| line[bit / 8] & (1 << (bit % 8)) != 0)
    }

    /// How many bits there are, and how many of them are set.
    pub(super) fn bits(&self) -> (u64, u64) {
        let set = self.lines.iter().map(|byte| u64::from(byte.count_ones())).sum();
        (8 * self.lines.len() as u64, set)
    }

    /// How many bits a lookup asks for.
    pub(super) fn probes(&self) -> u8 {
        self.probes
    }

    /// The size in memory and on disk, in bytes.
    pub(super) fn len_bytes(&self) -> usize {
        self.lines.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(bytes: Vec<u8>) -> Result<Filter> {
        Filter::decode(bytes, Path::new("000003.sst"), 4096)
    }

    proptest! {
        #[test]
        fn a_key_that_was_added_may_be_held(
            keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..200),
            bits_per_key in 1u32..40,
        ) {
            let mut builder = FilterBuilder::default();
            keys.iter().for_each(|key| builder.add(key));
            let filter = filter(builder.finish(bits_per_key)).expect("its own bytes");
            prop_assert!(keys.iter().all(|key| filter.may_hold(KeyHash::of(key))));
        }

        #[test]
        fn arbitrary_bytes_are_a_filter_or_corruption(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            key in any::<u64>(),
        ) {
            if let Ok(filter) = filter(bytes) {
                filter.may_hold(KeyHash(key));
            }
        }
    }

    #[test]
    fn ten_bits_a_key_let_one_of_a_hundred_through() {
        let mut builder = FilterBuilder::default();
        (0..20_000u32).for_each(|key| builder.add(&key.to_le_bytes()));
        let bytes = builder.finish(10);
        assert_eq!(bytes.len(), 391 * LINE_BYTES + 1);
        let filter = filter(bytes).expect("its own bytes");
        let passed = (20_000..120_000u32)
            .filter(|key| filter.may_hold(KeyHash::of(&key.to_le_bytes())))
            .count();
        assert!((500..1_300).contains(&passed), "{passed} of 100,000 keys passed");
    }

    #[test]
    fn the_bits_of_a_filter_do_not_move() {
        // On disk: a change of the hash or of the probes would make every old filter deny its keys.
        let mut builder = FilterBuilder::default();
        builder.add(b"seawall");
        let set: Vec<_> = builder
            .finish(10)
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte != 0)
            .map(|(at, byte)| (at, *byte))
            .collect();
        assert_eq!(set, [(14, 1), (28, 2), (41, 2), (45, 32), (47, 64), (48, 8), (64, 6)]);
    }
}
