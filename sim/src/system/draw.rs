//! Drawing the parts of an operation.

use crate::choice::{Actor, Choices, Label, Odds, Stream, Who, WorldId};
use crate::config::Config;

/// Draws the parts of one operation.
#[derive(Debug)]
pub struct Draw<'a> {
    choices: &'a Choices,
    actor: Actor,
    config: &'a Config,
}

impl<'a> Draw<'a> {
    /// Draws for the operation `id`, to be done in `world`.
    pub fn new(choices: &'a Choices, config: &'a Config, world: WorldId, id: u32) -> Draw<'a> {
        Draw { choices, actor: Actor::new(world, Who::Op(id)), config }
    }

    /// The run's configuration.
    pub fn config(&self) -> &Config {
        self.config
    }

    /// A knob of the configuration.
    pub fn knob(&self, name: &str) -> u64 {
        self.config.get(name)
    }

    /// A number below `below`; 0 when that is 0.
    pub fn below(&self, what: &'static str, below: u64) -> u64 {
        let site = self.choices.site(what);
        self.choices.number(Stream::Workload, self.actor, site, 0..=below.saturating_sub(1))
    }

    /// One of some words, each as likely as its weight says.
    pub fn word(&self, what: &'static str, words: &[(&'static str, u32)]) -> &'static str {
        let mut weights = [0; 16];
        let count = words.len().min(weights.len());
        for (weight, word) in weights.iter_mut().zip(words) {
            *weight = word.1;
        }
        let site = self.choices.site(what);
        let label = |index: usize| Label::Word(words[index].0);
        let odds = Odds::Weights(&weights[..count]);
        let index = self.choices.choose(Stream::Workload, self.actor, site, odds, count, &label);
        words[index].0
    }

    /// True once in `one_in` times; never for 0.
    pub fn chance(&self, what: &'static str, one_in: u64) -> bool {
        let one_in = u32::try_from(one_in).unwrap_or(u32::MAX);
        self.choices.chance(Stream::Workload, self.actor, self.choices.site(what), one_in)
    }
}
