//! Making a failure small: fewer operations, faults, switches and losses, and the same property still
//! violated.
//!
//! A tape that fails is run again and again with something left out. What is left out falls back to
//! its default, which breaks nothing; a shorter tape that still violates the same property takes the
//! place of the longer one. As the tape that a run *records* is what counts, answers that no longer
//! decide anything go by themselves.

use std::fmt;
use std::marker::PhantomData;

use crate::choice::{Answer, Stream, Tape, Who, WorldId};
use crate::driver::{Failure, Input, Ran, run};
use crate::system::{Property, System};

/// How far what is lost is tried to have moved, in sectors.
const SHIFTS: [u64; 6] = [0, 1, 2, 3, 4, 8];

/// The most operations that are left out at once with variants tried.
const VARIED_MAX: usize = 4;

/// How many files and visits of background tasks fewer are tried.
const FEWER: [(u64, u32); 6] = [(1, 0), (2, 0), (3, 0), (0, 1), (1, 1), (2, 1)];

const SECTOR_BYTES: u64 = 512;

/// Labels of what is lost as a whole.
const WHOLE: [&str; 2] = ["durable", "zeros"];

/// How much stands on a tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Operations.
    pub operations: usize,
    /// Faults.
    pub faults: usize,
    /// Switches of task that were not forced.
    pub switches: usize,
    /// Things that a crash did not keep as they were.
    pub losses: usize,
}

impl Size {
    /// The size of a tape.
    pub fn of(tape: &Tape) -> Size {
        let count =
            |stream| tape.answers.iter().filter(|answer| answer.key.stream == stream).count();
        Size {
            operations: tape.operations.len(),
            faults: count(Stream::Faults),
            switches: count(Stream::Schedule),
            losses: count(Stream::Survival),
        }
    }
}

/// A failure made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest tape found.
    pub tape: Tape,
    /// What is wrong when it is run.
    pub failure: Failure,
    /// The tape's size before.
    pub before: Size,
    /// The tape's size now.
    pub after: Size,
    /// How many runs it took.
    pub runs: u32,
}

/// `4,812 operations -> 3, 37 faults -> 1, 1 switch`
impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("operations", self.before.operations, self.after.operations),
            ("faults", self.before.faults, self.after.faults),
            ("switches", self.before.switches, self.after.switches),
            ("losses", self.before.losses, self.after.losses),
        ];
        for (index, (what, before, after)) in parts.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{before} {what} -> {after}")?;
        }
        Ok(())
    }
}

/// Shrinks a tape that fails, in at most `runs_max` runs.
///
/// # Errors
/// When the tape cannot be run, or does not fail.
pub fn shrink<S: System>(tape: &Tape, runs_max: u32) -> Result<Shrunk, String> {
    let first = run::<S>(&Input::Tape(Box::new(tape.clone())))?;
    let failure = first.failure.ok_or("the tape does not fail")?;
    let mut shrinker = Shrinker::<S> {
        property: failure.violation.property,
        best: first.tape,
        failure,
        runs: 1,
        runs_max,
        system: PhantomData,
    };
    let before = Size::of(&shrinker.best);
    shrinker.shrink();
    let after = Size::of(&shrinker.best);
    let Shrinker { best: tape, failure, runs, .. } = shrinker;
    Ok(Shrunk { tape, failure, before, after, runs })
}

struct Shrinker<S> {
    property: Property,
    best: Tape,
    failure: Failure,
    runs: u32,
    runs_max: u32,
    system: PhantomData<fn() -> S>,
}

impl<S: System> Shrinker<S> {
    fn shrink(&mut self) {
        loop {
            let size = (Size::of(&self.best), self.best.answers.len());
            self.isolate();
            self.collapse();
            self.lose_wholly();
            self.drop_operations();
            self.crash_earlier();
            for stream in [
                Stream::Faults,
                Stream::Schedule,
                Stream::Survival,
                Stream::Crash,
                Stream::Workload,
            ] {
                self.drop_answers(stream);
            }
            if (Size::of(&self.best), self.best.answers.len()) == size || self.is_spent() {
                return;
            }
        }
    }

    fn is_spent(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Runs a candidate; keeps it if it violates the same property, or a plainer one.
    fn attempt(&mut self, candidate: Tape) -> bool {
        if self.is_spent() {
            return false;
        }
        self.runs += 1;
        let Ok(Ran { failure: Some(failure), tape, .. }) =
            run::<S>(&Input::Tape(Box::new(candidate)))
        else {
            return false;
        };
        if !is_as_bad(failure.violation.property, self.property) {
            return false;
        }
        self.property = failure.violation.property;
        self.best = tape;
        self.failure = failure;
        true
    }

    /// Leaves out every image but those on the way to the failure.
    fn isolate(&mut self) {
        let Ok(world) = self.failure.world.parse::<WorldId>() else { return };
        let mut candidate = self.best.clone();
        let line = WorldId::generation(world.main_line());
        candidate.answers.retain(|answer| {
            let at = answer.key.actor.world;
            !is_fork(answer) || at.is_within(line)
        });
        let mut path = Vec::new();
        let mut at = world;
        while let Some(parent) = at.parent() {
            path.push(at.number());
            at = parent;
        }
        for number in path.into_iter().rev() {
            keep_fork(&mut candidate, at, number);
            at = at.fork(0);
        }
        if world.depth() == 0 {
            candidate.answers.retain(|answer| !is_fork(answer));
        }
        if candidate != self.best {
            self.attempt(candidate);
        }
    }

    /// Leaves out images between the main line and the failing one: the outer crash becomes the inner.
    fn collapse(&mut self) {
        while let Ok(world) = self.failure.world.parse::<WorldId>() {
            let Some(parent) = world.parent().filter(|parent| parent.depth() > 0) else { return };
            let mut candidate = self.best.clone();
            let inner = candidate.answers.iter().find(|answer| forks_in(answer, parent));
            let Some(label) = inner.map(|answer| answer.label.clone()) else { return };
            let outer = parent.parent().expect("it is no world of the main line");
            if let Some(answer) = candidate.answers.iter_mut().find(|it| forks_in(it, outer)) {
                answer.label = label;
            }
            candidate.rename_world(world, parent);
            if !self.attempt(candidate) {
                return;
            }
        }
    }

    /// Lets crashes strike at earlier calls of the same kind, which need fewer operations.
    fn crash_earlier(&mut self) {
        for at in 0..self.best.answers.len() {
            let Some(answer) = self.best.answers.get(at) else { return };
            if answer.key.stream != Stream::Crash {
                continue;
            }
            let nth = answer.key.nth;
            for earlier in [0, nth / 2, nth.saturating_sub(1)] {
                if earlier >= nth {
                    continue;
                }
                let mut candidate = self.best.clone();
                candidate.answers[at].key.nth = earlier;
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }

    /// Leaves out ranges of operations, large ones first.
    fn drop_operations(&mut self) {
        let mut size = self.best.operations.len();
        while size > 0 && !self.is_spent() {
            let mut at = 0;
            while at < self.best.operations.len() {
                let mut candidate = self.best.clone();
                let end = (at + size).min(candidate.operations.len());
                candidate.operations.drain(at..end);
                let kept = if size > VARIED_MAX {
                    self.attempt(candidate)
                } else {
                    self.attempt_varied(candidate)
                };
                if !kept {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Attempts a candidate from which operations were left out, and variants of it: files may have
    /// become shorter, have smaller numbers, and background tasks may have done less before.
    fn attempt_varied(&mut self, candidate: Tape) -> bool {
        if self.attempt(candidate.clone()) {
            return true;
        }
        let places = SHIFTS.iter().flat_map(|sectors| WHOLE.map(|label| (*sectors, label)));
        let places = places.map(|(sectors, label)| Move::Bytes { sectors, label });
        let fewer = FEWER.map(|(files, visits)| Move::Fewer { files, visits });
        places.chain(fewer).any(|how| {
            let mut moved = candidate.clone();
            let count = moved.answers.iter_mut().filter_map(|answer| how.apply(answer)).count();
            count > 0 && self.attempt(moved)
        })
    }

    /// Lets what is lost in part be lost as a whole.
    fn lose_wholly(&mut self) {
        for at in 0..self.best.answers.len() {
            let Some(answer) = self.best.answers.get(at) else { return };
            let torn = answer.key.stream == Stream::Survival && !WHOLE.contains(&&*answer.label);
            if !torn || answer.key.site.ends_with("/cut") {
                continue;
            }
            for label in WHOLE {
                let mut candidate = self.best.clone();
                candidate.answers[at].label = label.to_owned();
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }

    /// Leaves out ranges of the answers of a stream, large ones first.
    fn drop_answers(&mut self, stream: Stream) {
        let mut size = self.indices(stream).len();
        while size > 0 && !self.is_spent() {
            let mut at = 0;
            loop {
                let indices = self.indices(stream);
                let Some(range) = indices.get(at..(at + size).min(indices.len())) else { break };
                if range.is_empty() {
                    break;
                }
                let mut candidate = self.best.clone();
                for index in range.iter().rev() {
                    candidate.answers.remove(*index);
                }
                if !self.attempt(candidate) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Where the answers of a stream stand.
    fn indices(&self, stream: Stream) -> Vec<usize> {
        let answers = self.best.answers.iter().enumerate();
        answers.filter(|(_, answer)| answer.key.stream == stream).map(|(index, _)| index).collect()
    }
}

/// Whether finding `now` shows what finding `before` did. A loss after an error (O7) that is also one
/// without (O1) is a plain loss, and easier to understand.
fn is_as_bad(now: Property, before: Property) -> bool {
    now == before || (now == Property::Prefix && before == Property::AfterError)
}

/// How answers follow when operations are left out.
#[derive(Clone, Copy)]
enum Move {
    /// What is lost lies nearer to the start of its file, and is lost wholly.
    Bytes { sectors: u64, label: &'static str },
    /// Files have smaller numbers, and background tasks come by less often.
    Fewer { files: u64, visits: u32 },
}

impl Move {
    /// Changes an answer that it concerns.
    fn apply(self, answer: &mut Answer) -> Option<()> {
        match self {
            Move::Bytes { sectors, label } => {
                let of_bytes = answer.key.stream == Stream::Survival;
                if !of_bytes || answer.key.site.ends_with("/cut") {
                    return None;
                }
                answer.key.site = shifted(&answer.key.site, sectors * SECTOR_BYTES)?;
                label.clone_into(&mut answer.label);
            }
            Move::Fewer { files, visits } => {
                let renumbered = renumbered(&answer.key.site, files);
                let in_background = matches!(answer.key.actor.who, Who::Task(_));
                if renumbered.is_none() && !in_background {
                    return None;
                }
                answer.key.site =
                    renumbered.unwrap_or_else(|| std::mem::take(&mut answer.key.site));
                if in_background {
                    answer.key.nth = answer.key.nth.saturating_sub(visits);
                }
            }
        }
        Some(())
    }
}

/// `000095.wal/name`, of a file with a smaller number.
fn renumbered(site: &str, by: u64) -> Option<String> {
    let start = site.find(|letter: char| letter.is_ascii_digit())?;
    let digits = site[start..].bytes().take_while(u8::is_ascii_digit).count();
    let number = site[start..start + digits].parse::<u64>().ok()?.checked_sub(by)?;
    let (before, after) = (&site[..start], &site[start + digits..]);
    (digits > 1 && by > 0).then(|| format!("{before}{number:0digits$}{after}"))
}

/// `name[1024..1536)/part`, moved towards the start.
fn shifted(site: &str, bytes: u64) -> Option<String> {
    let (name, rest) = site.split_once('[')?;
    let (range, part) = rest.split_once(')')?;
    let (from, to) = range.split_once("..")?;
    let from = from.parse::<u64>().ok()?.checked_sub(bytes)?;
    let to = to.parse::<u64>().ok()?.checked_sub(bytes)?;
    Some(format!("{name}[{from}..{to}){part}"))
}

fn is_fork(answer: &Answer) -> bool {
    answer.key.stream == Stream::Crash && answer.label.starts_with("fork-")
}

fn forks_in(answer: &Answer, world: WorldId) -> bool {
    is_fork(answer) && answer.key.actor.world == world
}

/// Keeps only the image `number` of those forked in `world`, and gives it number 0.
fn keep_fork(tape: &mut Tape, world: WorldId, number: u32) {
    let mut seen = 0;
    tape.answers.retain(|answer| {
        if !forks_in(answer, world) {
            return true;
        }
        seen += 1;
        seen - 1 == number
    });
    tape.rename_world(world.fork(number), world.fork(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_follows_its_file() {
        assert_eq!(shifted("a.wal[1024..1536)/cut", 512).as_deref(), Some("a.wal[512..1024)/cut"));
        assert_eq!(shifted("a.wal[0..512)", 512), None);
        assert_eq!(shifted("a.wal/size", 512), None);
        assert_eq!(renumbered("000095.wal/name", 2).as_deref(), Some("000093.wal/name"));
        assert_eq!(renumbered("MANIFEST-000001/name", 1).as_deref(), Some("MANIFEST-000000/name"));
        assert_eq!(renumbered("CURRENT/name", 1), None);
    }
}
