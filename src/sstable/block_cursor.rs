//! Walks the entries of a block in both directions.

use std::ops::Range;
use std::sync::Arc;

use super::block::Block;
use crate::base::error::Result;
use crate::base::key::{Entry, SeqNo, ValueKind, compare};

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
        let end = block.entries_end();
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
        (self.at, self.next) = (block.entries_end(), block.entries_end());
        self.block = block;
    }

    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    #[inline]
    pub(super) fn entry(&self) -> Option<Entry<'_>> {
        (self.at < self.block.entries_end()).then(|| Entry {
            key: &self.key,
            seqno: self.seqno,
            kind: self.kind,
            value: self.block.value(&self.value),
        })
    }

    /// To the first entry.
    pub(super) fn seek_first(&mut self) -> Result<()> {
        self.move_to_restart(0)
    }

    /// To the last entry.
    pub(super) fn seek_last(&mut self) -> Result<()> {
        self.move_to_restart(self.block.last_restart())?;
        while self.next < self.block.entries_end() {
            self.next()?;
        }
        Ok(())
    }

    /// To the first entry at or after `(key, seqno)`, or nowhere.
    pub(super) fn seek(&mut self, key: &[u8], seqno: SeqNo) -> Result<()> {
        self.move_to_restart(self.block.bisect(key, seqno)?)?;
        while self.at < self.block.entries_end()
            && compare(&self.key, self.seqno, key, seqno).is_lt()
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
        assert!(self.at < self.block.entries_end(), "next needs an entry");
        if self.next < self.block.entries_end() {
            return self.move_to_entry(self.next);
        }
        self.at = self.block.entries_end();
        Ok(())
    }

    /// To the entry before this one, or nowhere.
    pub(super) fn prev(&mut self) -> Result<()> {
        assert!(self.at < self.block.entries_end(), "prev needs an entry");
        let here = self.at;
        if here == 0 {
            (self.at, self.next) = (self.block.entries_end(), self.block.entries_end());
            return Ok(());
        }
        self.move_to_restart(self.block.restart_before(here))?;
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
        self.at = self.block.entries_end();
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
    use std::path::Path;

    use super::*;
    use crate::iter::Cursor;
    use crate::iter::vec_cursor::{OwnedEntry, any_entries, any_moves, check_moves, sorted};
    use proptest::prelude::*;

    fn block(contents: &[u8]) -> Result<Block> {
        block_sharing(contents, 0)
    }

    fn block_sharing(contents: &[u8], shared: usize) -> Result<Block> {
        Block::new(contents.to_vec(), shared, &Arc::from(Path::new("000003.sst")), 4096)
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
            shared in 0usize..10,
        ) {
            if entries.is_empty() {
                return Ok(());
            }
            let shares = |key: &[u8]| [&b"all begin so"[..shared], key].concat();
            let mut entries = sorted(entries);
            entries.iter_mut().for_each(|entry| entry.key = shares(&entry.key));
            let key = shares(&key);
            let contents = built(&entries, interval);
            let block = Arc::new(block_sharing(&contents, shared).expect("its own bytes"));
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
