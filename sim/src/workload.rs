//! The operations of a run: drawn from the seed, or read from a tape.
//!
//! ```text
//! 41 g2 c1 put 7 40 sync        operation 41, in generation 2, by client 1
//! ```
//!
//! An operation belongs to its generation and client for good, so that deleting one moves no other.

use std::fmt::{self, Display};

use crate::choice::{Choices, Key, Stream, Who, WorldId};
use crate::config::Config;
use crate::system::{Draw, System};

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

/// Whether a choice is of the configuration or the workload of a run, which a tape holds as text.
pub fn decides_the_plan(key: &Key) -> bool {
    match key.stream {
        Stream::Config => true,
        // An operation that asks the disk for entropy asks at the site of a call, which has slashes.
        Stream::Workload => {
            let is_planned = matches!(key.actor.who, Who::Op(id) if id < UNPLANNED_IDS);
            key.actor.world == PLANNING && is_planned && !key.site.contains('/')
        }
        _ => false,
    }
}

/// Ids from here on are of operations that no workload holds.
pub const UNPLANNED_IDS: u32 = 1 << 29;

/// Where the workload is drawn.
const PLANNING: WorldId = WorldId::generation(0);

/// Draws the whole workload of a run.
pub fn generate<S: System>(choices: &Choices, config: &Config) -> Vec<Planned<S::Op>> {
    let operations = config.get("operations");
    let generations = config.get("generations").max(1);
    let clients = config.get("clients").max(1);
    (0..operations)
        .map(|number| {
            let draw = Draw::new(choices, config, PLANNING, number as u32);
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
