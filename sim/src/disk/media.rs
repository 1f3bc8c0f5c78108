//! Media that decay: places that show something else than what was written there, though every sync
//! of it succeeded.
//!
//! | damage | what the place shows from then on |
//! |---|---|
//! | `rot` | its bytes, one bit turned |
//! | `misdirected` | the bytes of another sector, of the same file or another; of a read, all bytes of another one |
//! | `stale` | what it held before the last sync of the file |
//! | `lost` | the same, and so does every sector that this sync made durable |
//!
//! Damage is laid over the bytes for good: whoever reads the place again reads the same, until it is
//! written anew. What was there before is on the disk that the world's disk was copied from.

use std::ops::Range;
use std::sync::Arc;

use seawall_os::site::FileClass;

use super::content::Content;
use super::directory::NodeId;
use super::file::{SECTOR_BYTES, sector_range};
use super::rates::Counts;
use super::state::Disk;
use super::world::{Call, World};
use crate::choice::{Actor, Label, Odds, Stream, Who};

/// The most places of a disk that are damaged before anyone looks at it.
const PLACES_MAX: u64 = 3;

/// So many reads are remembered, for one of the same length to be answered with the bytes of another.
const READS_MAX: usize = 64;

/// What was read: file, offset and length.
pub(super) type Read = (u32, u64, u64);

/// Bytes that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The name of the file.
    pub file: Arc<str>,
    /// The kind, such as `rot`.
    pub kind: &'static str,
    /// The bytes that changed lie in here.
    pub bytes: Range<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rot,
    Misdirected,
    Stale,
    Lost,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Rot, "rot"),
    (Kind::Misdirected, "misdirected"),
    (Kind::Stale, "stale"),
    (Kind::Lost, "lost"),
];

impl World {
    /// Damages a few places before anyone has looked at the disk. Files of these names are spared.
    pub(super) fn damage_at_rest(&self, spared: &[&str]) {
        let actor = Actor::new(self.id, Who::Run);
        let site = self.choices.site("media/places");
        let places = self.choices.number(Stream::Faults, actor, site, 1..=PLACES_MAX);
        for _ in 0..places {
            if let Some((number, sector)) = self.a_place(actor, spared) {
                self.damage(actor, number, sector);
            }
        }
    }

    /// Before a read, a sector that it is about may have decayed.
    pub(super) fn decay(&self, call: &Call, number: u32, offset: u64, len: u64) {
        if len == 0 || !self.decays.get() {
            return;
        }
        if self.fault(call, self.faults.decay_one_in, "decay")
            && !self.misread(call, number, offset, len)
        {
            let site = self.choices.site("media/read");
            let (first, last) = (offset / SECTOR_BYTES, (offset + len - 1) / SECTOR_BYTES);
            let sector = self.choices.number(Stream::Faults, call.actor, site, first..=last);
            self.damage(call.actor, number, sector);
        }
    }

    /// Answers with the bytes of another read, if there was one of that length: what was written with a
    /// checksum is whole there, and stands in the wrong place.
    fn misread(&self, call: &Call, number: u32, offset: u64, len: u64) -> bool {
        let others: Vec<Read> = {
            let state = &mut *self.state();
            let is_other = |read: &&Read| {
                let (file, at, bytes) = **read;
                bytes == len && (file, at) != (number, offset) && state.disk.has_file(file)
            };
            state.reads.iter().filter(is_other).copied().collect()
        };
        let site = self.choices.site("media/misread");
        let label = |index: usize| match index {
            0 => Label::Word("sector"),
            _ => Label::Counted("read", index as u64),
        };
        let count = others.len() + 1;
        let pick =
            self.choices.choose(Stream::Faults, call.actor, site, Odds::Uniform, count, &label);
        let Some(&(file, at, _)) = pick.checked_sub(1).and_then(|index| others.get(index)) else {
            return false;
        };
        let state = &mut *self.state();
        let mut bytes = state.disk.file(file).live.bytes(at, at + len);
        bytes.resize(usize::try_from(len).unwrap_or(0), 0);
        let Some(bytes) = state.disk.lay_over(number, offset, &bytes) else { return false };
        state.counts.misdirected += 1;
        let file = Arc::clone(&state.disk.file(number).name);
        state.damage.push(Damage { file, kind: "misdirected", bytes });
        true
    }

    /// Remembers a read where media decay.
    pub(super) fn note_read(&self, number: u32, offset: u64, len: u64) {
        if self.faults.decay_one_in == 0 || !self.decays.get() {
            return;
        }
        let reads = &mut self.state().reads;
        if !reads.contains(&(number, offset, len)) {
            reads.truncate(READS_MAX - 1);
            reads.insert(0, (number, offset, len));
        }
    }

    /// A sector that holds something: first the kind of file is drawn, for there are many tables.
    fn a_place(&self, actor: Actor, spared: &[&str]) -> Option<(u32, u64)> {
        let files = self.state().disk.files_with_content(spared);
        let mut classes: Vec<FileClass> = files.iter().map(|file| file.class).collect();
        classes.sort();
        classes.dedup();
        let count = classes.len();
        let label = |index: usize| Label::Number(index as u64);
        let pick = |site: &str, count: usize, label: &dyn Fn(usize) -> Label| {
            let site = self.choices.site(site);
            self.choices.choose(Stream::Faults, actor, site, Odds::Uniform, count, &label)
        };
        let class =
            *classes.get(if count == 0 { 0 } else { pick("media/class", count, &label) })?;
        let files: Vec<_> = files.into_iter().filter(|file| file.class == class).collect();
        let label = |index: usize| Label::Counted("file", u64::from(files[index].number));
        let file = &files[pick("media/file", files.len(), &label)];
        let (site, last) = (self.choices.site("media/sector"), (file.end - 1) / SECTOR_BYTES);
        let sector = self.choices.number(Stream::Faults, actor, site, 0..=last);
        Some((file.number, sector))
    }

    /// Damages a sector, or all that the last sync of its file covered.
    fn damage(&self, actor: Actor, number: u32, sector: u64) {
        let label = |index: usize| Label::Word(KINDS[index].1);
        let site = self.choices.site("media/kind");
        let count = KINDS.len();
        let kind = self.choices.choose(Stream::Faults, actor, site, Odds::Uniform, count, &label);
        let (kind, word) = KINDS[kind];
        let laid = match kind {
            Kind::Rot => self.rot(actor, number, sector),
            Kind::Misdirected => self.misdirect(actor, number, sector),
            Kind::Stale => {
                let (from, to) = sector_range(sector);
                self.state().disk.go_back(number, from, to)
            }
            Kind::Lost => self.state().disk.go_back(number, 0, u64::MAX),
        };
        let Some(bytes) = laid else { return };
        let state = &mut *self.state();
        *counter(&mut state.counts, kind) += 1;
        let file = Arc::clone(&state.disk.file(number).name);
        state.damage.push(Damage { file, kind: word, bytes });
    }

    fn rot(&self, actor: Actor, number: u32, sector: u64) -> Option<Range<u64>> {
        let (from, to) = sector_range(sector);
        let size = self.state().disk.file(number).live.size();
        let bits = to.min(size).checked_sub(from).filter(|bytes| *bytes > 0)? * 8;
        let site = self.choices.site("media/bit");
        let bit = self.choices.number(Stream::Faults, actor, site, 0..=bits - 1);
        let disk = &mut self.state().disk;
        let at = from + bit / 8;
        let byte = disk.file(number).live.bytes(at, at + 1)[0];
        disk.lay_over(number, at, &[byte ^ 1 << (bit % 8)])
    }

    fn misdirect(&self, actor: Actor, number: u32, sector: u64) -> Option<Range<u64>> {
        let (other, from) = self.a_place(actor, &[])?;
        let (from, to) = sector_range(from);
        let disk = &mut self.state().disk;
        let mut bytes = disk.file(other).live.bytes(from, to);
        bytes.resize(SECTOR_BYTES as usize, 0);
        disk.lay_over(number, sector_range(sector).0, &bytes)
    }
}

fn counter(counts: &mut Counts, kind: Kind) -> &mut u64 {
    match kind {
        Kind::Rot => &mut counts.rot,
        Kind::Misdirected => &mut counts.misdirected,
        Kind::Stale => &mut counts.stale,
        Kind::Lost => &mut counts.lost_writes,
    }
}

/// A file that can be damaged.
struct Target {
    number: u32,
    class: FileClass,
    /// Behind its last byte that is not zero.
    end: u64,
}

impl Disk {
    fn files_with_content(&self, spared: &[&str]) -> Vec<Target> {
        let mut targets = Vec::new();
        for (_, directory) in &self.directories {
            for (name, node) in directory.live_entries() {
                let NodeId::File(number) = node else { continue };
                let end = self.file(number).live.content_end();
                if end > 0 && !spared.contains(&&**name) {
                    targets.push(Target { number, class: FileClass::of_name(name), end });
                }
            }
        }
        targets
    }

    /// Puts bytes over those of a file, in what is durable and in what programs see, as far as the file
    /// reaches. Returns where they differ, if they do.
    fn lay_over(&mut self, number: u32, at: u64, bytes: &[u8]) -> Option<Range<u64>> {
        let file = self.file_mut(number);
        let before = file.live.bytes(at, at + bytes.len() as u64);
        let differs = |(index, byte): (usize, &u8)| (*byte != bytes[index]).then_some(index as u64);
        let mut places = before.iter().enumerate().filter_map(differs);
        let first = places.next()?;
        let last = places.next_back().unwrap_or(first);
        file.live.write(at, &bytes[..before.len()]);
        let durable = file.durable.bytes(at, at + bytes.len() as u64).len();
        if durable > 0 {
            file.durable.write(at, &bytes[..durable]);
        }
        self.recount();
        Some(at + first..at + last + 1)
    }

    /// Shows in a range what the file held before its last sync.
    fn go_back(&mut self, number: u32, from: u64, to: u64) -> Option<Range<u64>> {
        let file = self.file(number);
        let earlier: &Content = file.earlier.as_ref()?;
        let to = to.min(file.live.size());
        let mut bytes = earlier.bytes(from, to);
        bytes.resize(usize::try_from(to.checked_sub(from)?).ok()?, 0);
        self.lay_over(number, from, &bytes)
    }
}
