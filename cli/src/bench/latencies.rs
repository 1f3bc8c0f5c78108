//! Latencies, counted by size: memory does not grow with their number.

use std::time::Duration;

/// Each power of two is cut into so many equal steps, as a power of two: a latency is known to 1 in 128.
const STEPS_LOG: u32 = 7;
const STEPS: usize = 1 << STEPS_LOG;

/// How many operations took how long.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Latencies {
    fn default() -> Latencies {
        let powers = (u64::BITS - STEPS_LOG + 1) as usize;
        Latencies { counts: vec![0; powers * STEPS], total: 0, max: 0 }
    }
}

/// Below `STEPS` each nanosecond has a slot of its own.
fn slot_of(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEPS_LOG + 1);
    shift as usize * STEPS + (nanos >> shift) as usize
}

/// The largest latency that is counted in a slot.
fn largest_of(slot: usize) -> u64 {
    let shift = (slot / STEPS).saturating_sub(1);
    let step = (slot - shift * STEPS) as u64;
    (step << shift) | ((1 << shift) - 1)
}

impl Latencies {
    pub(super) fn add(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[slot_of(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    pub(super) fn merge(&mut self, other: &Latencies) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(to, from)| *to += from);
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// What `percent` of all did not exceed.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let wanted = (u128::from(self.total) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        let slot = self.counts.iter().position(|count| {
            seen += u128::from(*count);
            seen >= wanted
        });
        Duration::from_nanos(slot.map_or(self.max, |slot| largest_of(slot).min(self.max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_a_slot_that_ends_little_above_it() {
        let powers = (0..u64::BITS).map(|power| 1u64 << power);
        for nanos in powers.flat_map(|power| [power - 1, power, power + power / 3]) {
            let largest = largest_of(slot_of(nanos));
            assert!(largest >= nanos && largest - nanos <= nanos / 128, "{nanos}: {largest}");
        }
        assert!(slot_of(u64::MAX) < Latencies::default().counts.len());
        assert_eq!(largest_of(slot_of(u64::MAX)), u64::MAX);
    }

    #[test]
    fn percentiles_are_those_of_all_threads_together() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        (1..=50).for_each(|nanos| one.add(Duration::from_nanos(nanos)));
        (51..=100).for_each(|nanos| other.add(Duration::from_nanos(nanos)));
        one.merge(&other);
        let nanos = |percent| one.percentile(percent).as_nanos();
        assert_eq!((one.total(), nanos(50), nanos(99), nanos(100)), (100, 50, 99, 100));
        assert_eq!(one.max(), Duration::from_nanos(100));
        assert_eq!(Latencies::default().percentile(50), Duration::ZERO);
    }
}
