//! Which segments count, how far each is proven, and what is damage and what a torn tail.
//!
//! The head is the highest-numbered segment with a valid LINK. From it the chain is walked back to
//! the oldest segment the manifest still needs. Segments off the chain hold nothing that counts.
//!
//! A position in the chain is *proven* when something durable vouches for it: a frame's
//! `synced_upto`, a successor's LINK, the manifest's last edit. A bad frame before a proven position
//! is damage and an error; one beyond all of them looks like a write that a crash tore, and the log
//! is cut there. If nothing vouches for the head's own LINK, the proven point is the end that this
//! LINK names: the head may vanish in the next power loss, so what it holds must be logged again.

use std::path::Path;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::key::{SEQNO_MAX, SeqNo};
use crate::base::log_position::LogPosition;
use crate::log::{Frame, FrameKind, LogFile, Scan, scan};

use super::link::Link;

/// A segment's file, read whole.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) log: LogFile,
    pub(crate) bytes: Vec<u8>,
}

/// The furthest point of the log that is proven durable: what the next LINK names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) at: LogPosition,
    pub(crate) last_seqno: SeqNo,
}

/// A segment that counts.
#[derive(Debug)]
pub(crate) struct ChainSegment<'a> {
    pub(crate) log: &'a LogFile,
    pub(crate) link: Link,
    /// The frames that count, by offset, the LINK among them.
    pub(crate) frames: Vec<Frame<'a>>,
    /// The seqno of the last operation up to its end.
    pub(crate) last_seqno: SeqNo,
}

/// The log as recovery reads it.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    /// The segments that count, oldest first. The last one is the head.
    pub(crate) segments: Vec<ChainSegment<'a>>,
    pub(crate) proven: Proven,
    /// The frames with operations beyond the proven point.
    pub(crate) tail: Vec<Frame<'a>>,
    /// Whether the head's own LINK is proven. If not, all it holds is in `tail`.
    pub(crate) head_proven: bool,
    /// Where the head was cut, and segments that hold something but no LINK: the place of the first
    /// bytes that are no frame, and how many follow that are not zeros at the end.
    pub(crate) cut: Vec<(LogPosition, u64)>,
    /// The last edit that a LINK knows to be durable.
    pub(crate) synced_edit: u64,
}

impl Chain<'_> {
    /// Whether the head ends here with a CLOSE: nothing was ever written behind that.
    pub(crate) fn was_closed_at(&self, at: LogPosition) -> bool {
        let last = self.segments.last().and_then(|head| Some((head.log, head.frames.last()?)));
        last.is_some_and(|(log, frame)| {
            frame.head.kind == FrameKind::Close
                && at == LogPosition { segment: log.number, offset: frame.end() }
        })
    }

    /// The seqno of the last operation in the log.
    pub(crate) fn last_seqno(&self) -> SeqNo {
        self.segments.last().map_or(0, |head| head.last_seqno)
    }
}

struct Candidate<'a> {
    log: &'a LogFile,
    /// The size of the file.
    bytes: u64,
    scan: Scan<'a>,
    link: Link,
    /// Where the LINK begins and ends.
    link_span: (u64, u64),
}

/// Judges the segments numbered `min_wal` and above. `vouched` is what the manifest vouches for, and
/// `oldest` the path of segment `min_wal`, for the error when there is none at all.
///
/// # Errors
/// Corruption, with file and offset.
pub(crate) fn judge<'a>(
    files: &'a [SegmentFile],
    min_wal: FileNumber,
    vouched: LogPosition,
    oldest: &Path,
) -> Result<Chain<'a>> {
    let mut candidates = Vec::new();
    let mut cut = Vec::new();
    for file in files {
        let scan = scan(&file.bytes, &file.log);
        let place = cut_of(&file.log, &scan);
        match candidate(file, scan, vouched)? {
            Some(candidate) => candidates.push(candidate),
            None => cut.extend(place),
        }
    }
    if candidates.is_empty() {
        return Err(no_link(&cut, files, min_wal, oldest));
    }
    let chain = walk_back(candidates, min_wal)?;
    let on_chain = chain.iter().any(|segment| segment.log.number == vouched.segment);
    if vouched.segment >= min_wal && vouched.segment != 0 && !on_chain {
        let path = oldest.with_file_name(FileName::Wal(vouched.segment).to_string());
        let is_there = files.iter().any(|file| file.log.number == vouched.segment);
        let what = match is_there {
            true => "the manifest vouches for this segment, which the log skips",
            false => "the segment is missing, for which the manifest vouches",
        };
        return Err(Error::of_file(ErrorKind::Corruption, &path, what));
    }
    let mut chain = check_chain(chain, vouched)?;
    chain.cut.extend(cut);
    Ok(chain)
}

/// Where the frames of a file end, if anything but zeros follows.
fn cut_of(log: &LogFile, scan: &Scan<'_>) -> Option<(LogPosition, u64)> {
    let at = LogPosition { segment: log.number, offset: scan.end };
    (scan.content_end > scan.end).then(|| (at, scan.content_end - scan.end))
}

/// A segment with its LINK; `None` for one that never counted.
fn candidate<'a>(
    file: &'a SegmentFile,
    scan: Scan<'a>,
    vouched: LogPosition,
) -> Result<Option<Candidate<'a>>> {
    let Some(frame) = scan.frames().find(|frame| frame.head.kind == FrameKind::Link).copied()
    else {
        let vouching = scan.frames().find(|frame| frame.head.synced_upto > 0);
        return match vouching {
            Some(frame) => Err(Error::corruption(
                &file.log.path,
                scan.end,
                format!(
                    "the segment has no valid LINK, yet the frame at {} says that {} bytes are \
                     synced",
                    frame.offset, frame.head.synced_upto
                ),
            )),
            None if vouched.segment == file.log.number => Err(Error::corruption(
                &file.log.path,
                scan.end,
                format!(
                    "the segment has no valid LINK, yet the manifest says that {} bytes are synced",
                    vouched.offset
                ),
            )),
            None => Ok(None),
        };
    };
    if frame.offset > scan.end {
        return Err(Error::corruption(
            &file.log.path,
            scan.end,
            format!("no valid frame before the LINK at {}", frame.offset),
        ));
    }
    let link = Link::decode(frame.payload, &file.log.path, frame.payload_offset())?;
    let link_span = (frame.offset, frame.end());
    let bytes = file.bytes.len() as u64;
    Ok(Some(Candidate { log: &file.log, bytes, scan, link, link_span }))
}

/// The error for a log without any LINK. Where a segment holds something else it names that.
fn no_link(
    cut: &[(LogPosition, u64)],
    files: &[SegmentFile],
    min_wal: FileNumber,
    oldest: &Path,
) -> Error {
    let damaged = cut.iter().find_map(|(at, _)| {
        let file = files.iter().find(|file| file.log.number == at.segment)?;
        Some((&file.log.path, at.offset))
    });
    // Any of them may be the one that had it.
    let is_cut = |file: &SegmentFile| cut.iter().any(|(at, _)| at.segment == file.log.number);
    let is_other = |file: &&SegmentFile| damaged.is_none_or(|(path, _)| *path != file.log.path);
    let others = files.iter().filter(is_other).map(|file| {
        let number = file.log.number;
        let holds = if is_cut(file) { "holds no valid LINK" } else { "holds nothing" };
        format!(", {number:06}.wal {holds}")
    });
    let others: String = others.collect();
    let Some((path, offset)) = damaged else {
        let what = format!("the log is missing: no segment from here on holds a LINK{others}");
        return Error::missing(oldest, &what);
    };
    let what = format!(
        "no valid frame here, and no segment from {min_wal:06}.wal on holds a LINK{others}"
    );
    Error::corruption(path, offset, what)
}

/// The chain from the head back to `min_wal`, oldest first.
fn walk_back<'a>(
    mut candidates: Vec<Candidate<'a>>,
    min_wal: FileNumber,
) -> Result<Vec<Candidate<'a>>> {
    candidates.sort_by_key(|candidate| candidate.log.number);
    let mut chain = Vec::new();
    let mut next = candidates.pop().expect("there is a segment with a LINK");
    loop {
        let previous = next.link.previous;
        let (path, offset) = (&next.log.path, next.link_span.0);
        if previous >= next.log.number {
            let what = format!("the LINK names segment {previous}, which is no earlier one");
            return Err(Error::corruption(path, offset, what));
        }
        if previous < min_wal {
            chain.push(next);
            chain.reverse();
            return Ok(chain);
        }
        let Some(at) = candidates.iter().position(|c| c.log.number == previous) else {
            let what = format!("the LINK names segment {previous:06}.wal, which is missing");
            return Err(Error::corruption(path, offset, what));
        };
        chain.push(next);
        next = candidates.swap_remove(at);
    }
}

fn check_chain<'a>(chain: Vec<Candidate<'a>>, vouched: LogPosition) -> Result<Chain<'a>> {
    let ends: Vec<Option<Link>> =
        chain.iter().skip(1).map(|next| Some(next.link)).chain([None]).collect();
    let synced_edit = chain.iter().map(|c| c.link.synced_edit).max().unwrap_or(0);
    let mut segments: Vec<ChainSegment<'a>> = Vec::with_capacity(chain.len());
    let mut judged = None;
    for (candidate, successor) in chain.into_iter().zip(ends) {
        let proven_here = proven_within(&candidate, vouched, successor);
        let end = successor.map_or(candidate.scan.end, |link| link.previous_end);
        check_bytes(&candidate, proven_here, end, successor)?;
        let segment = sequence(&candidate, end)?;
        if let Some(successor) = successor
            && successor.previous_last_seqno != segment.last_seqno
        {
            let what = format!(
                "the segment ends with seqno {}, its successor follows {}",
                segment.last_seqno, successor.previous_last_seqno
            );
            return Err(Error::corruption(&candidate.log.path, end, what));
        }
        segments.push(segment);
        judged = Some((candidate, proven_here));
    }
    let (head, proven_here) = judged.expect("a chain has a head");
    Ok(conclude(segments, &head, proven_here, synced_edit))
}

/// The furthest position of a segment that anything vouches for.
fn proven_within(candidate: &Candidate<'_>, vouched: LogPosition, successor: Option<Link>) -> u64 {
    let limit = successor.map_or(u64::MAX, |link| link.previous_end);
    let by_frames = candidate
        .scan
        .frames()
        .filter(|frame| frame.offset < limit)
        .map(|frame| frame.head.synced_upto)
        .max()
        .unwrap_or(0);
    let by_manifest = if vouched.segment == candidate.log.number { vouched.offset } else { 0 };
    by_frames.max(by_manifest)
}

/// Everything up to the segment's end, or up to the proven position, must be valid frames.
fn check_bytes(
    candidate: &Candidate<'_>,
    proven_here: u64,
    end: u64,
    successor: Option<Link>,
) -> Result<()> {
    let (made, found) = (candidate.link.capacity, candidate.bytes);
    if found < made {
        let what = format!("the segment was made {made} bytes long and has {found}");
        return Err(Error::corruption(&candidate.log.path, found, what));
    }
    let valid = candidate.scan.end;
    let needed = if successor.is_some() { end.max(proven_here) } else { proven_here };
    if valid < needed {
        let witness = if successor.is_some() && needed == end {
            "the next segment's LINK says that this one reaches"
        } else {
            "later bytes say that it was synced up to"
        };
        return Err(Error::corruption(
            &candidate.log.path,
            valid,
            format!("no valid frame here, and {witness} {needed}"),
        ));
    }
    let ends = |at: u64| candidate.scan.prefix.iter().any(|frame| frame.end() == at);
    if proven_here > 0 && !ends(proven_here) {
        // A LINK would name it, and the next open would find no frame to end there.
        let what = format!("{proven_here} bytes are said to be synced, where no frame ends");
        return Err(Error::corruption(&candidate.log.path, proven_here, what));
    }
    if successor.is_some() && (!ends(end) || end < candidate.link_span.1) {
        let what = format!("the next segment's LINK names the end {end}, where no frame ends");
        return Err(Error::corruption(&candidate.log.path, end, what));
    }
    Ok(())
}

/// The segment's frames up to `end`, their seqnos checked.
fn sequence<'a>(candidate: &Candidate<'a>, end: u64) -> Result<ChainSegment<'a>> {
    let frames: Vec<Frame<'a>> =
        candidate.scan.prefix.iter().take_while(|frame| frame.end() <= end).copied().collect();
    let mut last = candidate.link.previous_last_seqno;
    for frame in &frames {
        if !frame.head.kind.has_operations() {
            continue;
        }
        let follows = last.checked_add(1) == Some(frame.head.first_seqno);
        if !follows || frame.head.count == 0 || frame.last_seqno() > SEQNO_MAX {
            let what = format!(
                "{} operations from seqno {} on follow seqno {last}",
                frame.head.count, frame.head.first_seqno
            );
            return Err(Error::corruption(&candidate.log.path, frame.offset, what));
        }
        last = frame.last_seqno();
    }
    Ok(ChainSegment { log: candidate.log, link: candidate.link, frames, last_seqno: last })
}

fn conclude<'a>(
    segments: Vec<ChainSegment<'a>>,
    head: &Candidate<'a>,
    proven_here: u64,
    synced_edit: u64,
) -> Chain<'a> {
    let segment = &segments[segments.len() - 1];
    let head_proven = proven_here >= head.link_span.1;
    let from = if head_proven { proven_here } else { 0 };
    let operations = || segment.frames.iter().filter(|frame| frame.head.kind.has_operations());
    let tail: Vec<Frame<'a>> = operations().filter(|frame| frame.offset >= from).copied().collect();
    let proven = if head_proven {
        let last_seqno = operations()
            .take_while(|frame| frame.offset < from)
            .last()
            .map_or(segment.link.previous_last_seqno, Frame::last_seqno);
        Proven { at: LogPosition { segment: head.log.number, offset: proven_here }, last_seqno }
    } else {
        Proven {
            at: LogPosition { segment: segment.link.previous, offset: segment.link.previous_end },
            last_seqno: segment.link.previous_last_seqno,
        }
    };
    let cut = cut_of(head.log, &head.scan).into_iter().collect();
    Chain { segments, proven, tail, head_proven, cut, synced_edit }
}
