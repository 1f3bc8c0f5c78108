//! What a good sync makes durable: what it was called for, and what a personality adds.
//!
//! Names change in the order of their stamps. A sync that persists a *prefix* covers every change of
//! a name, in whatever directory, up to the last one that it has to do with.

use super::directory::{NameChange, NodeId, Settled, Slot};
use super::personality::{DirSync, FileSync, Rename};
use super::piece::Stamp;
use super::state::{Disk, ROOT};

/// Whether a sync covers a change of a name in the directory of this number.
type Covers<'a> = dyn Fn(u32, &NameChange) -> bool + 'a;

impl Disk {
    /// A sync of a file succeeded that was issued at `issued`.
    pub(super) fn complete_sync(&mut self, number: u32, issued: Stamp) {
        match self.personality.file_sync {
            FileSync::FileOnly => self.settle_file(number, issued),
            FileSync::Prefix => {
                let last = self.last_change(number, issued);
                self.settle_file(number, issued);
                if let Some(last) = last {
                    self.make_durable(&|_, change| change.stamp <= last);
                }
            }
            FileSync::OwnNames => {
                self.settle_file(number, issued);
                let mut nodes = vec![NodeId::File(number)];
                for directory in self.directories_of(number) {
                    self.add_path(directory, &mut nodes);
                }
                self.make_durable(&|_, change| change.is_of(&nodes, issued));
            }
        }
    }

    /// A sync of a directory succeeded that was issued at `issued`.
    pub(super) fn complete_sync_dir(&mut self, number: u32, issued: Stamp) {
        if !self.has_directory(number) {
            return;
        }
        match self.personality.dir_sync {
            DirSync::DirectoryOnly if self.personality.rename == Rename::Halves => {
                if !self.directory(number).is_settled() {
                    let covered = |slot: &Slot| slot.covered(|change| change.stamp < issued);
                    let settled = self.directory_mut(number).complete_sync(covered);
                    self.follow(settled);
                }
            }
            DirSync::DirectoryOnly => {
                self.make_durable(&|directory, change| {
                    directory == number && change.stamp < issued
                });
            }
            DirSync::Prefix => {
                let own = [NodeId::Directory(number)];
                let last = self.last_name(&|directory, change| {
                    let within = directory == number && change.stamp < issued;
                    within || change.is_of(&own, issued)
                });
                if let Some(last) = last {
                    self.make_durable(&|_, change| change.stamp <= last);
                }
            }
            DirSync::DirectoryLog => {
                let mut nodes = Vec::new();
                self.add_path(number, &mut nodes);
                self.make_durable(&|directory, change| {
                    let within = directory == number && change.stamp < issued;
                    within || change.is_of(&nodes, issued)
                });
            }
        }
    }

    fn settle_file(&mut self, number: u32, issued: Stamp) {
        if !self.file(number).is_settled() {
            let keeps_earlier = self.keeps_earlier;
            let file = self.file_mut(number);
            if keeps_earlier {
                file.earlier = Some(file.durable.clone());
            }
            file.complete_sync(issued);
        }
    }

    /// The last change before `issued` of a file's size or of one of its names.
    fn last_change(&self, number: u32, issued: Stamp) -> Option<Stamp> {
        let sizes = self.file(number).sizes.iter().map(|(stamp, _)| *stamp);
        let size = sizes.filter(|stamp| *stamp < issued).max();
        let own = [NodeId::File(number)];
        size.max(self.last_name(&|_, change| change.is_of(&own, issued)))
    }

    /// The last pending change of a name that `covers` covers.
    fn last_name(&self, covers: &Covers<'_>) -> Option<Stamp> {
        let slots = self.directories.iter().flat_map(|(number, directory)| {
            directory.slots.iter().flat_map(|slot| &slot.pending).map(|change| (*number, change))
        });
        slots.filter(|(number, change)| covers(*number, change)).map(|(_, it)| it.stamp).max()
    }

    /// The directories that hold a name of a file.
    fn directories_of(&self, number: u32) -> Vec<u32> {
        let holds = |slot: &Slot| slot.live == Some(NodeId::File(number));
        let holding = self.directories.iter().filter(|(_, it)| it.slots.iter().any(holds));
        holding.map(|(number, _)| *number).collect()
    }

    /// Adds a directory and all on the way to it.
    fn add_path(&self, mut directory: u32, nodes: &mut Vec<NodeId>) {
        while directory != ROOT && self.has_directory(directory) {
            nodes.push(NodeId::Directory(directory));
            directory = self.directory(directory).parent;
        }
    }

    /// Makes durable every change that `covers` covers, and those of the same name before it. Where
    /// renames are atomic, their other halves follow.
    fn make_durable(&mut self, covers: &Covers<'_>) {
        let mut stamps = Vec::new();
        let is_covered = |number: u32, change: &NameChange, stamps: &[Stamp]| {
            covers(number, change) || stamps.contains(&change.stamp)
        };
        if self.personality.rename == Rename::Pair {
            loop {
                let before = stamps.len();
                for (number, directory) in &self.directories {
                    for slot in &directory.slots {
                        let count = slot.covered(|change| is_covered(*number, change, &stamps));
                        stamps.extend(slot.pending[..count].iter().map(|change| change.stamp));
                    }
                }
                stamps.sort_unstable();
                stamps.dedup();
                if stamps.len() == before {
                    break;
                }
            }
        }
        let numbers: Vec<_> = self.directories.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            let count = |slot: &Slot| slot.covered(|change| is_covered(number, change, &stamps));
            if self.directory(number).slots.iter().any(|slot| count(slot) > 0) {
                let settled = self.directory_mut(number).complete_sync(count);
                self.follow(settled);
            }
        }
    }

    /// Does what has to happen when changes of names have become durable.
    fn follow(&mut self, settled: Settled) {
        for (number, stamp) in settled.flushed {
            if self.files.binary_search_by_key(&number, |slot| slot.number).is_ok() {
                self.settle_file(number, stamp);
            }
        }
        self.free_unreachable(&settled.given_up);
    }
}

impl NameChange {
    /// Whether this gave a name to one of `nodes`, before `issued`.
    fn is_of(&self, nodes: &[NodeId], issued: Stamp) -> bool {
        self.stamp < issued && self.value.is_some_and(|node| nodes.contains(&node))
    }
}

impl Slot {
    /// How many of its changes are covered: all up to the last one that is.
    fn covered(&self, is_covered: impl Fn(&NameChange) -> bool) -> usize {
        self.pending.iter().rposition(is_covered).map_or(0, |index| index + 1)
    }
}
