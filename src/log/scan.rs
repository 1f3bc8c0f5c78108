//! Reading a whole log file: the valid prefix, and whatever valid frames stand beyond it.

use std::path::Path;

use seawall_os::vfs::File;

use super::frame::{ALIGN, Frame, FrameKind, HEADER_BYTES, LogFile, frame_at};
use crate::base::checksum::DatabaseId;
use crate::base::error::{IoContext, Result};

/// All of a log file, judged frame by frame.
#[derive(Clone, Debug)]
pub(crate) struct Scan<'a> {
    /// The frames from offset 0 on, each beginning where the one before ends.
    pub(crate) prefix: Vec<Frame<'a>>,
    /// Where the prefix ends: the offset of the first bytes that are no valid frame.
    pub(crate) end: u64,
    /// Valid frames beyond `end`. With a log that syncs behind its writes a power loss can leave
    /// some; whether they prove damage is for the caller to say.
    pub(crate) beyond: Vec<Frame<'a>>,
    /// Where the last byte beyond `end` that is not zero stands, plus one; `end` if there is none.
    pub(crate) content_end: u64,
}

impl<'a> Scan<'a> {
    /// All valid frames, by offset.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame<'a>> {
        self.prefix.iter().chain(&self.beyond)
    }
}

/// Judges `bytes`, the whole content of `file`.
pub(crate) fn scan<'a>(bytes: &'a [u8], file: &LogFile) -> Scan<'a> {
    let mut prefix = Vec::new();
    let mut at = 0;
    while let Some(frame) = frame_at(bytes, at, file) {
        at = frame.end() as usize;
        prefix.push(frame);
    }
    let content_end = content_end(bytes, at);
    let mut beyond = Vec::new();
    let mut next = at + ALIGN;
    // Frames hold a file number and a kind, so none begins in the zeros at the end.
    while next < content_end {
        match frame_at(bytes, next, file) {
            Some(frame) => {
                next = frame.end() as usize;
                beyond.push(frame);
            }
            None => next += ALIGN,
        }
    }
    Scan { prefix, end: at as u64, beyond, content_end: content_end as u64 }
}

const ZEROS: [u8; 64] = [0; 64];

fn content_end(bytes: &[u8], from: usize) -> usize {
    let Some(rest) = bytes.get(from..) else { return from };
    // Segments are sized ahead: most of what is scanned are zeros, so a stretch at a time.
    let stretches =
        rest.rchunks(ZEROS.len()).take_while(|stretch| **stretch == ZEROS[..stretch.len()]);
    let rest = &rest[..rest.len() - stretches.map(<[u8]>::len).sum::<usize>()];
    let zeros = rest.iter().rev().take_while(|byte| **byte == 0).count();
    from + rest.len() - zeros
}

/// Where in the payload of a LINK and of a SNAPSHOT the database's id stands.
const ID_AT: usize = 4;

/// The ids with which a LINK or SNAPSHOT in `bytes` validates that carries this very id.
///
/// For judging files whose database is unknown.
pub(crate) fn find_ids(bytes: &[u8], file: &LogFile) -> Vec<DatabaseId> {
    let mut found = Vec::new();
    let end = content_end(bytes, 0);
    for at in (0..end).step_by(ALIGN) {
        let kind = bytes.get(at + 32).copied().unwrap_or(0);
        if kind != FrameKind::Link as u8 && kind != FrameKind::Snapshot as u8 {
            continue;
        }
        let start = at + HEADER_BYTES + ID_AT;
        let Some(id) = bytes.get(start..start + 16) else { continue };
        let mut own = LogFile { id: DatabaseId([0; 16]), ..file.clone() };
        own.id.0.copy_from_slice(id);
        if frame_at(bytes, at, &own).is_some() && !found.contains(&own.id) {
            found.push(own.id);
        }
    }
    found
}

/// Reads all of an open file.
pub(crate) fn read_whole(file: &dyn File, path: &Path) -> Result<Vec<u8>> {
    let len = file.len().context("read the size of", path)?;
    let len = usize::try_from(len).map_err(|_| {
        crate::base::error::Error::corruption(path, 0, format!("a size of {len} bytes"))
    })?;
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, 0).context("read", path)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::super::frame::{FrameBuffer, FrameHead};
    use super::*;

    fn file() -> LogFile {
        LogFile { id: DatabaseId([7; 16]), number: 2, path: PathBuf::from("000002.wal") }
    }

    fn log(payloads: &[&[u8]], zeros: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = FrameBuffer::default();
        for payload in payloads {
            let head =
                FrameHead { kind: FrameKind::Data, count: 1, first_seqno: 1, synced_upto: 0 };
            buffer.begin().extend_from_slice(payload);
            let offset = bytes.len() as u64;
            bytes.extend_from_slice(buffer.seal(&file(), offset, head));
        }
        bytes.resize(bytes.len() + zeros, 0);
        bytes
    }

    #[test]
    fn zeros_after_the_last_frame_are_no_content() {
        let bytes = log(&[b"one", b"two"], 1000);
        let scan = scan(&bytes, &file());
        assert_eq!(scan.prefix.len(), 2);
        assert_eq!((scan.end, scan.content_end), (80, 80));
        assert!(scan.beyond.is_empty());
    }

    #[test]
    fn a_valid_frame_beyond_a_bad_one_is_found() {
        let mut bytes = log(&[b"one", b"two", b"three"], 64);
        bytes[50] ^= 1;
        let scan = scan(&bytes, &file());
        assert_eq!((scan.prefix.len(), scan.end), (1, 40));
        assert_eq!(scan.beyond.len(), 1);
        assert_eq!(scan.beyond[0].payload, b"three");
    }

    #[test]
    fn any_bytes_can_be_scanned() {
        for len in [0, 1, 7, 35, 36, 37, 100] {
            let bytes = vec![0xff; len];
            assert_eq!(scan(&bytes, &file()).end, 0);
        }
    }
    fn any_payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..8)
    }

    fn log_of(payloads: &[Vec<u8>], zeros: usize) -> Vec<u8> {
        let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        log(&payloads, zeros)
    }

    proptest! {
        #[test]
        fn what_was_written_is_the_prefix(payloads in any_payloads(), zeros in 0..100usize) {
            let bytes = log_of(&payloads, zeros);
            let scan = scan(&bytes, &file());
            let found: Vec<&[u8]> = scan.prefix.iter().map(|frame| frame.payload).collect();
            prop_assert_eq!(found, payloads.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!((scan.end, scan.content_end), ((bytes.len() - zeros) as u64, scan.end));
            prop_assert!(scan.beyond.is_empty());
        }

        #[test]
        fn damage_ends_the_prefix_and_hides_no_other_frame(
            payloads in any_payloads(), at in any::<prop::sample::Index>(), bit in 0..8u32
        ) {
            let sound = log_of(&payloads, 40);
            let whole = scan(&sound, &file());
            let at = at.index(whole.end as usize);
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            let scan = scan(&bytes, &file());
            let is_hit = |offset: u64, end: u64| (offset..end).contains(&(at as u64));
            let hit = whole.prefix.iter().find(|frame| is_hit(frame.offset, frame.end()));
            let hit = hit.expect("the frames leave no gap").offset;
            prop_assert_eq!(scan.end, hit);
            let others = |frames: &[Frame<'_>]| {
                let offsets = frames.iter().map(|frame| frame.offset);
                offsets.filter(|offset| *offset != hit).collect::<Vec<u64>>()
            };
            let found: Vec<Frame<'_>> = scan.frames().copied().collect();
            prop_assert_eq!(others(&found), others(&whole.prefix));
            prop_assert!(scan.content_end >= scan.end);
        }

        #[test]
        fn a_log_cut_anywhere_ends_with_its_last_whole_frame(
            payloads in any_payloads(), cut in any::<prop::sample::Index>()
        ) {
            let bytes = log_of(&payloads, 0);
            let ends: Vec<u64> = scan(&bytes, &file()).prefix.iter().map(Frame::end).collect();
            let cut = cut.index(bytes.len() + 1);
            let scan = scan(&bytes[..cut], &file());
            let last = ends.iter().filter(|end| **end <= cut as u64).max().copied();
            prop_assert_eq!(scan.end, last.unwrap_or(0));
            prop_assert!(scan.beyond.is_empty() && scan.content_end <= cut as u64);
        }

        #[test]
        fn arbitrary_bytes_are_scanned(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let scan = scan(&bytes, &file());
            prop_assert_eq!((scan.end, scan.frames().count()), (0, 0));
            prop_assert!(find_ids(&bytes, &file()).is_empty());
        }
    }
}
