//! What the table of personalities allows, apart from the disk: whatever might be left is made up, and
//! what a cell forbids is left out. Names are keyed by directory and text, sectors are letters.

use std::collections::{BTreeMap, BTreeSet};

use super::program::{Call, Program, States, When};
use crate::disk::{DirSync, FileSync, Personality, Rename, RenameOver};

pub(super) type Node = usize;
pub(super) type Time = usize;

/// What a program sees of something whose sync failed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shown {
    New,
    Old,
    NewUntilEvicted,
}

#[derive(Clone)]
pub(super) struct Change {
    pub(super) time: Time,
    pub(super) to: Option<Node>,
    pub(super) flushes: bool,
}

#[derive(Clone, Default)]
pub(super) struct Name {
    pub(super) durable: Option<Node>,
    pub(super) changes: Vec<Change>,
    pub(super) doubted: Vec<Option<Node>>,
    pub(super) shown: Option<Shown>,
}

impl Name {
    pub(super) fn seen(&self) -> Option<Node> {
        let doubted = self.doubted.last().filter(|_| self.shown != Some(Shown::Old));
        self.changes.last().map(|it| it.to).or(doubted.copied()).unwrap_or(self.durable)
    }
}

/// A sector that was written, or cut away.
#[derive(Clone)]
pub(super) struct Put {
    pub(super) time: Time,
    pub(super) at: usize,
    pub(super) letter: char,
    pub(super) is_cut: bool,
    pub(super) shown: Shown,
    pub(super) is_unborn: bool,
}

#[derive(Clone, Default)]
pub(super) struct File {
    pub(super) durable: Vec<char>,
    pub(super) size: usize,
    pub(super) puts: Vec<Put>,
    pub(super) sizes: Vec<(Time, usize)>,
    pub(super) doubted: Vec<Put>,
    pub(super) doubted_sizes: Vec<usize>,
    pub(super) is_gone: bool,
}

pub(super) fn put(content: &mut Vec<char>, at: usize, letter: char) {
    content.resize(content.len().max(at + 1), '0');
    content[at] = letter;
}

impl File {
    pub(super) fn seen(&self) -> Vec<char> {
        let mut content = self.durable.clone();
        let shown = self.doubted.iter().filter(|it| it.shown != Shown::Old);
        shown.chain(&self.puts).for_each(|it| put(&mut content, it.at, it.letter));
        content.resize(self.size, '0');
        content
    }

    fn put(&mut self, time: Time, at: usize, letter: char, is_cut: bool) {
        self.puts.push(Put { time, at, letter, is_cut, shown: Shown::New, is_unborn: false });
    }

    fn grow(&mut self, time: Time, size: usize) {
        if self.size < size {
            self.size = size;
            self.sizes.push((time, size));
        }
    }

    pub(super) fn settle(&mut self, now: Time) {
        let (done, later) = self.puts.drain(..).partition::<Vec<_>, _>(|it| it.time < now);
        self.puts = later;
        let size = self.sizes.iter().rfind(|(time, _)| *time < now).map(|(_, size)| *size);
        let reach = done.iter().filter(|it| !it.is_cut).map(|it| it.at + 1).max().unwrap_or(0);
        let kept = self.durable.len().max(reach.min(self.size));
        done.iter().for_each(|it| put(&mut self.durable, it.at, it.letter));
        self.doubted.retain(|doubt| done.iter().all(|it| it.at != doubt.at));
        let least = if size.is_some() { usize::MAX } else { reach.min(self.size) };
        self.doubted_sizes.retain(|size| *size >= least || done.is_empty());
        self.sizes.retain(|(time, _)| *time >= now);
        self.durable.resize(size.unwrap_or(kept), '0');
    }
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) names: BTreeMap<(Node, String), Name>,
    pub(super) files: BTreeMap<Node, File>,
    pub(super) stale: Vec<Vec<char>>,
    pub(super) next: Node,
    pub(super) now: Time,
    pub(super) rules: Personality,
}

/// Everything that the rules allow a program to leave.
pub(super) fn states(program: &Program, rules: Personality) -> States {
    let mut worlds = vec![World::given(program, rules)];
    for call in &program.calls {
        worlds = worlds.into_iter().flat_map(|world| world.made(call)).collect();
    }
    let left = |when: &When| {
        let left = worlds.iter().flat_map(|world| match when {
            When::Power => world.after_power_loss(),
            When::Kill => world.after_kill(),
            When::Seen => BTreeSet::from([world.seen()]),
        });
        (*when, left.collect())
    };
    program.moments().iter().map(left).collect()
}

impl World {
    fn given(program: &Program, rules: Personality) -> World {
        let (names, files) = (BTreeMap::new(), BTreeMap::new());
        let mut world = World { names, files, stale: Vec::new(), next: 1, now: 1, rules };
        for (path, letters) in &program.given {
            let durable: Vec<_> = letters.chars().collect();
            let file = File { size: durable.len(), durable, ..File::default() };
            let key = world.key(path.trim_end_matches('/'));
            world.names.insert(key, Name { durable: Some(world.next), ..Name::default() });
            if !path.ends_with('/') {
                world.files.insert(world.next, file);
            }
            world.next += 1;
        }
        world
    }

    fn key(&self, path: &str) -> (Node, String) {
        let (directory, name) = path.rsplit_once('/').unwrap_or((".", path));
        (self.node(directory), name.to_owned())
    }

    fn node(&self, path: &str) -> Node {
        if path == "." { 0 } else { self.names[&self.key(path)].seen().expect("it is there") }
    }

    fn file(&mut self, path: &str) -> &mut File {
        let node = self.node(path);
        self.files.get_mut(&node).expect("it is a file")
    }

    fn set(&mut self, path: &str, to: Option<Node>, flushes: bool) {
        let (key, time) = (self.key(path), self.now);
        self.names.entry(key).or_default().changes.push(Change { time, to, flushes });
    }

    fn made(mut self, call: &Call) -> Vec<World> {
        let now = self.now;
        match call {
            Call::Create(path) | Call::CreateDir(path) => {
                if matches!(call, Call::Create(_)) {
                    self.files.insert(self.next, File::default());
                }
                self.set(path, Some(self.next), false);
                self.next += 1;
            }
            Call::Write(path, at, letters) => {
                let file = self.file(path);
                let gap = if file.doubted.is_empty() { *at } else { file.size };
                (gap..*at).for_each(|at| file.put(now, at, '0', true));
                letters.chars().enumerate().for_each(|(i, it)| file.put(now, at + i, it, false));
                file.grow(now, at + letters.len());
            }
            Call::SetLen(path, size) => self.set_len(path, *size),
            Call::Rename(from, to) => {
                let replaced = self.names.get(&self.key(to)).and_then(Name::seen);
                let flushes = self.rules.rename_over == RenameOver::FlushesData;
                self.set(to, Some(self.node(from)), flushes && replaced.is_some());
                self.set(from, None, false);
            }
            Call::Remove(path) => self.set(path, None, false),
            Call::Sync(path) => self.sync(self.node(path)),
            Call::SyncDir(path) => self.sync_dir(self.node(path)),
            Call::FailingSync(path) => {
                let node = self.node(path);
                return self.fail(node);
            }
            Call::FailingSyncDir(path) => {
                let node = self.node(path);
                return self.fail_dir(node);
            }
        }
        self.free();
        self.now += 1;
        vec![self]
    }

    fn set_len(&mut self, path: &str, size: usize) {
        let (now, seen) = (self.now, self.file(path).seen());
        let file = self.file(path);
        let grows_in_doubt = size > file.size && !file.doubted.is_empty();
        let zeros = if grows_in_doubt { file.size..size } else { size..file.size };
        zeros.for_each(|at| file.put(now, at, '0', true));
        if size != file.size {
            file.size = size;
            file.sizes.push((now, size));
        }
        if size < seen.len() {
            self.stale.push(seen);
        }
    }

    /// What no name leads to any more may turn up in the room of other files.
    fn free(&mut self) {
        let led_to = |name: &Name| {
            let changes = name.changes.iter().map(|it| it.to);
            [name.durable]
                .into_iter()
                .chain(changes)
                .chain(name.doubted.clone())
                .flatten()
                .collect()
        };
        let kept: BTreeSet<Node> = self.names.values().flat_map::<Vec<Node>, _>(led_to).collect();
        let lost = self.files.iter_mut().filter(|(node, _)| !kept.contains(node));
        for (_, file) in lost {
            if !file.is_gone && file.size > 0 {
                self.stale.push(file.seen());
            }
            file.is_gone = true;
        }
    }

    /// The directories on the way to one, itself included.
    fn way(&self, directory: Node) -> Vec<Node> {
        let parent = self.names.iter().find(|(_, name)| name.seen() == Some(directory));
        match parent {
            Some(((parent, _), _)) if directory != 0 => {
                [vec![directory], self.way(*parent)].concat()
            }
            _ => Vec::new(),
        }
    }

    fn last(&self, concerns: impl Fn(Node, &Change) -> bool) -> Time {
        let changes = self.names.iter().flat_map(|((directory, _), name)| {
            name.changes.iter().filter(|it| concerns(*directory, it)).map(|it| it.time)
        });
        changes.max().unwrap_or(0)
    }

    fn sync(&mut self, node: Node) {
        let sizes = self.files[&node].sizes.last().map_or(0, |(time, _)| *time);
        let last = sizes.max(self.last(|_, change| change.to == Some(node)));
        self.files.get_mut(&node).expect("it is a file").settle(self.now);
        let holding = self.names.iter().filter(|(_, name)| name.seen() == Some(node));
        let way = holding.flat_map(|((directory, _), _)| self.way(*directory)).collect::<Vec<_>>();
        match self.rules.file_sync {
            FileSync::FileOnly => {}
            FileSync::Prefix => self.settle(|_, change| change.time <= last),
            FileSync::OwnNames => {
                self.settle(|_, change| change.to.is_some_and(|to| to == node || way.contains(&to)))
            }
        }
    }

    fn sync_dir(&mut self, node: Node) {
        let last = self.last(|at, change| at == node || change.to == Some(node));
        let way = self.way(node);
        match self.rules.dir_sync {
            DirSync::DirectoryOnly => self.settle(|at, _| at == node),
            DirSync::Prefix => self.settle(|_, change| change.time <= last),
            DirSync::DirectoryLog => self
                .settle(|at, change| at == node || change.to.is_some_and(|to| way.contains(&to))),
        }
    }

    /// Makes names durable, and of one name always what came before.
    fn settle(&mut self, covers: impl Fn(Node, &Change) -> bool) {
        let mut times = BTreeSet::new();
        loop {
            let before = times.len();
            for ((at, _), name) in &self.names {
                let pair =
                    |it: &Change| self.rules.rename == Rename::Pair && times.contains(&it.time);
                let last = name.changes.iter().rposition(|it| covers(*at, it) || pair(it));
                let done = last.map_or(0, |last| last + 1);
                let done: Vec<_> = name.changes[..done].iter().map(|it| it.time).collect();
                times.extend(done);
            }
            if times.len() == before {
                break;
            }
        }
        for ((at, _), name) in &mut self.names {
            let pair = |it: &Change| self.rules.rename == Rename::Pair && times.contains(&it.time);
            let Some(last) = name.changes.iter().rposition(|it| covers(*at, it) || pair(it)) else {
                continue;
            };
            for change in name.changes.drain(..=last) {
                name.durable = change.to;
                if change.flushes {
                    let file = change.to.and_then(|to| self.files.get_mut(&to));
                    file.expect("a rename flushes a file").settle(change.time);
                }
            }
            name.doubted.clear();
        }
    }
}
