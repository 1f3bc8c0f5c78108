//! What a power loss leaves of one file, and of one directory.
//!
//! The rules are here; who decides is a [`Decide`]. A file is decided unit by unit:
//!
//! ```text
//!             durable size ┐                 survived size ┐
//!   [ durable | w1 | w1,w2 | w2  |  hole  |  w3 |  hole    |
//!     settled   unit  unit   unit  zeros or        zeros or
//!                                  garbage         garbage
//! ```
//!
//! A unit is a sector, or a block where the personality says so. It shows the durable bytes with the first `k` of the writes that touch it
//! applied: outside the ranges of those writes the durable bytes stand, so what a sync covered is
//! never disturbed. Bytes beyond the durable size were never covered; where no write is kept they are
//! zeros or garbage. Where more than [`UNITS_MAX`] sectors are undecided, neighbours are decided
//! together.

use super::content::{Content, PAGE_BYTES};
use super::directory::{Slot, Value};
use super::file::{Cached, FileNode, LimboPiece};
use super::personality::{Appended, FailedSync, Personality, Tear, Versions};
use super::piece::{Piece, Stamp};
use super::room::{Room, admits_size, decide_room};

/// How many units a file is decided in at most.
const UNITS_MAX: usize = 64;

/// How many holes a gap is decided in at most.
const HOLES_MAX: u64 = 16;

/// How many earlier files may shine through at one place.
const STALE_SHOWN_MAX: usize = 3;

/// What is being decided.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit<'a> {
    /// Bytes with unsynced writes.
    Bytes { file: &'a str, from: u64, to: u64 },
    /// Bytes whose sync failed.
    Limbo { file: &'a str, from: u64, to: u64 },
    /// Bytes never written, beyond the durable size.
    Hole { file: &'a str, from: u64, to: u64 },
    /// The size of a file.
    Size { file: &'a str },
    /// The writes beyond the durable size of a file, in the order in which they were made.
    Room { file: &'a str },
    /// A name of a directory.
    Name { name: &'a str },
    /// The names of a directory, or all of them, in the order in which they changed.
    Names { of: &'a str },
}

/// What happened to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As the cache showed it.
    New,
    /// The state after this many of its unsynced changes.
    Version(u64),
    /// A size in bytes.
    Bytes(u64),
    /// As it was made durable.
    Durable,
    /// Zeros, where nothing was ever durable.
    Zeros,
    /// What an earlier file held there, the latest first.
    Stale(u64),
    /// Bytes of no origin.
    Noise,
    /// New up to some byte, durable from there.
    TornFront,
    /// Durable up to some byte, new from there.
    TornBack,
}

/// Who decides what survives.
pub(super) trait Decide {
    /// Chooses among outcomes, of which the first is that everything survives. `stamps` says, for
    /// each outcome that is a moment in time, the stamp of the newest change in it.
    fn outcome(&mut self, unit: Unit<'_>, outcomes: &[Outcome], stamps: &[Stamp]) -> Outcome;

    /// Where a torn unit is cut: a number of bytes from 1 to `len - 1`.
    fn cut(&mut self, unit: Unit<'_>, len: u64) -> u64;
}

/// What surrounds a file when it is decided.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) personality: Personality,
    pub(super) stale: &'a [Content],
}

/// The file that a power loss leaves.
pub(super) fn file_after(file: &FileNode, rules: Rules<'_>, decide: &mut dyn Decide) -> FileNode {
    let personality = &rules.personality;
    let size = decide_size(file, personality, decide);
    let room = decide_room(file, size, personality, decide);
    let touched = touched_units(file, size, personality.tear.unit_bytes());
    let content = file.durable.clone();
    let mut survivor = Survivor { file, rules, decide, content, size, room };
    let mut covered_to = file.durable.size();
    for unit in touched {
        survivor.holes(covered_to, unit.from);
        survivor.unit(&unit);
        covered_to = covered_to.max(unit.to);
    }
    survivor.holes(covered_to, size);
    let mut content = survivor.content;
    content.set_size(size);
    file.settled(content)
}

/// The sizes that a power loss may leave, the newest first, with the stamps that gave them.
fn sizes(file: &FileNode) -> (Vec<Outcome>, Vec<Stamp>) {
    let (mut outcomes, mut stamps) = (vec![Outcome::New], vec![Stamp::MAX]);
    let mut seen = vec![file.live.size()];
    let limbo = file.limbo.sizes.iter().map(|size| (0, *size));
    let history = limbo.chain(file.sizes.iter().copied());
    let mut older: Vec<_> = history.collect();
    older.reverse();
    for (stamp, size) in older {
        if size == file.live.size() {
            // The newest size is as old as the change that first gave it.
            stamps[0] = stamps[0].min(stamp);
        }
        if !seen.contains(&size) && size != file.durable.size() {
            seen.push(size);
            outcomes.push(Outcome::Bytes(size));
            stamps.push(stamp);
        }
    }
    if file.durable.size() != file.live.size() {
        outcomes.push(Outcome::Durable);
        stamps.push(0);
    }
    (outcomes, stamps)
}

fn decide_size(file: &FileNode, personality: &Personality, decide: &mut dyn Decide) -> u64 {
    let (mut outcomes, mut stamps) = sizes(file);
    let bytes = |outcome: &Outcome| match outcome {
        Outcome::Bytes(size) => *size,
        Outcome::Durable => file.durable.size(),
        _ => file.live.size(),
    };
    if !personality.leaves_the_room_alone() {
        let admitted = |outcome: &Outcome| admits_size(file, bytes(outcome), personality);
        let is_admitted: Vec<_> = outcomes.iter().map(admitted).collect();
        let mut flags = is_admitted.iter();
        stamps.retain(|_| flags.next() == Some(&true));
        let mut flags = is_admitted.iter();
        outcomes.retain(|_| flags.next() == Some(&true));
    }
    if outcomes.len() == 1 {
        return bytes(&outcomes[0]);
    }
    bytes(&decide.outcome(Unit::Size { file: &file.name }, &outcomes, &stamps))
}

/// Whether a power loss may leave a file with this size.
pub(super) fn size_is_possible(file: &FileNode, size: u64) -> bool {
    size == file.live.size()
        || size == file.durable.size()
        || file.limbo.sizes.contains(&size)
        || file.sizes.iter().any(|(_, pending)| *pending == size)
}

/// Neighbouring sectors that are decided together, with the changes that touch them.
pub(super) struct Touched<'a> {
    pub(super) from: u64,
    pub(super) to: u64,
    limbo: Vec<&'a LimboPiece>,
    pub(super) pending: Vec<&'a Piece>,
}

/// The undecided units below `size`, ascending; none is smaller than `least_bytes`.
pub(super) fn touched_units(file: &FileNode, size: u64, least_bytes: u64) -> Vec<Touched<'_>> {
    let unit_bytes = unit_bytes(file, least_bytes);
    let limbo_count = file.limbo.pieces.len();
    let limbo = file.limbo.pieces.iter().map(|limbo| &limbo.piece);
    let mut touches = Vec::new();
    for (index, piece) in limbo.chain(&file.pending).enumerate() {
        let end = piece.end().min(size).div_ceil(unit_bytes);
        touches.extend((piece.offset / unit_bytes..end).map(|unit| (unit, index)));
    }
    touches.sort_unstable();
    let mut units: Vec<Touched<'_>> = Vec::new();
    for (unit, index) in touches {
        let from = unit * unit_bytes;
        if units.last().is_none_or(|last| last.from != from) {
            let (limbo, pending) = (Vec::new(), Vec::new());
            units.push(Touched { from, to: from + unit_bytes, limbo, pending });
        }
        let Some(last) = units.last_mut() else { continue };
        match index.checked_sub(limbo_count) {
            Some(pending) => last.pending.push(&file.pending[pending]),
            None => last.limbo.push(&file.limbo.pieces[index]),
        }
    }
    units
}

/// The least there is, doubled until the file has few enough units.
fn unit_bytes(file: &FileNode, least_bytes: u64) -> u64 {
    let limbo = file.limbo.pieces.iter().map(|limbo| &limbo.piece);
    let pieces = limbo.chain(&file.pending);
    let mut spans: Vec<_> = pieces.map(|piece| (piece.offset, piece.end())).collect();
    spans.sort_unstable();
    let mut bytes = least_bytes;
    loop {
        let mut next = 0;
        let mut units = 0;
        for (from, to) in &spans {
            let (first, end) = ((from / bytes).max(next), to.div_ceil(bytes));
            units += end.saturating_sub(first);
            next = next.max(end);
        }
        if units <= UNITS_MAX as u64 {
            return bytes;
        }
        bytes *= 2;
    }
}

/// A file while it is decided.
struct Survivor<'a, 'd> {
    file: &'a FileNode,
    rules: Rules<'a>,
    decide: &'d mut dyn Decide,
    content: Content,
    size: u64,
    room: Room,
}

impl<'a> Survivor<'a, '_> {
    /// Decides `from..to`, which nobody wrote to and no sync covered.
    fn holes(&mut self, from: u64, to: u64) {
        let to = to.min(self.size);
        if from >= to || !self.shows_garbage() {
            return;
        }
        let mut step = PAGE_BYTES as u64;
        while (to - from).div_ceil(step) > HOLES_MAX {
            step *= 2;
        }
        let mut at = from;
        while at < to {
            let end = ((at / step + 1) * step).min(to);
            let unit = Unit::Hole { file: &self.file.name, from: at, to: end };
            let mut outcomes = vec![Outcome::Zeros];
            self.add_garbage(at, &mut outcomes);
            let outcome = self.decide.outcome(unit, &outcomes, &[]);
            self.fill(outcome, at, end);
            at = end;
        }
    }

    fn shows_garbage(&self) -> bool {
        self.rules.personality.appended == Appended::Anything
    }

    fn unit(&mut self, unit: &Touched<'a>) {
        if !unit.limbo.is_empty() && self.rules.personality.failed_sync != FailedSync::Reverts {
            self.limbo(unit);
        }
        match self.room {
            Room::Moment(moment) if unit.is_room(self.file) => {
                let kept = unit.pending.partition_point(|piece| piece.stamp < moment);
                self.apply(&unit.pending[..kept], unit.from, unit.to);
            }
            _ if !unit.pending.is_empty() => self.pending(unit),
            _ => {}
        }
    }

    fn limbo(&mut self, unit: &Touched<'a>) {
        let name = Unit::Limbo { file: &self.file.name, from: unit.from, to: unit.to };
        let count = unit.limbo.len() as u64;
        let reverted = unit.limbo.iter().any(|limbo| limbo.cached == Cached::Old);
        let versions = if reverted { count } else { count - 1 };
        let least = if self.rules.personality.versions == Versions::Any { 1 } else { count };
        let mut outcomes = vec![Outcome::New];
        outcomes.extend((least..=versions).rev().map(Outcome::Version));
        outcomes.push(Outcome::Durable);
        if self.shows_garbage() && unit.limbo.iter().any(|limbo| limbo.unborn) {
            self.add_garbage(unit.from, &mut outcomes);
        }
        let outcome = self.decide.outcome(name, &outcomes, &[]);
        match outcome {
            Outcome::Version(count) => {
                for limbo in &unit.limbo[..count as usize] {
                    limbo.piece.apply(&mut self.content, unit.from, unit.to);
                }
            }
            Outcome::New => {
                for limbo in unit.limbo.iter().filter(|limbo| limbo.cached != Cached::Old) {
                    limbo.piece.apply(&mut self.content, unit.from, unit.to);
                }
            }
            garbage => {
                for limbo in unit.limbo.iter().filter(|limbo| limbo.unborn) {
                    let (from, to) = (limbo.piece.offset, limbo.piece.end());
                    self.fill(garbage, from.max(unit.from), to.min(unit.to));
                }
            }
        }
    }

    fn pending(&mut self, unit: &Touched<'a>) {
        let name = Unit::Bytes { file: &self.file.name, from: unit.from, to: unit.to };
        let (outcomes, stamps) = self.pending_outcomes(unit);
        let all = unit.pending.len();
        match self.decide.outcome(name, &outcomes, &stamps) {
            Outcome::New => self.apply(&unit.pending, unit.from, unit.to),
            Outcome::Version(count) => {
                self.apply(&unit.pending[..(count as usize).min(all)], unit.from, unit.to);
            }
            Outcome::TornFront => {
                let cut = unit.from + self.decide.cut(name, unit.to - unit.from);
                self.apply(&unit.pending, unit.from, cut);
            }
            Outcome::TornBack => {
                let cut = unit.from + self.decide.cut(name, unit.to - unit.from);
                self.apply(&unit.pending, cut, unit.to);
            }
            other => self.fill(other, unit.from.max(self.file.durable.size()), unit.to),
        }
    }

    fn pending_outcomes(&self, unit: &Touched<'a>) -> (Vec<Outcome>, Vec<Stamp>) {
        let personality = &self.rules.personality;
        let count = unit.pending.len();
        let owed = match self.room {
            Room::Units(from) if from > 0 && unit.is_room(self.file) => {
                unit.pending.partition_point(|piece| piece.stamp < from)
            }
            _ => 0,
        };
        let least = if personality.versions == Versions::Any { owed.max(1) } else { count };
        let mut outcomes = vec![Outcome::New];
        outcomes.extend((least as u64..count as u64).rev().map(Outcome::Version));
        let versions = unit.pending.iter().rev().take(outcomes.len());
        let mut stamps: Vec<_> = versions.map(|piece| piece.stamp).collect();
        if owed > 0 {
            return (outcomes, stamps);
        }
        let born = unit.from < self.file.durable.size();
        let unborn = unit.to.min(self.size) > self.file.durable.size();
        outcomes.push(if born { Outcome::Durable } else { Outcome::Zeros });
        stamps.push(0);
        if self.shows_garbage() && unborn {
            self.add_garbage(unit.from.max(self.file.durable.size()), &mut outcomes);
        }
        if personality.tear == Tear::Byte {
            outcomes.extend([Outcome::TornFront, Outcome::TornBack]);
        }
        (outcomes, stamps)
    }

    fn apply(&mut self, pieces: &[&Piece], from: u64, to: u64) {
        for piece in pieces {
            piece.apply(&mut self.content, from, to);
        }
    }

    fn add_garbage(&self, from: u64, outcomes: &mut Vec<Outcome>) {
        let reaching = self.stale_reaching(from).take(STALE_SHOWN_MAX).count() as u64;
        outcomes.extend((0..reaching).map(Outcome::Stale));
        outcomes.push(Outcome::Noise);
    }

    fn stale_reaching(&self, from: u64) -> impl Iterator<Item = &'a Content> + use<'a> {
        self.rules.stale.iter().rev().filter(move |stale| stale.size() > from)
    }

    /// Puts garbage into bytes that no sync covered; any other outcome leaves them as they are.
    fn fill(&mut self, outcome: Outcome, from: u64, to: u64) {
        let to = to.min(self.size);
        if from >= to {
            return;
        }
        match outcome {
            Outcome::Stale(which) => {
                if let Some(stale) = self.stale_reaching(from).nth(which as usize) {
                    self.content.write(from, &stale.bytes(from, to));
                }
            }
            Outcome::Noise => {
                let noise: Vec<u8> = (from..to).map(noise).collect();
                self.content.write(from, &noise);
            }
            _ => {}
        }
    }
}

/// A byte of no origin, never zero.
fn noise(offset: u64) -> u8 {
    let mixed = (offset / 8 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed.to_le_bytes()[(offset % 8) as usize] | 1
}

/// The value that a power loss leaves a name with, and the stamp of the change that gave it.
pub(super) fn name_after(
    slot: &Slot,
    personality: Personality,
    decide: &mut dyn Decide,
) -> (Value, Stamp) {
    let pending = slot.pending.len();
    let doubts = personality.failed_sync != FailedSync::Reverts;
    let limbo = slot.limbo.as_ref().filter(|_| doubts);
    let shown = pending == 0 && limbo.is_some_and(|limbo| limbo.cached == Cached::Old);
    let limbo = limbo.map_or(&[][..], |limbo| &limbo.values[..]);
    if limbo.len() + pending == 0 {
        return (slot.durable, 0);
    }
    let mut outcomes = vec![Outcome::New];
    outcomes.extend((1..(limbo.len() + pending) as u64).rev().map(Outcome::Version));
    outcomes.push(Outcome::Durable);
    if shown {
        // The cache shows the durable value again, so what was tried stands beside it.
        let last = outcomes.len() - 1;
        outcomes[last] = Outcome::Version(limbo.len() as u64);
    }
    let mut stamps: Vec<_> = slot.pending.iter().rev().map(|change| change.stamp).collect();
    stamps.resize(outcomes.len(), 0);
    let newest = slot.pending.last().map_or(0, |change| change.stamp);
    match decide.outcome(Unit::Name { name: &slot.name }, &outcomes, &stamps) {
        Outcome::Version(count) => match (count as usize).checked_sub(limbo.len() + 1) {
            Some(index) => (slot.pending[index].value, slot.pending[index].stamp),
            None => (limbo[count as usize - 1], 0),
        },
        Outcome::Durable => (slot.durable, 0),
        _ => (slot.live, newest),
    }
}
