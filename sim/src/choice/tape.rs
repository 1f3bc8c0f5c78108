//! A run as data: configuration, operations, and the choices that were not the default.
//!
//! ```text
//! seawall tape 1
//! # The group's leader acknowledged before the second sync.
//! system kv
//! commit 1a2b3c4
//! config personality=posix memtable_entries=4
//! base default
//! op put a 1
//! op flush
//! answer schedule g0/flush flush/mutex 3 = client-1
//! answer crash g0/op1 commit/wal/write_at 0 = end-power
//! ```
//!
//! The first line names the format and its version. `system`, `commit`, `config` and `base` stand
//! once at most (no base means the default); the order of operations and of answers counts for
//! readers only, as answers are found by key. Text after the first space runs to the end of the
//! line, with `\n`, `\r` and `\\` for what would break a line. Lines that start with `#` are notes.

use std::fmt;
use std::str::FromStr;

use super::actor::Actor;
use super::loose::EVERY;
use super::world::WorldId;

/// The first line of a tape, without the version.
pub(super) const HEADER: &str = "seawall tape ";
/// The version written, and the newest one read.
pub(super) const VERSION: u32 = 1;

/// What a choice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The knobs of the run.
    Config,
    /// Operations and their arguments.
    Workload,
    /// Which task runs.
    Schedule,
    /// Which calls fail, and how.
    Faults,
    /// Where the run is cut.
    Crash,
    /// What outlives a crash.
    Survival,
}

impl Stream {
    /// Every stream, in declaration order.
    pub const ALL: [Stream; 6] = [
        Stream::Config,
        Stream::Workload,
        Stream::Schedule,
        Stream::Faults,
        Stream::Crash,
        Stream::Survival,
    ];

    /// The stream's name.
    pub const fn name(self) -> &'static str {
        match self {
            Stream::Config => "config",
            Stream::Workload => "workload",
            Stream::Schedule => "schedule",
            Stream::Faults => "faults",
            Stream::Crash => "crash",
            Stream::Survival => "survival",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stream {
    type Err = ();

    fn from_str(text: &str) -> Result<Stream, ()> {
        Stream::ALL.into_iter().find(|stream| stream.name() == text).ok_or(())
    }
}

/// What answers where the tape says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Base {
    /// The first label.
    #[default]
    Default,
    /// A draw from this seed.
    Seed(u64),
}

/// The name of one choice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is about.
    pub stream: Stream,
    /// Who asks.
    pub actor: Actor,
    /// Where; holds no white space. A `*` stands for any number.
    pub site: String,
    /// How many times this actor asked there before, in this stream; or [`EVERY`].
    pub nth: u32,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.stream, self.actor, self.site)?;
        if self.nth == EVERY { f.write_str("*") } else { write!(f, "{}", self.nth) }
    }
}

/// One answer on a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To which choice.
    pub key: Key,
    /// The text of the label chosen.
    pub label: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, Escaped(&self.label))
    }
}

/// All that a run depends on besides the code.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tape {
    /// Comment lines, such as the story of the bug that the tape shows.
    pub notes: Vec<String>,
    /// Which store was simulated.
    pub system: String,
    /// The commit it was recorded at, for people.
    pub commit: String,
    /// Every knob of the run, in the text form that the driver reads.
    pub config: String,
    /// The operations, one text each; empty when the workload stream chooses them.
    pub operations: Vec<String>,
    /// What answers where no answer stands.
    pub base: Base,
    /// Answers by key. Where a key stands twice, the first counts.
    pub answers: Vec<Answer>,
}

impl Tape {
    /// The tape of a seed: it answers everything, and nothing stands on it.
    pub fn of_seed(seed: u64) -> Tape {
        Tape { base: Base::Seed(seed), ..Tape::default() }
    }

    /// Removes the answers of every world for which `keep` is false.
    pub fn retain_worlds(&mut self, mut keep: impl FnMut(WorldId) -> bool) {
        self.answers.retain(|answer| keep(answer.key.actor.world));
    }

    /// Renames a world, and the worlds forked in it, replacing any answers of worlds so named.
    ///
    /// The shrinker keeps one fork of many this way: `g2.f3` becomes `g2.f0`.
    pub fn rename_world(&mut self, from: WorldId, to: WorldId) {
        if from == to {
            return;
        }
        self.answers.retain_mut(|answer| {
            let world = answer.key.actor.world;
            match world.renamed(from, to) {
                Some(renamed) => {
                    answer.key.actor.world = renamed;
                    true
                }
                None => !world.is_within(from) && !world.is_within(to),
            }
        });
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}{VERSION}")?;
        for note in &self.notes {
            writeln!(f, "# {}", note.replace(['\n', '\r'], " "))?;
        }
        for (word, text) in
            [("system", &self.system), ("commit", &self.commit), ("config", &self.config)]
        {
            if !text.is_empty() {
                writeln!(f, "{word} {}", Escaped(text))?;
            }
        }
        match self.base {
            Base::Default => writeln!(f, "base default")?,
            Base::Seed(seed) => writeln!(f, "base seed {seed:#x}")?,
        }
        for operation in &self.operations {
            writeln!(f, "op {}", Escaped(operation))?;
        }
        for answer in &self.answers {
            writeln!(f, "answer {answer}")?;
        }
        Ok(())
    }
}

/// A text with what would break its line escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['\n', '\r', '\\']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'\n' => "\\n",
                b'\r' => "\\r",
                _ => "\\\\",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}
