//! Step `relog`: a new segment, holding again what nothing vouches for, and tied to the proven point.

use seawall_os::sync::enter_scope;

use crate::base::error::Result;
use crate::base::file_name::FileNumber;
use crate::log::{Frame, frame_bytes};
use crate::manifest::State;
use crate::wal::{Chain, CreateFailure, WalWriter, create_segment};

use super::super::core::LiveSegment;
use super::super::keeper::needed_bytes;
use super::super::scope;
use super::Opening;

impl Opening {
    /// Makes segment `number` the head of the log and returns it with the chain it heads.
    ///
    /// Durability: everything the open shows is durable once the LINK is synced. Until then the old
    /// segments say the same, and a segment without LINK counts for nothing.
    pub(super) fn relog(
        &mut self,
        chain: &Chain<'_>,
        number: FileNumber,
        state: &State,
    ) -> Result<(WalWriter, Vec<LiveSegment>)> {
        let _scope = enter_scope(scope::RELOG);
        let tail: usize = chain.tail.iter().map(|frame| frame_bytes(frame.payload.len())).sum();
        let capacity = self.options.segment_bytes.max(needed_bytes(0) + tail as u64);
        let sync_name = || self.sync_dir();
        let segment = create_segment(&*self.vfs, &self.dir, self.id, number, capacity, sync_name)
            .map_err(CreateFailure::into_error)?;
        let mut log = WalWriter::new(segment, chain.proven.last_seqno);
        for frame in &chain.tail {
            log.append_relog(frame.head.first_seqno, frame.head.count, frame.payload)?;
            self.report.relogged_operations += u64::from(frame.head.count);
        }
        if !chain.tail.is_empty() {
            // Durability: a LINK that stands promises that what is before it stands too.
            log.sync()?;
        }
        log.append_link(chain.proven.at, chain.proven.last_seqno, state.edit_number)?;
        // Durability: what this open returns must never be taken back.
        log.sync()?;
        let mut segments = live_segments(chain);
        segments.push(LiveSegment { number, last_seqno: log.last_seqno(), end: log.end().offset });
        Ok((log, segments))
    }
}

/// The segments before the new one, each up to where its successor's LINK says it ends.
pub(super) fn live_segments(chain: &Chain<'_>) -> Vec<LiveSegment> {
    let count = chain.segments.len() - usize::from(!chain.head_proven);
    let mut live: Vec<LiveSegment> = chain.segments[..count]
        .iter()
        .map(|segment| LiveSegment {
            number: segment.log.number,
            last_seqno: segment.last_seqno,
            end: segment.frames.last().map_or(0, Frame::end),
        })
        .collect();
    if chain.head_proven
        && let Some(head) = live.last_mut()
    {
        (head.last_seqno, head.end) = (chain.proven.last_seqno, chain.proven.at.offset);
    }
    live
}
