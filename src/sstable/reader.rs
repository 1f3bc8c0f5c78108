//! Reads a table: opens it, finds a key, hands out blocks, verifies the whole.
//!
//! Invariant: whatever is returned was covered by a checksum that is bound to this place of this
//! file of this database, and open has checked that the file is the one that the manifest means.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{File, OpenMode, Vfs};

use super::block::Block;
use super::block_cache::{BlockCache, BlockKey, Caching};
use super::filter::{Filter, KeyHash};
use super::format::{
    BlockHandle, FOOTER_BYTES, FOOTER_BYTES_MAX, Footer, Place, TRAILER_BYTES, check_block,
    shared_len,
};
use super::index::Index;
use super::iter::TableCursor;
use super::properties::Properties;
use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileNumber;
use crate::base::key::{SeqNo, ValueKind};
#[cfg(test)]
use crate::base::slice::Slice;
use crate::base::table_meta::TableMeta;

/// How much of a table's end is read at once. That is all of what open needs of a small table, and
/// the footer, the properties and mostly the index of a large one.
const TAIL_BYTES: u64 = 8 * 1024;

const _: () = assert!(TAIL_BYTES >= FOOTER_BYTES_MAX as u64, "a footer lies in the tail");

/// An open table. Cloning copies a pointer.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: Source,
    ends: Ends,
    meta: TableMeta,
    cache: Arc<BlockCache>,
}

/// What follows the data blocks: read by open and kept in memory.
#[derive(Debug, PartialEq, Eq)]
struct Ends {
    footer: Footer,
    filter: Option<Filter>,
    index: Index,
    properties: Properties,
    /// How many bytes all keys share at their beginnings.
    shared: usize,
}

/// What point reads of tables took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadCounts {
    /// Tables that a filter ruled out, so that no block was touched.
    pub(crate) filtered: u64,
    /// Blocks that were looked into.
    pub(crate) blocks: u64,
    /// Of those, the ones that did not have the key although a filter let it through.
    pub(crate) filter_missed: u64,
}

/// The file and whose it is: all that reading a block needs.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Arc<dyn File>,
    pub(super) path: Arc<Path>,
    pub(super) number: FileNumber,
    pub(super) id: DatabaseId,
}

/// The last bytes of a file.
#[derive(Debug)]
struct Tail {
    /// Where they begin.
    offset: u64,
    bytes: Vec<u8>,
}

impl Tail {
    /// Reads up to `len` bytes at the end of a file of `size_bytes`.
    fn read(file: &dyn File, size_bytes: u64, len: u64, path: &Path) -> Result<Tail> {
        let len = size_bytes.min(len);
        let mut bytes = vec![0; len as usize];
        read_exact(file, &mut bytes, size_bytes - len, path)?;
        Ok(Tail { offset: size_bytes - len, bytes })
    }

    /// The `len` bytes at `offset`, if they are among them.
    fn get(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}

impl Table {
    /// Opens the table that `meta` describes and reads its footer, index and properties. Its blocks
    /// are kept in `cache`, which tables of one database may share.
    ///
    /// # Errors
    /// A corruption when the file is not exactly that table of the database `id`.
    pub(crate) fn open(
        vfs: &dyn Vfs,
        path: &Path,
        meta: &TableMeta,
        id: DatabaseId,
        cache: Arc<BlockCache>,
    ) -> Result<Table> {
        let file = match vfs.open(path, OpenMode::ReadOnly) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::missing(path, "a table that the manifest names is missing"));
            }
            opened => opened.context("open", path)?,
        };
        let source = Source { file, path: path.into(), number: meta.number, id };
        let ends = source.read_ends(meta)?;
        Ok(Table { inner: Arc::new(Inner { source, ends, meta: meta.clone(), cache }) })
    }

    /// Opens the table at `path`, whosever it is: its own end is believed.
    ///
    /// # Errors
    /// A corruption when the end of the file is not that of a table.
    pub(crate) fn open_any(vfs: &dyn Vfs, path: &Path) -> Result<Table> {
        let file = vfs.open(path, OpenMode::ReadOnly).context("open", path)?;
        let size_bytes = file.len().context("read the size", path)?;
        let Footer { id, number, .. } = read_footer(&*file, size_bytes, path)?;
        let source = Source { file, path: path.into(), number, id };
        let ends = source.read_parts(size_bytes)?;
        let meta = ends.properties.clone().into_meta(number, size_bytes);
        let cache = Arc::new(BlockCache::new(0, 0));
        Ok(Table { inner: Arc::new(Inner { source, ends, meta, cache }) })
    }

    /// Looks for the newest version of `key`, whose hash is `hash`, with a seqno of at most `visible`, and
    /// lends it to `found`. What it took is added to `counts`.
    ///
    /// # Errors
    /// A failed read or a corruption of the one block that can hold it.
    pub(crate) fn get_with<T>(
        &self,
        key: &[u8],
        hash: KeyHash,
        visible: SeqNo,
        counts: &mut ReadCounts,
        found: impl FnOnce(SeqNo, ValueKind, &[u8]) -> T,
    ) -> Result<Option<T>> {
        let Ends { filter, index, properties, .. } = &self.inner.ends;
        if key < &*properties.smallest || key > &*properties.largest {
            return Ok(None);
        }
        if filter.as_ref().is_some_and(|filter| !filter.may_hold(hash)) {
            counts.filtered += 1;
            return Ok(None);
        }
        let at = index.find(key, visible);
        if at == index.len() {
            return Ok(None);
        }
        counts.blocks += 1;
        let block = self.block(at, Caching::Fill)?;
        let version = block.get(key, visible)?;
        counts.filter_missed += u64::from(version.is_none() && filter.is_some());
        Ok(version.map(|(seqno, kind, value)| found(seqno, kind, value)))
    }

    /// As [`Table::get_with`], with the value as it was found.
    #[cfg(test)]
    pub(crate) fn get(
        &self,
        key: &[u8],
        hash: KeyHash,
        visible: SeqNo,
        counts: &mut ReadCounts,
    ) -> Result<Option<(SeqNo, ValueKind, Slice)>> {
        self.get_with(key, hash, visible, counts, |seqno, kind, value| {
            (seqno, kind, Slice::from(value))
        })
    }

    /// A cursor over all entries; it keeps the table open.
    pub(crate) fn cursor(&self, caching: Caching) -> TableCursor {
        TableCursor::new(self.clone(), caching)
    }

    /// Reads the whole file, and checks every byte of it against its checksum, the entries against
    /// their order, and index, properties and the manifest's entry against the entries.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn verify(&self) -> Result<()> {
        let inner = &*self.inner;
        let ends = inner.source.read_ends(&inner.meta)?;
        // What was read at open may be right while the file no longer is.
        if ends != inner.ends {
            return Err(inner.source.corrupt(0, "the end of the table has changed"));
        }
        let Ends { footer, filter, index, properties, .. } = &inner.ends;
        let mut counted = Properties::default();
        let mut cursor = self.cursor(Caching::Bypass);
        let mut last = (Vec::new(), 0);
        for at in 0..index.len() {
            cursor.seek_block(at)?;
            last = cursor.verify_block(&last, &mut counted, filter.as_ref())?;
            if index.last_entry(at) != (&last.0, last.1) {
                let offset = index.handle(at).offset;
                return Err(inner.source.corrupt(offset, "a block does not end as the index says"));
            }
        }
        counted.end(&last.0, index.len() as u64);
        if counted != *properties {
            let what = format!("the entries make {counted:?}, the table says {properties:?}");
            return Err(inner.source.corrupt(footer.properties.offset, what));
        }
        Ok(())
    }

    /// The database and the number that it was written for.
    pub(crate) fn written_for(&self) -> (DatabaseId, FileNumber) {
        (self.inner.source.id, self.inner.source.number)
    }

    /// How many data blocks it has.
    pub(crate) fn block_count(&self) -> usize {
        self.index().len()
    }

    pub(super) fn footer(&self) -> &Footer {
        &self.inner.ends.footer
    }

    pub(super) fn index(&self) -> &Index {
        &self.inner.ends.index
    }

    pub(super) fn properties(&self) -> &Properties {
        &self.inner.ends.properties
    }

    pub(super) fn filter(&self) -> Option<&Filter> {
        self.inner.ends.filter.as_ref()
    }

    pub(super) fn path(&self) -> &Path {
        &self.inner.source.path
    }

    /// Whether the data block `at` is in the cache.
    pub(super) fn is_cached(&self, at: usize) -> bool {
        let Inner { source, ends, cache, .. } = &*self.inner;
        let offset = ends.index.handle(at).offset;
        cache.get(BlockKey { number: source.number, offset }, Caching::Look).is_some()
    }

    /// The data block `at`, from the cache or else read and checked.
    pub(super) fn block(&self, at: usize, caching: Caching) -> Result<Arc<Block>> {
        let Inner { source, ends, cache, .. } = &*self.inner;
        let handle = ends.index.handle(at);
        let key = BlockKey { number: source.number, offset: handle.offset };
        if let Some(block) = cache.get(key, caching) {
            return Ok(block);
        }
        let contents = source.read_block(handle)?;
        let block = Block::new(contents, ends.shared, &source.path, handle.offset)?;
        let block = Arc::new(block);
        cache.put(key, &block, caching);
        Ok(block)
    }
}

impl Source {
    pub(super) fn place(&self) -> Place<'_> {
        Place { id: &self.id, number: self.number, path: &self.path }
    }

    pub(super) fn corrupt(&self, offset: u64, what: impl Into<String>) -> Error {
        Error::corruption(&self.path, offset, what)
    }

    /// Reads what follows the data blocks, and checks that it belongs together and to `meta`, what the
    /// manifest says.
    fn read_ends(&self, meta: &TableMeta) -> Result<Ends> {
        let size_bytes = self.file.len().context("read the size", &self.path)?;
        if size_bytes != meta.size_bytes {
            let what = format!("the table has {size_bytes} bytes instead of {}", meta.size_bytes);
            return Err(self.corrupt(size_bytes.min(meta.size_bytes), what));
        }
        let ends = self.read_parts(size_bytes)?;
        if !agrees_with_manifest(&ends.properties, meta) {
            let what = format!("the manifest says {meta:?}, the table says {:?}", ends.properties);
            return Err(self.corrupt(ends.footer.properties.offset, what));
        }
        Ok(ends)
    }

    /// Reads what follows the data blocks, and checks that it belongs together.
    fn read_parts(&self, size_bytes: u64) -> Result<Ends> {
        let tail = Tail::read(&*self.file, size_bytes, TAIL_BYTES, &self.path)?;
        let footer = Footer::decode(&tail.bytes, size_bytes, &self.path)?;
        if footer.id != self.id || footer.number != self.number {
            let what = format!("the table is number {} of database {}", footer.number, footer.id);
            return Err(self.corrupt(size_bytes - FOOTER_BYTES as u64, what));
        }
        let filter = match footer.filter {
            Some(filter) => {
                let bytes = self.read_end_block(filter, &tail)?;
                Some(Filter::decode(bytes, &self.path, filter.offset)?)
            }
            None => None,
        };
        let (offset, data_end) = (footer.index.offset, footer.data_end());
        let bytes = self.read_end_block(footer.index, &tail)?;
        let index = Index::decode(bytes, &self.path, offset, data_end)?;
        let offset = footer.properties.offset;
        let bytes = self.read_end_block(footer.properties, &tail)?;
        let properties = Properties::decode(&bytes, offset, &self.path)?;
        let agree = properties.block_count == index.len() as u64
            && *properties.largest == *index.last_entry(index.len() - 1).0;
        if !agree {
            return Err(self.corrupt(offset, "the properties do not agree with the index"));
        }
        let shared = shared_len(&properties.smallest, &properties.largest);
        Ok(Ends { footer, filter, index, properties, shared })
    }

    /// The contents of a block, checked and as they were before compression.
    pub(super) fn read_block(&self, handle: BlockHandle) -> Result<Vec<u8>> {
        let mut bytes = vec![0; handle.len as usize + TRAILER_BYTES];
        read_exact(&*self.file, &mut bytes, handle.offset, &self.path)?;
        self.contents_of(bytes, handle)
    }

    /// As [`Source::read_block`], from `tail` when the block lies in it.
    fn read_end_block(&self, handle: BlockHandle, tail: &Tail) -> Result<Vec<u8>> {
        match tail.get(handle.offset, handle.len as usize + TRAILER_BYTES) {
            Some(bytes) => self.contents_of(bytes.to_vec(), handle),
            None => self.read_block(handle),
        }
    }

    /// The contents of the block of which these are the bytes, trailer included.
    fn contents_of(&self, mut bytes: Vec<u8>, handle: BlockHandle) -> Result<Vec<u8>> {
        let compression = check_block(&bytes, handle.offset, self.place())?;
        bytes.truncate(handle.len as usize);
        compression
            .contents_of(bytes)
            .ok_or_else(|| self.corrupt(handle.offset, "a block does not decompress"))
    }
}

fn agrees_with_manifest(properties: &Properties, meta: &TableMeta) -> bool {
    properties.entry_count == meta.entry_count
        && properties.smallest == meta.smallest
        && properties.largest == meta.largest
        && properties.seqno_min == meta.seqno_min
        && properties.seqno_max == meta.seqno_max
}

fn read_exact(file: &dyn File, buffer: &mut [u8], offset: u64, path: &Path) -> Result<()> {
    let read = file.read_at(buffer, offset).context("read", path)?;
    if read < buffer.len() {
        let what = format!("the file ends {} bytes early", buffer.len() - read);
        return Err(Error::corruption(path, offset + read as u64, what));
    }
    Ok(())
}

pub(super) fn read_footer(file: &dyn File, size_bytes: u64, path: &Path) -> Result<Footer> {
    let tail = Tail::read(file, size_bytes, FOOTER_BYTES_MAX as u64, path)?;
    Footer::decode(&tail.bytes, size_bytes, path)
}

/// The database and the number that the footer of the file at `path` names.
///
/// # Errors
/// A failed read; a corruption when the file does not end as a table does.
pub(crate) fn written_for(vfs: &dyn Vfs, path: &Path) -> Result<(DatabaseId, FileNumber)> {
    let file = vfs.open(path, OpenMode::ReadOnly).context("open", path)?;
    let size_bytes = file.len().context("read the size", path)?;
    let Footer { id, number, .. } = read_footer(&*file, size_bytes, path)?;
    Ok((id, number))
}

/// What recovery needs to know of a table that nothing names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wholeness {
    /// It was written to its end: its footer is that of this table of this database.
    Whole,
    /// It is a whole table, of another database or copied here under another number.
    Foreign {
        /// Whose it is.
        id: DatabaseId,
        /// The number it was written under.
        number: FileNumber,
    },
    /// It was not written to its end.
    NotWhole,
}

/// Looks at the footer of the file at `path`, which should be table `number` of the database `id`.
///
/// The footer is written last; of the other blocks nothing is read. When the power failed a whole
/// footer says nothing about them.
///
/// # Errors
/// A failed call of the file system, and `FormatTooNew` for a whole table of a newer format.
pub(crate) fn looks_whole(
    vfs: &dyn Vfs,
    path: &Path,
    id: DatabaseId,
    number: FileNumber,
) -> Result<Wholeness> {
    let file = vfs.open(path, OpenMode::ReadOnly).context("open", path)?;
    let size_bytes = file.len().context("read the size", path)?;
    match read_footer(&*file, size_bytes, path) {
        Ok(footer) if footer.id == id && footer.number == number => Ok(Wholeness::Whole),
        Ok(Footer { id, number, .. }) => Ok(Wholeness::Foreign { id, number }),
        Err(error) if error.kind() == ErrorKind::Corruption => Ok(Wholeness::NotWhole),
        Err(error) => Err(error),
    }
}
