//! Which calls fail, and what a failed one leaves.
//!
//! Whether a fault strikes is a choice at the call's own site. What follows from it, such as how much
//! of a write is there, is asked only then, at sites named after the call's.

use super::errno::Errno;
use super::file::{FailedFate, sector_range};
use super::personality::FailedSync;
use super::piece::Stamp;
use super::state::Disk;
use super::world::{Call, World};
use crate::choice::{Label, Odds, SiteId, Stream};

/// Call sites are divided into so many parts.
const FOCI: u64 = 16;

/// How many times as often faults strike in the part that is in focus.
const FOCUS_FACTOR: u32 = 8;

impl World {
    /// Whether a fault of this rate strikes. `word` is its label.
    ///
    /// Most faults end what can be seen of a world, so at places where few calls are made they would
    /// hardly ever strike. In a world with a focus they strike there alone, and more often.
    #[inline]
    pub(super) fn fault(&self, call: &Call, one_in: u32, word: &'static str) -> bool {
        let one_in = match self.faults.focus {
            0 => one_in,
            focus if self.is_in_focus(call, focus) => one_in.min((one_in / FOCUS_FACTOR).max(2)),
            _ => 0,
        };
        if one_in == 0 || !self.faulty.get() {
            return false;
        }
        let label = |index: usize| Label::Word(if index == 0 { "ok" } else { word });
        let odds = Odds::OneIn(one_in);
        self.choices.choose(Stream::Faults, call.actor, call.id, odds, 2, &label) == 1
    }

    /// How many bytes of a failing write were written.
    pub(super) fn prefix(&self, call: &Call, len: u64) -> u64 {
        let text = self.choices.names().text(call.id);
        let site = self.choices.site(format_args!("{text}/prefix"));
        self.choices.number(Stream::Faults, call.actor, site, 0..=len)
    }

    /// Finds no room for a name, where that is the fault that strikes.
    pub(super) fn room_for_a_name(&self, call: &Call) -> Result<(), Errno> {
        self.may_change()?;
        if self.fault(call, self.faults.create_full_one_in, "enospc") {
            self.state().counts.create_full += 1;
            return Err(Errno::NoSpace);
        }
        Ok(())
    }

    /// Makes, moves or removes a name. Where a fault strikes the call fails, and the change has
    /// happened all the same or has not: if it has, it is pending like any other.
    pub(super) fn change_names<T>(
        &self,
        call: &mut Call,
        directory: u32,
        change: impl FnOnce(&mut Disk) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        self.may_remount(call)?;
        let fails = self.fault(call, self.faults.name_eio_one_in, "eio");
        let state = &mut *self.state();
        if !fails {
            call.touch.change(directory, state.disk.issue());
            return change(&mut state.disk);
        }
        if self.took_effect(call) {
            call.touch.change(directory, state.disk.issue());
            change(&mut state.disk)?;
            state.counts.name_eio_done += 1;
        } else {
            state.counts.name_eio += 1;
        }
        Err(Errno::Io)
    }

    /// Counts a call that found no room, after which there may be room again.
    pub(super) fn note_room(&self, call: &Call, result: &Result<(), Errno>) {
        if *result != Err(Errno::NoSpace) {
            return;
        }
        self.state().counts.out_of_room += 1;
        if self.fault(call, self.faults.room_returns_one_in, "room") {
            let state = &mut *self.state();
            state.counts.room_returned += 1;
            state.disk.give_room();
        }
    }

    /// The disk may fail to keep its own books, as when a journal cannot be written: this call errs and
    /// has done nothing, and until the process ends every change and every sync is refused. What was
    /// pending stays pending.
    pub(super) fn may_remount(&self, call: &Call) -> Result<(), Errno> {
        if !self.fault(call, self.faults.remount_one_in, "remount") {
            return Ok(());
        }
        self.state().counts.remounts += 1;
        self.remounted.set(true);
        Err(Errno::Io)
    }

    /// Errs where the disk takes no change any more.
    pub(super) fn is_mounted_to_write(&self) -> Result<(), Errno> {
        if !self.remounted.get() {
            return Ok(());
        }
        self.state().counts.refused += 1;
        Err(Errno::ReadOnly)
    }

    /// The error with which the sync of a file fails, if it does.
    pub(super) fn sync_fault(&self, call: &Call) -> Option<Errno> {
        if self.fault(call, self.faults.sync_eio_one_in, "eio") {
            self.state().counts.sync_eio += 1;
            return Some(Errno::Io);
        }
        if self.fault(call, self.faults.sync_full_one_in, "enospc") {
            self.state().counts.sync_full += 1;
            return Some(Errno::NoSpace);
        }
        None
    }

    /// What a sync was to cover that was issued at `issued` is unknown from now on. Whoever made it is
    /// told, of an earlier write-back that failed too.
    pub(super) fn fail_sync(&self, call: &Call, number: u32, issued: Stamp) {
        self.lose_track(call, number, issued);
        self.state().take_untold(number);
    }

    /// After a write the kernel writes back what is pending, by itself, and may fail: nobody is told
    /// before the next sync of the file, and then only whoever makes that one.
    pub(super) fn write_back(&self, call: &Call, number: u32) {
        if self.fault(call, self.faults.writeback_eio_one_in, "writeback-eio") {
            self.state().counts.writeback_eio += 1;
            let issued = self.state().disk.issue();
            self.lose_track(call, number, issued);
            self.state().disk.file_mut(number).untold = true;
        }
    }

    fn lose_track(&self, call: &Call, number: u32, issued: Stamp) {
        let mut fates = self.fates(call, self.state().disk.personality().failed_sync);
        let state = &mut *self.state();
        state.disk.sync_failed = true;
        let name = std::sync::Arc::clone(&state.disk.file(number).name);
        state.disk.fail_sync(number, issued, &mut |sector| match sector.map(sector_range) {
            Some((from, to)) => fates(self.choices.site(format_args!("{name}[{from}..{to})"))),
            None => fates(self.choices.site(format_args!("{name}/size"))),
        });
        state.disk.recount();
    }

    /// Whether a call that failed has done what it was to do.
    fn took_effect(&self, call: &Call) -> bool {
        let label = |index: usize| Label::Word(["nothing", "done"][index]);
        let text = self.choices.names().text(call.id);
        let site = self.choices.site(format_args!("{text}/effect"));
        self.choices.choose(Stream::Faults, call.actor, site, Odds::Uniform, 2, &label) == 1
    }

    fn is_in_focus(&self, call: &Call, focus: u32) -> bool {
        self.choices.names().hash(call.id) % FOCI == u64::from(focus) % FOCI
    }

    /// Decides, one after another, what a failed sync does to what it was to cover.
    pub(super) fn fates(
        &self,
        call: &Call,
        failed_sync: FailedSync,
    ) -> impl FnMut(SiteId) -> FailedFate + use<> {
        const WORDS: [&str; 5] = ["dirty", "clean-new", "clean-old", "old-later", "each"];
        let fates = failed_sync.fates();
        let label = |index: usize| Label::Word(WORDS[index]);
        let (choices, actor) = (self.choices.clone(), call.actor);
        let text = choices.names().text(call.id);
        let site = choices.site(format_args!("{text}/fates"));
        let all = match fates {
            [_] => 0,
            _ => choices.choose(Stream::Faults, actor, site, Odds::Uniform, 5, &label),
        };
        move |unit| {
            if let [only] = fates {
                return *only;
            }
            let mut weights = [1; 4];
            if all < 4 {
                weights = [0; 4];
                weights[all] = 1;
            }
            let odds = Odds::Weights(&weights);
            fates[choices.choose(Stream::Faults, actor, unit, odds, 4, &label)]
        }
    }
}
