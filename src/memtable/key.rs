//! Keys that are held in place when they are short, so that comparing them follows no pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;

use crate::base::slice::Slice;

/// How long a key may be to be held in place. One byte for its length and one for which it is: 24.
const INLINE_BYTES_MAX: usize = 22;

/// An owned key; cloning allocates nothing.
#[derive(Clone, Debug)]
pub(super) enum MemKey {
    Inline { len: u8, bytes: [u8; INLINE_BYTES_MAX] },
    Shared(Slice),
}

impl MemKey {
    pub(super) fn new(key: &[u8]) -> MemKey {
        if key.len() > INLINE_BYTES_MAX {
            return MemKey::Shared(Slice::from(key));
        }
        let mut bytes = [0; INLINE_BYTES_MAX];
        bytes[..key.len()].copy_from_slice(key);
        MemKey::Inline { len: key.len() as u8, bytes }
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
        self.as_slice().cmp(other.as_slice())
    }
}

impl PartialOrd for MemKey {
    fn partial_cmp(&self, other: &MemKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MemKey {
    fn eq(&self, other: &MemKey) -> bool {
        self.as_slice() == other.as_slice()
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
        let bytes: Vec<u8> = (0..40).map(|at| at % 3).collect();
        for a in 0..bytes.len() {
            for b in 0..bytes.len() {
                let (a, b) = (&bytes[..a], &bytes[1..1 + b.min(39)]);
                assert_eq!(MemKey::new(a).cmp(&MemKey::new(b)), a.cmp(b));
                assert_eq!(MemKey::new(a) == MemKey::new(b), a == b);
            }
        }
    }
}
