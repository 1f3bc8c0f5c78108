//! A change to a range of a file's bytes, as the log of pending effects keeps it.

use std::sync::Arc;

use super::content::Content;

/// When a change was made: a counter of the disk's changes. A sync covers what is stamped below the
/// counter at the moment it is issued.
pub(super) type Stamp = u64;

/// Bytes put at an offset: a write, or the zeros that a cut leaves.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) stamp: Stamp,
    pub(super) offset: u64,
    bytes: Bytes,
}

#[derive(Clone, Debug)]
enum Bytes {
    Zeros(u64),
    Written { buffer: Arc<[u8]>, from: usize, to: usize },
}

impl Piece {
    pub(super) fn written(stamp: Stamp, offset: u64, bytes: &[u8]) -> Piece {
        let bytes = Bytes::Written { buffer: Arc::from(bytes), from: 0, to: bytes.len() };
        Piece { stamp, offset, bytes }
    }

    pub(super) fn zeros(stamp: Stamp, from: u64, to: u64) -> Piece {
        Piece { stamp, offset: from, bytes: Bytes::Zeros(to - from) }
    }

    pub(super) fn end(&self) -> u64 {
        let len = match &self.bytes {
            Bytes::Zeros(len) => *len,
            Bytes::Written { from, to, .. } => (to - from) as u64,
        };
        self.offset + len
    }

    pub(super) fn is_write(&self) -> bool {
        matches!(self.bytes, Bytes::Written { .. })
    }

    pub(super) fn touches(&self, from: u64, to: u64) -> bool {
        self.offset < to && from < self.end()
    }

    /// The part of the piece inside `from..to`, sharing its bytes.
    pub(super) fn within(&self, from: u64, to: u64) -> Option<Piece> {
        let (start, end) = (self.offset.max(from), self.end().min(to));
        if start >= end {
            return None;
        }
        let bytes = match &self.bytes {
            Bytes::Zeros(_) => Bytes::Zeros(end - start),
            Bytes::Written { buffer, from, .. } => Bytes::Written {
                buffer: Arc::clone(buffer),
                from: from + (start - self.offset) as usize,
                to: from + (end - self.offset) as usize,
            },
        };
        Some(Piece { stamp: self.stamp, offset: start, bytes })
    }

    /// Puts the bytes inside `from..to` into `content`.
    pub(super) fn apply(&self, content: &mut Content, from: u64, to: u64) {
        let (start, end) = (self.offset.max(from), self.end().min(to));
        if start >= end {
            return;
        }
        match &self.bytes {
            Bytes::Zeros(_) => content.zero(start, end),
            Bytes::Written { buffer, from, .. } => {
                let skip = from + (start - self.offset) as usize;
                content.write(start, &buffer[skip..skip + (end - start) as usize]);
            }
        }
    }
}
