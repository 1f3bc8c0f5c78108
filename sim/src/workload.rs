//! The operations of a run: drawn from the seed, or read from a tape.
//!
//! ```text
//! 41 g2 c1 put 7 40 sync        operation 41, in generation 2, by client 1
//! ```
//!
//! An operation belongs to its generation and client for good, so that deleting one moves no other.

use std::fmt::{self, Display};

use crate::choice::{Actor, Choices, Label, Odds, Stream, Who, WorldId};
use crate::config::Config;
use crate::system::System;

/// An operation and where it belongs.
#[derive(Clone, Debug)]
pub struct Planned<Op> {
    /// Unique in the run.
    pub id: u32,
    /// The generation it is done in.
    pub generation: u32,
    /// The client that does it.
    pub client: u32,
    /// What is done.
    pub op: Op,
}

impl<Op: Display> Display for Planned<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} g{} c{} {}", self.id, self.generation, self.client, self.op)
    }
}

impl<Op> Planned<Op> {
    /// Reads the text form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &str) -> Result<Planned<Op>, String>
    where
        Op: std::str::FromStr<Err: Display>,
    {
        let mut parts = line.splitn(4, ' ');
        let mut number = |letter: &str| {
            let part = parts.next().and_then(|part| part.strip_prefix(letter));
            part.and_then(|digits| digits.parse::<u32>().ok())
                .ok_or_else(|| format!("{line:?} does not start like `41 g2 c1 ..`"))
        };
        let (id, generation, client) = (number("")?, number("g")?, number("c")?);
        let text = parts.next().unwrap_or("");
        let op = text.parse().map_err(|why| format!("{line:?}: {why}"))?;
        Ok(Planned { id, generation, client, op })
    }
}

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

/// Draws the whole workload of a run.
pub fn generate<S: System>(choices: &Choices, config: &Config) -> Vec<Planned<S::Op>> {
    let operations = config.get("operations");
    let generations = config.get("generations").max(1);
    let clients = config.get("clients").max(1);
    let world = WorldId::generation(0);
    (0..operations)
        .map(|number| {
            let draw = Draw::new(choices, config, world, number as u32);
            Planned {
                id: number as u32,
                generation: (number * generations / operations) as u32,
                client: draw.below("client", clients) as u32,
                op: S::generate(&draw),
            }
        })
        .collect()
}

/// Reads the workload of a tape.
///
/// # Errors
/// What is wrong with which line.
pub fn parse<S: System>(lines: &[String]) -> Result<Vec<Planned<S::Op>>, String> {
    lines.iter().map(|line| Planned::parse(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_operation_reads_back() {
        for text in ["41 g2 c1 7", "0 g0 c0 0"] {
            let planned: Result<Planned<u8>, String> = Planned::parse(text);
            assert_eq!(planned.map(|planned| planned.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "41 c1 g2 7", "41 g2 c1 x", "x g2 c1 7"] {
            assert!(Planned::<u8>::parse(text).is_err(), "{text:?}");
        }
    }
}
