//! The watchdog: sweeps run in a child process, and whoever started it finds out when a seed never
//! ends or takes the process with it.
//!
//! Within one process there is no help against a stack that overflows, a panic during a panic or a
//! loop that asks for nothing: no thread can be ended from outside, and a process that aborts tells no
//! more. So the child says on a socket, its stdin, what it is about to do; the parent listens.
//!
//! ```text
//! child   begins 0x2a    a seed is run; if it is not over in time, the parent ends the child
//!         busy 0x2a      the same, and it may take its time
//!         ended 0x2a     it is over
//!         note TEXT      what to remember of the sweep so far, should nothing come after it
//!         event TEXT     something happened in the one seed that this child runs
//! parent  stop           begin no further seed
//! ```
//!
//! A child that was lost takes the events of its seeds with it. A seed does the same thing again, so
//! each seed under suspicion is run once more, alone, in a child that tells every event as it happens.

mod child;
mod parent;

pub use child::{Announcer, Order, probe};
pub use parent::{Lost, Suspect, Watched, alone, watch};

/// What a child says, a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said<'a> {
    Begins(u64),
    Busy(u64),
    Ended(u64),
    Note(&'a str),
    Event(&'a str),
}

impl std::fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Said::Begins(seed) => write!(f, "begins {seed:#x}"),
            Said::Busy(seed) => write!(f, "busy {seed:#x}"),
            Said::Ended(seed) => write!(f, "ended {seed:#x}"),
            Said::Note(text) => write!(f, "note {text}"),
            Said::Event(text) => write!(f, "event {text}"),
        }
    }
}

impl Said<'_> {
    /// Reads a line; half a line, from a child that died at it, says nothing.
    fn parse(line: &str) -> Option<Said<'_>> {
        let (word, rest) = line.split_once(' ')?;
        let seed = || u64::from_str_radix(rest.strip_prefix("0x")?, 16).ok();
        match word {
            "begins" => seed().map(Said::Begins),
            "busy" => seed().map(Said::Busy),
            "ended" => seed().map(Said::Ended),
            "note" => Some(Said::Note(rest)),
            "event" => Some(Said::Event(rest)),
            _ => None,
        }
    }
}

/// The parent's one order.
const STOP: &str = "stop\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for said in [
            Said::Begins(0x2a),
            Said::Busy(0),
            Said::Ended(u64::MAX),
            Said::Note("{\"a\": 1}"),
            Said::Event("#1     g0/op1  commit"),
        ] {
            assert_eq!(Said::parse(&said.to_string()), Some(said));
        }
        assert_eq!(Said::parse("beg"), None);
    }
}
