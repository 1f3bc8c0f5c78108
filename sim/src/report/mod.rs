//! What a person reads, and what a script reads: the failure block and the summary.

mod json;

use std::fmt;

use crate::driver::Failure;
use crate::explore::{Bad, Swept, Wrong};
use crate::shrink::Shrunk;

pub use json::Object;

/// What every report says of where it comes from.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The commit the binary was built at, with a word on whether the tree was clean.
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
    /// What the seed needs besides on the command line, each with a space before it.
    pub flags: &'a str,
    /// What is wrong.
    pub failure: &'a Failure,
    /// The failure made small, if it was.
    pub shrunk: Option<&'a Shrunk>,
    /// Where the tape lies, if it was written.
    pub tape: Option<&'a str>,
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
        writeln!(
            f,
            "   profile {}   personality {}   commit {}",
            self.stamp.profile, self.stamp.personality, self.stamp.commit
        )?;
        fact(f, "property", &format!("{}: {}", violation.property, violation.property.sentence()))?;
        fact(f, "world", &failure.world)?;
        for label in LABELS {
            for (_, text) in violation.facts.iter().filter(|(known, _)| *known == label) {
                fact(f, label, text)?;
            }
        }
        if let Some(shrunk) = self.shrunk {
            fact(f, "shrunk", &format!("{shrunk}   ({} runs)", shrunk.runs))?;
            for operation in shrunk.tape.operations.iter().take(self.events) {
                fact(f, "op", operation)?;
            }
        }
        let skipped = failure.tail.len().saturating_sub(self.events);
        for event in &failure.tail[skipped..] {
            writeln!(f, "  {event}")?;
        }
        self.commands(f)
    }
}

impl FailureReport<'_> {
    /// What to type to see it again.
    fn commands(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tape) = self.tape {
            writeln!(f, "reproduce   seawall sim replay {tape}")?;
        }
        if let Some(seed) = self.seed {
            let (flags, commit) = (self.flags, &self.stamp.commit);
            writeln!(
                f,
                "from seed   seawall sim run --seed {seed:#x}{flags}    (only at commit {commit})"
            )?;
        }
        if let Some(tape) = self.tape {
            writeln!(f, "keep        seawall sim keep {tape} -m \"why\"")?;
        }
        Ok(())
    }

    /// The same facts as one JSON object.
    pub fn json(&self) -> Object {
        let failure = self.shrunk.map_or(self.failure, |shrunk| &shrunk.failure);
        let mut object = Object::new();
        if let Some(seed) = self.seed {
            object = object.text("seed", &format!("{seed:#x}"));
        }
        object = object.text("property", failure.violation.property.name());
        object = object.text("world", &failure.world);
        for label in LABELS {
            let facts: Vec<&str> = facts_of(failure, label).collect();
            if !facts.is_empty() {
                object = object.text(label, &facts.join("; "));
            }
        }
        object = object.text("tape", self.tape.unwrap_or(""));
        if let Some(shrunk) = self.shrunk {
            object = object.number("shrunk_operations", shrunk.after.operations as u64);
        }
        let why: Vec<&str> = facts_of(failure, "why").collect();
        object = object.text("blame", &why.join("; "));
        object.list("personalities", [json::quoted(&self.stamp.personality)])
    }
}

fn facts_of<'a>(failure: &'a Failure, label: &'a str) -> impl Iterator<Item = &'a str> {
    let facts = failure.violation.facts.iter();
    facts.filter(move |(known, _)| *known == label).map(|(_, text)| text.as_str())
}

/// One labelled line; further lines of the text stand below it.
fn fact(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut lines = text.trim_end().lines();
    writeln!(f, "  {label:<9} {}", lines.next().unwrap_or(""))?;
    lines.try_for_each(|line| writeln!(f, "            {line}"))
}

/// The verdict on a sweep, as scripts know it.
pub fn verdict(swept: &Swept) -> &'static str {
    let violated = |bad: &Bad| matches!(bad.what, Wrong::Violated(_));
    if swept.bad.iter().any(violated) {
        "violated"
    } else if !swept.bad.is_empty() {
        "nondeterministic"
    } else if swept.summary.seeds == 0 {
        "budget"
    } else {
        "ok"
    }
}

/// A sweep as one JSON object; `failures` are those that were looked at.
pub fn sweep_json(swept: &Swept, jobs: usize, stamp: &Stamp, failures: &[Object]) -> Object {
    let counts = &swept.summary.counts;
    let crashes = Object::new()
        .number("power", counts.power)
        .number("kill", counts.kill)
        .number("inside_open", counts.inside_open);
    let faults = counts.disk.faults_by_class();
    let faults = faults.fold(Object::new(), |faults, (name, count)| faults.number(name, count));
    Object::new()
        .text("verdict", verdict(swept))
        .number("seeds", swept.summary.seeds)
        .number("operations", counts.operations)
        .number("system_calls", counts.disk.calls)
        .object("crashes", &crashes)
        .object("faults", &faults)
        .number("states_checked", counts.states)
        .decimal("seconds", swept.elapsed.as_secs_f64())
        .number("jobs", jobs as u64)
        .decimal("states_per_second_per_core", swept.states_per_second())
        .text("fingerprint", &format!("{:016x}", swept.summary.fingerprint))
        .text("commit", &stamp.commit)
        .text("profile", &stamp.profile)
        .text("personality", &stamp.personality)
        .text("version", &stamp.version)
        .list("failures", failures.iter().map(ToString::to_string))
}
