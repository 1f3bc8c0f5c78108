//! The head of the log: appending groups, syncing, moving on to the next segment.

use crate::base::error::{IoContext, Result};
use crate::base::file_name::FileNumber;
use crate::base::key::SeqNo;
use crate::base::log_position::LogPosition;
use crate::log::{FrameBuffer, FrameHead, FrameKind, frame_bytes};

use super::link::Link;
use super::segment::Segment;

/// Writes the head segment. Held under the log's turn.
#[derive(Debug)]
pub(crate) struct WalWriter {
    head: Segment,
    /// Where the next frame goes.
    end: u64,
    /// What the last successful sync of the head covered, as of when it was issued.
    synced: u64,
    /// How far what is written anywhere vouches for the head.
    vouched: u64,
    /// Whether the last frame is a MARK: no second one follows before other frames do.
    marked: bool,
    /// The seqno of the last operation logged.
    last_seqno: SeqNo,
    buffer: FrameBuffer,
}

impl WalWriter {
    /// Continues an empty segment. Nothing may have been written to it.
    pub(crate) fn new(head: Segment, last_seqno: SeqNo) -> WalWriter {
        WalWriter {
            head,
            end: 0,
            synced: 0,
            vouched: 0,
            marked: false,
            last_seqno,
            buffer: FrameBuffer::default(),
        }
    }

    /// The number of the head.
    pub(crate) fn head_number(&self) -> FileNumber {
        self.head.log.number
    }

    /// The seqno of the last operation logged.
    pub(crate) fn last_seqno(&self) -> SeqNo {
        self.last_seqno
    }

    /// How far the head is known to be synced.
    pub(crate) fn synced(&self) -> LogPosition {
        LogPosition { segment: self.head.log.number, offset: self.synced }
    }

    /// Where the head's frames end.
    pub(crate) fn end(&self) -> LogPosition {
        LogPosition { segment: self.head.log.number, offset: self.end }
    }

    /// Whether the last successful sync is vouched for by nothing yet and a MARK would change that.
    pub(crate) fn wants_mark(&self) -> bool {
        self.synced > self.vouched && !self.marked
    }

    /// Whether a group with that much payload still goes into the head.
    pub(crate) fn fits(&self, payload: usize) -> bool {
        self.end + frame_bytes(payload) as u64 <= self.head.capacity
    }

    /// Writes one commit group as one frame. Not durable before the next sync.
    pub(crate) fn append_group<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]>,
        count: u32,
    ) -> Result<()> {
        let buffer = self.buffer.begin();
        payloads.for_each(|payload| buffer.extend_from_slice(payload));
        self.write(FrameKind::Data, count, self.last_seqno + 1, self.synced)?;
        self.last_seqno += SeqNo::from(count);
        Ok(())
    }

    /// Writes a commit group that an earlier segment holds beyond the proven point.
    pub(crate) fn append_relog(&mut self, first: SeqNo, count: u32, payload: &[u8]) -> Result<()> {
        self.buffer.begin().extend_from_slice(payload);
        // Nothing of this segment counts before its LINK does, so it vouches for nothing.
        self.write(FrameKind::Relog, count, first, 0)?;
        self.last_seqno = first + SeqNo::from(count) - 1;
        Ok(())
    }

    /// Writes the LINK that makes this segment count: what precedes it, in the chain and of edits.
    pub(crate) fn append_link(
        &mut self,
        previous: LogPosition,
        previous_last_seqno: SeqNo,
        synced_edit: u64,
    ) -> Result<()> {
        let id = self.head.log.id;
        let link = Link {
            previous: previous.segment,
            previous_end: previous.offset,
            previous_last_seqno,
            synced_edit,
            capacity: self.head.capacity,
        };
        link.encode(&id, self.buffer.begin());
        self.write(FrameKind::Link, 0, self.last_seqno + 1, 0)
    }

    /// Writes a MARK, which vouches for the last successful sync.
    pub(crate) fn append_mark(&mut self) -> Result<()> {
        self.buffer.begin();
        self.write(FrameKind::Mark, 0, self.last_seqno + 1, self.synced)?;
        self.marked = true;
        Ok(())
    }

    /// Writes a CLOSE.
    pub(crate) fn append_close(&mut self) -> Result<()> {
        self.buffer.begin();
        self.write(FrameKind::Close, 0, self.last_seqno + 1, self.synced)
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&mut self) -> Result<()> {
        // What is written while the sync runs is not covered: the position is taken first.
        let covered = self.end;
        // Durability: the acknowledgement of every synced commit, and of sync_to, rests on this.
        self.head.file.sync_data().context("sync", &self.head.log.path)?;
        self.synced = covered;
        Ok(())
    }

    /// Moves on to `next`, an empty segment whose name is durable, and links it to the present head.
    pub(crate) fn rotate(&mut self, next: Segment, synced_edit: u64) -> Result<()> {
        if self.synced < self.end {
            self.sync()?;
        }
        let previous = self.end();
        self.head = next;
        (self.end, self.synced, self.vouched, self.marked) = (0, 0, 0, false);
        // Durability: the next sync of the new head covers the LINK too. Until then a crash finds
        // the old head, synced to its end, and nothing acknowledged is in the new one.
        self.append_link(previous, self.last_seqno, synced_edit)
    }

    fn write(
        &mut self,
        kind: FrameKind,
        count: u32,
        first_seqno: SeqNo,
        synced_upto: u64,
    ) -> Result<()> {
        let head = FrameHead { kind, count, first_seqno, synced_upto };
        let frame = self.buffer.seal(&self.head.log, self.end, head);
        let bytes = frame.len() as u64;
        self.head.file.write_at(frame, self.end).context("write to", &self.head.log.path)?;
        self.end += bytes;
        self.vouched = self.vouched.max(synced_upto);
        self.marked = false;
        Ok(())
    }
}
