//! What a person reads of a failure: the block with everything that is known.

use std::fmt;

use crate::blame::Blame;
use crate::choice::Tape;
use crate::driver::Failure;
use crate::numbers::{counted, grouped};
use crate::shrink::Shrunk;
use crate::system::{Property, System};

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
    /// Why it fails, if that was asked.
    pub blame: Option<&'a Blame>,
    /// What to type to see it again or to keep it, each behind a word that says what it is for.
    pub commands: &'a [(&'static str, String)],
    /// Where all of this comes from.
    pub stamp: &'a Stamp,
    /// How many of the last events to show.
    pub events: usize,
}

/// The labels of facts, in the order of the block.
const LABELS: [&str; 9] =
    ["after", "crash", "damage", "expected", "got", "reads", "state", "recovery", "why"];

/// How wide the text of a fact is at most, where it can be broken.
const WIDTH: usize = 96;

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
        if let Some(blame) = self.blame {
            fact(f, "why", &wrapped(&blame.sentence))?;
        }
        if let Some(shrunk) = self.shrunk {
            let (runs, most) = (grouped(u64::from(shrunk.runs)), u64::from(shrunk.runs_max));
            let runs = format!("{runs} of at most {}", counted(most, "run", "runs"));
            fact(f, "shrunk", &format!("{shrunk}   ({runs})"))?;
            for operation in shrunk.tape.operations.iter().take(self.events) {
                fact(f, "op", operation)?;
            }
        }
        let events = match self.blame {
            Some(blame) => &blame.events[..],
            None => &failure.tail[failure.tail.len().saturating_sub(self.events)..],
        };
        events.iter().try_for_each(|event| writeln!(f, "  {event}"))?;
        self.commands.iter().try_for_each(|(what, typed)| writeln!(f, "{what:<11} {typed}"))
    }
}

/// One labelled line; further lines of the text stand below it.
fn fact(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut lines = text.trim_end().lines();
    writeln!(f, "  {label:<9} {}", lines.next().unwrap_or(""))?;
    lines.try_for_each(|line| writeln!(f, "            {line}"))
}

/// The text in lines that are not too wide.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        if width > 0 && width + 1 + word.len() > WIDTH {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.len();
    }
    lines
}

/// The failure of a tape as a test that stands alone: to be pasted where the system's name is known.
pub fn standalone_test<S: System>(tape: &Tape, property: Property) -> String {
    let words = property.sentence().replace([',', '\''], "");
    let name = format!("{} {words}", property.name()).to_lowercase().replace([' ', '-'], "_");
    let system = without_paths(std::any::type_name::<S>());
    let hashes = if tape.to_string().contains("\"#") { "##" } else { "#" };
    format!(
        "#[test]\nfn {name}() {{\n    seawall_sim::check::<{system}>().tape(\n        \
         r{hashes}\"{tape}\"{hashes},\n    );\n}}\n"
    )
}

/// The name of a type with the last part of every path in it.
fn without_paths(name: &str) -> String {
    let mut short = String::new();
    for part in name
        .split_inclusive(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':')
    {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_types_are_left_out() {
        let name = without_paths("seawall_sim::simple::Log<examples::journal::Journal<false>>");
        assert_eq!(name, "Log<Journal<false>>");
    }

    #[test]
    fn a_long_sentence_is_broken_between_words() {
        let text = vec!["barrier"; 30].join(" ");
        let broken = wrapped(&text);
        assert!(broken.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(broken.replace('\n', " "), text);
    }
}
