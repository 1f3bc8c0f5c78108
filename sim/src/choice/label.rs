//! What a choice is among: labels that say what they mean.

use std::fmt;

use super::actor::TaskName;
use super::hash::text_hash;

/// One of the answers to a choice. It is its text that counts: two labels that read alike are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A fixed word or phrase, such as `fork-power`.
    Word(&'static str),
    /// A number.
    Number(u64),
    /// A word and a number, such as `kept 1536`.
    Counted(&'static str, u64),
    /// A task, by name.
    Task(TaskName),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Word(word) => f.write_str(word),
            Label::Number(number) => write!(f, "{number}"),
            Label::Counted(word, number) => write!(f, "{word} {number}"),
            Label::Task(name) => f.write_str(name.as_str()),
        }
    }
}

impl Label {
    /// The hash of the label's text.
    pub(super) fn hash(&self) -> u64 {
        match self {
            Label::Word(word) => text_hash(word.as_bytes()),
            Label::Task(name) => text_hash(name.as_str().as_bytes()),
            Label::Number(_) | Label::Counted(..) => text_hash(self.to_string().as_bytes()),
        }
    }
}

/// How likely each label is, where a seed answers. Any other source ignores the odds.
#[derive(Clone, Copy, Debug)]
pub enum Odds<'a> {
    /// All alike.
    Uniform,
    /// The first label, unless a draw of one in this many hits; then any of the others alike. Zero
    /// never hits.
    OneIn(u32),
    /// In proportion to these weights, one for each label.
    Weights(&'a [u32]),
    /// This label: it was computed from the seed by other means, such as a scheduling strategy.
    Given(usize),
}

impl Odds<'_> {
    /// The index below `count` that the random `draw` stands for.
    #[inline]
    pub(super) fn pick(&self, draw: u64, count: usize) -> usize {
        let (high, low) = (draw >> 32, draw & 0xffff_ffff);
        match *self {
            Odds::Uniform => scale(high, count as u64) as usize,
            Odds::OneIn(0) => 0,
            Odds::OneIn(one_in) => match scale(high, u64::from(one_in)) {
                0 if count > 1 => 1 + scale(low, count as u64 - 1) as usize,
                _ => 0,
            },
            Odds::Weights(weights) => weighted(draw, &weights[..count.min(weights.len())]),
            Odds::Given(index) => index.min(count - 1),
        }
    }
}

/// Maps 32 random bits to a number below `below`.
#[inline]
fn scale(bits: u64, below: u64) -> u64 {
    (bits * below) >> 32
}

fn weighted(draw: u64, weights: &[u32]) -> usize {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut left = ((u128::from(draw) * u128::from(total)) >> 64) as u64;
    for (index, weight) in weights.iter().enumerate() {
        match left.checked_sub(u64::from(*weight)) {
            Some(rest) => left = rest,
            None => return index,
        }
    }
    0 // Only when all weights are zero.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_never_leave_the_labels() {
        let odds = [
            Odds::Uniform,
            Odds::OneIn(0),
            Odds::OneIn(1),
            Odds::OneIn(7),
            Odds::Weights(&[0, 3, 0]),
            Odds::Weights(&[0, 0, 0]),
            Odds::Given(9),
        ];
        for odds in odds {
            for draw in [0, 1, u64::MAX, u64::MAX / 2, 0xffff_ffff, 0xffff_ffff_0000_0000] {
                assert!(odds.pick(draw, 3) < 3, "{odds:?} {draw:x}");
                assert_eq!(odds.pick(draw, 1), 0, "{odds:?} {draw:x}");
            }
        }
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn() {
        let odds = Odds::Weights(&[0, 1, 0, 3]);
        for step in 0..64 {
            assert!(matches!(odds.pick(step << 58, 4), 1 | 3));
        }
    }
}
