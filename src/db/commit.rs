//! Group commit: writers queue, one leads, a group is one frame and at most one sync.
//!
//! ```text
//! writer  ──▶ queue ──▶ leader: take the log's turn, gather the queue into a group
//!                       (rotate) ▶ write one frame ▶ sync if any member asked
//!                       ▶ apply to the memtable ▶ publish ▶ hand over the lead ▶ acknowledge
//! ```
//!
//! A commit becomes visible only after the durability it asked for. `Os` commits in the same group
//! as a synced one, or behind it, wait for that sync.

use std::collections::VecDeque;
use std::sync::Arc;

use seawall_os::sync::{Condvar, Mutex, Ordering, enter_scope, yield_point};

use crate::base::error::Result;
use crate::base::key::SeqNo;
use crate::base::log_position::LogPosition;
use crate::batch::{WriteBatch, operations};
use crate::wal::WalWriter;

use super::core::Core;
use super::options::Durability;
use super::scope;

/// A group is closed at that many bytes, unless one batch alone has more.
const GROUP_BYTES_MAX: usize = 1 << 20;

/// A group is closed at that many operations, unless one batch alone has more.
const GROUP_OPERATIONS_MAX: usize = 4_096;

/// What a writer asks of the log.
#[derive(Debug)]
struct Request {
    batch: WriteBatch,
    sync: bool,
    /// Whether the memtable is to be set aside first.
    freeze: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Committed {
    /// The seqno of the batch's last operation; for an empty batch, of the last one before it.
    pub(super) last_seqno: SeqNo,
    /// How far the head of the log was synced then.
    pub(super) synced: LogPosition,
}

#[derive(Debug)]
enum SlotState {
    Waiting,
    /// The former leader is done, and this member is first in the queue.
    Lead,
    Done(Result<Committed>),
}

/// Where a queued writer waits.
#[derive(Debug)]
struct Slot {
    state: Mutex<SlotState>,
    changed: Condvar,
}

impl Slot {
    fn set(&self, state: SlotState) {
        *self.state.lock() = state;
        self.changed.notify_all();
    }

    /// Waits for the lead (`None`) or the outcome.
    fn wait(&self) -> Option<Result<Committed>> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| matches!(state, SlotState::Waiting));
        match std::mem::replace(&mut *state, SlotState::Waiting) {
            SlotState::Done(outcome) => Some(outcome),
            SlotState::Lead | SlotState::Waiting => None,
        }
    }
}

#[derive(Debug)]
struct Member {
    request: Request,
    /// `None` for the leader itself.
    slot: Option<Arc<Slot>>,
}

/// The writers that wait for a leader.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<Member>,
    /// Somebody leads, or was told to.
    led: bool,
}

impl Core {
    /// Commits a batch. Durable as asked when it returns.
    pub(super) fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<SeqNo> {
        batch.check()?;
        self.health.check()?;
        if batch.is_empty() {
            return Ok(self.visible.load(Ordering::Acquire));
        }
        self.wait_for_room()?;
        self.signals.slow_down();
        let sync = durability == Durability::Sync;
        Ok(self.submit(Request { batch, sync, freeze: false })?.last_seqno)
    }

    /// Makes everything committed so far durable and says how far the head is synced.
    ///
    /// An empty synced commit in the same queue, which always syncs: an edit may name the head as
    /// the oldest segment, and then the head's LINK must be durable even if no commit needs it.
    pub(super) fn sync_log(&self) -> Result<LogPosition> {
        let request = Request { batch: WriteBatch::new(), sync: true, freeze: false };
        Ok(self.submit(request)?.synced)
    }

    /// Sets the active memtable aside for a flush and returns the last seqno in it.
    pub(super) fn freeze_memtable(&self) -> Result<SeqNo> {
        let request = Request { batch: WriteBatch::new(), sync: false, freeze: true };
        Ok(self.submit(request)?.last_seqno)
    }

    fn submit(&self, request: Request) -> Result<Committed> {
        let _scope = enter_scope(scope::COMMIT);
        let mut queue = self.queue.state.lock();
        if !queue.led {
            queue.led = true;
            drop(queue);
            return self.lead(Some(request));
        }
        let slot =
            Arc::new(Slot { state: Mutex::new(SlotState::Waiting), changed: Condvar::new() });
        queue.waiting.push_back(Member { request, slot: Some(Arc::clone(&slot)) });
        drop(queue);
        match slot.wait() {
            Some(outcome) => outcome,
            None => self.lead(None),
        }
    }

    /// Leads one group. `own` is the leader's request, unless it stands first in the queue.
    fn lead(&self, own: Option<Request>) -> Result<Committed> {
        let mut log = self.log.take();
        let group = self.gather(own);
        let outcome = self.write_group(&mut log, &group);
        let synced = log.synced();
        let last_seqno = log.last_seqno();
        drop(log);
        self.hand_over();
        acknowledge(group, outcome, last_seqno, synced)
    }

    /// Takes a group from the queue, the leader first.
    fn gather(&self, own: Option<Request>) -> Vec<Member> {
        let mut queue = self.queue.state.lock();
        let own = match own {
            Some(request) => Some(Member { request, slot: None }),
            None => queue.waiting.pop_front().map(|member| Member { slot: None, ..member }),
        };
        let own = own.expect("who is told to lead stands first in the queue");
        let (mut bytes, mut count) = (own.request.batch.byte_len(), own.request.batch.len());
        let mut group = vec![own];
        while let Some(next) = queue.waiting.front() {
            bytes += next.request.batch.byte_len();
            count += next.request.batch.len();
            if bytes > GROUP_BYTES_MAX || count > GROUP_OPERATIONS_MAX {
                break;
            }
            group.extend(queue.waiting.pop_front());
        }
        group
    }

    /// Names the next leader, if anybody waits.
    fn hand_over(&self) {
        let mut queue = self.queue.state.lock();
        let next = queue.waiting.front().and_then(|member| member.slot.clone());
        queue.led = next.is_some();
        drop(queue);
        if let Some(slot) = next {
            slot.set(SlotState::Lead);
        }
    }

    /// Logs, syncs, applies and publishes one group. A failure that leaves the log unknown stops
    /// writes for good.
    fn write_group(&self, log: &mut WalWriter, group: &[Member]) -> Result<()> {
        self.health.check_log()?;
        if self.memtable_is_full() || group.iter().any(|member| member.request.freeze) {
            self.freeze(log.last_seqno());
        }
        let count: usize = group.iter().map(|member| member.request.batch.len()).sum();
        let first = log.last_seqno() + 1;
        if count > 0 {
            let bytes = group.iter().map(|member| member.request.batch.byte_len()).sum();
            if !log.fits(bytes) {
                self.rotate(log, bytes)?;
            }
            let payloads = group.iter().map(|member| member.request.batch.encoded());
            let count = u32::try_from(count).expect("a batch of 256 MiB has fewer operations");
            log.append_group(payloads, count).inspect_err(|error| self.stop(error))?;
            self.note_log_end(log);
        }
        if group.iter().any(|member| member.request.sync) {
            log.sync().inspect_err(|error| self.stop(error))?;
            self.groups.fetch_add(1, Ordering::Relaxed);
            self.watch_for_idleness(log);
        }
        if count > 0 {
            self.apply(group, first);
            yield_point("publish");
            self.visible.store(log.last_seqno(), Ordering::Release);
        }
        Ok(())
    }

    fn apply(&self, group: &[Member], first: SeqNo) {
        let view = self.view.load();
        let mut seqno = first;
        for member in group {
            for operation in operations(member.request.batch.encoded()) {
                view.active.insert(seqno, operation.kind, operation.key, operation.value);
                seqno += 1;
            }
        }
    }

    /// After a sync that nothing vouches for yet, the keeper is to notice when the log falls idle.
    fn watch_for_idleness(&self, log: &WalWriter) {
        if log.wants_mark() && !self.mark_armed.swap(true, Ordering::AcqRel) {
            self.signals.watch_idle(true);
        }
    }
}

/// Tells every member of the group what became of it; returns the leader's own outcome.
fn acknowledge(
    group: Vec<Member>,
    outcome: Result<()>,
    last_seqno: SeqNo,
    synced: LogPosition,
) -> Result<Committed> {
    let count: usize = group.iter().map(|member| member.request.batch.len()).sum();
    let mut own = None;
    // After a failure the seqnos are nobody's; the members are told the failure instead.
    let mut seqno = last_seqno.saturating_sub(count as SeqNo);
    for member in group {
        seqno += member.request.batch.len() as SeqNo;
        let told = outcome.clone().map(|()| Committed { last_seqno: seqno, synced });
        match member.slot {
            Some(slot) => slot.set(SlotState::Done(told)),
            None => own = Some(told),
        }
    }
    own.expect("the leader is a member of its group")
}
