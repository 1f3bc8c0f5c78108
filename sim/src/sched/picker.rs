//! A strategy at work in one world: which task a seed lets run at this point.
//!
//! What it decides goes through the choice stream like every other decision
//! ([`crate::choice::Odds::Given`]), so tapes record and replay it without knowing of strategies.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::strategy::Strategy;
use crate::choice::{Choices, Odds, SiteId, WorldId};

/// For how many points in a row a task keeps its priority: one that spins must fall at last.
const RUN_MAX: u64 = 1_000;

/// How rare a pause is when a point that is marked by name is reached for the first time. It gets rarer
/// each time, or the points that are reached all the time would leave no pauses to the others.
const YIELD_PAUSE_IN: u32 = 4;

/// How much longer a pause there may be: others must have time for a flush and a compaction.
const YIELD_PAUSE_TIMES: u32 = 4;

/// What kind of point a task reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It may go on; that is the default.
    Ordinary,
    /// It may go on, but the default is another.
    Yield,
    /// It waits, sleeps or has ended.
    Forced,
}

/// What a strategy knows of a task.
#[derive(Clone, Copy, Default)]
pub(super) struct Rank {
    /// Higher runs first; zero until the strategy meets the task.
    priority: u64,
    /// The point before which it stands still.
    paused_until: u64,
}

/// The strategy of one world and what it remembers.
pub(super) struct Picker {
    strategy: Strategy,
    /// `None` where no seed answers; then nothing here matters.
    generator: Option<Box<ChaCha8Rng>>,
    /// Points so far at which several tasks could run.
    points: u64,
    /// The points at which priorities change, in any order.
    changes: Vec<u64>,
    /// The priority that the next task to fall gets.
    lowest: u64,
    /// How often each point that is marked by name was reached, by the index of its site.
    visits: Vec<u32>,
    /// How many points in a row the same task was let run.
    in_a_row: u64,
}

impl Picker {
    pub(super) fn new(strategy: Strategy, choices: &Choices, world: WorldId) -> Picker {
        let mut picker = Picker {
            strategy,
            generator: None,
            points: 0,
            changes: Vec::new(),
            visits: Vec::new(),
            lowest: u64::from(u32::MAX),
            in_a_row: 0,
        };
        if !matches!(strategy, Strategy::Uniform { .. }) {
            picker.generator = choices.generator("strategy", world).map(Box::new);
        }
        if let Strategy::Pct { changes, horizon } = strategy {
            picker.changes =
                (0..changes).map(|_| 1 + picker.below(u64::from(horizon.max(1)))).collect();
        }
        picker
    }

    /// Whether the strategy looks at the tasks, or its odds are known without.
    pub(super) fn looks(&self) -> bool {
        self.generator.is_some()
    }

    /// The odds of a strategy that does not look.
    pub(super) fn odds(&self, kind: Kind) -> Odds<'static> {
        match (self.strategy, kind) {
            (Strategy::Uniform { one_in }, Kind::Ordinary) => Odds::OneIn(one_in),
            _ => Odds::Uniform,
        }
    }

    /// Which of the tasks that can run is next, by its place in the order of the labels.
    ///
    /// `current` is the running task's place, if it can go on.
    pub(super) fn pick(
        &mut self,
        kind: Kind,
        site: SiteId,
        current: Option<usize>,
        ranks: &mut [Rank],
    ) -> usize {
        self.points += 1;
        match self.strategy {
            Strategy::Uniform { .. } => 0,
            Strategy::Pct { .. } => self.by_priority(kind, current, ranks),
            Strategy::Pauses { one_in, pause_in, points } => {
                // A point that the code marks by name is where others can come between.
                let (pause_in, points) = match kind {
                    Kind::Yield => (self.visit(site), points.saturating_mul(YIELD_PAUSE_TIMES)),
                    Kind::Ordinary | Kind::Forced => (pause_in, points),
                };
                // One stands still at a time: where several do, nobody gets far meanwhile. A pause at a
                // marked point ends another's.
                let others_run = ranks.iter().all(|rank| rank.paused_until <= self.points);
                if let Some(current) = current
                    && (others_run || kind == Kind::Yield)
                    && self.below(u64::from(pause_in.max(1))) == 0
                {
                    let length = 1 + self.below(u64::from(points.max(1)));
                    ranks.iter_mut().for_each(|rank| rank.paused_until = 0);
                    ranks[current].paused_until = self.points + length;
                }
                self.unpaused(kind, one_in, current, ranks)
            }
        }
    }

    /// Notes that a point marked by name was reached, and says how rare a pause there is.
    fn visit(&mut self, site: SiteId) -> u32 {
        let index = site.index() as usize;
        if self.visits.len() <= index {
            self.visits.resize(index + 1, 0);
        }
        self.visits[index] += 1;
        self.visits[index].max(YIELD_PAUSE_IN)
    }

    fn by_priority(&mut self, kind: Kind, current: Option<usize>, ranks: &mut [Rank]) -> usize {
        for rank in ranks.iter_mut().filter(|rank| rank.priority == 0) {
            // Above every priority that a task can fall to.
            rank.priority = (1 << 32) + (self.next() >> 32);
        }
        let spins = kind == Kind::Yield || self.in_a_row >= RUN_MAX;
        if let Some(current) = current
            && (spins || self.changes.contains(&self.points))
        {
            self.lowest = self.lowest.saturating_sub(1).max(1);
            ranks[current].priority = self.lowest;
        }
        let highest = (0..ranks.len()).rev().max_by_key(|index| ranks[*index].priority);
        let picked = highest.unwrap_or(0);
        self.in_a_row = if Some(picked) == current { self.in_a_row + 1 } else { 0 };
        picked
    }

    fn unpaused(
        &mut self,
        kind: Kind,
        one_in: u32,
        current: Option<usize>,
        ranks: &[Rank],
    ) -> usize {
        let now = self.points;
        let awake = |index: &usize| ranks[*index].paused_until <= now;
        let stays = kind == Kind::Ordinary && self.below(u64::from(one_in.max(1))) != 0;
        match current.filter(awake) {
            Some(current) if stays => current,
            _ => {
                let count = (0..ranks.len()).filter(awake).count();
                if count == 0 {
                    return self.below(ranks.len() as u64) as usize;
                }
                let nth = self.below(count as u64) as usize;
                (0..ranks.len()).filter(awake).nth(nth).unwrap_or(0)
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.generator.as_mut().map_or(0, |generator| generator.next_u64())
    }

    fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }
}
