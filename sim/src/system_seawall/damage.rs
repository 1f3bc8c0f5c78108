//! What damage to the log may take without an error: the limit that no log can avoid, exactly.
//!
//! Frames behind the last position that anything vouches for look like a write that a crash tore. The
//! log may be cut at the first of them that is no longer valid, and nowhere before; what stood there
//! is lost, and unless nothing but zeros is left the report has to say where. Whatever vouches has to
//! have survived the damage itself:
//!
//! - a frame that says how far its segment was synced,
//! - a LINK, for the segment it follows up to the end it names,
//! - the manifest.
//!
//! This reads the frames through [`seawall::inspect`] and judges them on its own; it shares no code
//! with recovery.

use std::path::Path;

use seawall::inspect::{self, FrameInfo, SegmentDump, StateInfo, WalDump};
use seawall_os::vfs::Vfs;

use super::DIRECTORY;
use crate::system::Undone;

/// A place in the log: the segment's number, and an offset in it.
type At = (u64, u64);

/// A segment of the chain.
struct Link<'a> {
    number: u64,
    dump: &'a SegmentDump,
    /// Frames from here on do not count: the next segment's LINK names this end.
    end: u64,
}

/// What may be lost of the log `before`, of which the damage has left `after`.
pub(super) fn undone(before: &dyn Vfs, after: &dyn Vfs) -> Option<Undone> {
    let directory = Path::new(DIRECTORY);
    let whole = inspect::wal(before, directory, None).ok()?;
    let left = inspect::wal(after, directory, None).ok()?;
    let state = inspect::manifest(after, directory).ok()?.state;
    let chain = chain(&whole, state.min_wal)?;
    let mut position = state.flushed_seqno;
    for link in &chain {
        let counted: Vec<_> =
            link.dump.frames.iter().filter(|frame| !frame.beyond_damage).collect();
        let is_lost = |frame: &FrameInfo| !survives(&left, &link.dump.file, frame);
        // Without its LINK a segment does not count, nor what it holds in front of the LINK.
        let unlinked = counted.iter().any(|frame| frame.follows.is_some() && is_lost(frame));
        for frame in counted.iter().take_while(|frame| frame.offset < link.end) {
            if unlinked || is_lost(frame) {
                let at = (link.number, if unlinked { 0 } else { frame.offset });
                let undone = || Undone { position, told: told(&left, link), unlinked };
                return (vouched(&left, &state) <= at).then(undone);
            }
            if frame.count > 0 {
                position = position.max(frame.first_seqno + u64::from(frame.count) - 1);
            }
        }
    }
    None
}

/// The file that is to be reported as cut, if anything but zeros is left behind the cut.
fn told(left: &WalDump, link: &Link<'_>) -> Option<String> {
    let file = left.segments.iter().find(|dump| dump.file == link.dump.file);
    file.filter(|dump| dump.bytes_beyond > 0).map(|dump| dump.file.clone())
}

/// The segments that count, oldest first.
fn chain(log: &WalDump, min_wal: u64) -> Option<Vec<Link<'_>>> {
    let mut chain = Vec::new();
    let heads = log.segments.iter().rev().find(|dump| follows(dump).is_some());
    let (mut dump, mut end) = (heads?, u64::MAX);
    loop {
        let (previous, previous_end) = follows(dump)?;
        chain.push(Link { number: number(dump)?, dump, end });
        let before = log.segments.iter().find(|dump| number(dump) == Some(previous));
        match before {
            Some(before) if previous >= min_wal && previous < number(dump)? => {
                (dump, end) = (before, previous_end);
            }
            _ => break,
        }
    }
    chain.reverse();
    Some(chain)
}

/// What the LINK of a segment names, if it has one.
fn follows(dump: &SegmentDump) -> Option<At> {
    dump.frames.iter().filter(|frame| !frame.beyond_damage).find_map(|frame| frame.follows)
}

fn number(dump: &SegmentDump) -> Option<u64> {
    dump.file.strip_suffix(".wal")?.parse().ok()
}

fn survives(left: &WalDump, file: &str, frame: &FrameInfo) -> bool {
    let same = |other: &FrameInfo| {
        (other.offset, other.bytes, other.kind) == (frame.offset, frame.bytes, frame.kind)
    };
    left.segments.iter().filter(|dump| dump.file == file).any(|dump| dump.frames.iter().any(same))
}

/// The furthest place that anything vouches for.
fn vouched(left: &WalDump, state: &StateInfo) -> At {
    let mut furthest = (state.synced_segment, state.synced_offset);
    for dump in &left.segments {
        for frame in &dump.frames {
            if frame.synced_upto > 0 {
                furthest = furthest.max((number(dump).unwrap_or(0), frame.synced_upto));
            }
            furthest = furthest.max(frame.follows.unwrap_or((0, 0)));
        }
    }
    furthest
}
