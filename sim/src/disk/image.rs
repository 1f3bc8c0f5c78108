//! The disks that crashes leave: from a disk and a decider to another disk.
//!
//! A *power loss* decides every name, then every file that a name still leads to, and forgets the
//! rest. A *kill* keeps what programs saw, and everything that was pending stays pending, so a power
//! loss that follows decides it then.

use std::sync::Arc;

use super::directory::{Directory, NameChange, NodeId, Slot, Value};
use super::file::FileNode;
use super::personality::{NameOrder, Rename, RenameOver};
use super::piece::Stamp;
use super::state::{Disk, FileSlot, ROOT};
use super::survival::{Decide, Outcome, Rules, Unit, file_after, name_after};

/// A name of a directory, decided.
pub(super) struct Decided {
    pub(super) directory: usize,
    pub(super) slot: usize,
    pub(super) value: Value,
    /// The stamp of the newest change to the name that was kept.
    pub(super) stamp: Stamp,
}

impl FileSlot {
    /// Returns whether there is more to let go of.
    fn evict(&mut self, reverts: &mut dyn FnMut(Unit<'_>) -> bool) -> bool {
        let mut is_left = false;
        for sector in self.node.old_later() {
            let (from, to) = super::file::sector_range(sector);
            let name = Arc::clone(&self.node.name);
            if reverts(Unit::Limbo { file: &name, from, to }) {
                Arc::make_mut(&mut self.node).evict(sector);
            } else {
                is_left = true;
            }
        }
        is_left
    }
}

impl Disk {
    /// The disk after a power loss.
    pub(super) fn after_power_loss(&self, decide: &mut dyn Decide) -> Disk {
        let personality = self.personality;
        let mut image = self.clone();
        let decided = self.decide_names(decide);
        image.settle_names(&decided);
        let kept = image.keep_reachable();
        if personality.rename_over == RenameOver::FlushesData {
            image.flush(self.flushed(&decided));
        }
        let rules = Rules { personality, stale: &self.stale };
        for (slot, (_, name)) in image.files.iter_mut().zip(&kept) {
            slot.handles = 0;
            if !slot.node.is_settled() {
                slot.node = Arc::new(file_after(&slot.node, rules, decide));
            }
            if slot.node.name != *name {
                Arc::make_mut(&mut slot.node).name = Arc::clone(name);
            }
        }
        image.sync_failed = false;
        image.may_revert.clear();
        image.recount();
        image
    }

    /// The disk after all processes were killed: what they had written stays.
    ///
    /// Where a sync failed, the cache may let go of what never reached the disk, as `reverts` says.
    pub(super) fn after_kill(&self, reverts: &mut dyn FnMut(Unit<'_>) -> bool) -> Disk {
        let mut image = self.clone();
        let held: Vec<_> = self.files.iter().filter(|slot| slot.handles > 0).collect();
        for slot in held {
            for _ in 0..slot.handles {
                image.close_handle(slot.number);
            }
        }
        image.evict(reverts);
        image
    }

    /// The cache lets go of pages and names whose sync failed, each where `reverts` says so.
    pub(super) fn evict(&mut self, reverts: &mut dyn FnMut(Unit<'_>) -> bool) {
        let mut may_revert = std::mem::take(&mut self.may_revert);
        may_revert.retain(|number| {
            let found = self.files.binary_search_by_key(number, |slot| slot.number);
            found.is_ok_and(|index| self.files[index].evict(reverts))
        });
        self.may_revert = may_revert;
        for (_, directory) in &mut self.directories {
            if directory.has_old_later() {
                Arc::make_mut(directory).evict(&mut |name| reverts(Unit::Name { name }));
            }
        }
        self.recount();
    }

    fn decide_names(&self, decide: &mut dyn Decide) -> Vec<Decided> {
        if self.personality.names != NameOrder::Each {
            return self.names_by_moment(decide);
        }
        let mut decided = Vec::new();
        for (directory, (_, node)) in self.directories.iter().enumerate() {
            for (slot, entry) in node.slots.iter().enumerate() {
                if !entry.is_settled() {
                    let (value, stamp) = name_after(entry, self.personality, decide);
                    decided.push(Decided { directory, slot, value, stamp });
                }
            }
        }
        if self.personality.rename == Rename::Pair {
            self.join_renames(&mut decided);
        }
        decided
    }

    /// The files whose bytes survive with the names that were kept, each up to a stamp.
    fn flushed(&self, decided: &[Decided]) -> Vec<(u32, Stamp)> {
        let kept = decided.iter().flat_map(|name| self.kept(name));
        kept.filter_map(NameChange::flushed).collect()
    }

    /// The changes of a name that were kept.
    fn kept(&self, name: &Decided) -> impl Iterator<Item = &NameChange> {
        let changes = &self.directories[name.directory].1.slots[name.slot].pending;
        let last = name.stamp;
        changes.iter().filter(move |change| change.stamp <= last)
    }

    fn flush(&mut self, files: Vec<(u32, Stamp)>) {
        for (number, stamp) in files {
            let found = self.files.binary_search_by_key(&number, |slot| slot.number);
            if let Ok(index) = found {
                Arc::make_mut(&mut self.files[index].node).complete_sync(stamp);
            }
        }
    }

    /// Where one half of a rename was kept, keeps the other half too.
    fn join_renames(&self, decided: &mut [Decided]) {
        let mut changed = true;
        while changed {
            changed = false;
            for index in 0..decided.len() {
                let kept: Vec<_> = self.kept(&decided[index]).map(|change| change.stamp).collect();
                for name in decided.iter_mut() {
                    let changes = &self.directories[name.directory].1.slots[name.slot].pending;
                    let half = changes.iter().rfind(|change| kept.contains(&change.stamp));
                    if let Some(half) = half.filter(|half| half.stamp > name.stamp) {
                        name.value = half.value;
                        name.stamp = half.stamp;
                        changed = true;
                    }
                }
            }
        }
    }

    /// Makes the decided values the only ones.
    fn settle_names(&mut self, decided: &[Decided]) {
        for name in decided {
            let directory = Arc::make_mut(&mut self.directories[name.directory].1);
            let slot = &mut directory.slots[name.slot];
            *slot = Slot::settled(Arc::clone(&slot.name), name.value);
        }
        for (_, directory) in &mut self.directories {
            if directory.slots.iter().any(|slot| slot.live.is_none()) {
                Arc::make_mut(directory).slots.retain(|slot| slot.live.is_some());
            }
        }
    }

    /// Forgets what no name leads to. Returns the numbers of the files left, each with its name.
    fn keep_reachable(&mut self) -> Vec<(u32, Arc<str>)> {
        let (mut directories, mut files) = (vec![ROOT], Vec::new());
        let mut next = 0;
        while let Some(number) = directories.get(next).copied() {
            next += 1;
            let mut doubled = Vec::new();
            for (name, node) in self.directory(number).live_entries() {
                match node {
                    NodeId::File(file) => files.push((file, Arc::clone(name))),
                    NodeId::Directory(child) if directories.contains(&child) => {
                        doubled.push(Arc::clone(name));
                    }
                    NodeId::Directory(child) => directories.push(child),
                }
            }
            // A directory has one parent: of two names the first found stays.
            for name in doubled {
                Arc::make_mut(self.directory_arc(number)).slots.retain(|slot| slot.name != name);
            }
        }
        files.sort();
        files.dedup_by_key(|(number, _)| *number);
        let is_kept = |slot: &FileSlot| {
            files.binary_search_by_key(&slot.number, |(number, _)| *number).is_ok()
        };
        let lost: Vec<u32> =
            self.files.iter().filter(|slot| !is_kept(slot)).map(|slot| slot.number).collect();
        for number in lost {
            self.remember(number);
        }
        self.files.retain(is_kept);
        self.directories.retain(|(number, _)| directories.contains(number));
        if !directories.contains(&self.working) {
            self.working = ROOT;
        }
        files
    }

    fn directory_arc(&mut self, number: u32) -> &mut Arc<Directory> {
        let found = self.directories.binary_search_by_key(&number, |(number, _)| *number);
        &mut self.directories[found.expect("the directory was just read")].1
    }

    /// How many things a power loss would have to decide, at most.
    pub(super) fn undecided(&self) -> u64 {
        let files = self.files.iter().map(|slot| slot.node.undecided());
        let slots = self.directories.iter().flat_map(|(_, directory)| &directory.slots);
        files.sum::<u64>() + slots.filter(|slot| !slot.is_settled()).count() as u64
    }

    /// The stamp of the oldest change that is pending.
    pub(super) fn oldest_pending(&self) -> Stamp {
        let files = self.files.iter().flat_map(|slot| slot.node.oldest_pending());
        let slots = self.directories.iter().flat_map(|(_, directory)| &directory.slots);
        let names = slots.flat_map(|slot| slot.pending.first()).map(|change| change.stamp);
        files.chain(names).min().unwrap_or_else(|| self.issue())
    }
}

impl FileNode {
    fn undecided(&self) -> u64 {
        let limbo = self.limbo.pieces.iter().map(|limbo| &limbo.piece);
        let sectors = super::file::sectors_of(limbo.chain(&self.pending)).len() as u64;
        let sizes = !self.sizes.is_empty() || !self.limbo.sizes.is_empty();
        sectors + u64::from(sizes)
    }

    fn oldest_pending(&self) -> Option<Stamp> {
        let piece = self.pending.first().map(|piece| piece.stamp);
        let size = self.sizes.first().map(|(stamp, _)| *stamp);
        piece.into_iter().chain(size).min()
    }
}

/// Decides that everything survives.
pub(super) struct Everything;

impl Decide for Everything {
    fn outcome(&mut self, _: Unit<'_>, outcomes: &[Outcome], _: &[Stamp]) -> Outcome {
        outcomes[0]
    }

    fn cut(&mut self, _: Unit<'_>, _: u64) -> u64 {
        1
    }
}

/// Decides that nothing survives but what is durable.
pub(super) struct Nothing;

impl Decide for Nothing {
    fn outcome(&mut self, _: Unit<'_>, outcomes: &[Outcome], _: &[Stamp]) -> Outcome {
        let durable = |outcome: &&Outcome| matches!(outcome, Outcome::Durable | Outcome::Zeros);
        *outcomes.iter().find(durable).unwrap_or(&outcomes[0])
    }

    fn cut(&mut self, _: Unit<'_>, _: u64) -> u64 {
        1
    }
}
