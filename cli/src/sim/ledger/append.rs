//! Running the blocks that a ledger does not have yet.

use std::ops::{ControlFlow, Range};

use seawall_sim::explore::Swept;

use super::blocks::{Block, Blocks, Follow};
use super::file::Book;

/// The blocks of a range that a ledger lacks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    range: Range<u64>,
    there: std::collections::BTreeSet<u64>,
    size: u64,
}

impl Missing {
    /// Of a range that begins and ends with blocks.
    pub(super) fn of(blocks: &Blocks, book: &Book, range: Range<u64>) -> Missing {
        let mut there = book.ledger.blocks(&blocks.commit, &blocks.profile);
        there.retain(|first| range.contains(first));
        Missing { range, there, size: blocks.size }
    }

    /// How many.
    pub(super) fn count(&self) -> u64 {
        (self.range.end - self.range.start) / self.size - self.skipped()
    }

    /// How many are there.
    pub(super) fn skipped(&self) -> u64 {
        self.there.len() as u64
    }

    fn firsts(&self) -> impl Iterator<Item = u64> {
        let count = (self.range.end - self.range.start) / self.size;
        let firsts = (0..count).map(|nth| self.range.start + nth * self.size);
        firsts.filter(|first| !self.there.contains(first))
    }
}

/// Runs what is missing and appends the line of each block as it ends; returns how many with the
/// sweep.
pub(super) fn append(
    blocks: &Blocks,
    book: &mut Book,
    missing: &Missing,
    follow: &dyn Follow,
) -> anyhow::Result<(u64, Swept)> {
    let runs = if blocks.sweep.twice { 2 } else { 1 };
    let mut written = 0;
    let todo = missing.firsts().map(|first| Block { first, runs });
    let swept = blocks.each(todo, follow, |line| {
        book.append(line.clone())?;
        written += 1;
        follow.finished(&line, "its line is written");
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((written, swept))
}
