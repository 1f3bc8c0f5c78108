//! What the rules let a power loss leave, for the model of the table: all that might be, filtered.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Change, File, Name, Node, Put, Shown, Time, World, put};
use super::program::state_text;
use crate::disk::{Appended, FailedSync, NameOrder, Rename, SizeOrder, Tear, Versions};

/// A name, what it may lead to, and how many of its changes are kept.
type Kept<'a> = (&'a (Node, String), &'a Name, Option<Node>, usize);

impl World {
    pub(super) fn seen(&self) -> String {
        let led: BTreeMap<_, _> = self.names.iter().map(|(key, name)| (key, name.seen())).collect();
        let contents: BTreeMap<_, _> =
            self.files.iter().map(|(node, file)| (*node, file.seen())).collect();
        tree(&led, &contents)
    }

    pub(super) fn after_power_loss(&self) -> BTreeSet<String> {
        let mut ways: Vec<Vec<Kept<'_>>> = vec![Vec::new()];
        for (key, name) in &self.names {
            let doubted = name.doubted.iter().filter(|_| self.in_doubt()).copied();
            let before = [name.durable].into_iter().chain(doubted).map(|to| (to, 0));
            let after = (1..=name.changes.len()).map(|kept| (name.changes[kept - 1].to, kept));
            let options: Vec<_> = before.chain(after).collect();
            ways = product(&ways, &options, |way, (to, kept)| way.push((key, name, *to, *kept)));
        }
        ways.retain(|way| self.is_in_order(way) && self.keeps_renames_whole(way));
        ways.iter().flat_map(|way| self.with_names(way)).collect()
    }

    fn in_doubt(&self) -> bool {
        self.rules.failed_sync != FailedSync::Reverts
    }

    /// Whether no change is kept that another one is lost before, where there is an order.
    fn is_in_order(&self, way: &[Kept<'_>]) -> bool {
        let place = |it: &Change| (it.time, self.rules.rename == Rename::Halves && it.to.is_none());
        way.iter().all(|(one, name, _, kept)| {
            let last = name.changes[..*kept].last().map(place);
            way.iter().all(|(other, name, _, kept)| {
                let ordered = match self.rules.names {
                    NameOrder::Each => false,
                    NameOrder::Prefix => true,
                    NameOrder::PerDirectory => one.0 == other.0,
                };
                let lost = name.changes[*kept..].first().map(place);
                !ordered || lost.is_none() || last < lost
            })
        })
    }

    fn keeps_renames_whole(&self, way: &[Kept<'_>]) -> bool {
        let times = |changes: &[Change]| changes.iter().map(|it| it.time).collect::<Vec<_>>();
        let kept = way.iter().flat_map(|(_, name, _, kept)| times(&name.changes[..*kept]));
        let kept: BTreeSet<_> = kept.collect();
        let mut lost = way.iter().flat_map(|(_, name, _, kept)| times(&name.changes[*kept..]));
        self.rules.rename == Rename::Halves || lost.all(|time| !kept.contains(&time))
    }

    fn with_names(&self, way: &[Kept<'_>]) -> BTreeSet<String> {
        let mut files = self.files.clone();
        for (_, name, _, kept) in way {
            for change in name.changes[..*kept].iter().filter(|change| change.flushes) {
                let flushed = change.to.and_then(|to| files.get_mut(&to));
                flushed.expect("a rename flushes a file").settle(change.time);
            }
        }
        let led: BTreeMap<_, _> = way.iter().map(|(key, _, to, _)| (*key, *to)).collect();
        let named: BTreeSet<_> = led.values().flatten().collect();
        let mut ways = vec![BTreeMap::new()];
        for (node, file) in files.iter().filter(|(node, _)| named.contains(node)) {
            let options: Vec<_> = self.contents(file).into_iter().collect();
            ways = product(&ways, &options, |way, content| {
                way.insert(*node, content.clone());
            });
        }
        ways.iter().map(|contents| tree(&led, contents)).collect()
    }

    /// Every content that a file may have.
    fn contents(&self, file: &File) -> BTreeSet<Vec<char>> {
        let mut found = BTreeSet::new();
        let mut sizes = vec![(file.durable.len(), 0)];
        sizes.extend(file.sizes.iter().map(|(time, size)| (*size, *time)));
        for (index, (size, since)) in sizes.iter().enumerate() {
            let until = sizes.get(index + 1).map_or(Time::MAX, |(_, time)| *time);
            let written = file.puts.iter().any(|it| it.time == *since && !it.is_cut);
            let middle = index > 0 && index + 1 < sizes.len();
            let waits = match self.rules.size {
                SizeOrder::Independent => false,
                SizeOrder::AfterData => written,
                SizeOrder::AtIoEnd => true,
                SizeOrder::OneTransaction if middle => continue,
                SizeOrder::OneTransaction => false,
            };
            let whole = self.rules.appended == Appended::WithSize;
            let owed = if waits || whole { *since } else { 0 };
            self.of_size(file, *size, owed, if whole { until } else { Time::MAX }, &mut found);
        }
        for size in &file.doubted_sizes {
            self.of_size(file, *size, 0, Time::MAX, &mut found);
        }
        found
    }

    /// Contents of a size, with what was written to the room up to `owed`, and not from `until` on
    /// where the room has a moment.
    fn of_size(
        &self,
        file: &File,
        size: usize,
        owed: Time,
        until: Time,
        found: &mut BTreeSet<Vec<char>>,
    ) {
        let unit = if self.rules.tear == Tear::Block { 8 } else { 1 };
        let ordered = matches!(self.rules.appended, Appended::Prefix | Appended::WithSize);
        let is_room = |it: &Put| (it.at / unit + 1) * unit > file.durable.len();
        let in_room = |it: &&Put| is_room(it) && it.at / unit * unit < size;
        let moments: BTreeSet<_> = file.puts.iter().filter(in_room).map(|it| it.time).collect();
        let moments = [0].into_iter().chain(moments.into_iter().filter(|_| ordered));
        for moment in moments {
            let missing = |it: &Put| it.time > moment && it.time <= owed;
            let fits = moment < until && !file.puts.iter().filter(in_room).any(missing);
            if ordered && !fits {
                continue;
            }
            let mut contents = vec![file.durable.clone()];
            for from in (0..size).step_by(unit) {
                let within = |it: &&Put| it.at / unit * unit == from;
                let doubted: Vec<_> = file.doubted.iter().filter(within).collect();
                let puts: Vec<_> = file.puts.iter().filter(within).collect();
                let room = from + unit > file.durable.len();
                let fixed = (ordered && room).then_some(moment);
                let owed = if room { owed } else { 0 };
                contents = contents
                    .iter()
                    .flat_map(|content| self.doubt(&doubted, content, from))
                    .flat_map(|content| {
                        self.unit(file, &puts, &content, (from, from + unit, size), (fixed, owed))
                    })
                    .collect();
            }
            for (from, to) in self.holes(file, size, unit) {
                let garbage = |content: &Vec<char>| self.garbage(content, from..to, from);
                contents = contents.iter().flat_map(garbage).collect();
            }
            contents.iter_mut().for_each(|content| content.resize(size, '0'));
            found.extend(contents);
        }
    }

    /// What a unit may show of the writes whose sync failed.
    fn doubt(&self, doubted: &[&Put], content: &[char], from: usize) -> Vec<Vec<char>> {
        let mut options = vec![content.to_vec()];
        if !self.in_doubt() {
            return options;
        }
        let all = doubted.len();
        for kept in 1..=all {
            if kept == all || self.rules.versions == Versions::Any {
                options.push(with(content, &doubted[..kept]));
            }
        }
        let shown: Vec<_> = doubted.iter().filter(|it| it.shown != Shown::Old).copied().collect();
        options.push(with(content, &shown));
        if doubted.iter().any(|it| it.is_unborn) {
            options.extend(self.garbage(content, from..from + 1, from));
        }
        options
    }

    /// What a unit may show of what is pending, above what it shows of the rest.
    fn unit(
        &self,
        file: &File,
        puts: &[&Put],
        content: &[char],
        (from, to, size): (usize, usize, usize),
        (fixed, owed): (Option<Time>, Time),
    ) -> Vec<Vec<char>> {
        let mut times: Vec<_> = puts.iter().map(|it| it.time).collect();
        times.dedup();
        let upto =
            |time: Time| puts.iter().filter(|it| it.time <= time).copied().collect::<Vec<_>>();
        if puts.is_empty() {
            return vec![content.to_vec()];
        }
        let any = self.rules.versions == Versions::Any;
        if let Some(moment) = fixed {
            let kept = upto(moment);
            let is_allowed = any || kept.is_empty() || kept.len() == puts.len();
            return if is_allowed { vec![with(content, &kept)] } else { Vec::new() };
        }
        let needs = times.iter().filter(|time| **time <= owed).count();
        let whole = with(content, puts);
        let mut options = vec![whole.clone()];
        options.extend(
            times.iter().skip(needs.max(1) - 1).filter(|_| any).map(|it| with(content, &upto(*it))),
        );
        if needs > 0 {
            return options;
        }
        options.push(content.to_vec());
        let born = from.max(file.durable.len());
        if born < to.min(size) {
            options.extend(self.garbage(content, born..to.min(size), born));
        }
        if self.rules.tear == Tear::Byte {
            options.push(torn(content, &whole, from));
        }
        options
    }

    /// Runs of sectors in one page of eight that nobody wrote to and no sync covered.
    fn holes(&self, file: &File, size: usize, unit: usize) -> Vec<(usize, usize)> {
        let touched =
            |at: usize| file.puts.iter().chain(&file.doubted).any(|it| it.at / unit == at / unit);
        let mut holes: Vec<(usize, usize)> = Vec::new();
        for at in (file.durable.len()..size).filter(|at| !touched(*at)) {
            match holes.last_mut() {
                Some((_, to)) if *to == at && at % 8 != 0 => *to += 1,
                _ => holes.push((at, at + 1)),
            }
        }
        holes
    }

    /// A content with garbage in a range, of every kind, and without.
    fn garbage(
        &self,
        content: &[char],
        range: std::ops::Range<usize>,
        reach: usize,
    ) -> Vec<Vec<char>> {
        let mut options = vec![content.to_vec()];
        if self.rules.appended != Appended::Anything {
            return options;
        }
        let reaching = self.stale.iter().rev().filter(|stale| stale.len() > reach).take(3);
        for stale in reaching {
            let mut shows = content.to_vec();
            let end = range.end.min(stale.len());
            (range.start..end).for_each(|at| put(&mut shows, at, stale[at]));
            options.push(shows);
        }
        let mut noise = content.to_vec();
        range.for_each(|at| put(&mut noise, at, '?'));
        options.push(noise);
        options
    }
}

fn with(content: &[char], puts: &[&Put]) -> Vec<char> {
    let mut content = content.to_vec();
    puts.iter().for_each(|it| put(&mut content, it.at, it.letter));
    content
}

/// Old in one half of a sector and new in the other.
fn torn(old: &[char], new: &[char], at: usize) -> Vec<char> {
    let of = |content: &[char]| content.get(at).copied().unwrap_or('0');
    let mut content = old.to_vec();
    let letter = match (of(old), of(new)) {
        (old, new) if old == new => old,
        ('?', _) | (_, '?') => '?',
        _ => '~',
    };
    put(&mut content, at, letter);
    content
}

fn product<T: Clone, O>(ways: &[T], options: &[O], add: impl Fn(&mut T, &O)) -> Vec<T> {
    let longer = |way: &T| {
        let extended = options.iter().map(|option| {
            let mut way = way.clone();
            add(&mut way, option);
            way
        });
        extended.collect::<Vec<_>>()
    };
    ways.iter().flat_map(longer).collect()
}

/// What can be reached, as text.
fn tree(
    led: &BTreeMap<&(Node, String), Option<Node>>,
    contents: &BTreeMap<Node, Vec<char>>,
) -> String {
    let mut entries = Vec::new();
    let mut waiting = vec![(0, String::new())];
    while let Some((directory, path)) = waiting.pop() {
        for ((_, name), to) in led.iter().filter(|((at, _), _)| *at == directory) {
            let Some(to) = to else { continue };
            let content = contents.get(to).map(|content| content.iter().collect());
            if content.is_none() {
                waiting.push((*to, format!("{path}{name}/")));
            }
            entries.push((format!("{path}{name}"), content));
        }
    }
    state_text(entries.into_iter())
}
