//! Keys that are held in place when they are short, so that comparing them follows no pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;

use crate::base::slice::Slice;

/// How long a key may be to be held in place. One byte for its length and one for which it is: 24.
const INLINE_BYTES_MAX: usize = 22;

/// An owned key; cloning allocates nothing.
#[derive(Clone, Debug)]
pub(super) enum MemKey {
    /// Behind the first `len` bytes there are zeros.
    Inline {
        len: u8,
        bytes: [u8; INLINE_BYTES_MAX],
    },
    Shared(Slice),
}

impl MemKey {
    pub(super) fn new(key: &[u8]) -> MemKey {
        MemKey::inline(key).unwrap_or_else(|| MemKey::Shared(Slice::from(key)))
    }

    /// The key, if it is short enough to be held in place.
    #[inline]
    pub(super) fn inline(key: &[u8]) -> Option<MemKey> {
        let mut bytes = [0; INLINE_BYTES_MAX];
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        Some(MemKey::Inline { len: key.len() as u8, bytes })
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            MemKey::Inline { len, bytes } => &bytes[..usize::from(*len)],
            MemKey::Shared(slice) => slice,
        }
    }

    /// What the key takes outside of itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            MemKey::Inline { .. } => 0,
            MemKey::Shared(slice) => slice.len() + 16,
        }
    }
}

// All comparisons are those of the bytes, as `Borrow` demands.

impl Borrow<[u8]> for MemKey {
    #[inline]
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Ord for MemKey {
    #[inline]
    fn cmp(&self, other: &MemKey) -> Ordering {
        match (self, other) {
            (MemKey::Inline { len: a_len, bytes: a }, MemKey::Inline { len: b_len, bytes: b }) => {
                compare_inline(a, b).then(a_len.cmp(b_len))
            }
            _ => self.as_slice().cmp(other.as_slice()),
        }
    }
}

/// Compares two keys that are filled up with zeros: as numbers, without a call. Keys that differ only
/// in zeros at their ends are left equal; the shorter one comes first.
#[inline]
fn compare_inline(a: &[u8; INLINE_BYTES_MAX], b: &[u8; INLINE_BYTES_MAX]) -> Ordering {
    let (a_first, a_rest) = a.split_first_chunk::<16>().expect("22 bytes are more than 16");
    let (b_first, b_rest) = b.split_first_chunk::<16>().expect("22 bytes are more than 16");
    let first = u128::from_be_bytes(*a_first).cmp(&u128::from_be_bytes(*b_first));
    if first.is_eq() { a_rest.cmp(b_rest) } else { first }
}

impl PartialOrd for MemKey {
    fn partial_cmp(&self, other: &MemKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MemKey {
    fn eq(&self, other: &MemKey) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for MemKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_in_three_words() {
        assert_eq!(std::mem::size_of::<MemKey>(), 24);
    }

    #[test]
    fn keys_of_every_length_compare_as_their_bytes() {
        // With zeros among them, also at the ends.
        let bytes: Vec<u8> = (0..40).map(|at| at % 3 / 2).collect();
        for a in 0..bytes.len() {
            for b in 0..bytes.len() {
                let (a, b) = (&bytes[..a], &bytes[1..1 + b.min(39)]);
                assert_eq!(MemKey::new(a).cmp(&MemKey::new(b)), a.cmp(b));
                assert_eq!(MemKey::new(a) == MemKey::new(b), a == b);
            }
        }
    }
}
