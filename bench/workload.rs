//! Keys and values.

/// Bytes of each key.
pub(crate) const KEY_BYTES: usize = 16;
/// Bytes of each value, unless a benchmark says otherwise.
pub(crate) const VALUE_BYTES: usize = 100;

/// A value of random bytes, the same each time: for what never gets to a table, where such values
/// would compress.
pub(crate) fn value<const BYTES: usize>() -> [u8; BYTES] {
    let mut random = Random(0);
    std::array::from_fn(|_| random.next() as u8)
}

/// The key of number `index`. Neighbouring numbers have keys far apart; none has that of another.
pub(crate) fn key(index: u64) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&mixed(index).to_be_bytes());
    key[8..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Numbers as good as random, the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Random bytes, so that no value is like another and tables do not compress.
    pub(crate) fn value(&mut self) -> [u8; VALUE_BYTES] {
        let mut value = [0; VALUE_BYTES];
        for chunk in value.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        value
    }
}

/// Source: `SplitMix64`, Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
