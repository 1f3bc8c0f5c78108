//! Running blocks of seeds, one after the other, and what a block comes to.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use seawall_sim::explore::{self, Sweep, Swept, Watch};
use seawall_sim::system_seawall::Seawall;

use super::line::Line;

/// How blocks are run.
pub(super) struct Blocks {
    /// Seeds to a block.
    pub(super) size: u64,
    pub(super) commit: String,
    pub(super) profile: String,
    /// How each of them is swept, but for its seeds.
    pub(super) sweep: Sweep,
    pub(super) started: Instant,
    /// Begin no further block after this long.
    pub(super) time: Option<Duration>,
}

/// A block to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Its first seed.
    pub(super) first: u64,
    /// How often each seed runs.
    pub(super) runs: u64,
}

/// Is told how a run over blocks goes.
pub(super) trait Follow: Watch {
    /// A block is about to be run; `before` is what ran until then.
    fn block(&self, _block: Block, _before: &Swept) {}

    /// A block came to its end, and this was done with its line.
    fn finished(&self, _line: &Line, _done: &str) {}
}

/// Nobody looks.
impl Follow for () {}

impl Blocks {
    /// Runs blocks and hands on the line of each, until one does not end well, the time is up, or
    /// `take` has seen enough.
    pub(super) fn each(
        &self,
        todo: impl Iterator<Item = Block>,
        follow: &dyn Follow,
        mut take: impl FnMut(Line) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<Swept> {
        let mut all = Swept::default();
        for block in todo {
            if self.time.is_some_and(|time| self.started.elapsed() >= time) {
                return Ok(all);
            }
            follow.block(block, &all);
            let swept = self.run(block, follow);
            all.then(&swept);
            let Some(line) = self.line(block, &swept) else { return Ok(all) };
            if take(line)?.is_break() {
                return Ok(all);
            }
        }
        all.complete = true;
        Ok(all)
    }

    fn run(&self, block: Block, follow: &dyn Follow) -> Swept {
        let seeds = block.first..block.first + self.size;
        let twice = block.runs > 1;
        explore::sweep::<Seawall>(&Sweep { seeds, twice, ..self.sweep.clone() }, follow)
    }

    /// The line of a block, if it ran to its end and nothing was wrong.
    fn line(&self, block: Block, swept: &Swept) -> Option<Line> {
        let counts = &swept.summary.counts;
        let faults = counts.disk.faults_by_class();
        (swept.complete && swept.bad.is_empty()).then(|| Line {
            commit: self.commit.clone(),
            profile: self.profile.clone(),
            first: block.first,
            seeds: swept.summary.seeds,
            runs: block.runs,
            states: counts.states,
            operations: counts.operations,
            faults: faults.map(|(name, count)| (name.to_owned(), count)).collect(),
            fingerprint: swept.summary.fingerprint,
            cpu: Duration::from_millis(swept.cpu.as_millis() as u64),
        })
    }
}
