//! What a crash made of the work of the call that it struck: one of the axes of the map.
//!
//! The work of a call is what was pending of its file, or of its name, or of the names in the directory
//! that it syncs: whether that survived, and whether anything else did not.

use seawall_os::site::Operation;

use super::directory::Slot;
use super::file::FileNode;
use super::state::Disk;

/// What became of a call's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It survived, and so did everything else.
    Kept,
    /// Nothing of it survived.
    Lost,
    /// Part of it survived.
    Torn,
    /// It survived, and something else did not: it is on the disk ahead of its turn.
    Early,
}

impl Effect {
    /// Every effect, in declaration order.
    pub const ALL: [Effect; 4] = [Effect::Kept, Effect::Lost, Effect::Torn, Effect::Early];

    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Effect::Kept => "kept",
            Effect::Lost => "lost",
            Effect::Torn => "torn",
            Effect::Early => "early",
        }
    }

    /// The effect of a crash of `before` that left `image`, on the work of a call on `name`.
    pub(super) fn of(
        operation: Operation,
        name: &str,
        before: &Disk,
        image: &Disk,
        anything_lost: bool,
    ) -> Effect {
        let mut tally = Tally::default();
        tally.names(before, image, |slot| operation == Operation::SyncDir || *slot.name == *name);
        if !matches!(operation, Operation::SyncDir | Operation::Rename | Operation::Remove) {
            tally.files(before, image, name);
        }
        match (tally.survives, tally.goes) {
            (_, false) if anything_lost => Effect::Early,
            (_, false) => Effect::Kept,
            (false, true) => Effect::Lost,
            (true, true) => Effect::Torn,
        }
    }

    /// The effect of a kill on a write of which so much was done.
    pub(super) fn of_part(done: u64, all: u64) -> Option<Effect> {
        match done {
            _ if done == all => None,
            0 => Some(Effect::Lost),
            _ => Some(Effect::Torn),
        }
    }
}

/// What was pending: whether any of it survives, and whether any of it goes.
#[derive(Default)]
struct Tally {
    survives: bool,
    goes: bool,
}

impl Tally {
    fn names(&mut self, before: &Disk, image: &Disk, is_own: impl Fn(&Slot) -> bool) {
        for (number, directory) in &before.directories {
            for slot in directory.slots.iter().filter(|slot| !slot.is_settled() && is_own(slot)) {
                let is_there = image.has_directory(*number);
                let now = if is_there { image.directory(*number).live(&slot.name) } else { None };
                *(if now == slot.live { &mut self.survives } else { &mut self.goes }) = true;
            }
        }
    }

    fn files(&mut self, before: &Disk, image: &Disk, name: &str) {
        let is_own = |file: &FileNode| *file.name == *name && !file.is_settled();
        for slot in before.files.iter().filter(|slot| is_own(&slot.node)) {
            let left = image.files.iter().find(|left| left.number == slot.number);
            let Some(left) = left else {
                self.goes = true;
                continue;
            };
            let (live, durable, now) = (&slot.node.live, &slot.node.durable, &left.node.live);
            if now.is_same_as(live) {
                self.survives = true;
            } else {
                self.goes = true;
                self.survives |= !now.is_same_as(durable);
            }
        }
    }
}
