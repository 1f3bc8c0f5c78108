//! Values that say which operation wrote them.
//!
//! ```text
//! value   operation u32 | place in its batch u16 | length u16 | filling       cut to its length
//! ```
//!
//! The filling follows from the head; every other value's is a repetition that compresses well.

use std::fmt;

/// A value, as the operation that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) op: u32,
    pub(super) place: u16,
    pub(super) len: u32,
}

const HEAD_BYTES: usize = 8;

impl Value {
    fn head(self) -> [u8; HEAD_BYTES] {
        let op = u64::from(self.op);
        let word = op | u64::from(self.place) << 32 | u64::from(self.len as u16) << 48;
        word.to_le_bytes()
    }

    /// Eight bytes of the filling, the `nth`.
    fn filling(self, nth: u64) -> [u8; 8] {
        let seed = u64::from_le_bytes(self.head());
        let nth = if self.op.is_multiple_of(2) { nth % 4 } else { nth };
        let mut word = (seed ^ nth.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(nth);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    }

    /// The bytes.
    pub(super) fn bytes(self) -> Vec<u8> {
        let len = self.len as usize;
        let mut bytes = Vec::with_capacity(len + 8);
        bytes.extend_from_slice(&self.head());
        for nth in 0.. {
            if bytes.len() >= len {
                break;
            }
            bytes.extend_from_slice(&self.filling(nth));
        }
        bytes.truncate(len);
        bytes
    }

    /// Whether `bytes` are this value.
    pub(super) fn is(self, bytes: &[u8]) -> bool {
        if bytes.len() != self.len as usize {
            return false;
        }
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return self.head().starts_with(bytes);
        };
        // Words are compared as words: every read of every check comes by here.
        let (words, last) = rest.as_chunks::<8>();
        *head == self.head()
            && words.iter().zip(0..).all(|(word, nth)| *word == self.filling(nth))
            && self.filling(words.len() as u64).starts_with(last)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of op {}", self.len, self.op)?;
        if self.place > 0 { write!(f, " (its operation {})", self.place) } else { Ok(()) }
    }
}

/// Says what bytes are, as far as they tell.
pub(super) fn describe(bytes: &[u8]) -> String {
    if let Some(head) = bytes.get(..HEAD_BYTES) {
        let word = u64::from_le_bytes(head.try_into().expect("it is 8 bytes long"));
        let value = Value { op: word as u32, place: (word >> 32) as u16, len: bytes.len() as u32 };
        if value.is(bytes) {
            return value.to_string();
        }
    }
    let start = &bytes[..bytes.len().min(24)];
    format!("{} bytes of no operation, b\"{}..\"", bytes.len(), start.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_knows_itself_and_no_other() {
        for len in [0, 1, 7, 8, 9, 40, 1_000] {
            for op in [0, 41, 42] {
                let value = Value { op, place: 2, len };
                let bytes = value.bytes();
                assert_eq!(bytes.len(), len as usize);
                assert!(value.is(&bytes));
                if len >= 8 {
                    assert_eq!(describe(&bytes), value.to_string());
                    assert!(!Value { op: op + 2, ..value }.is(&bytes));
                    assert!(!Value { place: 3, ..value }.is(&bytes));
                }
                for at in 0..bytes.len() {
                    let mut wrong = bytes.clone();
                    wrong[at] ^= 1;
                    assert!(!value.is(&wrong), "byte {at} of {len} does not count");
                }
            }
        }
    }
}
