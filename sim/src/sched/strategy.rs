//! Which task a seed lets run.

use std::fmt;
use std::str::FromStr;

use crate::choice::Odds;

/// How a seed schedules. A tape replays whatever was decided, so it needs no strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// At each point, once in `one_in` times another task, all alike.
    Uniform {
        /// How rare switches are; one switches at every point.
        one_in: u32,
    },
}

impl Default for Strategy {
    fn default() -> Strategy {
        Strategy::Uniform { one_in: 8 }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Uniform { one_in } => write!(f, "uniform:{one_in}"),
        }
    }
}

/// The text is not the name of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAStrategy;

impl FromStr for Strategy {
    type Err = NotAStrategy;

    fn from_str(text: &str) -> Result<Strategy, NotAStrategy> {
        let (name, one_in) = text.split_once(':').ok_or(NotAStrategy)?;
        match (name, one_in.parse()) {
            ("uniform", Ok(one_in)) => Ok(Strategy::Uniform { one_in }),
            _ => Err(NotAStrategy),
        }
    }
}

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

impl Strategy {
    /// The odds at a point of this kind.
    pub(super) fn odds(&mut self, kind: Kind) -> Odds<'static> {
        match (self, kind) {
            (Strategy::Uniform { one_in }, Kind::Ordinary) => Odds::OneIn(*one_in),
            (Strategy::Uniform { .. }, Kind::Yield | Kind::Forced) => Odds::Uniform,
        }
    }
}
