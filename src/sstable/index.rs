//! The index of a table: for each data block its last entry and where it is, decoded when the table
//! is opened and kept in memory.
//!
//! On disk it is a block ([`super::block_builder`]) with one entry for each data block, in order:
//!
//! ```text
//! key, seqno := those of the block's last entry
//! value      := offset varint | len varint
//! ```
//!
//! In memory each key also has a head, the eight bytes after what all keys share, as a number: most
//! steps of a bisection compare two integers and touch no key.

use std::path::Path;
use std::sync::Arc;

use super::block::Block;
use super::block_cursor::BlockCursor;
use super::format::{BlockHandle, head, shared_len};
use crate::base::codec::{Cursor, put_varint};
use crate::base::error::{Error, Result};
use crate::base::key::{SeqNo, compare};

/// See the module. It has at least one block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// The keys, one after the other.
    keys: Vec<u8>,
    /// How many bytes all keys share at their beginnings.
    shared: usize,
    heads: Vec<u64>,
    blocks: Vec<IndexEntry>,
}

#[derive(Debug, PartialEq, Eq)]
struct IndexEntry {
    /// Where the key ends in `keys`; it begins where the one before it ends.
    key_end: usize,
    seqno: SeqNo,
    handle: BlockHandle,
}

impl Index {
    /// Decodes the contents of the index block at `offset`.
    ///
    /// # Errors
    /// A corruption unless the blocks are in order and fill the file from its beginning to `data_end`.
    pub(super) fn decode(
        contents: Vec<u8>,
        path: &Arc<Path>,
        offset: u64,
        data_end: u64,
    ) -> Result<Index> {
        let corrupt = |what: &str| Error::corruption(path, offset, what);
        let mut cursor = BlockCursor::new(Arc::new(Block::new(contents, 0, path, offset)?));
        let mut index =
            Index { keys: Vec::new(), shared: 0, heads: Vec::new(), blocks: Vec::new() };
        let mut next_offset = Some(0);
        cursor.seek_first()?;
        while let Some(entry) = cursor.entry() {
            let handle = decode_handle(entry.value, path, offset)?;
            if next_offset != Some(handle.offset) {
                return Err(corrupt("the blocks in the index do not adjoin"));
            }
            next_offset = handle.end();
            let last = index.blocks.len().checked_sub(1).map(|last| index.last_entry(last));
            if last.is_some_and(|(key, seqno)| compare(key, seqno, entry.key, entry.seqno).is_ge())
            {
                return Err(corrupt("the index is not in order"));
            }
            index.keys.extend_from_slice(entry.key);
            let key_end = index.keys.len();
            index.blocks.push(IndexEntry { key_end, seqno: entry.seqno, handle });
            cursor.next()?;
        }
        if next_offset != Some(data_end) {
            return Err(corrupt("the blocks in the index do not end where the data does"));
        }
        index.make_heads();
        Ok(index)
    }

    fn make_heads(&mut self) {
        let last = self.len() - 1;
        self.shared = shared_len(self.last_entry(0).0, self.last_entry(last).0);
        let heads = (0..self.len()).map(|at| head(&self.last_entry(at).0[self.shared..]));
        self.heads = heads.collect();
    }

    /// How many data blocks there are.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Where the data block `at` is.
    pub(super) fn handle(&self, at: usize) -> BlockHandle {
        self.blocks[at].handle
    }

    /// The key and the seqno of the last entry of the data block `at`.
    pub(super) fn last_entry(&self, at: usize) -> (&[u8], SeqNo) {
        let start = at.checked_sub(1).map_or(0, |before| self.blocks[before].key_end);
        (&self.keys[start..self.blocks[at].key_end], self.blocks[at].seqno)
    }

    /// The first data block whose last entry is at or after `(key, seqno)`; the number of blocks, when
    /// none is.
    pub(super) fn find(&self, key: &[u8], seqno: SeqNo) -> usize {
        let shared = &self.last_entry(0).0[..self.shared];
        let Some(rest) = key.strip_prefix(shared) else {
            return if key < shared { 0 } else { self.len() };
        };
        let sought = head(rest);
        let mut low = self.heads.partition_point(|head| *head < sought);
        let mut high = low + self.heads[low..].partition_point(|head| *head == sought);
        while low < high {
            let middle = low + (high - low) / 2;
            let (last, last_seqno) = self.last_entry(middle);
            if compare(last, last_seqno, key, seqno).is_lt() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The value of an index entry.
pub(super) fn encode_handle(handle: BlockHandle) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, handle.offset);
    put_varint(&mut bytes, u64::from(handle.len));
    bytes
}

fn decode_handle(value: &[u8], path: &Path, offset: u64) -> Result<BlockHandle> {
    let mut cursor = Cursor::new(value, path, offset);
    let handle = BlockHandle { offset: cursor.varint("handle")?, len: cursor.varint32("handle")? };
    cursor.ensure(cursor.is_empty(), "end of a handle")?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::super::block_builder::BlockBuilder;
    use super::*;
    use crate::base::key::{Entry, ValueKind};
    use proptest::prelude::*;

    fn index_of(ends: &[(Vec<u8>, SeqNo)]) -> Result<Index> {
        let mut builder = BlockBuilder::new(3);
        let mut offset = 0;
        for (key, seqno) in ends {
            let handle = BlockHandle { offset, len: 91 };
            let value = encode_handle(handle);
            builder.add(Entry { key, seqno: *seqno, kind: ValueKind::Put, value: &value });
            offset += 100;
        }
        let path = Arc::from(Path::new("000003.sst"));
        Index::decode(builder.finish().to_vec(), &path, offset, offset)
    }

    fn any_ends() -> impl Strategy<Value = Vec<(Vec<u8>, SeqNo)>> {
        let key = prop_oneof![
            prop::collection::vec(0u8..3, 0..4),
            prop::collection::vec(0u8..3, 0..4).prop_map(|end| [&b"same head"[..], &end].concat()),
        ];
        prop::collection::btree_set((key, 1u64..4), 1..40).prop_map(|ends| {
            let mut ends: Vec<_> = ends.into_iter().collect();
            ends.sort_by(|a, b| compare(&a.0, a.1, &b.0, b.1));
            ends
        })
    }

    proptest! {
        #[test]
        fn find_is_the_first_block_that_ends_at_or_after(
            ends in any_ends(),
            other in prop::collection::vec(0u8..3, 0..4),
            prefix in any::<bool>(),
        ) {
            let index = index_of(&ends).expect("its own bytes");
            let other = if prefix { [&b"same head"[..], &other].concat() } else { other };
            let others = (0..5).map(|seqno| (&other, seqno));
            for (key, seqno) in ends.iter().map(|(key, seqno)| (key, *seqno)).chain(others) {
                let wanted = ends.partition_point(|end| compare(&end.0, end.1, key, seqno).is_lt());
                prop_assert_eq!(index.find(key, seqno), wanted);
            }
        }
    }

    #[test]
    fn an_index_out_of_order_is_corruption() {
        let error = index_of(&[(b"b".to_vec(), 1), (b"a".to_vec(), 1)]).expect_err("b, then a");
        assert_eq!(error.to_string(), "the index is not in order: 000003.sst at byte 200");
    }
}
