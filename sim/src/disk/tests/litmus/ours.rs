//! What the disk leaves: all its decisions are answered in every way, depth first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::program::{Call, Program, States, When, state_text};
use crate::disk::check;
use crate::disk::directory::NodeId;
use crate::disk::file::SECTOR_BYTES;
use crate::disk::piece::Stamp;
use crate::disk::state::Disk;
use crate::disk::survival::{Decide, Outcome, Unit};
use crate::disk::{FailedSync, Personality};

/// Answers to decisions: the ones given so far, and of how many.
#[derive(Default)]
struct Answers {
    path: Vec<(usize, usize)>,
    at: usize,
}

impl Answers {
    fn next(&mut self, count: usize) -> usize {
        if self.at == self.path.len() {
            self.path.push((0, count));
        }
        self.at += 1;
        assert_eq!(self.path[self.at - 1].1, count, "decisions follow from those before them");
        self.path[self.at - 1].0
    }

    /// Goes on to the next way of answering; false when there is none.
    fn advance(&mut self) -> bool {
        self.at = 0;
        while let Some((answer, count)) = self.path.pop() {
            if answer + 1 < count {
                self.path.push((answer + 1, count));
                return true;
            }
        }
        false
    }

    /// The results of every way in which `run` can be answered.
    fn all<T>(mut run: impl FnMut(&mut Answers) -> T) -> Vec<T> {
        let (mut answers, mut results) = (Answers::default(), Vec::new());
        loop {
            results.push(run(&mut answers));
            if !answers.advance() {
                return results;
            }
        }
    }
}

impl Decide for Answers {
    fn outcome(&mut self, unit: Unit<'_>, outcomes: &[Outcome], stamps: &[Stamp]) -> Outcome {
        assert!(stamps.len() <= outcomes.len(), "{unit:?}");
        outcomes[self.next(outcomes.len())]
    }

    fn cut(&mut self, _: Unit<'_>, len: u64) -> u64 {
        len / 2
    }
}

/// Everything that the disk may leave of a program.
pub(super) fn states(program: &Program, personality: Personality) -> States {
    let mut disks = vec![given(program, personality)];
    for call in &program.calls {
        disks = disks.into_iter().flat_map(|disk| made(disk, call)).collect();
    }
    let mut states: States = BTreeMap::new();
    for disk in &disks {
        check::extremes_are_right(disk);
        let lost = Answers::all(|answers| disk.after_power_loss(answers));
        let killed = Answers::all(|answers| disk.after_kill(&mut |_| answers.next(2) == 1));
        lost.iter().for_each(|image| check::contains_what_was_durable(disk, image));
        let seen = [disk.clone()];
        for (when, disks) in [(When::Power, &lost[..]), (When::Kill, &killed), (When::Seen, &seen)]
        {
            let shown: BTreeSet<_> = disks.iter().map(show).collect();
            states.entry(when).or_default().extend(shown);
        }
    }
    states.retain(|when, _| program.moments().contains(when));
    states
}

fn given(program: &Program, personality: Personality) -> Disk {
    let mut disk = Disk::new(1 << 24);
    disk.set_personality(personality);
    for (path, letters) in &program.given {
        if let Some(directory) = path.strip_suffix('/') {
            disk.make_durable_dir(directory).expect("the name is free");
        } else {
            disk.make_durable_file(path).expect("the name is free");
            disk.overwrite(path, 0, &bytes(letters)).expect("it was just made");
        }
    }
    disk
}

fn bytes(letters: &str) -> Vec<u8> {
    letters.bytes().flat_map(|letter| [letter; SECTOR_BYTES as usize]).collect()
}

/// The disks that a call may leave: several where a sync fails.
fn made(mut disk: Disk, call: &Call) -> Vec<Disk> {
    let file = |disk: &Disk, path: &str| disk.file_at(Path::new(path)).expect("the file exists");
    let directory =
        |disk: &Disk, path: &str| disk.directory_at(Path::new(path)).expect("the directory exists");
    let issued = disk.issue();
    match call {
        Call::Create(path) => {
            let place = disk.place(Path::new(path)).expect("its directory exists");
            disk.create_file(&place);
        }
        Call::CreateDir(path) => {
            let place = disk.place(Path::new(path)).expect("its directory exists");
            disk.create_directory(&place);
        }
        Call::Write(path, at, letters) => {
            let number = file(&disk, path);
            disk.write(number, *at as u64 * SECTOR_BYTES, &bytes(letters)).expect("there is room");
        }
        Call::SetLen(path, len) => {
            let number = file(&disk, path);
            disk.set_len(number, *len as u64 * SECTOR_BYTES).expect("there is room");
        }
        Call::Rename(from, to) => {
            let from = disk.place(Path::new(from)).expect("its directory exists");
            let to = disk.place(Path::new(to)).expect("its directory exists");
            disk.rename(&from, &to).expect("the file exists");
        }
        Call::Remove(path) => {
            let number = file(&disk, path);
            let place = disk.place(Path::new(path)).expect("its directory exists");
            disk.remove_file(&place, number);
        }
        Call::Sync(path) => {
            let number = file(&disk, path);
            disk.complete_sync(number, issued);
        }
        Call::SyncDir(path) => {
            let number = directory(&disk, path);
            disk.complete_sync_dir(number, issued);
        }
        Call::FailingSync(path) => {
            return failed(&disk, |disk, fates, answers| {
                let number = file(disk, path);
                disk.fail_sync(number, issued, &mut |_| fates[answers.next(fates.len())]);
            });
        }
        Call::FailingSyncDir(path) => {
            return failed(&disk, |disk, fates, answers| {
                let number = directory(disk, path);
                let node = disk.directory_mut(number);
                node.fail_sync(issued, &mut |_| fates[answers.next(fates.len())]);
            });
        }
    }
    vec![disk]
}

fn failed(
    disk: &Disk,
    fail: impl Fn(&mut Disk, &'static [crate::disk::file::FailedFate], &mut Answers),
) -> Vec<Disk> {
    let failed_sync: FailedSync = disk.personality().failed_sync;
    Answers::all(|answers| {
        let mut disk = disk.clone();
        fail(&mut disk, failed_sync.fates(), answers);
        disk.recount();
        disk
    })
}

/// What programs see on a disk.
fn show(disk: &Disk) -> String {
    let mut entries = Vec::new();
    add(disk, disk.working, "", &mut entries);
    state_text(entries.into_iter())
}

fn add(disk: &Disk, directory: u32, path: &str, entries: &mut Vec<(String, Option<String>)>) {
    for (name, node) in disk.directory(directory).live_entries() {
        let name = format!("{path}{name}");
        match node {
            NodeId::File(number) => {
                let content = &disk.file(number).live;
                let bytes = content.bytes(0, content.size());
                entries
                    .push((name, Some(bytes.chunks(SECTOR_BYTES as usize).map(letter).collect())));
            }
            NodeId::Directory(number) => {
                add(disk, number, &format!("{name}/"), entries);
                entries.push((name, None));
            }
        }
    }
}

/// A sector as a letter: `0` for zeros, `?` for noise, `~` where it is torn.
fn letter(sector: &[u8]) -> char {
    let known = |byte: &u8| *byte == 0 || byte.is_ascii_lowercase();
    match sector {
        sector if !sector.iter().all(known) => '?',
        [first, rest @ ..] if rest.iter().any(|byte| byte != first) => '~',
        [0, ..] => '0',
        [letter, ..] => char::from(*letter),
        [] => '-',
    }
}
