//! Running blocks of a ledger again: each has to give its line, but for the time it takes.

use std::ops::ControlFlow;

use seawall_sim::explore::Swept;

use super::blocks::{Block, Blocks, Follow};
use super::file::Ledger;
use super::line::{Difference, Line};

/// A block that did not give its line.
#[derive(Debug)]
pub(super) struct Differs {
    pub(super) line: Line,
    pub(super) fields: Vec<Difference>,
}

/// `count` lines of the blocks' commit and profile, or all if there are fewer. The same seed draws the
/// same ones.
pub(super) fn draw(ledger: &Ledger, blocks: &Blocks, count: u64, seed: u64) -> Vec<Line> {
    let ours = |line: &&Line| line.commit == blocks.commit && line.profile == blocks.profile;
    let mut lines: Vec<Line> = ledger.lines.iter().filter(ours).cloned().collect();
    lines.sort_by_key(|line| mixed(seed ^ mixed(line.first)));
    lines.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    lines
}

/// A permutation of all numbers that spreads them well (the last step of `SplitMix64`).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Runs the blocks of these lines again, as often as they say, up to the first that differs; returns
/// how many gave their line with the sweep.
pub(super) fn recheck(
    blocks: &Blocks,
    lines: &[Line],
    follow: &dyn Follow,
) -> anyhow::Result<(u64, Swept, Option<Differs>)> {
    let mut same = 0;
    let mut differs = None;
    let mut left = lines.iter();
    let todo = lines.iter().map(|line| Block { first: line.first, runs: line.runs });
    let swept = blocks.each(todo, follow, |again| {
        let Some(line) = left.next() else { return Ok(ControlFlow::Break(())) };
        let fields = line.differences(&again);
        if !fields.is_empty() {
            differs = Some(Differs { line: line.clone(), fields });
            return Ok(ControlFlow::Break(()));
        }
        same += 1;
        follow.finished(&again, "the same line again");
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((same, swept, differs))
}
