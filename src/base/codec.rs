//! Reading and writing numbers and byte strings. Readers never trust a byte: whatever is wrong
//! becomes a corruption error that names file and offset.
//!
//! Fixed numbers are little-endian; variable ones are LEB128, at most five bytes for 32 bits and ten
//! for 64, and never longer than needed.

use std::path::Path;

use super::error::{Error, Result};

/// Appends a 32-bit number.
pub(crate) fn put_u32(to: &mut Vec<u8>, value: u32) {
    to.extend_from_slice(&value.to_le_bytes());
}

/// Appends a 64-bit number.
pub(crate) fn put_u64(to: &mut Vec<u8>, value: u64) {
    to.extend_from_slice(&value.to_le_bytes());
}

/// Appends a number in as few bytes as it needs.
pub(crate) fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// Appends a length and the bytes.
pub(crate) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// Reads bytes from the front, knowing which place of which file they came from.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    file: &'a Path,
    /// The offset of `rest` in the file.
    offset: u64,
}

impl<'a> Cursor<'a> {
    /// `bytes` stand at `offset` of `file`.
    pub(crate) fn new(bytes: &'a [u8], file: &'a Path, offset: u64) -> Cursor<'a> {
        Cursor { rest: bytes, file, offset }
    }

    /// The bytes not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all bytes were read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A corruption at the present place.
    pub(crate) fn error(&self, what: impl Into<String>) -> Error {
        Error::corruption(self.file, self.offset, what)
    }

    /// Fails with a corruption unless `holds`.
    pub(crate) fn ensure(&self, holds: bool, what: &str) -> Result<()> {
        if holds { Ok(()) } else { Err(self.error(format!("bad {what}"))) }
    }

    /// The next `len` bytes.
    pub(crate) fn take(&mut self, len: usize, what: &str) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(
                self.error(format!("{what} needs {len} bytes, only {} are there", self.rest.len()))
            );
        };
        self.rest = rest;
        self.offset += len as u64;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    /// The next byte.
    pub(crate) fn u8(&mut self, what: &str) -> Result<u8> {
        Ok(self.array::<1>(what)?[0])
    }

    /// The next 32-bit number.
    pub(crate) fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// The next 64-bit number.
    pub(crate) fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// The next variable-length number.
    pub(crate) fn varint(&mut self, what: &str) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(what)?;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                break;
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                // One spelling for each number: equal contents are equal bytes.
                self.ensure(byte != 0 || shift == 0, what)?;
                return Ok(value);
            }
        }
        Err(self.error(format!("{what} is too long a number")))
    }

    /// The next variable-length number, which must fit 32 bits.
    pub(crate) fn varint32(&mut self, what: &str) -> Result<u32> {
        let value = self.varint(what)?;
        u32::try_from(value).map_err(|_| self.error(format!("{what} {value} is over 32 bits")))
    }

    /// The next length and as many bytes, at most `max`.
    pub(crate) fn bytes(&mut self, max: usize, what: &str) -> Result<&'a [u8]> {
        let len = self.varint(what)?;
        match usize::try_from(len) {
            Ok(len) if len <= max => self.take(len, what),
            _ => Err(self.error(format!("{what} of {len} bytes is over the limit of {max}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(bytes: &[u8]) -> Cursor<'_> {
        Cursor::new(bytes, Path::new("file"), 100)
    }

    #[test]
    fn numbers_come_back_as_written() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut cursor = cursor(&bytes);
            assert_eq!(cursor.varint("number").expect("valid"), value);
            assert!(cursor.is_empty());
        }
    }

    #[test]
    fn varints_are_spelled_as_the_page_on_formats_shows() {
        let page = include_str!("../../docs/formats.md");
        let (_, table) = page.split_once("\n| value | varint |\n|---|---|\n").expect("a table");
        let rows: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).collect();
        assert!(rows.len() >= 8, "{} examples", rows.len());
        for row in rows {
            let mut cells = row.trim_matches(['|', ' ']).split(" | ");
            let mut cell = || cells.next().expect("a value and its bytes");
            let mut bytes = Vec::new();
            put_varint(&mut bytes, cell().parse().expect("a number"));
            let spelled: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(format!("`{}`", spelled.join(" ")), cell(), "{row}");
        }
    }

    #[test]
    fn a_short_read_names_file_offset_and_what() {
        let mut cursor = cursor(&[1, 2, 3]);
        cursor.u8("first").expect("one byte is there");
        let error = cursor.u32("count").expect_err("three bytes are missing");
        assert_eq!(error.to_string(), "count needs 4 bytes, only 2 are there: file at byte 101");
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert!(cursor(&[0x80, 0x00]).varint("number").is_err());
        assert!(cursor(&[0xff; 10]).varint("number").is_err());
        assert!(cursor(&[0xff; 9]).varint("number").is_err());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_it_is_used() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        assert!(cursor(&bytes).bytes(10, "key").is_err());
    }
}
