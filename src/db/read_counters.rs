//! What point reads have taken since the database was opened.

use seawall_os::sync::Counter;

use crate::base::error::Result;
use crate::base::key::SeqNo;
use crate::base::slice::Slice;
use crate::sstable::ReadCounts;
use crate::tree::{SuperVersion, get_with};

use super::core::Core;

/// How many stripes there are: readers of different keys mostly count in different ones.
const STRIPES: usize = 8;

/// Sums of [`ReadCounts`].
#[derive(Debug, Default)]
pub(super) struct ReadCounters {
    stripes: [Stripe; STRIPES],
}

/// A cache line of its own, so that readers on several cores do not wait for one another.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe {
    filtered: Counter,
    blocks: Counter,
    filter_missed: Counter,
}

impl ReadCounters {
    /// Adds what a read of `key` took. Most reads change one number.
    #[inline]
    fn add(&self, key: &[u8], counts: ReadCounts) {
        let stripe = &self.stripes[usize::from(key.last().copied().unwrap_or(0)) % STRIPES];
        for (counter, count) in [
            (&stripe.filtered, counts.filtered),
            (&stripe.blocks, counts.blocks),
            (&stripe.filter_missed, counts.filter_missed),
        ] {
            if count > 0 {
                counter.add(count);
            }
        }
    }

    pub(super) fn sum(&self) -> ReadCounts {
        let sum = |of: fn(&Stripe) -> &Counter| self.stripes.iter().map(|s| of(s).get()).sum();
        ReadCounts {
            filtered: sum(|stripe| &stripe.filtered),
            blocks: sum(|stripe| &stripe.blocks),
            filter_missed: sum(|stripe| &stripe.filter_missed),
        }
    }
}

impl Core {
    /// Lends the value of `key` in `view` at `visible`.
    pub(super) fn get_with<R>(
        &self,
        view: &SuperVersion,
        key: &[u8],
        visible: SeqNo,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let mut counts = ReadCounts::default();
        let found = get_with(view, key, visible, &mut counts, read);
        self.read_counters.add(key, counts);
        found
    }

    /// The value of `key` in `view` at `visible`.
    pub(super) fn get(
        &self,
        view: &SuperVersion,
        key: &[u8],
        visible: SeqNo,
    ) -> Result<Option<Slice>> {
        self.get_with(view, key, visible, |value| Slice::from(value))
    }
}
