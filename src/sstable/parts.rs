//! A table taken apart, for tools that look into one.

use super::block_cache::Caching;
use super::format::{BlockHandle, FOOTER_BYTES, TRAILER_BYTES};
use super::reader::Table;
use crate::base::error::Result;
use crate::base::key::{SeqNo, ValueKind};
use crate::iter::Cursor;

/// Where a part of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length with compression byte and checksum, in bytes.
    pub bytes: u64,
}

/// The filter of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterInfo {
    /// Where it is.
    pub part: PartInfo,
    /// How many bits it has.
    pub bits: u64,
    /// How many of them are set.
    pub bits_set: u64,
    /// How many bits a lookup asks for.
    pub probes: u8,
}

/// What a table says of its entries as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertiesInfo {
    /// How many entries it holds.
    pub entry_count: u64,
    /// How many of them are deletions.
    pub tombstone_count: u64,
    /// The sum of the lengths of all keys, once for each version.
    pub key_bytes: u64,
    /// The sum of the lengths of all values.
    pub value_bytes: u64,
    /// The smallest seqno in it.
    pub seqno_min: SeqNo,
    /// The largest seqno in it.
    pub seqno_max: SeqNo,
    /// The first key.
    pub smallest: Vec<u8>,
    /// The last key.
    pub largest: Vec<u8>,
}

/// A data block as the index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Where it is.
    pub part: PartInfo,
    /// The key of its last entry.
    pub last_key: Vec<u8>,
    /// The seqno of its last entry.
    pub last_seqno: SeqNo,
}

/// What a data block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContents {
    /// Its length before compression, in bytes.
    pub content_bytes: u64,
    /// How many entries it holds.
    pub entry_count: u64,
    /// How many of them are deletions.
    pub tombstone_count: u64,
    /// The key of its first entry.
    pub first_key: Vec<u8>,
}

/// A table, by its own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableParts {
    /// The id of the database it was written for, 32 hexadecimal digits.
    pub id: String,
    /// The number it was written under.
    pub number: u64,
    /// The size of the file, in bytes.
    pub size_bytes: u64,
    /// Its data blocks, from byte 0 on.
    pub blocks: Vec<BlockInfo>,
    /// Its filter, if it has one.
    pub filter: Option<FilterInfo>,
    /// Where the index is.
    pub index: PartInfo,
    /// Where the properties are.
    pub properties_part: PartInfo,
    /// The properties.
    pub properties: PropertiesInfo,
    /// Where the footer is.
    pub footer: PartInfo,
}

/// Takes `table` apart; what is needed for that was read when it was opened.
pub(crate) fn parts(table: &Table) -> TableParts {
    let footer = table.footer();
    let properties_part = part(footer.properties);
    let footer_offset = properties_part.offset + properties_part.bytes;
    TableParts {
        id: footer.id.to_string(),
        number: footer.number,
        size_bytes: footer_offset + FOOTER_BYTES as u64,
        blocks: (0..table.index().len()).map(|at| block_info(table, at)).collect(),
        filter: filter_info(table),
        index: part(footer.index),
        properties_part,
        properties: properties_info(table),
        footer: PartInfo { offset: footer_offset, bytes: FOOTER_BYTES as u64 },
    }
}

/// Reads the data block `at`.
///
/// # Errors
/// A failed read; a corruption of the block.
///
/// REQUIRES: there is such a block.
pub(crate) fn block_contents(table: &Table, at: usize) -> Result<BlockContents> {
    let content_bytes = table.block(at, Caching::Bypass)?.content_bytes();
    let mut cursor = table.cursor(Caching::Bypass);
    let mut contents =
        BlockContents { content_bytes, entry_count: 0, tombstone_count: 0, first_key: Vec::new() };
    cursor.seek_block(at)?;
    while let (true, Some(entry)) = (cursor.is_in_block(at), cursor.entry()) {
        if contents.entry_count == 0 {
            contents.first_key = entry.key.to_vec();
        }
        contents.entry_count += 1;
        contents.tombstone_count += u64::from(entry.kind == ValueKind::Delete);
        cursor.next_in_block()?;
    }
    Ok(contents)
}

pub(super) fn part(handle: BlockHandle) -> PartInfo {
    PartInfo { offset: handle.offset, bytes: u64::from(handle.len) + TRAILER_BYTES as u64 }
}

fn block_info(table: &Table, at: usize) -> BlockInfo {
    let (last_key, last_seqno) = table.index().last_entry(at);
    BlockInfo { part: part(table.index().handle(at)), last_key: last_key.to_vec(), last_seqno }
}

fn filter_info(table: &Table) -> Option<FilterInfo> {
    let (handle, filter) = (table.footer().filter?, table.filter()?);
    let (bits, bits_set) = filter.bits();
    Some(FilterInfo { part: part(handle), bits, bits_set, probes: filter.probes() })
}

fn properties_info(table: &Table) -> PropertiesInfo {
    let p = table.properties();
    PropertiesInfo {
        entry_count: p.entry_count,
        tombstone_count: p.tombstone_count,
        key_bytes: p.key_bytes,
        value_bytes: p.value_bytes,
        seqno_min: p.seqno_min,
        seqno_max: p.seqno_max,
        smallest: p.smallest.to_vec(),
        largest: p.largest.to_vec(),
    }
}
