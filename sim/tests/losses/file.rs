//! A file of records, each with a checksum that belongs to its file and its place.
//!
//! ```text
//! file     nonce u64 | record ..
//! record   length u32 | checksum u64 of nonce, offset and bytes | bytes
//! ```

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::fs::read_if_exists;
use seawall_os::vfs::{File, OpenMode, Vfs};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const HEAD_BYTES: usize = 12;

/// A file open for appending.
pub(crate) struct Records {
    pub(crate) file: Arc<dyn File>,
    nonce: u64,
    end: u64,
}

impl Records {
    /// A new file; its name and its first bytes are not durable yet.
    pub(crate) fn create(vfs: &dyn Vfs, path: &str) -> io::Result<Records> {
        let file = vfs.open(Path::new(path), OpenMode::CreateNew)?;
        let mut nonce = [0; 8];
        vfs.entropy(&mut nonce)?;
        file.write_at(&nonce, 0)?;
        Ok(Records { file, nonce: u64::from_le_bytes(nonce), end: 8 })
    }

    /// Writes a record, and syncs nothing.
    pub(crate) fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let length = (record.len() as u32).to_le_bytes();
        let sum = xxh3_64_with_seed(record, self.nonce ^ self.end).to_le_bytes();
        let bytes = [&length, &sum[..], record].concat();
        self.file.write_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// The records of a file up to the first that is not whole; `None` when there is no such file.
pub(crate) fn read(vfs: &dyn Vfs, path: &str) -> io::Result<Option<Vec<Vec<u8>>>> {
    let Some(bytes) = read_if_exists(vfs, path)? else { return Ok(None) };
    let (mut records, mut at) = (Vec::new(), 8);
    let Some(nonce) = bytes.first_chunk().map(|nonce| u64::from_le_bytes(*nonce)) else {
        return Ok(Some(records));
    };
    while let Some(head) = bytes.get(at..at + HEAD_BYTES) {
        let length = head.iter().take(4).rev().fold(0, |length, byte| length << 8 | *byte as usize);
        let Some(record) = bytes.get(at + HEAD_BYTES..at + HEAD_BYTES + length) else { break };
        if head[4..] != xxh3_64_with_seed(record, nonce ^ at as u64).to_le_bytes() {
            break;
        }
        records.push(record.to_vec());
        at += HEAD_BYTES + length;
    }
    Ok(Some(records))
}
