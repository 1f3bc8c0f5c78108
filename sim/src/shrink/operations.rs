//! Fewer operations.

use super::Shrinker;
use super::vary::Vary;
use crate::choice::Tape;
use crate::system::System;

/// The most operations that are left out at once with every variant tried.
const VARIED_MAX: usize = 4;

/// The most operations of which every two are tried to be left out.
const PAIRED_MAX: usize = 16;

/// From which end operations are left out first. What a pass keeps depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Start,
    End,
}

impl<S: System> Shrinker<S> {
    /// Leaves out ranges of operations, large ones first.
    pub(super) fn drop_operations(&mut self, from: From) {
        let mut size = self.best.operations.len();
        while size > 0 && !self.is_spent() {
            let mut passed = 0;
            while passed < self.best.operations.len() {
                let count = self.best.operations.len();
                let (start, end) = match from {
                    From::Start => (passed, (passed + size).min(count)),
                    From::End => ((count - passed).saturating_sub(size), count - passed),
                };
                let mut candidate = self.best.clone();
                candidate.operations.drain(start..end);
                let varied = if size > VARIED_MAX { Vary::FEW } else { Vary::ALL };
                if !self.attempt_varied(&candidate, varied) {
                    passed += size;
                }
            }
            size /= 2;
        }
    }

    /// Leaves out two operations that are not next to each other: neither may be missing alone, such
    /// as one that fills a memtable and one that is kept out by that.
    pub(super) fn drop_pairs(&mut self) {
        let mut second = self.best.operations.len();
        if second > PAIRED_MAX {
            return;
        }
        while second > 1 && !self.is_spent() {
            second = (second - 1).min(self.best.operations.len().saturating_sub(1));
            for first in (0..second).rev() {
                let mut candidate = self.best.clone();
                candidate.operations.remove(second);
                candidate.operations.remove(first);
                if self.attempt_varied(&candidate, Vary::ALL) {
                    break;
                }
            }
        }
    }

    /// Attempts a candidate from which operations were left out, and variants of it.
    fn attempt_varied(&mut self, candidate: &Tape, variants: &[Vary]) -> bool {
        self.attempt(candidate.clone())
            || variants.iter().any(|vary| {
                let varied = vary.applied(candidate);
                varied.is_some_and(|varied| self.attempt(varied))
            })
    }
}
