//! A failing run with everything that happened in it, and the way of the disk to the failure.

use crate::check::Violation;
use crate::choice::{Actor, Names, SiteId, Tape, WorldId};
use crate::driver::{Input, run_whole};
use crate::system::System;
use crate::trace::{Event, Loss, Outcome, Trace};

use super::life_before;

/// A run that fails.
pub(super) struct Story {
    pub(super) names: Names,
    /// The number of each event, who acted, and what it was.
    pub(super) events: Vec<(u64, Actor, Event)>,
    /// The worlds whose disk came to the failing one, from it back to the first.
    pub(super) worlds: Vec<WorldId>,
    /// What the failing world owed most.
    pub(super) promised: Promised,
    /// The last event on the way of each world.
    ends: Vec<u64>,
    losses: Vec<(u64, Loss)>,
    trace: Trace,
}

/// Who had promised what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promised {
    /// The operation of this id.
    By(u32),
    /// An open that had returned it.
    ByOpen,
    /// Nobody that the violation names.
    Unknown,
}

impl Promised {
    pub(super) fn of(violation: &Violation) -> Promised {
        let after = violation.facts.iter().find(|(label, _)| *label == "after");
        let Some((_, text)) = after else { return Promised::Unknown };
        let id = text.strip_prefix("op ").and_then(|rest| rest.split(' ').next());
        match id.and_then(|id| id.parse().ok()) {
            Some(id) => Promised::By(id),
            None if text.starts_with("an open") => Promised::ByOpen,
            None => Promised::Unknown,
        }
    }
}

/// A crash on the way to the failure that took something.
#[derive(Clone, Debug)]
pub(super) struct LosingCrash {
    /// The number of its event.
    pub(super) number: u64,
    /// The world that it cut.
    pub(super) life: WorldId,
    /// What it was, such as `fork-power-after`.
    pub(super) kind: &'static str,
    /// What it took.
    pub(super) losses: Vec<Loss>,
    /// Whether the world that it left is the one that fails.
    pub(super) is_last: bool,
}

/// A system call of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) number: u64,
    pub(super) actor: Actor,
    pub(super) event: Event,
}

impl Story {
    /// Runs a tape that fails.
    ///
    /// # Errors
    /// When it cannot be run, or does not fail.
    pub(super) fn of<S: System>(tape: &Tape) -> Result<Story, String> {
        let (ran, trace) = run_whole::<S>(&Input::Tape(Box::new(tape.clone())))?;
        let failure = ran.failure.ok_or("the tape does not fail")?;
        let world = failure.world.parse::<WorldId>().map_err(|error| error.to_string())?;
        let mut worlds = vec![world];
        while let Some(before) = worlds.last().and_then(|world| life_before(*world)) {
            worlds.push(before);
        }
        let (events, losses) = (trace.events(), trace.losses());
        let promised = Promised::of(&failure.violation);
        let (names, ends) = (trace.names(), vec![u64::MAX; worlds.len()]);
        let mut story = Story { names, events, worlds, promised, ends, losses, trace };
        story.find_ends();
        Ok(story)
    }

    pub(super) fn text(&self, id: SiteId) -> String {
        self.names.text(id).to_string()
    }

    /// Every name that a file bore which is called `file` at last.
    pub(super) fn names_of(&self, file: &str) -> Vec<String> {
        let mut names = vec![file.to_owned()];
        let events: Vec<Done> = self.on_the_way().collect();
        for done in events.iter().rev() {
            let Event::Call { file, from, .. } = done.event else { continue };
            if from != SiteId::NONE && names.contains(&self.text(file)) {
                names.push(self.text(from));
            }
        }
        names
    }

    /// Whether an event is on the way to the failure: a world goes on after an image was cut from it.
    pub(super) fn is_on_the_way(&self, number: u64, actor: Actor) -> bool {
        let index = self.worlds.iter().position(|world| *world == actor.world);
        index.is_some_and(|index| number <= self.ends[index])
    }

    /// The events on the way to the failure.
    pub(super) fn on_the_way(&self) -> impl Iterator<Item = Done> + '_ {
        let on_it = |(number, actor, _): &&(u64, Actor, Event)| self.is_on_the_way(*number, *actor);
        let events = self.events.iter().filter(on_it);
        events.map(|(number, actor, event)| Done { number: *number, actor: *actor, event: *event })
    }

    /// The last event of each world that its next one knows of: the crash, or the call that it was cut
    /// after.
    fn find_ends(&mut self) {
        for index in 0..self.worlds.len().saturating_sub(1) {
            let Some((crash, kind)) = self.crash_into(index) else { continue };
            let mut after = self.events.iter().skip_while(|(number, ..)| *number < crash);
            let cut = after.next().map(|(_, actor, _)| *actor);
            let call = after.find(|(_, actor, event)| {
                Some(*actor) == cut && matches!(event, Event::Call { .. })
            });
            let call = call.map(|(number, ..)| *number).filter(|_| kind.ends_with("-after"));
            self.ends[index + 1] = call.unwrap_or(crash);
        }
    }

    /// The crash through which the disk went from `worlds[index + 1]` to `worlds[index]`.
    fn crash_into(&self, index: usize) -> Option<(u64, &'static str)> {
        let (world, life) = (self.worlds[index], *self.worlds.get(index + 1)?);
        let mut crashes = self.events.iter().filter_map(|(number, actor, event)| match event {
            Event::Crash { kind, .. } if actor.world == life => Some((*number, *kind)),
            _ => None,
        });
        if world.parent().is_some() {
            let forks = crashes.filter(|(_, kind)| kind.starts_with("fork-"));
            return { forks }.nth(world.number() as usize);
        }
        crashes.rfind(|(_, kind)| !kind.starts_with("fork-"))
    }

    /// The last crash on the way, whatever it took.
    pub(super) fn last_crash(&self) -> Option<(u64, &'static str)> {
        (0..self.worlds.len()).find_map(|index| self.crash_into(index))
    }

    /// The last crash on the way that took something.
    pub(super) fn losing_crash(&self) -> Option<LosingCrash> {
        (0..self.worlds.len()).find_map(|index| {
            let (number, kind) = self.crash_into(index)?;
            let of_it = self.losses.iter().filter(|(crash, _)| *crash == number);
            let losses: Vec<Loss> = of_it.map(|(_, loss)| *loss).collect();
            let life = *self.worlds.get(index + 1)?;
            let is_last = index == 0;
            (!losses.is_empty()).then_some(LosingCrash { number, life, kind, losses, is_last })
        })
    }

    /// The lines to show: those cited, crashes and faults on the way, and the last ones as room is left.
    pub(super) fn shown(&self, cited: &[u64], most: usize) -> Vec<String> {
        let mut wanted: Vec<u64> = cited.to_vec();
        let marks = self.on_the_way().filter(|done| is_mark(&done.event)).map(|done| done.number);
        wanted.extend(marks.take(most / 2));
        let last = self.events.last().map_or(0, |(number, ..)| *number);
        wanted.sort_unstable();
        wanted.dedup();
        let room = most.saturating_sub(wanted.len()) as u64;
        wanted.extend(last.saturating_sub(room) + 1..=last);
        wanted.sort_unstable();
        wanted.dedup();
        let lines = self.trace.lines();
        let mut shown = Vec::new();
        let mut before = 0;
        for number in wanted {
            if number > before + 1 {
                shown.push("..".to_owned());
            }
            shown.extend(lines.get(number as usize - 1).cloned());
            before = number;
        }
        shown
    }
}

/// Whether an event explains much: a crash, or a call that failed by a fault.
fn is_mark(event: &Event) -> bool {
    match event {
        Event::Crash { .. } => true,
        Event::Call { outcome: Outcome::Err(name), .. } => is_fault(name),
        _ => false,
    }
}

/// Whether an error is the disk's doing, and not the answer to a question.
pub(super) fn is_fault(name: &str) -> bool {
    matches!(name, "EIO" | "ENOSPC" | "EROFS" | "EINTR")
}
