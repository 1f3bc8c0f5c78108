//! What is left of a table of which a part is damaged: the entries of each block that is whole.
//!
//! Footer and index say where the blocks are, so without them nothing is found. Filter and properties
//! are not needed. A block counts when its checksum, which is bound to its place in this file of this
//! database, matches and its entries ascend.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{OpenMode, Vfs};

use super::block::Block;
use super::block_cursor::BlockCursor;
use super::filter::Filter;
use super::format::Footer;
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
    index: Index,
    /// The block that comes next.
    next_block: usize,
    /// Where the walk is; `None` between two blocks.
    cursor: Option<BlockCursor>,
    /// The entry handed out last.
    last: Option<(Vec<u8>, SeqNo)>,
    seqno_max: Option<SeqNo>,
    damaged_ends: Vec<Error>,
}

/// A block that cannot be read, or not to its end.
#[derive(Debug)]
pub(crate) struct LostBlock {
    pub(crate) part: PartInfo,
    pub(crate) why: Error,
    /// What was in it lies between these keys, both inclusive.
    pub(crate) after: Vec<u8>,
    pub(crate) upto: Vec<u8>,
}

/// The next of a walk.
#[derive(Debug)]
pub(crate) enum Step {
    /// The walk is at an entry, which [`GoodBlocks::entry`] lends.
    Entry,
    /// A block is passed over.
    Lost(LostBlock),
}

impl GoodBlocks {
    /// Opens the file at `path`, which should be table `number` of the database `id`; `size_bytes` is how
    /// long the manifest says it is.
    ///
    /// # Errors
    /// A file that cannot be read; a corruption when footer or index are not those of this table.
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
        let footer = read_footer(&*file, size_bytes, path)?;
        let source = Source { file, path: path.into(), number, id };
        if footer.id != id || footer.number != number {
            let what = format!("the table is number {} of database {}", footer.number, footer.id);
            return Err(source.corrupt(size_bytes, what));
        }
        let offset = footer.index.offset;
        let bytes = source.read_block(footer.index)?;
        let index = Index::decode(bytes, &source.path, offset, footer.data_end())?;
        let mut table = GoodBlocks {
            source,
            index,
            next_block: 0,
            cursor: None,
            last: None,
            seqno_max: None,
            damaged_ends: Vec::new(),
        };
        table.look_at_ends(&footer);
        Ok(table)
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
            Ok(properties) => self.seqno_max = Some(properties.seqno_max),
            Err(error) => self.damaged_ends.push(error),
        }
    }

    /// What is wrong with filter and properties, by which no entry is lost.
    pub(crate) fn damaged_ends(&self) -> &[Error] {
        &self.damaged_ends
    }

    /// The largest seqno in it, if the properties are whole.
    pub(crate) fn seqno_max(&self) -> Option<SeqNo> {
        self.seqno_max
    }

    /// Goes on to the next entry that is good, or over a block that is not; `None` at the end.
    pub(crate) fn step(&mut self) -> Option<Step> {
        if let Some(cursor) = &mut self.cursor
            && let Some(entry) = cursor.entry()
        {
            self.last = Some((entry.key.to_vec(), entry.seqno));
            if let Err(why) = cursor.next() {
                return Some(self.lost(self.next_block - 1, why));
            }
        }
        loop {
            if let Some(entry) = self.entry() {
                let follows = |(key, seqno): &(Vec<u8>, SeqNo)| {
                    compare(key, *seqno, entry.key, entry.seqno).is_lt()
                };
                let good = self.last.as_ref().is_none_or(follows);
                if good && (1..=SEQNO_MAX).contains(&entry.seqno) {
                    return Some(Step::Entry);
                }
                let offset = self.index.handle(self.next_block - 1).offset;
                let why = self.source.corrupt(offset, "the entries are not in order");
                return Some(self.lost(self.next_block - 1, why));
            }
            if self.next_block == self.index.len() {
                return None;
            }
            self.next_block += 1;
            match self.open_block(self.next_block - 1) {
                Ok(cursor) => self.cursor = Some(cursor),
                Err(why) => return Some(self.lost(self.next_block - 1, why)),
            }
        }
    }

    /// The entry that the walk is at.
    pub(crate) fn entry(&self) -> Option<Entry<'_>> {
        self.cursor.as_ref()?.entry()
    }

    fn open_block(&self, at: usize) -> Result<BlockCursor> {
        let handle = self.index.handle(at);
        let contents = self.source.read_block(handle)?;
        let block = Block::new(contents, 0, &self.source.path, handle.offset)?;
        let mut cursor = BlockCursor::new(Arc::new(block));
        cursor.seek_first()?;
        Ok(cursor)
    }

    fn lost(&mut self, at: usize, why: Error) -> Step {
        self.cursor = None;
        let after = at.checked_sub(1).map(|before| self.index.last_entry(before).0.to_vec());
        Step::Lost(LostBlock {
            part: part(self.index.handle(at)),
            why,
            after: after.unwrap_or_default(),
            upto: self.index.last_entry(at).0.to_vec(),
        })
    }
}
