//! Checksums that are bound to a place: bytes from elsewhere never validate.

/// The random name of a database, drawn when it is created and written into every file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseId(pub(crate) [u8; 16]);

impl std::fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The checksum of a log frame: over the database's id, the frame's offset in its file, and `bytes`
/// (which name the file's number).
pub(crate) fn frame(id: &DatabaseId, offset: u64, bytes: &[u8]) -> u32 {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&id.0);
    key[16..].copy_from_slice(&offset.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&key), bytes)
}

/// The checksum of a block of a table: keyed by the database's id, the file's number and the block's
/// offset in the file.
pub(crate) fn block(id: &DatabaseId, file: u64, offset: u64, bytes: &[u8]) -> u64 {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&id.0);
    key[16..24].copy_from_slice(&file.to_le_bytes());
    key[24..].copy_from_slice(&offset.to_le_bytes());
    xxhash_rust::xxh3::xxh3_64_with_seed(bytes, xxhash_rust::xxh3::xxh3_64(&key))
}

/// The checksum of bytes whose place is the file itself, such as `CURRENT`.
pub(crate) fn plain(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}
