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
use crate::base::error::{Error, Result};
use crate::base::key::{Entry, SeqNo, ValueKind, compare};

/// The contents of a block, with at least one entry.
#[derive(Debug)]
pub(super) struct Block {
    contents: Vec<u8>,
    /// Where the entries end and the restarts begin.
    entries_end: usize,
    restart_count: usize,
    path: Arc<Path>,
    offset: u64,
}

/// One entry as it stands in its block: the key is the first `shared` bytes of the key before and
/// then `rest`.
#[derive(Debug)]
struct RawEntry<'a> {
    shared: usize,
    rest: &'a [u8],
    seqno: SeqNo,
    kind: ValueKind,
    value: Range<usize>,
}

impl Block {
    /// Takes the contents of the block at `offset` of the file at `path`.
    ///
    /// # Errors
    /// A corruption unless the restarts are ascending places among the entries, the first at 0.
    pub(super) fn new(contents: Vec<u8>, path: &Arc<Path>, offset: u64) -> Result<Block> {
        let path = Arc::clone(path);
        let mut block = Block { contents, entries_end: 0, restart_count: 0, path, offset };
        block.find_restarts().ok_or_else(|| block.corrupt("the restarts of a block are wrong"))?;
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

    /// Where the `index`-th restart is.
    fn restart(&self, index: usize) -> usize {
        let at = self.entries_end + 4 * index;
        let bytes = self.contents[at..].first_chunk().expect("`find_restarts` counted them");
        u32::from_le_bytes(*bytes) as usize
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::corruption(&self.path, self.offset, what)
    }

    fn bad_entry(&self, at: usize) -> Error {
        self.corrupt(format!("the entry at byte {at} of a block does not decode"))
    }

    /// The entry at `at`, which ends where its value does.
    #[inline]
    fn raw(&self, at: usize) -> Result<RawEntry<'_>> {
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
    fn bisect(&self, key: &[u8], seqno: SeqNo) -> Result<usize> {
        let (mut low, mut high) = (0, self.restart_count);
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
    /// place is of another key.
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
        let mut at = self.restart(self.bisect(key, visible)?);
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

/// A place in a block, or nowhere.
#[derive(Debug)]
pub(super) struct BlockCursor {
    block: Arc<Block>,
    /// Where the entry begins and where the next one does. Nowhere: both at the end of the entries.
    at: usize,
    next: usize,
    key: Vec<u8>,
    seqno: SeqNo,
    kind: ValueKind,
    value: Range<usize>,
}

impl BlockCursor {
    /// Starts nowhere.
    pub(super) fn new(block: Arc<Block>) -> BlockCursor {
        let end = block.entries_end;
        BlockCursor {
            block,
            at: end,
            next: end,
            key: Vec::new(),
            seqno: 0,
            kind: ValueKind::Delete,
            value: 0..0,
        }
    }

    /// As [`BlockCursor::new`], with what the cursor has allocated.
    pub(super) fn reset(&mut self, block: Arc<Block>) {
        (self.at, self.next) = (block.entries_end, block.entries_end);
        self.block = block;
    }

    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    #[inline]
    pub(super) fn entry(&self) -> Option<Entry<'_>> {
        (self.at < self.block.entries_end).then(|| Entry {
            key: &self.key,
            seqno: self.seqno,
            kind: self.kind,
            value: &self.block.contents[self.value.clone()],
        })
    }

    /// To the first entry.
    pub(super) fn seek_first(&mut self) -> Result<()> {
        self.move_to_restart(0)
    }

    /// To the last entry.
    pub(super) fn seek_last(&mut self) -> Result<()> {
        self.move_to_restart(self.block.restart_count - 1)?;
        while self.next < self.block.entries_end {
            self.next()?;
        }
        Ok(())
    }

    /// To the first entry at or after `(key, seqno)`, or nowhere.
    pub(super) fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.move_to_restart(self.block.bisect(key, seqno)?)?;
        while self.at < self.block.entries_end && compare(&self.key, self.seqno, key, seqno).is_lt()
        {
            self.next()?;
        }
        Ok(())
    }

    /// To the last entry at or before `(key, seqno)`, or nowhere.
    pub(super) fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.seek(key, seqno)?;
        match self.entry() {
            None => self.seek_last(),
            Some(entry) if compare(entry.key, entry.seqno, key, seqno).is_eq() => Ok(()),
            Some(_) => self.prev(),
        }
    }

    /// To the entry after this one, or nowhere.
    #[inline]
    pub(super) fn next(&mut self) -> Result<()> {
        assert!(self.at < self.block.entries_end, "next needs an entry");
        if self.next < self.block.entries_end {
            return self.move_to_entry(self.next);
        }
        self.at = self.block.entries_end;
        Ok(())
    }

    /// To the entry before this one, or nowhere.
    pub(super) fn prev(&mut self) -> Result<()> {
        assert!(self.at < self.block.entries_end, "prev needs an entry");
        let here = self.at;
        if here == 0 {
            (self.at, self.next) = (self.block.entries_end, self.block.entries_end);
            return Ok(());
        }
        let (mut low, mut high) = (0, self.block.restart_count);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.block.restart(middle) < here { low = middle } else { high = middle }
        }
        self.move_to_restart(low)?;
        while self.next < here {
            self.next()?;
        }
        Ok(())
    }

    fn move_to_restart(&mut self, index: usize) -> Result<()> {
        self.key.clear();
        self.move_to_entry(self.block.restart(index))
    }

    /// To the entry at `at`; the key of the one before it is at hand. Nowhere after an error.
    #[inline]
    fn move_to_entry(&mut self, at: usize) -> Result<()> {
        self.at = self.block.entries_end;
        let raw = self.block.raw(at)?;
        if raw.shared > self.key.len() {
            return Err(self.block.bad_entry(at));
        }
        self.key.truncate(raw.shared);
        self.key.extend_from_slice(raw.rest);
        (self.seqno, self.kind) = (raw.seqno, raw.kind);
        self.next = raw.value.end;
        self.value = raw.value;
        self.at = at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::block_builder::BlockBuilder;
    use super::*;
    use crate::iter::Cursor;
    use crate::iter::vec_cursor::{OwnedEntry, any_entries, any_moves, check_moves, sorted};
    use proptest::prelude::*;

    fn block(contents: &[u8]) -> Result<Block> {
        Block::new(contents.to_vec(), &Arc::from(Path::new("000003.sst")), 4096)
    }

    fn built(entries: &[OwnedEntry], interval: usize) -> Vec<u8> {
        let mut builder = BlockBuilder::new(interval);
        for entry in entries {
            builder.add(entry.borrow());
        }
        let len = builder.len();
        let bytes = builder.finish().to_vec();
        assert_eq!(bytes.len(), len);
        bytes
    }

    impl Cursor for BlockCursor {
        fn seek_first(&mut self) -> Result<()> {
            self.seek_first()
        }
        fn seek_last(&mut self) -> Result<()> {
            self.seek_last()
        }
        fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
            self.seek(key, seqno)
        }
        fn seek_back(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
            self.seek_back(key, seqno)
        }
        fn next(&mut self) -> Result<()> {
            self.next()
        }
        fn prev(&mut self) -> Result<()> {
            self.prev()
        }
        fn entry(&self) -> Option<Entry<'_>> {
            self.entry()
        }
    }

    proptest! {
        #[test]
        fn a_cursor_moves_as_over_a_sorted_list(
            entries in any_entries(),
            moves in any_moves(),
            interval in 1usize..20,
        ) {
            if entries.is_empty() {
                return Ok(());
            }
            let entries = sorted(entries);
            let block = block(&built(&entries, interval)).expect("its own bytes");
            check_moves(&mut BlockCursor::new(Arc::new(block)), entries, &moves);
        }

        #[test]
        fn get_finds_what_a_cursor_finds(
            entries in any_entries(),
            key in prop::collection::vec(b'a'..b'd', 0..5),
            visible in 0u64..70,
            interval in 1usize..20,
        ) {
            if entries.is_empty() {
                return Ok(());
            }
            let entries = sorted(entries);
            let block = Arc::new(block(&built(&entries, interval)).expect("its own bytes"));
            let mut cursor = BlockCursor::new(Arc::clone(&block));
            let keys = entries.iter().map(|entry| &entry.key).chain([&key]);
            for key in keys {
                cursor.seek(key, visible).expect("a whole block");
                let found = block.get(key, visible);
                match cursor.entry() {
                    None => prop_assert!(found.is_err()),
                    Some(entry) => {
                        let wanted = (entry.key == *key)
                            .then_some((entry.seqno, entry.kind, entry.value));
                        prop_assert_eq!(found.expect("a whole block"), wanted);
                    }
                }
            }
        }

        #[test]
        fn arbitrary_bytes_make_no_move_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            restarts in prop::collection::vec(0u32..200, 0..3),
            moves in any_moves(),
        ) {
            bytes.extend(restarts.iter().flat_map(|restart| restart.to_le_bytes()));
            bytes.extend((restarts.len() as u32).to_le_bytes());
            walk(&bytes, &moves);
        }

        #[test]
        fn a_flipped_bit_makes_no_move_panic(
            entries in any_entries(),
            moves in any_moves(),
            flip in any::<prop::sample::Index>(),
        ) {
            let mut bytes = built(&sorted(entries), 4);
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            walk(&bytes, &moves);
        }
    }

    fn walk(bytes: &[u8], moves: &[crate::iter::vec_cursor::Move]) {
        use crate::iter::vec_cursor::{Move, apply};
        let Ok(block) = block(bytes) else { return };
        let block = Arc::new(block);
        let mut cursor = BlockCursor::new(Arc::clone(&block));
        for step in moves {
            let _ = apply(&mut cursor, step);
            let _ = cursor.entry();
            if let Move::Seek(key, visible) = step {
                let _ = block.get(key, *visible);
            }
        }
    }
}
