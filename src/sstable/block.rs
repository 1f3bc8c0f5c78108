//! Reads a block of entries; [`super::block_builder`] has the layout.
//!
//! The bytes were checked against their checksum before they get here, and are still not trusted: a
//! block that does not decode is a corruption. Only the order of the entries is taken for granted,
//! up to `verify`: a wrong one leads to a wrong place in the block, not out of it.

use std::cmp::Ordering;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::format::shared_len;
use super::guide::Guide;
use crate::base::error::{Error, Result};
use crate::base::key::{SeqNo, ValueKind, compare};

/// The contents of a block, with at least one entry.
#[derive(Debug)]
pub(super) struct Block {
    contents: Vec<u8>,
    /// Where the entries end and the restarts begin.
    entries_end: usize,
    restart_count: usize,
    guide: Guide,
    path: Arc<Path>,
    offset: u64,
}

/// One entry as it stands in its block: the key is the first `shared` bytes of the key before and
/// then `rest`.
#[derive(Debug)]
pub(super) struct RawEntry<'a> {
    pub(super) shared: usize,
    pub(super) rest: &'a [u8],
    pub(super) seqno: SeqNo,
    pub(super) kind: ValueKind,
    /// Where in the block the value is.
    pub(super) value: Range<usize>,
}

impl Block {
    /// Takes the contents of the block at `offset` of the file at `path`, a table whose keys all begin
    /// with the same `shared` bytes.
    ///
    /// # Errors
    /// A corruption unless the restarts are ascending places among the entries, the first at 0.
    pub(super) fn new(
        contents: Vec<u8>,
        shared: usize,
        path: &Arc<Path>,
        offset: u64,
    ) -> Result<Block> {
        let (path, guide) = (Arc::clone(path), Guide::default());
        let mut block = Block { contents, entries_end: 0, restart_count: 0, guide, path, offset };
        block.find_restarts().ok_or_else(|| block.corrupt("the restarts of a block are wrong"))?;
        let key = |restart| block.raw_restart(restart).map(|raw| raw.rest);
        block.guide = Guide::new(block.restart_count, shared, key)?;
        Ok(block)
    }

    fn find_restarts(&mut self) -> Option<()> {
        let (rest, count) = self.contents.split_last_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        let entries_end = rest.len().checked_sub(count.checked_mul(4)?)?;
        let (restarts, _) = rest[entries_end..].as_chunks::<4>();
        let restarts = restarts.iter().map(|restart| u32::from_le_bytes(*restart) as usize);
        let ascending = restarts.clone().zip(restarts.clone().skip(1)).all(|(a, b)| a < b);
        let within = restarts.clone().next_back()? < entries_end;
        if !ascending || !within || restarts.clone().next() != Some(0) {
            return None;
        }
        self.entries_end = entries_end;
        self.restart_count = count;
        Some(())
    }

    /// The length before compression.
    pub(super) fn content_bytes(&self) -> u64 {
        self.contents.len() as u64
    }

    /// Where the entries end: no entry begins there.
    #[inline]
    pub(super) fn entries_end(&self) -> usize {
        self.entries_end
    }

    /// The size of the contents in memory, in bytes.
    pub(super) fn len_bytes(&self) -> usize {
        self.contents.capacity()
    }

    /// The bytes of a value.
    #[inline]
    pub(super) fn value(&self, value: &Range<usize>) -> &[u8] {
        &self.contents[value.clone()]
    }

    /// The last restart.
    pub(super) fn last_restart(&self) -> usize {
        self.restart_count - 1
    }

    /// The last restart before the entry at `at`, which is not the first.
    pub(super) fn restart_before(&self, at: usize) -> usize {
        let (mut low, mut high) = (0, self.restart_count);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.restart(middle) < at { low = middle } else { high = middle }
        }
        low
    }

    /// Where the `index`-th restart is.
    pub(super) fn restart(&self, index: usize) -> usize {
        let at = self.entries_end + 4 * index;
        let bytes = self.contents[at..].first_chunk().expect("`find_restarts` counted them");
        u32::from_le_bytes(*bytes) as usize
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::corruption(&self.path, self.offset, what)
    }

    pub(super) fn bad_entry(&self, at: usize) -> Error {
        self.corrupt(format!("the entry at byte {at} of a block does not decode"))
    }

    /// The entry at `at`, which ends where its value does.
    #[inline]
    pub(super) fn raw(&self, at: usize) -> Result<RawEntry<'_>> {
        self.decode(at).ok_or_else(|| self.bad_entry(at))
    }

    #[inline]
    fn decode(&self, at: usize) -> Option<RawEntry<'_>> {
        let bytes = &self.contents[..self.entries_end];
        let mut at = at;
        let shared = usize::try_from(varint(bytes, &mut at)?).ok()?;
        let rest_len = usize::try_from(varint(bytes, &mut at)?).ok()?;
        let value_len = usize::try_from(varint(bytes, &mut at)?).ok()?;
        let tag = varint(bytes, &mut at)?;
        let kind = ValueKind::from_byte(tag as u8)?;
        let rest_end = at.checked_add(rest_len)?;
        let value = rest_end..rest_end.checked_add(value_len)?;
        let rest = bytes.get(at..rest_end)?;
        if value.end > bytes.len() || (kind == ValueKind::Delete && value_len > 0) {
            return None;
        }
        Some(RawEntry { shared, rest, seqno: tag >> 8, kind, value })
    }

    /// The entry at a restart, which has its whole key.
    fn raw_restart(&self, index: usize) -> Result<RawEntry<'_>> {
        let at = self.restart(index);
        let raw = self.raw(at)?;
        if raw.shared == 0 { Ok(raw) } else { Err(self.bad_entry(at)) }
    }

    /// The last restart before `(key, seqno)`; the first, when all are at or after it. The first
    /// entry at or after `(key, seqno)` follows it, or is it when it is the first.
    pub(super) fn bisect(&self, key: &[u8], seqno: SeqNo) -> Result<usize> {
        self.bisect_between((0, self.restart_count), key, seqno)
    }

    /// As [`Block::bisect`], when that is the first of `bounds` or after it, and before the second.
    #[inline]
    fn bisect_between(
        &self,
        (mut low, mut high): (usize, usize),
        key: &[u8],
        seqno: SeqNo,
    ) -> Result<usize> {
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let raw = self.raw_restart(middle)?;
            if compare(raw.rest, raw.seqno, key, seqno).is_lt() {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The newest version of `key` that `visible` admits, or `None` when the first entry after its
    /// place is of another key. `key` begins as all keys of the table do.
    ///
    /// Builds no key: it keeps how far the last key agreed with the one sought, all that a comparison
    /// with the next one needs.
    ///
    /// # Errors
    /// Also a corruption when all entries are before that place: the index led here.
    pub(super) fn get(
        &self,
        key: &[u8],
        visible: SeqNo,
    ) -> Result<Option<(SeqNo, ValueKind, &[u8])>> {
        let bounds = self.guide.narrow(key, self.restart_count);
        let mut at = self.restart(self.bisect_between(bounds, key, visible)?);
        // The entry before was smaller than what is sought, had `last_len` bytes and agreed in the
        // first `agreed` of them.
        let (mut last_len, mut agreed) = (0, 0);
        while at < self.entries_end {
            let raw = self.raw(at)?;
            if raw.shared > last_len {
                return Err(self.bad_entry(at));
            }
            at = raw.value.end;
            last_len = raw.shared + raw.rest.len();
            // It shares the byte that made the one before smaller.
            if raw.shared > agreed {
                continue;
            }
            let sought = &key[raw.shared..];
            let common = shared_len(raw.rest, sought);
            match raw.rest.get(common).cmp(&sought.get(common)) {
                Ordering::Less => {}
                Ordering::Greater => return Ok(None),
                Ordering::Equal if raw.seqno <= visible => {
                    return Ok(Some((raw.seqno, raw.kind, &self.contents[raw.value])));
                }
                Ordering::Equal => {}
            }
            agreed = raw.shared + common;
        }
        Err(self.ends_early())
    }

    pub(super) fn ends_early(&self) -> Error {
        self.corrupt("a block ends before the key that the index gives it")
    }
}

/// The number at `at`, which moves behind it.
#[inline]
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            // The tenth byte has room for one bit.
            return (shift < 63 || byte <= 1).then_some(value);
        }
    }
    None
}
