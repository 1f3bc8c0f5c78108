//! One file: what is durable, what programs see, and what lies between.
//!
//! ```text
//!            write, set_len                 sync issued ... completes
//!   live  ◄──────────────── program                 │
//!   pending: [w1][w2][cut][w3] ─────────────────────┴──► durable    (what was pending at issue)
//!                 │ a sync fails
//!                 ▼
//!   limbo:   pieces of which nothing is known any more, until overwritten and synced
//! ```
//!
//! `pending` keeps every unsynced change, not only the newest: a power loss may keep any version of
//! a sector. Sizes are pending apart from bytes, for the size survives apart from the data.
//!
//! Invariants: pieces and sizes are in stamp order; within a sector every limbo piece is older than
//! every pending one; with nothing pending and nothing in limbo, `live == durable`.

use std::sync::Arc;

use super::content::{Content, PAGE_BYTES, page_count};
use super::piece::{Piece, Stamp};

/// The unit a power loss keeps or loses.
pub(super) const SECTOR_BYTES: u64 = 512;

/// What a failed sync does to a sector, a name or a size that it was to make durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailedFate {
    /// Still dirty: a later sync covers it.
    Dirty,
    /// The cache shows the new value and takes it for clean: no later sync covers it.
    CleanNew,
    /// The cache has gone back to the old value.
    CleanOld,
    /// As `CleanNew`, and the cache goes back to the old value when it lets go of the page.
    OldLater,
}

/// What the cache shows of a piece in limbo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cached {
    New,
    Old,
    OldLater,
}

#[derive(Clone, Debug)]
pub(super) struct LimboPiece {
    pub(super) piece: Piece,
    pub(super) cached: Cached,
    /// No sync had ever covered these bytes when theirs failed: they may hold anything.
    pub(super) unborn: bool,
}

/// What failed syncs left undecided.
#[derive(Clone, Debug, Default)]
pub(super) struct FileLimbo {
    pub(super) pieces: Vec<LimboPiece>,
    pub(super) sizes: Vec<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct FileNode {
    /// The last name it bore, for reports and for the names of choices.
    pub(super) name: Arc<str>,
    pub(super) durable: Content,
    pub(super) live: Content,
    pub(super) pending: Vec<Piece>,
    pub(super) sizes: Vec<(Stamp, u64)>,
    pub(super) limbo: FileLimbo,
    /// What was durable before the last good sync, on a disk that keeps that.
    pub(super) earlier: Option<Content>,
    /// A write-back has failed, and the next sync will say so.
    pub(super) untold: bool,
    /// The first pages, which have space whether they hold bytes or not.
    reserved_pages: usize,
}

impl FileNode {
    pub(super) fn new(name: Arc<str>) -> FileNode {
        FileNode {
            name,
            durable: Content::default(),
            live: Content::default(),
            pending: Vec::new(),
            sizes: Vec::new(),
            limbo: FileLimbo::default(),
            earlier: None,
            untold: false,
            reserved_pages: 0,
        }
    }

    /// Whether a power loss has anything to decide here.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
            && self.sizes.is_empty()
            && self.limbo.pieces.is_empty()
            && self.limbo.sizes.is_empty()
    }

    pub(super) fn write(&mut self, stamp: Stamp, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let size = self.live.size();
        self.grow(stamp, offset);
        self.live.write(offset, bytes);
        self.pending.push(Piece::written(stamp, offset, bytes));
        if self.live.size() != size {
            self.sizes.push((stamp, self.live.size()));
        }
    }

    pub(super) fn set_size(&mut self, stamp: Stamp, size: u64) {
        let old = self.live.size();
        if size == old {
            return;
        }
        self.grow(stamp, size);
        if size < old {
            self.pending.push(Piece::zeros(stamp, size, old));
            self.reserved_pages = self.reserved_pages.min(page_count(size));
        }
        self.live.set_size(size);
        self.sizes.push((stamp, size));
    }

    /// Notes that a gap up to `to` shows zeros, though the disk may still hold what a cut took away:
    /// the sync that was to tell it of the cut has failed.
    fn grow(&mut self, stamp: Stamp, to: u64) {
        let old = self.live.size();
        if to > old && !self.limbo.pieces.is_empty() {
            self.pending.push(Piece::zeros(stamp, old, to));
        }
    }

    pub(super) fn reserve(&mut self, stamp: Stamp, size: u64) {
        self.reserved_pages = self.reserved_pages.max(page_count(size));
        if size > self.live.size() {
            self.set_size(stamp, size);
        }
    }

    /// The pages the file takes up.
    pub(super) fn pages_used(&self) -> u64 {
        self.reserved_pages as u64 + self.live.pages_present(self.reserved_pages, usize::MAX)
    }

    /// The pages a write would add to that.
    pub(super) fn pages_needed(&self, offset: u64, len: u64) -> u64 {
        let first = (offset / PAGE_BYTES as u64) as usize;
        (first..page_count(offset + len)).filter(|page| self.needs_page(*page)).count() as u64
    }

    /// The first byte of a write that finds no room when `free` pages are left.
    pub(super) fn room_ends(&self, offset: u64, len: u64, free: u64) -> u64 {
        let first = (offset / PAGE_BYTES as u64) as usize;
        let mut needed = (first..page_count(offset + len)).filter(|page| self.needs_page(*page));
        match needed.nth(usize::try_from(free).unwrap_or(usize::MAX)) {
            Some(page) => offset.max(page as u64 * PAGE_BYTES as u64),
            None => offset + len,
        }
    }

    fn needs_page(&self, page: usize) -> bool {
        page >= self.reserved_pages && !self.live.has_page(page)
    }

    /// The pages a reservation of the first `size` bytes would add.
    pub(super) fn pages_to_reserve(&self, size: u64) -> u64 {
        let to = page_count(size).max(self.reserved_pages);
        let new = (to - self.reserved_pages) as u64;
        new - self.live.pages_present(self.reserved_pages, to)
    }

    /// A sync succeeded that was issued when the disk's counter stood at `issued`.
    pub(super) fn complete_sync(&mut self, issued: Stamp) {
        let size =
            self.sizes.iter().rev().find(|(stamp, _)| *stamp < issued).map(|(_, size)| *size);
        let pieces = self.pending.partition_point(|piece| piece.stamp < issued);
        if size.is_none() && pieces == 0 {
            return;
        }
        let written = self.pending[..pieces].iter().filter(|piece| piece.is_write());
        let reach = written.map(Piece::end).max().unwrap_or(0).min(self.live.size());
        let before = self.durable.size();
        self.settle(pieces);
        self.sizes.retain(|(stamp, _)| *stamp >= issued);
        match size {
            Some(size) => {
                self.limbo.sizes.clear();
                self.durable.set_size(size);
            }
            None => {
                self.limbo.sizes.retain(|size| *size >= reach);
                self.durable.set_size(before.max(reach));
            }
        }
    }

    /// Moves the first pending pieces into the durable bytes.
    fn settle(&mut self, pieces: usize) {
        let bytes: u64 =
            self.pending[..pieces].iter().map(|piece| piece.end() - piece.offset).sum();
        let everything = pieces == self.pending.len() && self.limbo.pieces.is_empty();
        if everything && bytes >= PAGE_BYTES as u64 {
            // Sharing the pages is cheaper than copying the bytes once more.
            self.pending.clear();
            self.durable = self.live.clone();
            return;
        }
        for piece in self.pending.drain(..pieces) {
            piece.apply(&mut self.durable, 0, u64::MAX);
            if !self.limbo.pieces.is_empty() {
                self.limbo.pieces =
                    self.limbo.pieces.iter().flat_map(|old| old.outside(&piece)).collect();
            }
        }
    }

    /// A sync failed that was issued at `issued`. `decide` is asked for every sector it was to cover,
    /// by its number, and at last for the size, by `None`.
    pub(super) fn fail_sync(
        &mut self,
        issued: Stamp,
        decide: &mut dyn FnMut(Option<u64>) -> FailedFate,
    ) {
        let count = self.pending.partition_point(|piece| piece.stamp < issued);
        let later = self.pending.split_off(count);
        let failed = std::mem::replace(&mut self.pending, later);
        let mut kept = Vec::new();
        for sector in sectors_of(failed.iter()) {
            let fate = decide(Some(sector));
            let (from, to) = (sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
            for piece in failed.iter().filter_map(|piece| piece.within(from, to)) {
                match fate {
                    FailedFate::Dirty => kept.push(piece),
                    FailedFate::CleanNew => self.lose_track(piece, Cached::New),
                    FailedFate::CleanOld => self.lose_track(piece, Cached::Old),
                    FailedFate::OldLater => self.lose_track(piece, Cached::OldLater),
                }
            }
            if fate == FailedFate::CleanOld {
                self.rebuild_live(from, to);
            }
        }
        kept.sort_by_key(|piece| piece.stamp);
        kept.append(&mut self.pending);
        self.pending = kept;
        let undecided = self.sizes.iter().take_while(|(stamp, _)| *stamp < issued).count();
        if undecided > 0 && decide(None) != FailedFate::Dirty {
            self.limbo.sizes.extend(self.sizes.drain(..undecided).map(|(_, size)| size));
        }
    }

    fn lose_track(&mut self, piece: Piece, cached: Cached) {
        let born = self.durable.size();
        for (from, to, unborn) in [(0, born, false), (born, u64::MAX, true)] {
            if let Some(piece) = piece.within(from, to) {
                self.limbo.pieces.push(LimboPiece { piece, cached, unborn });
            }
        }
    }

    /// The sectors that the cache will show as old once it lets go of their pages.
    pub(super) fn old_later(&self) -> Vec<u64> {
        let pieces = self.limbo.pieces.iter().filter(|piece| piece.cached == Cached::OldLater);
        sectors_of(pieces.map(|limbo| &limbo.piece))
    }

    /// The cache lets go of a sector and reads it again: what `old_later` named goes back.
    pub(super) fn evict(&mut self, sector: u64) {
        let (from, to) = (sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
        for limbo in &mut self.limbo.pieces {
            if limbo.cached == Cached::OldLater && limbo.piece.touches(from, to) {
                limbo.cached = Cached::Old;
            }
        }
        self.rebuild_live(from, to);
    }

    /// Makes the cache of `from..to` what the durable bytes and the shown pieces say.
    fn rebuild_live(&mut self, from: u64, to: u64) {
        let size = self.live.size();
        let to = to.min(size);
        if from >= to {
            return;
        }
        self.live.zero(from, to);
        self.live.write(from, &self.durable.bytes(from, to));
        for limbo in self.limbo.pieces.iter().filter(|limbo| limbo.cached != Cached::Old) {
            limbo.piece.apply(&mut self.live, from, to);
        }
        for piece in &self.pending {
            piece.apply(&mut self.live, from, to);
        }
    }

    /// The file as a crash left it: what is there is durable.
    pub(super) fn settled(&self, content: Content) -> FileNode {
        FileNode {
            name: Arc::clone(&self.name),
            durable: content.clone(),
            pending: Vec::new(),
            sizes: Vec::new(),
            limbo: FileLimbo::default(),
            earlier: self.earlier.clone(),
            untold: false,
            reserved_pages: self.reserved_pages.min(page_count(content.size())),
            live: content,
        }
    }
}

impl LimboPiece {
    /// What is left of it after a good sync covered `piece`.
    fn outside(&self, piece: &Piece) -> impl Iterator<Item = LimboPiece> {
        let parts = [self.piece.within(0, piece.offset), self.piece.within(piece.end(), u64::MAX)];
        let (cached, unborn) = (self.cached, self.unborn);
        parts.into_iter().flatten().map(move |piece| LimboPiece { piece, cached, unborn })
    }
}

/// The sectors that pieces touch, ascending, each once.
pub(super) fn sectors_of<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Vec<u64> {
    let mut sectors = Vec::new();
    for piece in pieces {
        sectors.extend(piece.offset / SECTOR_BYTES..piece.end().div_ceil(SECTOR_BYTES));
    }
    sectors.sort_unstable();
    sectors.dedup();
    sectors
}

/// The bytes of a sector.
pub(super) fn sector_range(sector: u64) -> (u64, u64) {
    (sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES)
}
