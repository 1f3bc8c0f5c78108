//! A log segment or a manifest that goes on, or begins, as the fuzzer likes.
//!
//! ```text
//! c    cut here (2 bytes) before anything is appended; else behind what is not zero
//! z    the file ends where it ends; else it is filled with zeros to the size it had
//! f    a frame: kind, count, seqno (2 bytes), synced_upto (2 bytes), payload; sealed for its place
//! any other: these bytes, as they are
//! ```

use std::path::Path;
use std::sync::Arc;

use seawall::inspect;
use seawall_os::vfs::Vfs;

use super::{DIRECTORY, killed_database, opens_or_finds_damage, read, replace, told};
use crate::fuzz::records::{number, split};

/// As `docs/formats.md` has it.
const HEADER_BYTES: usize = 36;
const ALIGN: usize = 8;

/// The newest segment of a killed database, as the bytes have it.
///
/// # Errors
/// What is wrong with the store.
pub fn wal(bytes: &[u8]) -> Result<(), String> {
    file(bytes, ".wal", |vfs| drop(inspect::wal(vfs, Path::new(DIRECTORY), None)))
}

/// The manifest of a killed database, as the bytes have it.
///
/// # Errors
/// What is wrong with the store.
pub fn manifest(bytes: &[u8]) -> Result<(), String> {
    file(bytes, "MANIFEST-", |vfs| drop(inspect::manifest(vfs, Path::new(DIRECTORY))))
}

fn file(bytes: &[u8], part: &str, look: impl Fn(&dyn Vfs)) -> Result<(), String> {
    let vfs = killed_database().map_err(|error| told(&error))?;
    edit(&vfs, part, bytes)?;
    look(&*vfs);
    opens_or_finds_damage(&vfs)
}

/// Edits the newest file in whose name a part stands.
fn edit(vfs: &Arc<dyn Vfs>, part: &str, bytes: &[u8]) -> Result<(), String> {
    let dump = inspect::manifest(&**vfs, Path::new(DIRECTORY)).map_err(|error| told(&error))?;
    let names = vfs.list(Path::new(DIRECTORY)).map_err(|error| error.to_string())?;
    let with_bytes = |name: &String| Some((name.clone(), read(&**vfs, name).ok()?));
    let named = names.iter().filter(|name| name.contains(part)).filter_map(with_bytes);
    // A spare segment holds nothing yet.
    let begun = named.filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0));
    let (name, before) = begun.max().ok_or("the database has no such file")?;
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let log = Log { id: id_of(&dump.id), number: digits.parse().unwrap_or(0) };
    let after = log.edited(before, bytes);
    replace(&**vfs, &name, &after).map_err(|error| error.to_string())
}

fn id_of(hex: &str) -> [u8; 16] {
    u128::from_str_radix(hex, 16).unwrap_or(0).to_be_bytes()
}

/// What the checksums of a file's frames are bound to.
struct Log {
    id: [u8; 16],
    number: u32,
}

impl Log {
    fn edited(&self, mut file: Vec<u8>, bytes: &[u8]) -> Vec<u8> {
        let records = split(bytes);
        let size = file.len();
        let of_kind = |kind: u8| records.iter().find(|record| record.first() == Some(&kind));
        let written = file.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        file.truncate(of_kind(b'c').map_or(written, |cut| number(cut, 1, 2) as usize));
        for record in &records {
            match record.split_first() {
                Some((b'f', frame)) => self.seal(&mut file, frame),
                Some((b'c' | b'z', _)) | None => {}
                Some(_) => file.extend_from_slice(record),
            }
        }
        if of_kind(b'z').is_none() {
            file.resize(file.len().max(size), 0);
        }
        file
    }

    fn seal(&self, file: &mut Vec<u8>, frame: &[u8]) {
        file.resize(file.len().next_multiple_of(ALIGN), 0);
        let payload = frame.get(6..).unwrap_or_default();
        let mut sealed = Vec::with_capacity(HEADER_BYTES + payload.len() + ALIGN);
        sealed.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        sealed.extend_from_slice(&self.number.to_le_bytes());
        sealed.extend_from_slice(&(number(frame, 1, 1) as u32).to_le_bytes());
        sealed.extend_from_slice(&number(frame, 2, 2).to_le_bytes());
        sealed.extend_from_slice(&number(frame, 4, 2).to_le_bytes());
        sealed.extend_from_slice(&[number(frame, 0, 1) as u8, 0, 0, 0]);
        sealed.extend_from_slice(payload);
        sealed.resize((sealed.len() + 4).next_multiple_of(ALIGN) - 4, 0);
        let place = [&self.id[..], &(file.len() as u64).to_le_bytes()].concat();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&place), &sealed);
        file.extend_from_slice(&checksum.to_le_bytes());
        file.append(&mut sealed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_a_frame() {
        let vfs = killed_database().expect("nothing fails in memory");
        let before = inspect::wal(&*vfs, Path::new(DIRECTORY), None).expect("a log");
        let frames = |dump: &inspect::WalDump| {
            dump.segments.iter().map(|segment| segment.frames.len()).sum::<usize>()
        };
        let bytes = b"f\x04\x00\x0e\x00\x00\x00\n";
        edit(&vfs, ".wal", bytes).expect("edited");
        let after = inspect::wal(&*vfs, Path::new(DIRECTORY), None).expect("a log");
        assert_eq!(frames(&after), frames(&before) + 1, "{after}");
        assert_eq!(after.segments.last().expect("a segment").bytes_beyond, 0, "{after}");
    }
}
