//! Decisions changed by number, as a fuzzer changes them.
//!
//! An answer on a tape names its choice in full and its label in words. No fuzzer comes up with such
//! names, so it changes decisions by numbers of which every one means something: at the sites of this
//! place, the `nth` choice of the stream, whoever asks, takes the label of this number. What was chosen
//! is recorded as on any run, so the tape of a run with overrides has only names.

use super::Stream;

/// Sites are divided into so many places, by the hash of their text.
pub const PLACES: usize = 256;

/// One decision changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Override {
    /// Of which stream.
    pub stream: Stream,
    /// At which sites: those whose hash ends in this byte.
    pub place: u8,
    /// How many choices of this stream were asked there before.
    pub nth: u16,
    /// Which label, counted around; which number, from the start of the range on.
    pub label: u16,
}

/// The overrides of a run, and how far it is.
pub(super) struct Overrides {
    /// Sorted, so that those of a place are found together.
    sorted: Vec<Override>,
    /// How often each place of each stream was asked at.
    asked: Vec<u32>,
}

impl Overrides {
    pub(super) fn new(overrides: &[Override]) -> Overrides {
        let mut sorted = overrides.to_vec();
        sorted.sort();
        Overrides { sorted, asked: vec![0; Stream::ALL.len() * PLACES] }
    }

    /// The label of the choice that is asked now, if it is overridden.
    pub(super) fn next(&mut self, stream: Stream, site_hash: u64) -> Option<u64> {
        let place = (site_hash % PLACES as u64) as u8;
        let asked = &mut self.asked[stream as usize * PLACES + usize::from(place)];
        let nth = u16::try_from(*asked).ok();
        *asked = asked.saturating_add(1);
        let nth = nth?;
        let key = |change: &Override| (change.stream, change.place, change.nth);
        let found = self.sorted.binary_search_by_key(&(stream, place, nth), key).ok()?;
        Some(u64::from(self.sorted[found].label))
    }
}
