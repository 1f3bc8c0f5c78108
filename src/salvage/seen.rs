//! Which operations were found, wherever that was.
//!
//! A seqno is given once. So whoever has read all seqnos of a stretch has lost no operation of it, whatever
//! file is damaged or missing: what it held was found elsewhere.

use std::collections::BTreeMap;

use crate::base::damage::Damage;
use crate::base::key::SeqNo;

use super::report::SalvageReport;

/// A page has a bit for each of so many seqnos.
const WORDS: usize = 64;
const BITS: u64 = 64 * WORDS as u64;

/// A set of seqnos.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pages: BTreeMap<u64, Box<[u64; WORDS]>>,
    /// The largest that is known to have been given.
    last: SeqNo,
    /// Without a manifest: the place in the report that says so.
    no_manifest: Option<usize>,
}

impl Seen {
    pub(super) fn add(&mut self, seqno: SeqNo) {
        let page = self.pages.entry(seqno / BITS).or_insert_with(|| Box::new([0; WORDS]));
        page[(seqno % BITS / 64) as usize] |= 1 << (seqno % 64);
        self.know(seqno);
    }

    /// Operations were given seqnos up to `seqno`.
    pub(super) fn know(&mut self, seqno: SeqNo) {
        self.last = self.last.max(seqno);
    }

    /// The damage at `place` of the report leaves open which tables there were.
    pub(super) fn miss_manifest(&mut self, place: usize) {
        self.no_manifest = Some(place);
    }

    /// How many of the seqnos from `first` to `last` were not found, both included.
    fn missing(&self, first: SeqNo, last: SeqNo) -> u64 {
        let pages = self.pages.range(first / BITS..=last / BITS);
        let found: u64 = pages
            .flat_map(|(number, page)| {
                (0..).zip(&**page).map(move |(at, word)| (number * BITS + at * 64, word))
            })
            .map(|(begin, word)| u64::from((word & between(begin, first, last)).count_ones()))
            .sum();
        (last - first + 1) - found
    }

    /// At the end: nothing is lost by a damage if all it may have taken was found.
    pub(super) fn settle(&self, report: &mut SalvageReport) {
        if let Some(damage) = self.no_manifest.and_then(|at| report.damage.get_mut(at)) {
            self.settle_manifest(damage);
        }
        for damage in report.damage.iter_mut().filter(|damage| damage.lost) {
            if let Some((first, Some(last))) = damage.seqnos
                && first <= last
                && self.missing(first, last) == 0
            {
                damage.lost = false;
                damage.what.push_str("; all it held was found elsewhere");
            }
        }
    }

    fn settle_manifest(&self, damage: &mut Damage) {
        let last = self.last;
        let missing = if last == 0 { 0 } else { self.missing(1, last) };
        damage.what.push_str(&match missing {
            0 => {
                damage.lost = false;
                format!("; all operations up to seqno {last} were found without it")
            }
            _ => {
                damage.seqnos = Some((1, Some(last)));
                format!(
                    "; of the operations up to seqno {last}, {missing} were not found: merges have dropped \
                     them as overwritten or deleted, or they were in a table that is gone, and nothing tells"
                )
            }
        });
    }
}

/// The bits of the word that begins with seqno `begin` that are for seqnos from `first` to `last`.
fn between(begin: SeqNo, first: SeqNo, last: SeqNo) -> u64 {
    let from = first.saturating_sub(begin).min(64);
    let upto = (last + 1).saturating_sub(begin).min(64);
    let below = |count: u64| if count == 64 { u64::MAX } else { (1 << count) - 1 };
    below(upto) & !below(from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_missing_is_what_was_not_added(
            seqnos in prop::collection::btree_set(1..20_000u64, 0..400), first in 1..20_000u64,
            len in 0..20_000u64,
        ) {
            let mut seen = Seen::default();
            seqnos.iter().for_each(|seqno| seen.add(*seqno));
            let found = seqnos.range(first..=first + len).count() as u64;
            prop_assert_eq!(seen.missing(first, first + len), len + 1 - found);
            prop_assert_eq!(seen.last, seqnos.last().copied().unwrap_or(0));
        }
    }
}
