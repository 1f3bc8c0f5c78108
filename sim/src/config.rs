//! The configuration of a run: every knob, drawn from the seed, printed as one line and read back.
//!
//! Swarm testing: no run has everything switched on. Each seed draws which faults exist, how often
//! tasks switch, how small the store's limits are; a run in which only one thing goes wrong often
//! reaches further than one in which everything does.

use std::fmt;

use crate::choice::{Actor, Choices, Label, Odds, Stream, Who, WorldId};

/// One setting and the values it is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Its name in the configuration line: lower-case words joined by `_`.
    pub name: &'static str,
    /// The values, each as likely as the others; one that stands twice is twice as likely. The first
    /// is the calmest and stands for a knob that a line leaves out.
    pub values: &'static [u64],
    /// Whether seeds draw it. What is not drawn has its first value, unless it is set.
    pub is_drawn: bool,
}

/// A knob, in one line.
pub const fn knob(name: &'static str, values: &'static [u64]) -> Knob {
    Knob { name, values, is_drawn: true }
}

/// A knob that no seed draws, in one line.
pub const fn setting(name: &'static str, values: &'static [u64]) -> Knob {
    Knob { name, values, is_drawn: false }
}

/// Words of lines that were written when there were other knobs; what they say still holds.
const RETIRED: [&str; 3] = ["tear_bytes=1", "garbage=1", "rename_pair_atomic=0"];

/// The value of every knob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    values: Vec<(&'static str, u64)>,
}

impl Config {
    /// Draws every knob of `knobs`.
    pub fn draw(choices: &Choices, knobs: &[&'static [Knob]]) -> Config {
        let actor = Actor::new(WorldId::generation(0), Who::Run);
        let draw = |knob: &Knob| {
            if !knob.is_drawn {
                return (knob.name, knob.values[0]);
            }
            let label = |index: usize| Label::Number(knob.values[index]);
            let site = choices.site(knob.name);
            let count = knob.values.len();
            let index = choices.choose(Stream::Config, actor, site, Odds::Uniform, count, &label);
            (knob.name, knob.values[index])
        };
        Config { values: knobs.iter().copied().flatten().map(draw).collect() }
    }

    /// The calmest configuration.
    pub fn calm(knobs: &[&'static [Knob]]) -> Config {
        let first = |knob: &Knob| (knob.name, knob.values[0]);
        Config { values: knobs.iter().copied().flatten().map(first).collect() }
    }

    /// Reads a configuration line. Knobs that it leaves out are calm; values need not be among those
    /// that are drawn.
    ///
    /// # Errors
    /// For a word that is not `name=number`, or the name of no knob.
    pub fn parse(line: &str, knobs: &[&'static [Knob]]) -> Result<Config, String> {
        let mut config = Config::calm(knobs);
        for word in line.split_whitespace().filter(|word| !RETIRED.contains(word)) {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| format!("{word:?} in the configuration is not name=number"))?;
            let value = value
                .parse()
                .map_err(|_| format!("{word:?} in the configuration is not name=number"))?;
            config.set(name, value)?;
        }
        Ok(config)
    }

    /// Changes one knob.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), String> {
        let slot = self.values.iter_mut().find(|(known, _)| *known == name);
        let slot = slot.ok_or_else(|| format!("no knob is named {name:?}"))?;
        slot.1 = value;
        Ok(())
    }

    /// The value of a knob.
    ///
    /// # Panics
    /// When no knob has that name: the caller's mistake.
    pub fn get(&self, name: &str) -> u64 {
        match self.values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => *value,
            None => panic!("no knob is named {name:?}"),
        }
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.values.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOBS: [Knob; 2] = [knob("clients", &[1, 2, 4]), knob("operations", &[10, 20])];

    #[test]
    fn a_configuration_reads_back_from_its_line() {
        for seed in 0..20 {
            let config = Config::draw(&Choices::from_seed(seed), &[&KNOBS]);
            assert_eq!(Config::parse(&config.to_string(), &[&KNOBS]), Ok(config));
        }
        let calm = Config::parse("operations=7", &[&KNOBS]);
        assert_eq!(calm.map(|config| config.to_string()), Ok("clients=1 operations=7".to_owned()));
    }

    #[test]
    fn a_line_with_retired_words_is_read_where_they_say_what_holds() {
        let old = Config::parse("tear_bytes=1 operations=7 garbage=1", &[&KNOBS]);
        assert_eq!(old, Config::parse("operations=7", &[&KNOBS]));
        assert!(Config::parse("tear_bytes=0", &[&KNOBS]).is_err());
    }

    #[test]
    fn an_unknown_knob_is_refused() {
        assert!(Config::parse("client=1", &[&KNOBS]).is_err());
        assert!(Config::parse("clients=many", &[&KNOBS]).is_err());
        assert!(Config::parse("clients", &[&KNOBS]).is_err());
    }
}
