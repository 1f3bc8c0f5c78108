//! A table of any blocks: read whole, or an error.
//!
//! ```text
//! r    these bytes, as they are; no other record counts
//! any other: a block: compression, content; sealed for its place
//! ```
//!
//! The last three blocks are filter, index and properties, or the last two if there are no more.

use std::path::Path;

use seawall::{Error, ErrorKind, inspect};
use seawall_os::vfs::{MemFs, OpenMode, Vfs};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::told;
use crate::fuzz::records::split;

/// The number in the table's name.
const NUMBER: u64 = 3;
const ID: [u8; 16] = [7; 16];

/// A table as the bytes have it, read as `inspect` reads it.
///
/// # Errors
/// What is wrong with the store.
pub fn table(bytes: &[u8]) -> Result<(), String> {
    let records = split(bytes);
    let file = match records.first() {
        Some(record) if record.first() == Some(&b'r') => bytes[1..].to_vec(),
        _ => sealed(&records),
    };
    let vfs = MemFs::new();
    let path = Path::new("/000003.sst");
    let written = vfs.open(path, OpenMode::CreateNew).and_then(|table| table.write_at(&file, 0));
    written.map_err(|error| error.to_string())?;
    let damage = inspect::check_table(&vfs, path);
    let _ = inspect::table(&vfs, path, true);
    let unreadable = read_all(&vfs, path).err();
    match (damage, unreadable) {
        (Ok(damage), Some(error)) if damage.is_empty() => Err(told(&error)),
        (Err(error), _) if error.kind() != ErrorKind::FormatTooNew => Err(told(&error)),
        _ => Ok(()),
    }
}

/// Reads all of a table, up to the first thing that cannot be read.
fn read_all(vfs: &MemFs, path: &Path) -> Result<(), Error> {
    let table = inspect::TableFile::open(vfs, path)?;
    let _ = table.parts();
    (0..).map(|at| table.block(at)).find_map(Result::err).map_or(Ok(()), |error| {
        // The number of a block that there is not.
        if error.kind() == ErrorKind::InvalidArgument { Ok(()) } else { Err(error) }
    })
}

fn checksum(offset: usize, bytes: &[u8]) -> [u8; 8] {
    let place = [&ID[..], &NUMBER.to_le_bytes(), &(offset as u64).to_le_bytes()].concat();
    xxh3_64_with_seed(bytes, xxh3_64(&place)).to_le_bytes()
}

/// Blocks and footer, as `docs/formats.md` has them.
fn sealed(records: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut handles = Vec::new();
    for record in records {
        let (compression, content) = record.split_first().map_or((0, &[][..]), |(c, r)| (*c, r));
        let begin = file.len();
        file.extend_from_slice(content);
        // Most compression bytes would only be unknown ones.
        file.push(compression & 1);
        let sum = checksum(begin, &file[begin..]);
        file.extend_from_slice(&sum);
        handles.push((begin as u64, content.len() as u32));
    }
    let begin = file.len();
    file.extend_from_slice(&ID);
    file.extend_from_slice(&NUMBER.to_le_bytes());
    let from_end = |back: usize| handles.len().checked_sub(back).map(|at| handles[at]);
    for handle in [from_end(3), from_end(2), from_end(1)] {
        let (offset, len) = handle.unwrap_or((0, 0));
        file.extend_from_slice(&offset.to_le_bytes());
        file.extend_from_slice(&len.to_le_bytes());
    }
    file.extend_from_slice(&[0; 4]);
    let tail = [&88u32.to_le_bytes()[..], &1u32.to_le_bytes(), b"sea.tabl"].concat();
    let sum = checksum(begin, &[&file[begin..], &tail].concat());
    file.extend_from_slice(&sum);
    file.extend_from_slice(&tail);
    file
}
