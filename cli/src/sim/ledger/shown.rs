//! Shows a run over blocks to the person, and tells the parent.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::ProgressBar;
use seawall_sim::explore::{Swept, Watch};
use seawall_sim::numbers::{counted, grouped};

use super::super::supervise::Told;
use super::blocks::{Block, Follow};
use super::line::Line;
use crate::console::Console;

pub(super) struct Shown<'a> {
    pub(super) console: &'a Console,
    pub(super) bar: ProgressBar,
    pub(super) told: Told<'a>,
    /// How many blocks there are to run, if that is known.
    pub(super) blocks: Option<u64>,
    pub(super) begun: AtomicU64,
    /// The sweep up to the block that runs.
    pub(super) before: Mutex<Swept>,
}

impl Shown<'_> {
    /// `block 3 of 10`.
    fn place(&self) -> String {
        let nth = grouped(self.begun.load(Ordering::Relaxed));
        let of = self.blocks.map(|blocks| format!(" of {}", grouped(blocks)));
        format!("block {nth}{}", of.unwrap_or_default())
    }
}

impl Watch for Shown<'_> {
    fn begins(&self, seed: u64) {
        self.told.begins(seed);
    }

    fn ended(&self, seed: u64, so_far: &Swept) {
        let mut all = self.before.lock().expect("nobody panics holding it").clone();
        all.then(so_far);
        self.told.ended(seed, &all);
        self.bar.inc(1);
        let states = grouped(all.summary.counts.states);
        self.bar.set_message(format!("{states}  {}", self.place()));
    }
}

impl Follow for Shown<'_> {
    fn block(&self, _: Block, before: &Swept) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.before.lock().expect("nobody panics holding it").clone_from(before);
    }

    fn finished(&self, line: &Line, done: &str) {
        let states = counted(line.states, "state", "states");
        let text = format!("{}: seeds {}, {states}, {done}", self.place(), line.range());
        self.bar.suspend(|| self.console.say(text));
    }
}
