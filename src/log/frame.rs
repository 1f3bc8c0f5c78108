//! One frame: its kinds, how it is sealed and how it is recognised.

use std::path::PathBuf;

use crate::base::checksum::{self, DatabaseId};
use crate::base::file_name::FileNumber;
use crate::base::key::SeqNo;

/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 36;

/// Frames begin at multiples of this.
pub(crate) const ALIGN: usize = 8;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// One commit group: whole batches.
    Data = 1,
    /// A commit group of an earlier segment, logged again by an open.
    Relog = 2,
    /// Ties a segment to its predecessor; a segment counts once it has one.
    Link = 3,
    /// Vouches for what was synced before it, after a while of idleness.
    Mark = 4,
    /// The log was closed here on purpose.
    Close = 5,
    /// The whole state that a manifest begins with.
    Snapshot = 6,
    /// One change to that state.
    Edit = 7,
}

impl FrameKind {
    fn from_byte(byte: u8) -> Option<FrameKind> {
        Some(match byte {
            1 => FrameKind::Data,
            2 => FrameKind::Relog,
            3 => FrameKind::Link,
            4 => FrameKind::Mark,
            5 => FrameKind::Close,
            6 => FrameKind::Snapshot,
            7 => FrameKind::Edit,
            _ => return None,
        })
    }

    /// Whether the payload holds operations.
    pub(crate) fn has_operations(self) -> bool {
        matches!(self, FrameKind::Data | FrameKind::Relog)
    }

    /// The kind's name in dumps and traces.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FrameKind::Data => "DATA",
            FrameKind::Relog => "RELOG",
            FrameKind::Link => "LINK",
            FrameKind::Mark => "MARK",
            FrameKind::Close => "CLOSE",
            FrameKind::Snapshot => "SNAPSHOT",
            FrameKind::Edit => "EDIT",
        }
    }
}

/// Which log file frames belong to: what their checksums are bound to, and its path for errors.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    pub(crate) id: DatabaseId,
    pub(crate) number: FileNumber,
    pub(crate) path: PathBuf,
}

/// What a frame says of itself beside its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) kind: FrameKind,
    pub(crate) count: u32,
    pub(crate) first_seqno: SeqNo,
    pub(crate) synced_upto: u64,
}

/// A valid frame, found at `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) head: FrameHead,
    pub(crate) offset: u64,
    pub(crate) payload: &'a [u8],
}

impl Frame<'_> {
    /// Where the next frame begins.
    pub(crate) fn end(&self) -> u64 {
        self.offset + frame_bytes(self.payload.len()) as u64
    }

    /// Where the payload begins.
    pub(crate) fn payload_offset(&self) -> u64 {
        self.offset + HEADER_BYTES as u64
    }

    /// The seqno of the last operation; that of the first minus one when there is none.
    pub(crate) fn last_seqno(&self) -> SeqNo {
        self.head.first_seqno.saturating_add(SeqNo::from(self.head.count)).saturating_sub(1)
    }

    /// The frame's checksum, which a name elsewhere may quote.
    pub(crate) fn checksum(&self, file: &LogFile) -> u32 {
        let mut buffer = FrameBuffer::default();
        buffer.begin().extend_from_slice(self.payload);
        let sealed = buffer.seal(file, self.offset, self.head);
        read_u32(sealed, 0)
    }
}

/// The bytes of a whole frame with that much payload.
pub(crate) fn frame_bytes(payload: usize) -> usize {
    (HEADER_BYTES + payload).next_multiple_of(ALIGN)
}

/// A reusable buffer in which one frame is put together.
#[derive(Debug, Default)]
pub(crate) struct FrameBuffer {
    bytes: Vec<u8>,
}

/// A buffer that grew over this gives its memory back after use.
const BUFFER_KEEP_BYTES: usize = 4 << 20;

impl FrameBuffer {
    /// Starts a frame; the caller appends the payload to what is returned.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() > BUFFER_KEEP_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.bytes.resize(HEADER_BYTES, 0);
        &mut self.bytes
    }

    /// Fills in the header and the checksum for `offset` of `file` and returns the whole frame.
    pub(crate) fn seal(&mut self, file: &LogFile, offset: u64, head: FrameHead) -> &[u8] {
        let bytes = &mut self.bytes;
        let len = u32::try_from(bytes.len() - HEADER_BYTES).expect("payloads are under 4 GiB");
        let number = u32::try_from(file.number).expect("file numbers are under FILE_NUMBER_MAX");
        bytes[4..8].copy_from_slice(&len.to_le_bytes());
        bytes[8..12].copy_from_slice(&number.to_le_bytes());
        bytes[12..16].copy_from_slice(&head.count.to_le_bytes());
        bytes[16..24].copy_from_slice(&head.first_seqno.to_le_bytes());
        bytes[24..32].copy_from_slice(&head.synced_upto.to_le_bytes());
        bytes[32..36].copy_from_slice(&[head.kind as u8, 0, 0, 0]);
        bytes.resize(frame_bytes(len as usize), 0);
        let crc = checksum::frame(&file.id, offset, &bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// The frame at `offset` of a log file that holds `bytes`, if a valid one is there.
pub(crate) fn frame_at<'a>(bytes: &'a [u8], offset: usize, file: &LogFile) -> Option<Frame<'a>> {
    let rest = bytes.get(offset..)?;
    let header = rest.get(..HEADER_BYTES)?;
    // The cheap tests come first: a scan asks this at every eighth byte.
    if u64::from(read_u32(header, 8)) != file.number || header[33..36] != [0; 3] {
        return None;
    }
    let kind = FrameKind::from_byte(header[32])?;
    let len = read_u32(header, 4) as usize;
    let whole = rest.get(..frame_bytes(len))?;
    if checksum::frame(&file.id, offset as u64, &whole[4..]) != read_u32(header, 0) {
        return None;
    }
    let head = FrameHead {
        kind,
        count: read_u32(header, 12),
        first_seqno: read_u64(header, 16),
        synced_upto: read_u64(header, 24),
    };
    let payload = &whole[HEADER_BYTES..HEADER_BYTES + len];
    Some(Frame { head, offset: offset as u64, payload })
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    let mut array = [0; 4];
    array.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(array)
}

fn read_u64(bytes: &[u8], at: usize) -> u64 {
    let mut array = [0; 8];
    array.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(array)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(number: FileNumber) -> LogFile {
        LogFile { id: DatabaseId([7; 16]), number, path: PathBuf::from("000002.wal") }
    }

    fn sealed(number: FileNumber, offset: u64, payload: &[u8]) -> Vec<u8> {
        let head = FrameHead { kind: FrameKind::Data, count: 3, first_seqno: 41, synced_upto: 64 };
        let mut buffer = FrameBuffer::default();
        buffer.begin().extend_from_slice(payload);
        buffer.seal(&file(number), offset, head).to_vec()
    }

    #[test]
    fn a_frame_is_read_as_it_was_sealed() {
        let bytes = sealed(2, 0, b"payload");
        assert_eq!(bytes.len() % ALIGN, 0);
        let frame = frame_at(&bytes, 0, &file(2)).expect("valid");
        assert_eq!(frame.payload, b"payload");
        assert_eq!((frame.head.first_seqno, frame.last_seqno(), frame.end()), (41, 43, 48));
        assert_eq!(frame.checksum(&file(2)), read_u32(&bytes, 0));
    }

    #[test]
    fn a_frame_from_elsewhere_never_validates() {
        let bytes = sealed(2, 8, b"payload");
        assert_eq!(frame_at(&bytes, 0, &file(2)), None, "another offset");
        let mut moved = vec![0; 8];
        moved.extend_from_slice(&bytes);
        assert!(frame_at(&moved, 8, &file(2)).is_some());
        assert_eq!(frame_at(&moved, 8, &file(3)), None, "another file");
        let stranger = LogFile { id: DatabaseId([8; 16]), ..file(2) };
        assert_eq!(frame_at(&moved, 8, &stranger), None, "another database");
    }

    #[test]
    fn no_single_bit_of_a_frame_may_change() {
        let bytes = sealed(2, 0, b"some payload of odd length");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(frame_at(&flipped, 0, &file(2)), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(frame_at(&bytes[..len], 0, &file(2)), None, "cut to {len} bytes");
        }
    }
    fn any_head() -> impl Strategy<Value = FrameHead> {
        (1..=7u8, any::<(u32, u64, u64)>()).prop_map(|(kind, (count, first_seqno, synced_upto))| {
            let kind = FrameKind::from_byte(kind).expect("there are seven");
            FrameHead { kind, count, first_seqno, synced_upto }
        })
    }

    proptest! {
        #[test]
        fn any_frame_is_read_as_it_was_sealed(
            head in any_head(),
            id: [u8; 16],
            number in 1..=u64::from(u32::MAX),
            before in 0..50usize,
            payload in prop::collection::vec(any::<u8>(), 0..300),
            after in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let file = LogFile { id: DatabaseId(id), ..file(number) };
            let mut buffer = FrameBuffer::default();
            buffer.begin().extend_from_slice(&payload);
            let mut bytes = vec![0; before * ALIGN];
            bytes.extend_from_slice(buffer.seal(&file, (before * ALIGN) as u64, head));
            let end = bytes.len();
            bytes.extend_from_slice(&after);
            let frame = frame_at(&bytes, before * ALIGN, &file).expect("valid");
            prop_assert_eq!(frame.head, head);
            prop_assert_eq!(frame.payload, &payload[..]);
            prop_assert_eq!((frame.offset, frame.end()), ((before * ALIGN) as u64, end as u64));
            prop_assert_eq!(frame.checksum(&file), read_u32(&bytes, before * ALIGN));
        }

        #[test]
        fn arbitrary_bytes_hold_no_frame(
            bytes in prop::collection::vec(any::<u8>(), 0..200), offset in 0..300usize, ours: bool
        ) {
            // A length and a kind that could be ours, under a checksum that is not.
            let mut bytes = bytes;
            if ours && bytes.len() >= HEADER_BYTES {
                bytes[5..12].copy_from_slice(&[0, 0, 0, 2, 0, 0, 0]);
                bytes[32..HEADER_BYTES].copy_from_slice(&[1, 0, 0, 0]);
            }
            prop_assert_eq!(frame_at(&bytes, offset, &file(2)), None);
        }
    }
}
