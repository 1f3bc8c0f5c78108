//! What was lost, as the calls that had done it.

use crate::choice::Actor;
use crate::trace::{Event, Loss, Outcome};

use super::story::{Done, LosingCrash, Story};
use super::unit::{Part, Unit};

/// A change that a crash took.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) unit: Unit,
    /// The call that had made it, if it had returned.
    pub(super) call: Option<Done>,
}

impl Effect {
    /// What a crash took; of the changes to one thing the last before event `until`.
    pub(super) fn of_losses(story: &Story, crash: &LosingCrash, until: Option<u64>) -> Vec<Effect> {
        let mut effects: Vec<Effect> = Vec::new();
        for loss in &crash.losses {
            let Some(unit) = Unit::parse(&story.text(loss.unit)) else { continue };
            let call = made_by(story, &unit, loss, until.unwrap_or(crash.number));
            Effect::gather(&mut effects, unit, call);
        }
        effects
    }

    /// Adds a lost part to what is told of the same call.
    pub(super) fn gather(effects: &mut Vec<Effect>, unit: Unit, call: Option<Done>) {
        let known = |effect: &&mut Effect| effect.is_same(&unit, call.as_ref());
        match effects.iter_mut().find(known) {
            Some(effect) => effect.add(&unit),
            None => effects.push(Effect { unit, call }),
        }
    }

    /// Whether it is told by what is known: the same call, or more bytes of the same file.
    fn is_same(&self, unit: &Unit, call: Option<&Done>) -> bool {
        let same_sync = self.is_name() == (unit.part == Part::Name);
        match (&self.call, call) {
            (Some(one), Some(other)) => one.number == other.number && same_sync,
            (None, None) => self.unit.file == unit.file && same_sync,
            _ => false,
        }
    }

    /// Bytes say more than the size that came with them.
    fn add(&mut self, unit: &Unit) {
        match (&mut self.unit.part, unit.part) {
            (part @ Part::Size, Part::Bytes(..)) => *part = unit.part,
            (Part::Bytes(from, to), Part::Bytes(begin, end)) => {
                (*from, *to) = ((*from).min(begin), (*to).max(end));
            }
            _ => {}
        }
        self.unit.in_limbo |= unit.in_limbo;
    }

    pub(super) fn is_name(&self) -> bool {
        self.unit.part == Part::Name
    }

    /// `write 000003.wal (#180)`, `rename journal.new to journal (#12)`.
    pub(super) fn told(&self, story: &Story) -> String {
        match &self.call {
            Some(call) if self.is_name() || self.called(story) == self.unit.file => {
                told(story, call)
            }
            Some(call) => format!("{}, by then {},", told(story, call), self.unit.file),
            None => {
                let file = &self.unit.file;
                match self.unit.part {
                    Part::Bytes(from, to) => format!("bytes {from}..{to} of {file}"),
                    Part::Hole(from, to) => format!("bytes {from}..{to} of {file}, never written,"),
                    Part::Size => format!("the size of {file}"),
                    Part::Name => format!("the name {file}"),
                }
            }
        }
    }

    /// The call that would have made it durable.
    pub(super) fn barrier(&self, story: &Story) -> String {
        if self.is_name() {
            return "sync_dir".to_owned();
        }
        format!("sync_data {}", self.called(story))
    }

    /// The file by the name that it was opened by, as the events have it.
    fn called(&self, story: &Story) -> String {
        match self.call.map(|call| call.event) {
            Some(Event::Call { file, .. }) => story.text(file),
            _ => self.unit.file.clone(),
        }
    }
}

/// What a call did, for people.
pub(super) fn told(story: &Story, done: &Done) -> String {
    let Event::Call { site, file, from, .. } = done.event else { return String::new() };
    let (site, file, number) = (story.text(site), story.text(file), done.number);
    match operation(&site) {
        "open" | "lock" => format!("create {file} (#{number})"),
        "create_dir" => format!("create directory {file} (#{number})"),
        "rename" => format!("rename {} to {file} (#{number})", story.text(from)),
        "write_at" => format!("write {file} (#{number})"),
        "set_len" => format!("set the size of {file} (#{number})"),
        "allocate" => format!("allocate {file} (#{number})"),
        other => format!("{other} {file} (#{number})"),
    }
}

/// The last part of a call's site.
pub(super) fn operation(site: &str) -> &str {
    site.rsplit('/').next().unwrap_or(site)
}

/// Whether a call syncs: a file, or a directory where the change was to a name.
pub(super) fn is_sync(story: &Story, event: &Event, of_name: bool) -> bool {
    let Event::Call { site, .. } = event else { return false };
    let site = story.text(*site);
    match operation(&site) {
        "sync_dir" => of_name,
        "sync_data" | "sync_all" => !of_name,
        _ => false,
    }
}

/// The call that made a change which was lost: the last that returned before event `until`.
fn made_by(story: &Story, unit: &Unit, loss: &Loss, until: u64) -> Option<Done> {
    let names = match unit.part {
        Part::Name => vec![unit.file.clone()],
        _ => story.names_of(&unit.file),
    };
    let thing = Thing { story, unit, names };
    thing.by_counter(loss, until).or_else(|| thing.by_failed_sync(until))
}

/// The last change that a task made to a thing in a call that returned.
pub(super) fn last_change(story: &Story, unit: &Unit, actor: Actor) -> Option<Done> {
    let thing = Thing { story, unit, names: story.names_of(&unit.file) };
    let changes = story.on_the_way().filter(|done| {
        let Event::Call { outcome: Outcome::Ok(_), .. } = done.event else { return false };
        done.actor == actor && thing.is_named_by(done) && thing.is_changed_by(done)
    });
    changes.last()
}

/// The last change to a thing by a call that returned, before event `until`.
pub(super) fn last_change_before(story: &Story, unit: &Unit, until: u64) -> Option<Done> {
    let names = match unit.part {
        Part::Name => vec![unit.file.clone()],
        _ => story.names_of(&unit.file),
    };
    let thing = Thing { story, unit, names };
    let changes = story.on_the_way().filter(|done| {
        let Event::Call { outcome: Outcome::Ok(_), .. } = done.event else { return false };
        done.number < until && thing.is_named_by(done) && thing.is_changed_by(done)
    });
    changes.last()
}

/// What was lost, with every name that it bore.
struct Thing<'a> {
    story: &'a Story,
    unit: &'a Unit,
    names: Vec<String>,
}

impl Thing<'_> {
    /// The call by the disk's counter of what was lost.
    fn by_counter(&self, loss: &Loss, until: u64) -> Option<Done> {
        let (oldest, newest) = loss.stamps?;
        let touches = |done: &Done, from: u64, to: u64| {
            let Event::Call { touch, .. } = done.event else { return false };
            let within = |moment: u64| from <= moment && moment <= to;
            (within(touch.first) || within(touch.last)) && self.is_changed_by(done)
        };
        // The newest change may have been under way; then the name has to do.
        let newest_call = self.story.on_the_way().find(|done| touches(done, newest, newest));
        let node = newest_call.and_then(|done| node_of(&done));
        let made = |done: &Done| {
            let is_it = match node {
                Some(node) => node_of(done) == Some(node),
                None => self.is_named_by(done),
            };
            is_it && touches(done, oldest, newest)
        };
        let before = self.story.on_the_way().filter(|done| done.number <= until && made(done));
        before.last().or_else(|| self.story.on_the_way().find(made))
    }

    /// The last change that a sync was to cover which failed: nobody keeps count of those.
    fn by_failed_sync(&self, until: u64) -> Option<Done> {
        let of_name = self.unit.part == Part::Name;
        let failed = self.story.on_the_way().filter(|done| {
            let Event::Call { outcome: Outcome::Err(_), .. } = done.event else { return false };
            let is_it = of_name || self.is_named_by(done);
            is_it && done.number <= until && is_sync(self.story, &done.event, of_name)
        });
        let failed = failed.last()?.number;
        let made = |done: &Done| self.is_named_by(done) && self.is_changed_by(done);
        self.story.on_the_way().filter(|done| done.number < failed && made(done)).last()
    }

    fn is_named_by(&self, done: &Done) -> bool {
        let Event::Call { file, from, .. } = done.event else { return false };
        let bears = |id| self.names.contains(&self.story.text(id));
        bears(file) || (self.unit.part == Part::Name && bears(from))
    }

    /// Whether a call is of the kind that changes such a thing, at that place.
    fn is_changed_by(&self, done: &Done) -> bool {
        let Event::Call { site, offset, length, touch, .. } = done.event else { return false };
        if touch.first == u64::MAX {
            return false;
        }
        let site = self.story.text(site);
        let of = operation(&site);
        let of_name = matches!(of, "open" | "lock" | "create_dir" | "rename" | "remove");
        match self.unit.part {
            _ if of.starts_with("sync_") => false,
            Part::Name => of_name && self.is_named_by(done),
            Part::Bytes(start, end) | Part::Hole(start, end) => {
                let overlaps = offset < end && start < offset.saturating_add(length);
                !of_name && (overlaps || of != "write_at")
            }
            Part::Size => !of_name,
        }
    }
}

fn node_of(done: &Done) -> Option<u32> {
    match done.event {
        Event::Call { touch, .. } if touch.first != u64::MAX => Some(touch.node),
        _ => None,
    }
}
