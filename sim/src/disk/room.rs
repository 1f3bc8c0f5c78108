//! The room of a file: what lies beyond its durable size, and which size survives with it.
//!
//! ```text
//!   durable size                      sizes since          512     1,024       1,536
//!   |            w1    w2     set_len                     |       |           |
//!   [ durable  | aaaa  bbbb   0000 |  moments        none  w1      w1, w2
//! ```
//!
//! A *moment* is how many of the writes to the room are there, in the order in which they were made.
//! The cells `appended` and `size` of a personality say which moments go with which sizes. Where the
//! room has no moment, each of its units is on its own, and owes only what its size needs.

use super::file::FileNode;
use super::personality::{Appended, Personality, SizeOrder, Versions};
use super::piece::Stamp;
use super::survival::{Decide, Outcome, Touched, Unit, touched_units};

/// A size that the file had.
#[derive(Clone, Copy)]
struct SizeAt {
    size: u64,
    /// It was given by the last change before this stamp; zero for the durable size.
    since: Stamp,
    /// The stamp of the change that gave the next one.
    until: Stamp,
    is_written: bool,
}

/// What a size asks of the room.
#[derive(Clone, Copy)]
struct Owed {
    /// What was written before this stamp is there.
    from: Stamp,
    /// What was written at this stamp or later is not.
    until: Stamp,
}

/// The room of a file whose size is decided.
pub(super) enum Room {
    /// Its units are on their own, but show what was written before this stamp.
    Units(Stamp),
    /// It shows what was written before this stamp, and nothing later.
    Moment(Stamp),
}

impl Personality {
    /// Whether room and size are decided apart from one another, and each of all there is.
    pub(super) fn leaves_the_room_alone(&self) -> bool {
        !self.appended.has_a_moment() && self.size == SizeOrder::Independent
    }

    fn admits(&self, at: &SizeAt) -> bool {
        self.size != SizeOrder::OneTransaction || at.since == 0 || at.until == Stamp::MAX
    }

    fn owed(&self, at: &SizeAt) -> Owed {
        let waits = match self.size {
            SizeOrder::AfterData => at.is_written,
            SizeOrder::AtIoEnd => true,
            SizeOrder::Independent | SizeOrder::OneTransaction => false,
        };
        let goes_along = self.appended == Appended::WithSize;
        Owed {
            from: if waits || goes_along { at.since } else { 0 },
            until: if goes_along { at.until } else { Stamp::MAX },
        }
    }
}

impl Owed {
    /// Whether the room may stand at this moment, which is one of `moments`.
    fn admits(&self, moment: Stamp, moments: &[Stamp]) -> bool {
        let lacks = moments.iter().any(|later| *later > moment && *later <= self.from);
        moment <= self.until && !lacks
    }
}

/// What each way in which a file came to have this size owes; nothing if it may not survive.
fn owed(file: &FileNode, size: u64, personality: &Personality) -> Vec<Owed> {
    let until = |index: usize| file.sizes.get(index).map_or(Stamp::MAX, |(stamp, _)| *stamp);
    let is_written =
        |stamp: Stamp| file.pending.iter().any(|piece| piece.is_write() && piece.stamp == stamp);
    let durable =
        SizeAt { size: file.durable.size(), since: 0, until: until(0), is_written: false };
    let later = file.sizes.iter().enumerate().map(|(index, (stamp, size))| SizeAt {
        size: *size,
        since: stamp + 1,
        until: until(index + 1),
        is_written: is_written(*stamp),
    });
    let known = [durable].into_iter().chain(later);
    let known = known.filter(|at| at.size == size && personality.admits(at));
    // Of a size whose sync failed nothing is known.
    let lost = file.limbo.sizes.iter().filter(|lost| **lost == size);
    let lost = lost.map(|_| Owed { from: 0, until: Stamp::MAX });
    known.map(|at| personality.owed(&at)).chain(lost).collect()
}

/// A moment, and how many moments of the room come before it.
type Numbered = (u64, Stamp);

/// The moments that the room may stand at below `size`, and how many there are otherwise. A moment is
/// a stamp: what was written before it is there.
fn moments(file: &FileNode, size: u64, personality: &Personality) -> (Vec<Numbered>, u64) {
    let units = touched_units(file, size, personality.tear.unit_bytes());
    let room: Vec<_> = units.iter().filter(|unit| unit.is_room(file)).collect();
    let pieces = room.iter().flat_map(|unit| &unit.pending);
    let mut all: Vec<_> = [0].into_iter().chain(pieces.map(|piece| piece.stamp + 1)).collect();
    all.sort_unstable();
    all.dedup();
    let owed = owed(file, size, personality);
    let whole = personality.versions == Versions::Any;
    let may_be = |moment: Stamp| {
        (whole || room.iter().all(|unit| unit.is_at_an_end(moment)))
            && owed.iter().any(|owed| owed.admits(moment, &all))
    };
    let numbered = (0..).zip(all.iter().copied());
    (numbered.filter(|(_, moment)| may_be(*moment)).collect(), all.len() as u64)
}

/// Whether a power loss may leave a file with this size at all.
pub(super) fn admits_size(file: &FileNode, size: u64, personality: &Personality) -> bool {
    match personality.appended.has_a_moment() {
        true => !moments(file, size, personality).0.is_empty(),
        false => !owed(file, size, personality).is_empty(),
    }
}

/// Decides what the room shows below a size that has been decided.
pub(super) fn decide_room(
    file: &FileNode,
    size: u64,
    personality: &Personality,
    decide: &mut dyn Decide,
) -> Room {
    if personality.leaves_the_room_alone() {
        return Room::Units(0);
    }
    if !personality.appended.has_a_moment() {
        let owed = owed(file, size, personality);
        return Room::Units(owed.iter().map(|owed| owed.from).min().unwrap_or(0));
    }
    let (mut moments, count) = moments(file, size, personality);
    moments.reverse();
    let outcome = |(number, _): &Numbered| match *number {
        0 => Outcome::Durable,
        number if number + 1 == count => Outcome::New,
        number => Outcome::Version(number),
    };
    let outcomes: Vec<_> = moments.iter().map(outcome).collect();
    let stamps: Vec<_> = moments.iter().map(|(_, moment)| moment.saturating_sub(1)).collect();
    let chosen = match outcomes.len() {
        0 | 1 => 0,
        _ => {
            let unit = Unit::Room { file: &file.name };
            let outcome = decide.outcome(unit, &outcomes, &stamps);
            outcomes.iter().position(|it| *it == outcome).unwrap_or(0)
        }
    };
    Room::Moment(moments.get(chosen).map_or(0, |(_, moment)| *moment))
}

impl Touched<'_> {
    /// Whether it reaches beyond what is durable.
    pub(super) fn is_room(&self, file: &FileNode) -> bool {
        self.to > file.durable.size()
    }

    /// Whether it shows nothing of what is pending at this moment, or all.
    fn is_at_an_end(&self, moment: Stamp) -> bool {
        let kept = self.pending.partition_point(|piece| piece.stamp < moment);
        kept == 0 || kept == self.pending.len()
    }
}
