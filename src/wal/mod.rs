//! The write-ahead log: a chain of segments, each tied to its predecessor by a LINK.
//!
//! ```text
//! 000002.wal                 000005.wal                    000009.wal
//! LINK DATA DATA DATA   <--  LINK DATA DATA MARK DATA  <--  RELOG RELOG LINK DATA ..zeros
//! ```
//!
//! A segment is created, sized and synced, name and all, before a byte of a frame goes into it. It
//! counts once it holds a valid LINK, which names the previous segment, where that ends and with
//! which seqno. Frames say in `synced_upto` how far this segment's last successful sync reached, so
//! that a reader can tell a torn tail (beyond every such position) from damage (before one).
//!
//! Invariant: no byte is ever written to a segment after a failed write or sync of any log file;
//! the caller holds the log's turn for every call here and stops for good after an error.

mod chain;
mod link;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use chain::{Chain, SegmentFile, judge};
pub(crate) use link::Link;
pub(crate) use segment::{CreateFailure, Segment, create_segment};
pub(crate) use writer::WalWriter;
