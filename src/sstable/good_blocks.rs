//! What is left of a table of which a part is damaged: the entries of each block that is whole.
//!
//! Footer and index say where the blocks are. Without them blocks are sought from the beginning of the
//! file on: where one ends the next begins, and its length is the one with which its checksum matches.
//! Filter and properties are not needed. A block counts when its checksum, which is bound to its place in
//! this file of this database, matches and its entries ascend.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{OpenMode, Vfs};

use super::block::Block;
use super::block_cursor::BlockCursor;
use super::compression::Compression;
use super::filter::Filter;
use super::format::{BlockHandle, Footer, TRAILER_BYTES, check_block};
use super::index::Index;
use super::parts::{PartInfo, part};
use super::properties::Properties;
use super::reader::{Source, read_footer};
use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, IoContext, Result};
use crate::base::file_name::FileNumber;
use crate::base::key::{Entry, SEQNO_MAX, SeqNo, compare};

/// A walk over the good entries of a table, in order.
#[derive(Debug)]
pub(crate) struct GoodBlocks {
    source: Source,
    places: Places,
    /// The block that comes next.
    next_block: usize,
    /// Where the walk is; `None` between two blocks.
    cursor: Option<BlockCursor>,
    /// The entry handed out last.
    last: Option<(Vec<u8>, SeqNo)>,
    /// The entry that the walk is at is still to be handed out: blocks before it had to be told first.
    waiting: bool,
    properties: Option<Properties>,
    damaged_ends: Vec<Error>,
    lost_end: Option<LostEnd>,
}

/// Where the data blocks are.
#[derive(Debug)]
enum Places {
    Index(Index),
    /// Found without it: each with the key and the seqno of its last entry.
    Found(Vec<(BlockHandle, Vec<u8>, SeqNo)>),
}

impl Places {
    fn len(&self) -> usize {
        match self {
            Places::Index(index) => index.len(),
            Places::Found(found) => found.len(),
        }
    }

    fn handle(&self, at: usize) -> BlockHandle {
        match self {
            Places::Index(index) => index.handle(at),
            Places::Found(found) => found[at].0,
        }
    }

    fn last_key(&self, at: usize) -> &[u8] {
        match self {
            Places::Index(index) => index.last_entry(at).0,
            Places::Found(found) => &found[at].1,
        }
    }
}

/// What follows the last block that was found without an index.
#[derive(Debug)]
pub(crate) struct LostEnd {
    pub(crate) offset: u64,
    /// How many bytes of the table follow, index and all.
    pub(crate) bytes: u64,
    /// The largest key that was found.
    pub(crate) after: Vec<u8>,
}

/// The longest block that is sought without an index, in bytes.
const SOUGHT_BYTES_MAX: usize = 64 << 10;

/// Blocks in a row that cannot be read, or not to their ends.
#[derive(Debug)]
pub(crate) struct LostBlocks {
    /// Where they are, all together.
    pub(crate) part: PartInfo,
    /// How many they are.
    pub(crate) blocks: u64,
    /// What is wrong with the first of them.
    pub(crate) why: Error,
    /// What was in them has keys from the first to the second, both included.
    pub(crate) keys: (Vec<u8>, Vec<u8>),
}

/// The next of a walk.
#[derive(Debug)]
pub(crate) enum Step {
    /// The walk is at an entry, which [`GoodBlocks::entry`] lends.
    Entry,
    /// Blocks are passed over.
    Lost(LostBlocks),
}

impl GoodBlocks {
    /// Opens the file at `path`, which should be table `number` of the database `id`; `size_bytes` is how
    /// long the manifest says it is.
    ///
    /// # Errors
    /// A file that cannot be read; a corruption when footer and index are not those of this table and not
    /// one block of it is found.
    pub(crate) fn open(
        vfs: &dyn Vfs,
        path: &Path,
        id: DatabaseId,
        number: FileNumber,
        size_bytes: Option<u64>,
    ) -> Result<GoodBlocks> {
        let file = vfs.open(path, OpenMode::ReadOnly).context("open", path)?;
        let found = file.len().context("read the size", path)?;
        // What was appended to a table is none of it.
        let size_bytes = size_bytes.filter(|size| *size <= found).unwrap_or(found);
        let source = Source { file, path: path.into(), number, id };
        let mut table = GoodBlocks {
            places: Places::Found(Vec::new()),
            source,
            next_block: 0,
            cursor: None,
            last: None,
            waiting: false,
            properties: None,
            damaged_ends: Vec::new(),
            lost_end: None,
        };
        match table.source.footer_and_index(size_bytes) {
            Ok((footer, index)) => {
                table.places = Places::Index(index);
                table.look_at_ends(&footer);
            }
            Err(error) => {
                table.seek_blocks(size_bytes)?;
                if table.places.len() == 0 {
                    return Err(error);
                }
                table.damaged_ends.push(error);
            }
        }
        Ok(table)
    }

    /// Finds blocks from the beginning on, and the index behind them if none is missing.
    fn seek_blocks(&mut self, size_bytes: u64) -> Result<()> {
        let (mut found, mut at) = (Vec::new(), 0);
        // A filter stands between the data and the index.
        let mut ends = vec![0];
        while let Some((handle, contents)) = self.source.seek_block(at, size_bytes)? {
            let path = &self.source.path;
            let index = ends
                .iter()
                .rev()
                .take(2)
                .find_map(|data_end| Index::decode(contents.clone(), path, at, *data_end).ok());
            if let Some(index) = index {
                self.places = Places::Index(index);
                return Ok(());
            }
            if let Some((key, seqno)) = last_entry(contents, path, at) {
                found.push((handle, key, seqno));
            }
            let Some(end) = handle.end() else { break };
            at = end;
            ends.push(at);
        }
        let after = found.last().map_or_else(Vec::new, |(_, key, _)| key.clone());
        let bytes = size_bytes.saturating_sub(at);
        self.lost_end = Some(LostEnd { offset: at, bytes, after });
        self.places = Places::Found(found);
        Ok(())
    }

    /// Reads what the walk can do without.
    fn look_at_ends(&mut self, footer: &Footer) {
        let Source { path, .. } = &self.source;
        let filter = footer.filter.map(|handle| {
            let bytes = self.source.read_block(handle)?;
            Filter::decode(bytes, path, handle.offset).map(drop)
        });
        let offset = footer.properties.offset;
        let properties = self.source.read_block(footer.properties);
        let properties = properties.and_then(|bytes| Properties::decode(&bytes, offset, path));
        self.damaged_ends.extend(filter.and_then(Result::err));
        match properties {
            Ok(properties) => self.properties = Some(properties),
            Err(error) => self.damaged_ends.push(error),
        }
    }

    /// What could not be found for want of an index.
    pub(crate) fn lost_end(&self) -> Option<&LostEnd> {
        self.lost_end.as_ref()
    }

    /// What is wrong with what follows the blocks; no entry is lost by that alone.
    pub(crate) fn damaged_ends(&self) -> &[Error] {
        &self.damaged_ends
    }

    /// The smallest and the largest seqno in it, if the properties are whole.
    pub(crate) fn seqnos(&self) -> Option<(SeqNo, SeqNo)> {
        self.properties.as_ref().map(|properties| (properties.seqno_min, properties.seqno_max))
    }

    /// Goes on to the next entry that is good, or over blocks that are not; `None` at the end.
    pub(crate) fn step(&mut self) -> Option<Step> {
        if std::mem::take(&mut self.waiting) {
            return Some(Step::Entry);
        }
        let mut lost = None;
        let mut found = self.leave_entry().and_then(|()| self.find_entry());
        loop {
            match found {
                Ok(false) => return lost.map(Step::Lost),
                Ok(true) => {
                    self.waiting = lost.is_some();
                    return Some(lost.map_or(Step::Entry, Step::Lost));
                }
                Err(why) => lost = Some(self.lose(lost, why)),
            }
            found = self.find_entry();
        }
    }

    /// Moves on from the entry that was handed out last.
    fn leave_entry(&mut self) -> Result<()> {
        let Some(cursor) = &mut self.cursor else { return Ok(()) };
        let Some(entry) = cursor.entry() else { return Ok(()) };
        self.last = Some((entry.key.to_vec(), entry.seqno));
        cursor.next()
    }

    /// Whether there is an entry, here or in a block further on; an error is one of the block before
    /// `next_block`.
    fn find_entry(&mut self) -> Result<bool> {
        loop {
            if let Some(entry) = self.entry() {
                let follows = |(key, seqno): &(Vec<u8>, SeqNo)| {
                    compare(key, *seqno, entry.key, entry.seqno).is_lt()
                };
                let good = self.last.as_ref().is_none_or(follows);
                if good && (1..=SEQNO_MAX).contains(&entry.seqno) {
                    return Ok(true);
                }
                let offset = self.places.handle(self.next_block - 1).offset;
                return Err(self.source.corrupt(offset, "the entries are not in order"));
            }
            if self.next_block == self.places.len() {
                return Ok(false);
            }
            self.next_block += 1;
            self.cursor = Some(self.open_block(self.next_block - 1)?);
        }
    }

    /// The entry that the walk is at.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        self.cursor.as_ref()?.entry()
    }

    fn open_block(&self, at: usize) -> Result<BlockCursor> {
        let handle = self.places.handle(at);
        let contents = self.source.read_block(handle)?;
        let block = Block::new(contents, 0, &self.source.path, handle.offset)?;
        let mut cursor = BlockCursor::new(Arc::new(block));
        cursor.seek_first()?;
        Ok(cursor)
    }

    /// Adds the block before `next_block` to those that are lost.
    fn lose(&mut self, lost: Option<LostBlocks>, why: Error) -> LostBlocks {
        self.cursor = None;
        let at = self.next_block - 1;
        let (this, upto) = (part(self.places.handle(at)), self.places.last_key(at).to_vec());
        match lost {
            Some(LostBlocks { part: before, blocks, why, keys: (from, _) }) => LostBlocks {
                part: PartInfo { bytes: this.offset + this.bytes - before.offset, ..before },
                blocks: blocks + 1,
                why,
                keys: (from, upto),
            },
            None => LostBlocks { part: this, blocks: 1, why, keys: (self.lowest_of(at), upto) },
        }
    }

    /// The smallest key that what was not read of the block `at` can have.
    fn lowest_of(&self, at: usize) -> Vec<u8> {
        let before = at.checked_sub(1).map(|before| self.places.last_key(before).to_vec());
        let first = || self.properties.as_ref().map(|properties| properties.smallest.to_vec());
        let begin = before.or_else(first).unwrap_or_default();
        // Entries of the block itself may have been read.
        self.last.iter().map(|(key, _)| key.clone()).fold(begin, Vec::max)
    }
}

impl Source {
    fn footer_and_index(&self, size_bytes: u64) -> Result<(Footer, Index)> {
        let footer = read_footer(&*self.file, size_bytes, &self.path)?;
        if footer.id != self.id || footer.number != self.number {
            let what = format!("the table is number {} of database {}", footer.number, footer.id);
            return Err(self.corrupt(size_bytes, what));
        }
        let offset = footer.index.offset;
        let bytes = self.read_block(footer.index)?;
        let index = Index::decode(bytes, &self.path, offset, footer.data_end())?;
        Ok((footer, index))
    }

    /// The block at `offset` of a table of `size_bytes`, whose length is not known, and its contents.
    fn seek_block(&self, offset: u64, size_bytes: u64) -> Result<Option<(BlockHandle, Vec<u8>)>> {
        let left = usize::try_from(size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(SOUGHT_BYTES_MAX + TRAILER_BYTES)];
        let read = self.file.read_at(&mut bytes, offset).context("read", &self.path)?;
        bytes.truncate(read);
        for len in 1..(read + 1).saturating_sub(TRAILER_BYTES) {
            // The cheap test comes first: no other byte says how a block is compressed.
            if Compression::from_byte(bytes[len]).is_none() {
                continue;
            }
            let whole = &bytes[..len + TRAILER_BYTES];
            let Ok(compression) = check_block(whole, offset, self.place()) else { continue };
            let handle = BlockHandle { offset, len: len as u32 };
            let contents = compression.contents_of(bytes[..len].to_vec());
            return Ok(contents.map(|contents| (handle, contents)));
        }
        Ok(None)
    }
}

/// The key and the seqno of the last entry of a block; `None` for one that is no block of entries.
fn last_entry(contents: Vec<u8>, path: &Arc<Path>, offset: u64) -> Option<(Vec<u8>, SeqNo)> {
    let block = Block::new(contents, 0, path, offset).ok()?;
    let mut cursor = BlockCursor::new(Arc::new(block));
    cursor.seek_last().ok()?;
    cursor.entry().map(|entry| (entry.key.to_vec(), entry.seqno))
}
