//! How the contents of a block are stored.
//!
//! ```text
//! None   contents
//! Lz4    length of the contents u32 | one LZ4 block
//! ```

use std::fmt;

use lz4_flex::block::{self, CompressTable};

/// Says how, in the byte behind the contents. See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Compression {
    /// As they are.
    None = 0,
    /// By LZ4, where that makes a block smaller by an eighth at least; else as they are.
    #[default]
    Lz4 = 1,
}

impl Compression {
    /// The one that a byte on disk stands for.
    pub(super) fn from_byte(byte: u8) -> Option<Compression> {
        match byte {
            0 => Some(Compression::None),
            1 => Some(Compression::Lz4),
            _ => None,
        }
    }

    /// The contents that are stored as `stored`; `None` when those bytes are nothing compressed.
    pub(super) fn contents_of(self, stored: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Compression::None => Some(stored),
            Compression::Lz4 => decompress(&stored),
        }
    }
}

/// LZ4 can make at most 255 bytes of one: a longer length is wrong, and is not allocated.
const LZ4_RATIO_MAX: usize = 255;

fn decompress(stored: &[u8]) -> Option<Vec<u8>> {
    let (len, compressed) = stored.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len) as usize;
    if len > compressed.len().checked_mul(LZ4_RATIO_MAX)? {
        return None;
    }
    let mut contents = vec![0; len];
    let written = block::decompress_into(compressed, &mut contents).ok()?;
    (written == len).then_some(contents)
}

/// Compresses one block after the other; what it allocates is used again.
#[derive(Default)]
pub(super) struct Compressor {
    table: CompressTable,
    stored: Vec<u8>,
}

impl Compressor {
    /// How `contents` are to be stored when `wanted` is asked for, and as which bytes.
    pub(super) fn store<'a>(
        &'a mut self,
        contents: &'a [u8],
        wanted: Compression,
    ) -> (Compression, &'a [u8]) {
        match wanted {
            Compression::Lz4 if self.compress(contents) => (Compression::Lz4, &self.stored),
            _ => (Compression::None, contents),
        }
    }

    /// Whether it was worth it: the reader pays for every block that is stored compressed.
    fn compress(&mut self, contents: &[u8]) -> bool {
        let len = u32::try_from(contents.len()).expect("a block ends long before 4 GiB");
        self.stored.clear();
        self.stored.resize(4 + block::get_maximum_output_size(contents.len()), 0);
        self.stored[..4].copy_from_slice(&len.to_le_bytes());
        let output = &mut self.stored[4..];
        let written = block::compress_into_with_table(contents, output, &mut self.table)
            .expect("the output has room for the largest outcome");
        self.stored.truncate(4 + written);
        self.stored.len() <= contents.len() - contents.len() / 8
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn contents_come_back_as_stored(
            piece in prop::collection::vec(any::<u8>(), 0..40),
            times in 1usize..3000,
        ) {
            let mut compressor = Compressor::default();
            let contents = piece.repeat(times);
            for _ in 0..2 {
                let (how, stored) = compressor.store(&contents, Compression::Lz4);
                prop_assert!(stored.len() <= contents.len());
                prop_assert_eq!(how.contents_of(stored.to_vec()).expect("its own"), &contents[..]);
            }
        }

        #[test]
        fn arbitrary_bytes_are_told_from_contents(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            len in 0u32..1000,
        ) {
            let _ = decompress(&bytes);
            let _ = decompress(&[&len.to_le_bytes()[..], &bytes].concat());
        }
    }

    #[test]
    fn contents_that_do_not_shrink_are_stored_as_they_are() {
        let mut compressor = Compressor::default();
        let contents: Vec<u8> = (0..=255).collect();
        assert_eq!(
            compressor.store(&contents, Compression::Lz4),
            (Compression::None, &contents[..])
        );
    }

    #[test]
    fn a_length_that_lz4_cannot_reach_is_refused_before_it_is_allocated() {
        assert_eq!(decompress(&[0xff, 0xff, 0xff, 0xff, 0, 0]), None);
    }
}
