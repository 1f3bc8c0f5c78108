//! Writes a table from entries that come in order.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::File;

use super::block_builder::BlockBuilder;
use super::compression::{Compression, Compressor};
use super::filter::FilterBuilder;
use super::format::{BlockHandle, Footer, Place, TRAILER_BYTES, seal_block};
use super::index::encode_handle;
use super::properties::Properties;
use crate::base::checksum::DatabaseId;
use crate::base::error::{IoContext, Result};
use crate::base::file_name::FileNumber;
use crate::base::key::{Entry, SEQNO_MAX, SeqNo, ValueKind, compare};
use crate::base::table_meta::TableMeta;

/// How tables are written. Tables can be read whatever these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableOptions {
    /// A data block ends with the entry that brings it to this size, in bytes.
    pub(crate) block_bytes: usize,
    /// How many entries apart the whole keys in a data block are. Fewer are faster to search, and take
    /// more bytes where keys have much in common.
    pub(crate) restart_interval: usize,
    /// How data blocks are stored.
    pub(crate) compression: Compression,
    /// About how many bits the filter has for each key; 0 for no filter. With 10 it lets about one
    /// missing key of a hundred through.
    pub(crate) filter_bits_per_key: u32,
}

impl Default for TableOptions {
    fn default() -> TableOptions {
        TableOptions {
            block_bytes: 4096,
            restart_interval: 4,
            compression: Compression::default(),
            filter_bits_per_key: 10,
        }
    }
}

/// The restart interval of the index: it is read once, from the front.
const INDEX_RESTART_INTERVAL: usize = 16;

/// How many bytes are gathered before they are written.
const WRITE_BYTES: usize = 64 * 1024;

/// A table that is being written.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    output: Output,
    options: TableOptions,
    compressor: Compressor,
    block: BlockBuilder,
    /// Every finished data block: its last key and seqno, and where it is.
    index: BlockBuilder,
    filter: FilterBuilder,
    block_count: u64,
    properties: Properties,
    last_seqno: SeqNo,
}

/// The file, written in large pieces from its beginning.
#[derive(Debug)]
struct Output {
    file: Arc<dyn File>,
    path: Box<Path>,
    number: FileNumber,
    id: DatabaseId,
    /// What was not written yet, and where in the file it begins.
    pending: Vec<u8>,
    pending_offset: u64,
}

impl TableBuilder {
    /// Starts a table in `file`, which is empty and stays open until the caller has synced it.
    pub(crate) fn new(
        file: Arc<dyn File>,
        path: &Path,
        number: FileNumber,
        id: DatabaseId,
        options: TableOptions,
    ) -> TableBuilder {
        // It grows to what is written at once, which a small table never is.
        let pending = Vec::new();
        TableBuilder {
            output: Output { file, path: path.into(), number, id, pending, pending_offset: 0 },
            compressor: Compressor::default(),
            block: BlockBuilder::new(options.restart_interval),
            index: BlockBuilder::new(INDEX_RESTART_INTERVAL),
            filter: FilterBuilder::default(),
            options,
            block_count: 0,
            properties: Properties::default(),
            last_seqno: 0,
        }
    }

    /// Adds an entry, which comes after all before it.
    ///
    /// # Errors
    /// A failed write. The table is then of no use.
    ///
    /// # Panics
    /// If the entry is out of order.
    pub(crate) fn add(&mut self, entry: Entry<'_>) -> Result<()> {
        let Entry { key, seqno, kind, value } = entry;
        assert!((1..=SEQNO_MAX).contains(&seqno), "no entry has the seqno {seqno}");
        assert!(kind == ValueKind::Put || value.is_empty(), "a deletion has no value");
        let order = compare(self.block.last_key(), self.last_seqno, key, seqno);
        let first = self.properties.entry_count == 0;
        assert!(first || order.is_lt(), "entries are added in order: {entry:?} is not");
        if self.options.filter_bits_per_key > 0 && (first || self.block.last_key() != key) {
            self.filter.add(key);
        }
        self.properties.count(entry);
        self.block.add(entry);
        self.last_seqno = seqno;
        if self.block.len() >= self.options.block_bytes {
            self.end_block()?;
        }
        Ok(())
    }

    /// How many entries were added.
    pub(crate) fn entry_count(&self) -> u64 {
        self.properties.entry_count
    }

    /// The key that was added last. Empty before the first.
    pub(crate) fn last_key(&self) -> &[u8] {
        self.block.last_key()
    }

    /// How large the file would be with what was added so far, without filter, index and footer, in
    /// bytes: at most, as the block that is open may yet be compressed.
    pub(crate) fn data_bytes(&self) -> u64 {
        let open = if self.block.is_empty() { 0 } else { self.block.len() + TRAILER_BYTES };
        self.output.offset() + open as u64
    }

    /// Writes what is left and says what the manifest is to know of the table.
    ///
    /// Durability: it syncs nothing. The caller does, before anything names the table.
    ///
    /// # Errors
    /// A failed write. The table is then of no use.
    ///
    /// # Panics
    /// If no entry was added.
    pub(crate) fn finish(mut self) -> Result<TableMeta> {
        assert!(self.properties.entry_count > 0, "a table has at least one entry");
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let mut properties = self.properties;
        properties.end(self.block.last_key(), self.block_count);
        let bits_per_key = self.options.filter_bits_per_key;
        let filter = (bits_per_key > 0)
            .then(|| self.output.put_block(&self.filter.finish(bits_per_key), Compression::None));
        let index = self.output.put_block(self.index.finish(), Compression::None);
        let encoded = properties.encode();
        let properties_handle = self.output.put_block(&encoded, Compression::None);
        let footer = Footer {
            id: self.output.id,
            number: self.output.number,
            filter,
            index,
            properties: properties_handle,
        };
        let size_bytes = self.output.end(&footer)?;
        Ok(properties.into_meta(self.output.number, size_bytes))
    }

    fn end_block(&mut self) -> Result<()> {
        let (compression, stored) =
            self.compressor.store(self.block.finish(), self.options.compression);
        let handle = self.output.put_block(stored, compression);
        self.block.clear();
        self.block_count += 1;
        self.index.add(Entry {
            key: self.block.last_key(),
            seqno: self.last_seqno,
            kind: ValueKind::Put,
            value: &encode_handle(handle),
        });
        self.output.write_if_large()
    }
}

impl Output {
    /// Where the next block goes.
    fn offset(&self) -> u64 {
        self.pending_offset + self.pending.len() as u64
    }

    fn put_block(&mut self, stored: &[u8], compression: Compression) -> BlockHandle {
        let start = self.pending.len();
        let offset = self.offset();
        self.pending.extend_from_slice(stored);
        let len = u32::try_from(stored.len()).expect("a block ends long before 4 GiB");
        let place = Place { id: &self.id, number: self.number, path: &self.path };
        seal_block(&mut self.pending, start, offset, compression, place);
        BlockHandle { offset, len }
    }

    /// Writes the footer and all that is pending; returns the size of the file.
    fn end(&mut self, footer: &Footer) -> Result<u64> {
        let encoded = footer.encode(self.offset());
        self.pending.extend_from_slice(&encoded);
        self.write()?;
        Ok(self.pending_offset)
    }

    fn write_if_large(&mut self) -> Result<()> {
        if self.pending.len() >= WRITE_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_at(&self.pending, self.pending_offset).context("write", &self.path)?;
        self.pending_offset += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}
