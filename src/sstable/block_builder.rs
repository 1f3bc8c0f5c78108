//! Writes a block of entries.
//!
//! ```text
//! block   := entry* | restart u32* | restart count u32
//! entry   := shared varint | rest varint | value len varint | tag varint | rest of key | value
//! tag     := seqno << 8 | kind
//! ```
//!
//! `shared` is how many bytes the key has in common with the key before it; the rest is spelled out.
//! At every restart, one each so many entries, the whole key is: `shared` is 0. The restarts, offsets
//! of those entries in the block, are what a search bisects.

use super::format::shared_len;
use crate::base::codec::{put_u32, put_varint};
use crate::base::key::Entry;

/// A block that is being filled.
#[derive(Debug)]
pub(super) struct BlockBuilder {
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    restart_interval: usize,
    /// How many entries follow the last restart, itself counted.
    since_restart: usize,
    last_key: Vec<u8>,
}

impl BlockBuilder {
    /// An empty block with a restart each `restart_interval` entries.
    pub(super) fn new(restart_interval: usize) -> BlockBuilder {
        assert!(restart_interval > 0, "a restart is an entry");
        BlockBuilder {
            bytes: Vec::new(),
            restarts: Vec::new(),
            restart_interval,
            since_restart: restart_interval,
            last_key: Vec::new(),
        }
    }

    /// Adds an entry; the caller adds them in order.
    pub(super) fn add(&mut self, entry: Entry<'_>) {
        let mut shared = 0;
        if self.since_restart == self.restart_interval {
            self.since_restart = 0;
            let at = u32::try_from(self.bytes.len()).expect("blocks end long before 4 GiB");
            self.restarts.push(at);
        } else {
            shared = shared_len(&self.last_key, entry.key);
        }
        self.since_restart += 1;
        let rest = &entry.key[shared..];
        put_varint(&mut self.bytes, shared as u64);
        put_varint(&mut self.bytes, rest.len() as u64);
        put_varint(&mut self.bytes, entry.value.len() as u64);
        put_varint(&mut self.bytes, (entry.seqno << 8) | entry.kind as u64);
        self.bytes.extend_from_slice(rest);
        self.bytes.extend_from_slice(entry.value);
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(rest);
    }

    /// The key of the last entry.
    pub(super) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// Whether there is no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The size of the block as it is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + 4 * self.restarts.len() + 4
    }

    /// Ends the block and returns its bytes. A call of [`BlockBuilder::clear`] begins the next one.
    pub(super) fn finish(&mut self) -> &[u8] {
        for restart in &self.restarts {
            put_u32(&mut self.bytes, *restart);
        }
        put_u32(&mut self.bytes, self.restarts.len() as u32);
        &self.bytes
    }

    /// Removes all entries; the last key stays known.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.restarts.clear();
        self.since_restart = self.restart_interval;
    }
}
