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
const WORDS_AT_ONCE: usize = 64;

impl Value {
    fn head(self) -> [u8; HEAD_BYTES] {
        let op = u64::from(self.op);
        let word = op | u64::from(self.place) << 32 | u64::from(self.len as u16) << 48;
        word.to_le_bytes()
    }

    /// The first eight bytes of the filling, and what is added for each eight that follow. A sum is
    /// enough for no two to be alike, and many are compared at a time.
    fn filling(self) -> impl Fn(u64) -> [u8; 8] {
        let mut first = u64::from_le_bytes(self.head()).wrapping_add(0x9e37_79b9_7f4a_7c15);
        first = (first ^ (first >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        first = (first ^ (first >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        first ^= first >> 31;
        let step = first.rotate_left(23) | 1;
        let turns = if self.op.is_multiple_of(2) { 3 } else { u64::MAX };
        move |nth| first.wrapping_add((nth & turns).wrapping_mul(step)).to_le_bytes()
    }

    /// The bytes.
    pub(super) fn bytes(self) -> Vec<u8> {
        let len = self.len as usize;
        let mut bytes = Vec::with_capacity(len + 8);
        bytes.extend_from_slice(&self.head());
        let filling = self.filling();
        for nth in 0.. {
            if bytes.len() >= len {
                break;
            }
            bytes.extend_from_slice(&filling(nth));
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
        // Many words are compared at a time: every read of every check comes by here.
        let filling = self.filling();
        let (words, last) = rest.as_chunks::<8>();
        let differ = |from: u64, words: &[[u8; 8]]| {
            words.iter().zip(from..).fold(0, |sum, (word, nth)| {
                sum | (u64::from_le_bytes(*word) ^ u64::from_le_bytes(filling(nth)))
            })
        };
        let mut parts = words.chunks(WORDS_AT_ONCE).zip((0..).step_by(WORDS_AT_ONCE));
        *head == self.head()
            && parts.all(|(part, from)| differ(from, part) == 0)
            && filling(words.len() as u64).starts_with(last)
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
