//! Position-bound records, shared by the write-ahead log and the manifest.
//!
//! A log file is a sequence of frames from offset 0, each a multiple of eight bytes long:
//!
//! ```text
//! offset  size  field
//!      0     4  crc32c over the database's id, the frame's offset in its file and all that follows
//!      4     4  len: bytes of payload
//!      8     4  file: the number in the file's name
//!     12     4  count: operations in the payload
//!     16     8  first_seqno: of the first operation (in a manifest: the number of the edit)
//!     24     8  synced_upto: how far a successful sync of this file is known to reach
//!     32     1  kind
//!     33     1  flags, zero
//!     34     2  reserved, zero
//!     36   len  payload
//!        0..7   zeros, up to a multiple of eight
//! ```
//!
//! The checksum covers the place as well as the bytes, so stale, copied or misplaced frames never
//! validate. Nothing here does I/O but [`read_whole`].

mod frame;
mod scan;

pub(crate) use frame::{Frame, FrameBuffer, FrameHead, FrameKind, LogFile, frame_bytes};
pub(crate) use scan::{Scan, find_ids, read_whole, scan};
