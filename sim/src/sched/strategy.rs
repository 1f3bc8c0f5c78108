//! How a seed schedules, as knobs of the run that are written and read as text.

use std::fmt;
use std::str::FromStr;

use crate::choice::{Actor, Choices, Label, Odds, Stream};

/// How a seed schedules. A tape replays whatever was decided, so it needs no strategy.
///
/// Written `uniform:8`, `pct:3:1024` or `pauses:8:64:200`, the numbers in the order of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// At each point, once in `one_in` times another task, all alike.
    Uniform {
        /// How rare switches are: one switches at every point, zero only where it must.
        one_in: u32,
    },
    /// Priorities drawn at random: the highest that can run does, and at `changes` points of the
    /// first `horizon` the one that runs falls below all others. Finds in few runs what needs few
    /// switches at exact places.
    ///
    /// Source: Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding
    /// Bugs" (ASPLOS 2010). Ours counts only points where several tasks can run, and lets a task
    /// that yields or has run for long fall too, so that a task that spins ends.
    Pct {
        /// How many points change priorities; one to five are useful.
        changes: u32,
        /// Among how many points they lie.
        horizon: u32,
    },
    /// As uniform, but once in `pause_in` points the running task stands still for up to `points`
    /// points, unless nobody else can run.
    Pauses {
        /// How rare other switches are.
        one_in: u32,
        /// How rare pauses are.
        pause_in: u32,
        /// How long a pause is at most, in points.
        points: u32,
    },
}

impl Default for Strategy {
    fn default() -> Strategy {
        Strategy::Uniform { one_in: 8 }
    }
}

impl Strategy {
    /// Draws a strategy and its knobs from the stream `config`.
    ///
    /// The default of each choice is also a strategy: switches only where they must be.
    pub fn draw(choices: &Choices, actor: Actor) -> Strategy {
        let kinds = ["uniform", "pct", "pauses"];
        let kind = choices.choose(
            Stream::Config,
            actor,
            choices.site("strategy"),
            Odds::Weights(&[5, 3, 2]),
            kinds.len(),
            &|index| Label::Word(kinds[index]),
        );
        let knob = |name: &str, range| {
            let site = choices.site(format_args!("strategy/{name}"));
            choices.number(Stream::Config, actor, site, range) as u32
        };
        // Knobs of rarity and length are drawn by their order of magnitude.
        let power = |name: &str, range| 1 << knob(name, range);
        match kind {
            0 => Strategy::Uniform { one_in: power("switch", 0..=6) },
            1 => {
                Strategy::Pct { changes: knob("changes", 1..=5), horizon: power("horizon", 5..=13) }
            }
            _ => Strategy::Pauses {
                one_in: power("switch", 0..=6),
                pause_in: power("pause", 4..=9),
                points: power("points", 4..=11),
            },
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Uniform { one_in } => write!(f, "uniform:{one_in}"),
            Strategy::Pct { changes, horizon } => write!(f, "pct:{changes}:{horizon}"),
            Strategy::Pauses { one_in, pause_in, points } => {
                write!(f, "pauses:{one_in}:{pause_in}:{points}")
            }
        }
    }
}

/// The text is not a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAStrategy;

impl fmt::Display for NotAStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a strategy is written like uniform:8, pct:3:1024 or pauses:8:64:200")
    }
}

impl std::error::Error for NotAStrategy {}

impl FromStr for Strategy {
    type Err = NotAStrategy;

    fn from_str(text: &str) -> Result<Strategy, NotAStrategy> {
        let mut parts = text.split(':');
        let name = parts.next();
        let numbers: Vec<u32> =
            parts.map(str::parse).collect::<Result<_, _>>().map_err(|_| NotAStrategy)?;
        match (name, numbers.as_slice()) {
            (Some("uniform"), &[one_in]) => Ok(Strategy::Uniform { one_in }),
            (Some("pct"), &[changes, horizon]) => Ok(Strategy::Pct { changes, horizon }),
            (Some("pauses"), &[one_in, pause_in, points]) => {
                Ok(Strategy::Pauses { one_in, pause_in, points })
            }
            _ => Err(NotAStrategy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Tape, Who, WorldId};

    #[test]
    fn every_strategy_drawn_reads_back() {
        let mut names = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let actor = Actor::new(WorldId::generation(0), Who::Run);
            let strategy = Strategy::draw(&Choices::from_seed(seed), actor);
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
            names.insert(strategy.to_string());
        }
        assert!(names.len() > 30, "{names:?}");
        for text in ["", "uniform", "uniform:x", "uniform:1:2", "pct:1", "fair:1"] {
            assert_eq!(text.parse::<Strategy>(), Err(NotAStrategy), "{text:?}");
        }
        let actor = Actor::new(WorldId::generation(0), Who::Run);
        let default = Strategy::draw(&Choices::from_tape(&Tape::default()), actor);
        assert_eq!(default, Strategy::Uniform { one_in: 1 });
    }
}
