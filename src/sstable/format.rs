//! How a table's file is laid out.
//!
//! ```text
//! data block 0     from byte 0 on, without gaps
//! ..
//! data block n-1
//! filter block     only if there is a filter
//! index block      one entry for each data block
//! properties
//! footer           the last 88 bytes
//! ```
//!
//! Everything before the footer is a block; numbers are little-endian:
//!
//! ```text
//! stored | compression u8 | checksum u64
//! ```
//!
//! What is stored are the contents or, by [`super::compression`], what they compress to. The checksum
//! covers it and the compression byte and is keyed by the database's id, the file's
//! number and the block's offset: a block that was read from elsewhere does not validate. The footer:
//!
//! ```text
//!  0  database id       [u8; 16]
//! 16  file number       u64
//! 24  filter            offset u64, len u32    0, 0 if there is none
//! 36  index             offset u64, len u32
//! 48  properties        offset u64, len u32
//! 60  reserved          u32    0
//! 64  checksum          u64    of all other bytes of the footer, keyed as a block's
//! 72  footer length     u32    88
//! 76  format            u32
//! 80  magic             [u8; 8]
//! 88
//! ```
//!
//! The first 24 and the last 24 bytes of the footer mean the same in every format, so an older
//! program can tell a newer table from a damaged one. Lengths of blocks are without compression byte
//! and checksum. The blocks and the footer fill the file: no byte is outside a checksum.

use std::path::Path;

use super::compression::Compression;
use crate::base::checksum::{self, DatabaseId};
use crate::base::codec::{Cursor, put_u32, put_u64};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::FileNumber;

/// The newest format that this program reads and the one it writes.
const FORMAT: u32 = 1;

/// The last bytes of every table.
const MAGIC: [u8; 8] = *b"sea.tabl";

/// What the compression byte and the checksum of a block take.
pub(super) const TRAILER_BYTES: usize = 9;

/// The size of the footer of this format.
pub(super) const FOOTER_BYTES: usize = 88;

/// Where the part of the footer begins that every format has, counted from the end: its checksum.
const FOOTER_TAIL_BYTES: usize = 24;

/// The largest footer that a newer format is believed to have.
pub(super) const FOOTER_BYTES_MAX: usize = 4096;

/// Where a table's block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHandle {
    pub(super) offset: u64,
    /// Without compression byte and checksum.
    pub(super) len: u32,
}

impl BlockHandle {
    /// Where the next block begins; `None` when that is beyond all files.
    pub(super) fn end(self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.len))?.checked_add(TRAILER_BYTES as u64)
    }

    fn put(self, to: &mut Vec<u8>) {
        put_u64(to, self.offset);
        put_u32(to, self.len);
    }

    fn read(cursor: &mut Cursor<'_>, what: &str) -> Result<BlockHandle> {
        Ok(BlockHandle { offset: cursor.u64(what)?, len: cursor.u32(what)? })
    }
}

/// Which table of which database: what its checksums are keyed by, and what errors name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) id: &'a DatabaseId,
    pub(super) number: FileNumber,
    pub(super) path: &'a Path,
}

/// Ends a block: `block` holds what is stored of it from `start` on, and will stand at `offset` of its file.
pub(super) fn seal_block(
    block: &mut Vec<u8>,
    start: usize,
    offset: u64,
    compression: Compression,
    place: Place<'_>,
) {
    block.push(compression as u8);
    let checksum = checksum::block(place.id, place.number, offset, &block[start..]);
    put_u64(block, checksum);
}

/// Checks the bytes of a whole block, trailer included; returns how its contents are stored.
/// What is stored are all bytes but the last [`TRAILER_BYTES`].
///
/// # Errors
/// A corruption, when these are not the bytes that were written at that offset of that table.
pub(super) fn check_block(bytes: &[u8], offset: u64, place: Place<'_>) -> Result<Compression> {
    let corrupt = |what: &str| Error::corruption(place.path, offset, what);
    let Some((covered, checksum)) = bytes.split_last_chunk::<8>() else {
        return Err(corrupt("a block is too short for its checksum"));
    };
    if checksum::block(place.id, place.number, offset, covered) != u64::from_le_bytes(*checksum) {
        return Err(corrupt("the checksum of a block does not match"));
    }
    let Some(&byte) = covered.last() else {
        return Err(corrupt("a block is too short for its compression byte"));
    };
    Compression::from_byte(byte)
        .ok_or_else(|| corrupt(&format!("a block has the unknown compression {byte}")))
}

/// The end of a table: whose it is and where its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) id: DatabaseId,
    pub(super) number: FileNumber,
    pub(super) filter: Option<BlockHandle>,
    pub(super) index: BlockHandle,
    pub(super) properties: BlockHandle,
}

impl Footer {
    /// The bytes of a footer that stands at `offset` of its file.
    pub(super) fn encode(&self, offset: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        bytes.extend_from_slice(&self.id.0);
        put_u64(&mut bytes, self.number);
        self.filter.unwrap_or(BlockHandle { offset: 0, len: 0 }).put(&mut bytes);
        self.index.put(&mut bytes);
        self.properties.put(&mut bytes);
        put_u32(&mut bytes, 0);
        let mut tail = Vec::with_capacity(FOOTER_TAIL_BYTES);
        put_u32(&mut tail, FOOTER_BYTES as u32);
        put_u32(&mut tail, FORMAT);
        tail.extend_from_slice(&MAGIC);
        let checksum = footer_checksum(&self.id, self.number, offset, &bytes, &tail);
        put_u64(&mut bytes, checksum);
        bytes.extend_from_slice(&tail);
        assert_eq!(bytes.len(), FOOTER_BYTES, "a footer is as long as it says");
        bytes
    }

    /// Reads the footer that ends `tail`, the last bytes of a file of `file_bytes` bytes: at least
    /// [`FOOTER_BYTES_MAX`] of them, or all. `path` is for the errors only.
    ///
    /// # Errors
    /// `FormatTooNew` for a footer that is whole and of a newer format; a corruption for one that is
    /// not whole, or whose blocks do not lie as they must. Whose table it is, is left to the caller.
    pub(super) fn decode(tail: &[u8], file_bytes: u64, path: &Path) -> Result<Footer> {
        let footer = Footer::find(tail, file_bytes, path)?;
        let offset = file_bytes - footer.len() as u64;
        let (body, end) = footer.split_at(footer.len() - FOOTER_TAIL_BYTES);
        let mut body = Cursor::new(body, path, offset);
        let id = DatabaseId(body.array("database id")?);
        let number = body.u64("file number")?;
        let mut end = Cursor::new(end, path, offset + body.rest().len() as u64 + 24);
        let checksum = end.u64("footer checksum")?;
        let covered = &footer[..footer.len() - FOOTER_TAIL_BYTES];
        let wanted = footer_checksum(&id, number, offset, covered, end.rest());
        end.ensure(checksum == wanted, "footer checksum")?;
        end.u32("footer length")?;
        let format = end.u32("format")?;
        if format > FORMAT {
            let what = format!("the table has format {format}, this program reads up to {FORMAT}");
            return Err(Error::of_file(ErrorKind::FormatTooNew, path, what));
        }
        end.ensure(format == FORMAT && footer.len() == FOOTER_BYTES, "format")?;
        let filter = BlockHandle::read(&mut body, "filter handle")?;
        let index = BlockHandle::read(&mut body, "index handle")?;
        let properties = BlockHandle::read(&mut body, "properties handle")?;
        let reserved = body.u32("reserved bytes of the footer")?;
        body.ensure(reserved == 0, "reserved bytes of the footer")?;
        let filter = (filter != BlockHandle { offset: 0, len: 0 }).then_some(filter);
        let footer = Footer { id, number, filter, index, properties };
        body.ensure(footer.parts_adjoin(offset), "block handles in the footer")?;
        Ok(footer)
    }

    /// Where the data blocks end.
    pub(super) fn data_end(&self) -> u64 {
        self.filter.unwrap_or(self.index).offset
    }

    /// The bytes of the footer at the end of `tail`, by the length it states.
    fn find<'a>(tail: &'a [u8], file_bytes: u64, path: &Path) -> Result<&'a [u8]> {
        let corrupt = |what: &str| Error::corruption(path, file_bytes, what);
        let Some((rest, magic)) = tail.split_last_chunk::<8>() else {
            return Err(corrupt("the file is too short for a table"));
        };
        if *magic != MAGIC {
            return Err(corrupt("the file does not end as a table does"));
        }
        let stated = rest.split_last_chunk::<4>().and_then(|(rest, _)| rest.last_chunk::<4>());
        let len = stated.map_or(0, |len| u32::from_le_bytes(*len)) as usize;
        let start = tail.len().checked_sub(len);
        match start {
            Some(start) if (24 + FOOTER_TAIL_BYTES..=FOOTER_BYTES_MAX).contains(&len) => {
                Ok(&tail[start..])
            }
            _ => Err(corrupt(&format!("a footer of {len} bytes cannot be"))),
        }
    }

    /// Whether filter, index and properties follow each other up to the footer.
    fn parts_adjoin(&self, footer_offset: u64) -> bool {
        let filter_adjoins = match self.filter {
            Some(filter) => filter.end() == Some(self.index.offset),
            None => true,
        };
        filter_adjoins
            && self.index.end() == Some(self.properties.offset)
            && self.properties.end() == Some(footer_offset)
    }
}

fn footer_checksum(
    id: &DatabaseId,
    number: FileNumber,
    offset: u64,
    body: &[u8],
    tail: &[u8],
) -> u64 {
    checksum::block(id, number, offset, &[body, tail].concat())
}

/// How many bytes `a` and `b` have in common at their beginnings.
#[inline]
pub(super) fn shared_len(a: &[u8], b: &[u8]) -> usize {
    let mut len = 0;
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        if a != b {
            break;
        }
        len += 8;
    }
    len + a[len..].iter().zip(&b[len..]).take_while(|(a, b)| a == b).count()
}

/// The first eight bytes as a number that orders as they do; a shorter string is filled with zeros,
/// so equal heads do not make equal keys.
#[inline]
pub(super) fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: DatabaseId = DatabaseId(*b"0123456789abcdef");

    fn footer() -> Footer {
        Footer {
            id: ID,
            number: 7,
            filter: None,
            index: BlockHandle { offset: 100, len: 20 },
            properties: BlockHandle { offset: 129, len: 30 },
        }
    }

    fn decode(bytes: &[u8]) -> Result<Footer> {
        Footer::decode(bytes, 168 + bytes.len() as u64, Path::new("000007.sst"))
    }

    /// Writes `format` into a footer and makes its checksum right again.
    fn with_format(mut bytes: Vec<u8>, format: u32) -> Vec<u8> {
        bytes[76..80].copy_from_slice(&format.to_le_bytes());
        let checksum = footer_checksum(&ID, 7, 168, &bytes[..64], &bytes[72..]);
        bytes[64..72].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn a_footer_comes_back_as_written() {
        assert_eq!(decode(&footer().encode(168)).expect("its own bytes"), footer());
        let with_filter = Footer { filter: Some(BlockHandle { offset: 50, len: 41 }), ..footer() };
        assert_eq!(decode(&with_filter.encode(168)).expect("its own bytes"), with_filter);
        assert_eq!(with_filter.data_end(), 50);
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let newer = with_format(footer().encode(168), FORMAT + 1);
        assert_eq!(decode(&newer).expect_err("newer").kind(), ErrorKind::FormatTooNew);
        let mut damaged = footer().encode(168);
        damaged[76] = 2;
        assert_eq!(decode(&damaged).expect_err("damaged").kind(), ErrorKind::Corruption);
        let older = with_format(footer().encode(168), 0);
        assert_eq!(decode(&older).expect_err("no such").kind(), ErrorKind::Corruption);
    }

    #[test]
    fn blocks_that_do_not_adjoin_are_corruption() {
        let gap = Footer { properties: BlockHandle { offset: 128, len: 31 }, ..footer() };
        assert!(decode(&gap.encode(168)).is_err());
        let beyond = Footer { index: BlockHandle { offset: u64::MAX, len: 20 }, ..footer() };
        assert!(decode(&beyond.encode(168)).is_err());
    }

    #[test]
    fn the_shared_length_of_two_strings_is_exact() {
        for len in 0..30 {
            for differs_at in 0..=len {
                let a = vec![7; len];
                let mut b = a.clone();
                b.truncate(len.max(differs_at));
                if let Some(byte) = b.get_mut(differs_at) {
                    *byte = 8;
                }
                assert_eq!(shared_len(&a, &b), differs_at);
            }
        }
        assert_eq!(shared_len(b"12345678", b"12345678123"), 8);
        assert_eq!(shared_len(b"1234567", b"12345678123"), 7);
    }
}
