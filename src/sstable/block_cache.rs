//! Decoded data blocks of all open tables of one database, up to a number of bytes.
//!
//! Nothing is removed when a table is: its number is never used again, so its blocks are never asked
//! for and give way to others.
//!
//! Which blocks stay follows from the order of the calls alone: the hasher is fixed, the count of the
//! shards is too, and an evicted block only frees memory. So the cache is as good under the simulator
//! as on a machine. Two readers that miss the same block both read it.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use seawall_os::sync::Counter;

use super::block::Block;
use crate::base::file_name::FileNumber;

/// How a reader of tables stands to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// It takes blocks from the cache and puts in what it had to read.
    Fill,
    /// It takes blocks from the cache and changes nothing there: who reads everything once.
    Look,
    /// It reads the disk.
    Bypass,
}

/// What the cache holds, what readers found in it and what they did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheCounts {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// The bytes that its blocks take, about.
    pub(crate) bytes: u64,
}

/// Shards have locks of their own. There are fewer in a cache of few blocks.
const SHARDS: usize = 16;

/// What an entry takes beside the contents of its block, in bytes, about: the block, what allocations
/// cost, and its place in the cache.
const ENTRY_BYTES: usize = size_of::<Block>() + 96;

/// See the module.
#[derive(Debug)]
pub(crate) struct BlockCache {
    /// `None` when there is no room for anything.
    blocks: Option<Cache<BlockKey, Arc<Block>, Sizes, FixedHasher>>,
    hits: [Hits; STRIPES],
    misses: Counter,
}

/// How many stripes the hits are counted in.
const STRIPES: usize = 8;

/// A cache line of its own, so that readers on several cores do not wait for one another.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Hits(Counter);

/// A block's table and where in it the block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BlockKey {
    pub(super) number: FileNumber,
    pub(super) offset: u64,
}

impl BlockCache {
    /// A cache of at most `bytes` of blocks, which have about `block_bytes` each. Without room for
    /// anything when `bytes` is 0.
    pub(crate) fn new(bytes: u64, block_bytes: usize) -> BlockCache {
        let blocks = (bytes > 0).then(|| BlockCache::with_room(bytes, block_bytes));
        BlockCache { blocks, hits: Default::default(), misses: Counter::default() }
    }

    fn with_room(
        bytes: u64,
        block_bytes: usize,
    ) -> Cache<BlockKey, Arc<Block>, Sizes, FixedHasher> {
        let entries = bytes / (block_bytes + ENTRY_BYTES) as u64;
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .weight_capacity(bytes)
            .estimated_items_capacity(usize::try_from(entries).unwrap_or(usize::MAX))
            .build()
            .expect("all that has no default is given");
        Cache::with_options(options, Sizes, FixedHasher, DefaultLifecycle::default())
    }

    /// The block, if it is here and `caching` asks.
    #[inline]
    pub(super) fn get(&self, key: BlockKey, caching: Caching) -> Option<Arc<Block>> {
        let blocks = self.blocks.as_ref()?;
        match caching {
            Caching::Fill => {
                let found = blocks.get(&key);
                match found {
                    Some(_) => self.hits[(key.offset >> 12) as usize % STRIPES].0.add(1),
                    None => self.misses.add(1),
                }
                found
            }
            Caching::Look => blocks.peek(&key),
            Caching::Bypass => None,
        }
    }

    /// Keeps a block that was read, if `caching` wants it kept.
    pub(super) fn put(&self, key: BlockKey, block: &Arc<Block>, caching: Caching) {
        if let (Some(blocks), Caching::Fill) = (&self.blocks, caching) {
            blocks.insert(key, Arc::clone(block));
        }
    }

    /// What it holds, and what those found who may fill it.
    pub(crate) fn counts(&self) -> CacheCounts {
        let Some(blocks) = &self.blocks else { return CacheCounts::default() };
        let hits = self.hits.iter().map(|stripe| stripe.0.get()).sum();
        CacheCounts { hits, misses: self.misses.get(), bytes: blocks.weight() }
    }
}

/// Weighs blocks by the memory they take.
#[derive(Clone, Debug)]
struct Sizes;

impl Weighter<BlockKey, Arc<Block>> for Sizes {
    fn weight(&self, _: &BlockKey, block: &Arc<Block>) -> u64 {
        (block.len_bytes() + ENTRY_BYTES) as u64
    }
}

/// Hashes a [`BlockKey`], the same in every run.
#[derive(Clone, Debug)]
struct FixedHasher;

impl BuildHasher for FixedHasher {
    type Hasher = KeyHasher;

    #[inline]
    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(0)
    }
}

/// Multiplies each number into 128 bits and folds them.
#[derive(Debug)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product =
            u128::from(self.0 ^ number ^ 0x9e37_79b9_7f4a_7c15) * 0xa076_1d64_78bd_642f_u128;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::block_builder::BlockBuilder;
    use super::*;
    use crate::base::key::{Entry, ValueKind};

    const KEY: BlockKey = BlockKey { number: 3, offset: 0 };

    fn block(value_bytes: usize) -> Arc<Block> {
        let mut builder = BlockBuilder::new(4);
        let value = vec![b'v'; value_bytes];
        builder.add(Entry { key: b"key", seqno: 1, kind: ValueKind::Put, value: &value });
        let path = Arc::from(Path::new("000003.sst"));
        Arc::new(Block::new(builder.finish().to_vec(), 0, &path, 0).expect("its own bytes"))
    }

    #[test]
    fn only_who_fills_it_leaves_blocks_and_only_who_bypasses_it_sees_none() {
        let cache = BlockCache::new(1 << 20, 4096);
        for caching in [Caching::Look, Caching::Bypass] {
            cache.put(KEY, &block(100), caching);
            assert!(cache.get(KEY, Caching::Fill).is_none());
        }
        cache.put(KEY, &block(100), Caching::Fill);
        assert!(cache.get(KEY, Caching::Fill).is_some());
        assert!(cache.get(KEY, Caching::Look).is_some());
        assert!(cache.get(KEY, Caching::Bypass).is_none());
        assert!(cache.get(BlockKey { offset: 1, ..KEY }, Caching::Fill).is_none());
        let counts = cache.counts();
        assert_eq!((counts.hits, counts.misses), (1, 3));
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        for bytes in [0, 900, 65_536, 1 << 20] {
            let cache = BlockCache::new(bytes, 256);
            for offset in 0..10_000 {
                let key = BlockKey { offset, ..KEY };
                cache.put(key, &block(offset as usize % 500), Caching::Fill);
                assert!(cache.counts().bytes <= bytes, "{} of {bytes}", cache.counts().bytes);
            }
            assert!(cache.counts().bytes >= bytes / 2, "{} of {bytes}", cache.counts().bytes);
        }
    }

    #[test]
    fn what_stays_follows_from_the_calls() {
        let held = || {
            let cache = BlockCache::new(65_536, 256);
            for step in 0..10_000u64 {
                let key = BlockKey { number: step % 7, offset: step * step % 997 };
                if cache.get(key, Caching::Fill).is_none() {
                    cache.put(key, &block(200), Caching::Fill);
                }
            }
            let keys = (0..7).flat_map(|number| (0..997).map(move |offset| (number, offset)));
            keys.filter(|(number, offset)| {
                let key = BlockKey { number: *number, offset: *offset };
                cache.get(key, Caching::Look).is_some()
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(held(), held());
    }
}
