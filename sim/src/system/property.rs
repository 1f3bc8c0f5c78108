//! The properties a run is judged by.

use std::fmt;
use std::str::FromStr;

/// What must hold, whatever the schedule, the faults and the crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// O1: recovered state is the state after a prefix of the commit order that holds everything
    /// promised.
    Prefix,
    /// O2: a batch is there entirely or not at all.
    Whole,
    /// O3: a read sees the state at one point of the commit order, in real-time order.
    Linear,
    /// O4: snapshots and iterators are repeatable.
    Repeatable,
    /// O5: open succeeds after every legal crash.
    Opens,
    /// O6: damage is reported, never a wrong value, never silent loss.
    Damage,
    /// O7: after an error nothing acknowledged as durable is lost.
    AfterError,
    /// O8: bounded steps; no operation fails without a fault.
    Progress,
    /// O9: the files are those the store has a use for.
    Files,
    /// O10: what an open returned is never taken back.
    Settled,
    /// Not one of the store's promises: it panicked.
    Panic,
    /// Nobody can move.
    Deadlock,
}

const NAMES: [(Property, &str, &str); 12] = [
    (Property::Prefix, "O1", "what was acknowledged survives, as a prefix of the commit order"),
    (Property::Whole, "O2", "a batch is there entirely or not at all"),
    (Property::Linear, "O3", "a read sees one point of the commit order, in real-time order"),
    (Property::Repeatable, "O4", "a snapshot reads the same each time"),
    (Property::Opens, "O5", "open succeeds after every legal crash"),
    (Property::Damage, "O6", "damage is reported, never served"),
    (Property::AfterError, "O7", "after an error nothing acknowledged as durable is lost"),
    (Property::Progress, "O8", "operations end, and fail only when a call failed"),
    (Property::Files, "O9", "the files are those the store has a use for"),
    (Property::Settled, "O10", "what an open returned is never taken back"),
    (Property::Panic, "panic", "the store does not panic"),
    (Property::Deadlock, "deadlock", "somebody can always move"),
];

impl Property {
    /// The short name, such as `O1`.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(property, ..)| *property == self).map_or("?", |(_, name, _)| name)
    }

    /// The property in one sentence.
    pub fn sentence(self) -> &'static str {
        NAMES.iter().find(|(property, ..)| *property == self).map_or("?", |(.., text)| text)
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Property {
    type Err = String;

    fn from_str(text: &str) -> Result<Property, String> {
        let found = NAMES.iter().find(|(_, name, _)| *name == text);
        found.map(|(property, ..)| *property).ok_or_else(|| format!("no property is named {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_propertys_name_reads_back() {
        for (property, name, _) in NAMES {
            assert_eq!(name.parse(), Ok(property));
            assert_eq!(property.to_string(), name);
        }
        assert!("O11".parse::<Property>().is_err());
    }
}
