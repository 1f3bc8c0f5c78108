//! What a person reads of a failure: the block with everything that is known.

use std::fmt;

use crate::driver::Failure;
use crate::numbers::counted;
use crate::shrink::Shrunk;

/// What every report says of where it comes from.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The commit the binary was built at, with a word on whether the tree was clean; empty when that is
    /// not known.
    pub commit: String,
    /// The profile.
    pub profile: String,
    /// The disk's personality.
    pub personality: String,
    /// The version of the program.
    pub version: String,
}

/// A failure with everything known about it. Displays as the failure block.
#[derive(Clone, Debug)]
pub struct FailureReport<'a> {
    /// The seed, unless it came from a tape alone.
    pub seed: Option<u64>,
    /// What is wrong.
    pub failure: &'a Failure,
    /// The failure made small, if it was.
    pub shrunk: Option<&'a Shrunk>,
    /// What to type to see it again or to keep it, each behind a word that says what it is for.
    pub commands: &'a [(&'static str, String)],
    /// Where all of this comes from.
    pub stamp: &'a Stamp,
    /// How many of the last events to show.
    pub events: usize,
}

/// The labels of facts, in the order of the block.
const LABELS: [&str; 6] = ["after", "crash", "expected", "got", "why", "recovery"];

impl fmt::Display for FailureReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure = self.shrunk.map_or(self.failure, |shrunk| &shrunk.failure);
        let violation = &failure.violation;
        match self.seed {
            Some(seed) => write!(f, "FAIL  seed {seed:#x}")?,
            None => write!(f, "FAIL")?,
        }
        write!(f, "   profile {}", self.stamp.profile)?;
        write!(f, "   personalities {}", self.stamp.personality)?;
        match &*self.stamp.commit {
            "" => writeln!(f)?,
            commit => writeln!(f, "   commit {commit}")?,
        }
        fact(f, "property", &format!("{}: {}", violation.property, violation.property.sentence()))?;
        fact(f, "world", &failure.world)?;
        for label in LABELS {
            for (_, text) in violation.facts.iter().filter(|(known, _)| *known == label) {
                fact(f, label, text)?;
            }
        }
        if let Some(shrunk) = self.shrunk {
            let runs = counted(u64::from(shrunk.runs), "run", "runs");
            fact(f, "shrunk", &format!("{shrunk}   ({runs})"))?;
            for operation in shrunk.tape.operations.iter().take(self.events) {
                fact(f, "op", operation)?;
            }
        }
        let skipped = failure.tail.len().saturating_sub(self.events);
        for event in &failure.tail[skipped..] {
            writeln!(f, "  {event}")?;
        }
        self.commands.iter().try_for_each(|(what, typed)| writeln!(f, "{what:<11} {typed}"))
    }
}

/// One labelled line; further lines of the text stand below it.
fn fact(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut lines = text.trim_end().lines();
    writeln!(f, "  {label:<9} {}", lines.next().unwrap_or(""))?;
    lines.try_for_each(|line| writeln!(f, "            {line}"))
}
