//! Where in a block a key may be, told without a look at its entries.
//!
//! Entries lie apart in memory, so each one that a bisection touches is a wait. The heads of some
//! restarts, side by side, take most of its steps.

use super::format::head;

/// How many restarts have a head at most.
const HEADS_MAX: usize = 12;

/// The heads of every `step`-th restart of a block.
#[derive(Debug, Default)]
pub(super) struct Guide {
    heads: [u64; HEADS_MAX],
    /// How many bytes all keys of the table share at their beginnings: heads are of what follows.
    shared: u32,
    step: u32,
    count: u32,
}

impl Guide {
    /// A guide to a block of `restarts` restarts, at least one, with `key` for that of each.
    pub(super) fn new<'a, E>(
        restarts: usize,
        shared: usize,
        key: impl Fn(usize) -> Result<&'a [u8], E>,
    ) -> Result<Guide, E> {
        let step = restarts.div_ceil(HEADS_MAX);
        let count = restarts.div_ceil(step);
        let mut heads = [0; HEADS_MAX];
        for (at, place) in heads[..count].iter_mut().enumerate() {
            *place = head(key(at * step)?.get(shared..).unwrap_or_default());
        }
        Ok(Guide { heads, shared: shared as u32, step: step as u32, count: count as u32 })
    }

    /// The first restart, or one that is before `key`, and one that is behind it, or `restarts`, which
    /// is how many there are. What lies between them it does not know.
    ///
    /// REQUIRES: a key that begins as all keys of the table do.
    #[inline]
    pub(super) fn narrow(&self, key: &[u8], restarts: usize) -> (usize, usize) {
        let sought = head(key.get(self.shared as usize..).unwrap_or_default());
        let heads = &self.heads[..self.count as usize];
        let before = heads.iter().filter(|head| **head < sought).count();
        let equal = heads[before..].iter().take_while(|head| **head == sought).count();
        let behind = before + equal;
        let high = if behind < heads.len() { behind * self.step as usize } else { restarts };
        (before.saturating_sub(1) * self.step as usize, high)
    }
}
