//! What an image of the disk owes to whoever opens it.

use std::sync::Arc;

use super::ledger::Mark;
use super::timeline::Timeline;
use crate::system::System;

/// How an image came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fall {
    /// Nothing was lost and nobody died: the store was closed, or its handles dropped.
    None,
    /// The process was killed: what was written stays.
    Kill,
    /// The power went: what was not synced may go.
    Power,
}

/// What must be found again: at least so much, at most what had been issued, in an order that the
/// timeline admits.
#[derive(Debug)]
pub struct Promise<S: System> {
    pub(super) timeline: Arc<Timeline<S>>,
    /// Only what was issued before this can be there.
    pub(super) issued_before: Mark,
    /// At least this position.
    pub(super) at_least: u64,
    /// What must still be there if the power goes before the next open returns.
    durable: u64,
    /// All that was acknowledged, durable or not.
    acknowledged: u64,
    /// This much an open had returned.
    pub(super) settled: u64,
    /// Whether an operation had failed by then.
    pub(super) after_error: bool,
    /// Whether a sync has ever failed on this disk or one it was cut from: names and bytes of long ago
    /// may turn up.
    sync_ever_failed: bool,
    /// How the image came to be.
    pub(super) fall: Fall,
    /// What the disk owed to the world in which it was cut: the history before this one's.
    earlier: Option<Arc<Promise<S>>>,
}

impl<S: System> Clone for Promise<S> {
    fn clone(&self) -> Promise<S> {
        let earlier = self.earlier.clone();
        Promise { timeline: Arc::clone(&self.timeline), earlier, ..*self }
    }
}

impl<S: System> Promise<S> {
    /// What an empty disk owes: nothing.
    pub fn nothing(model: S::Model) -> Promise<S> {
        let timeline = Arc::new(Timeline::settled(0, Arc::new(model)));
        Promise {
            timeline,
            issued_before: 0,
            at_least: 0,
            durable: 0,
            acknowledged: 0,
            settled: 0,
            after_error: false,
            sync_ever_failed: false,
            fall: Fall::None,
            earlier: None,
        }
    }

    /// What a store owes that was closed right after it was opened: the same state again.
    pub fn same(position: u64, model: Arc<S::Model>) -> Promise<S> {
        Promise::at(&Arc::new(Timeline::settled(position, model)), 0, Fall::None, false)
    }

    /// What an image owes that was cut at `mark` in the world of `timeline`, after its open returned.
    pub fn at(
        timeline: &Arc<Timeline<S>>,
        mark: Mark,
        fall: Fall,
        sync_failed: bool,
    ) -> Promise<S> {
        let durable = timeline.durable_at(mark);
        let written = if sync_failed { durable } else { timeline.any_at(mark) };
        Promise {
            timeline: Arc::clone(timeline),
            issued_before: mark,
            at_least: if fall == Fall::Power { durable } else { written },
            durable,
            acknowledged: timeline.any_at(mark),
            settled: timeline.base(),
            after_error: sync_failed || timeline.failed_before(mark),
            sync_ever_failed: sync_failed,
            fall,
            earlier: None,
        }
    }

    /// What a store owes that was closed cleanly: everything, whatever happens next.
    pub fn closed(timeline: &Arc<Timeline<S>>, mark: Mark, sync_failed: bool) -> Promise<S> {
        let mut promise = Promise::at(timeline, mark, Fall::None, sync_failed);
        promise.at_least = timeline.any_at(mark);
        promise.durable = promise.at_least;
        promise
    }

    /// The position up to which everything had been acknowledged, durable or not.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether a sync has ever failed on this disk or one it was cut from.
    pub fn sync_ever_failed(&self) -> bool {
        self.sync_ever_failed
    }

    /// The same on a disk that comes from another, which owed `earlier`.
    #[must_use]
    pub fn on_disk_of(mut self, earlier: &Promise<S>) -> Promise<S> {
        self.sync_ever_failed |= earlier.sync_ever_failed;
        self.earlier = Some(Arc::new(earlier.clone()));
        self
    }

    /// The same, once an open has returned that recovered up to `position`: all of that, from now on,
    /// and nothing beyond.
    #[must_use]
    pub fn settled_at(&self, position: u64) -> Promise<S> {
        let (at_least, durable, settled) = (position, position, position);
        Promise { at_least, durable, settled, acknowledged: position, ..self.clone() }
    }

    /// The same, less what damage may have undone without an error.
    #[must_use]
    pub fn undone_to(mut self, position: u64) -> Promise<S> {
        self.at_least = self.at_least.min(position);
        self.durable = self.durable.min(position);
        self.settled = self.settled.min(position);
        self
    }

    /// The promise whose history reaches back to `position`, so far as any does. What was recovered before
    /// this one's began cannot be judged by it.
    #[must_use]
    pub fn reaching_back_to(&self, position: u64) -> Promise<S> {
        match &self.earlier {
            Some(earlier) if position < self.timeline.base() => earlier.reaching_back_to(position),
            _ => self.clone(),
        }
    }

    /// What the disks owed that this one comes from, the latest first.
    pub fn earlier_ones(&self) -> impl Iterator<Item = &Promise<S>> {
        std::iter::successors(self.earlier.as_deref(), |promise| promise.earlier.as_deref())
    }

    /// At least this position must be found again.
    pub fn at_least(&self) -> u64 {
        self.at_least
    }

    /// What an image owes that was cut while this one was being opened: the open had promised
    /// nothing yet, so the same, less what a power loss takes.
    #[must_use]
    pub fn again(&self, fall: Fall, sync_failed: bool) -> Promise<S> {
        let mut promise = self.clone();
        if fall == Fall::Power || sync_failed {
            promise.at_least = promise.durable;
        }
        promise.after_error |= sync_failed;
        promise.sync_ever_failed |= sync_failed;
        promise.fall = promise.fall.max(fall);
        promise
    }
}
