//! How often things go wrong, and how often they did.
//!
//! Rates are numbers of a configuration line: `one_in` means once in so many calls, zero means never.

use super::config::numbers;

numbers! {
    /// How often calls fail. All zero by default: nothing fails but for lack of room.
    pub struct FaultRates {
        /// A write or a change of size fails with `EIO`; a prefix of the write may be there.
        write_eio_one_in = 0,
        /// A write fails with `ENOSPC` though there is room; a prefix of it may be there.
        write_full_one_in = 0,
        /// A file's sync fails with `EIO`, and what it was to cover is unknown from then on.
        sync_eio_one_in = 0,
        /// A file's sync fails with `ENOSPC`, and no more is known than after `EIO`.
        sync_full_one_in = 0,
        /// After a write the kernel's own write-back fails; the next sync of the file says so.
        writeback_eio_one_in = 0,
        /// A directory's sync fails with `EIO`, and the names it was to cover are unknown.
        sync_dir_eio_one_in = 0,
        /// A call that finds no room is the last to find none: others leave the disk.
        room_returns_one_in = 0,
        /// A reservation fails with `ENOSPC`.
        allocate_full_one_in = 0,
        /// Making a file or directory, or a rename, fails with `ENOSPC`.
        create_full_one_in = 0,
        /// Making, moving or removing a name fails with `EIO`; it may have happened all the same.
        name_eio_one_in = 0,
        /// A change of names or a directory's sync fails with `EIO`, and from then on the disk answers
        /// `EROFS` to every change and every sync until the process ends.
        remount_one_in = 0,
        /// A read fails with `EIO`.
        read_eio_one_in = 0,
        /// Before a read, a place that it is about decays. Only where media decay at all.
        decay_one_in = 0,
        /// Before a read, the cache lets go of what a failed sync left only in memory.
        evict_one_in = 0,
        /// If not zero, faults strike only at one part of all call sites, and more often there.
        focus = 0,
    }
}

impl FaultRates {
    /// The classes of calls that fail, each with its rate.
    pub(crate) fn classes_mut(&mut self) -> [(&'static str, &mut u32); 11] {
        [
            ("write_eio", &mut self.write_eio_one_in),
            ("write_full", &mut self.write_full_one_in),
            ("sync_eio", &mut self.sync_eio_one_in),
            ("sync_full", &mut self.sync_full_one_in),
            ("writeback_eio", &mut self.writeback_eio_one_in),
            ("sync_dir_eio", &mut self.sync_dir_eio_one_in),
            ("allocate_full", &mut self.allocate_full_one_in),
            ("create_full", &mut self.create_full_one_in),
            ("name_eio", &mut self.name_eio_one_in),
            ("remount", &mut self.remount_one_in),
            ("read_eio", &mut self.read_eio_one_in),
        ]
    }
}

numbers! {
    /// How often the world crashes, and how. No crashes by default.
    pub struct CrashRates {
        /// One call in so many that can change the disk leaves an image, and the run goes on.
        fork_one_in = 0,
        /// One call in so many that can change the disk ends the run.
        end_one_in = 0,
        /// Calls that only look crash this many times more seldom; zero means never.
        quiet_factor = 8,
        /// Calls that change the disk, at places where few calls are made, leave an image so many times
        /// as often.
        rare_factor = 1,
        /// How many of a hundred crashes are power losses; the others begin with a kill.
        power_percent = 60,
        /// How many of a hundred kills are followed by a power loss at once.
        kill_power_percent = 20,
        /// How many of a hundred crashes strike before the call has done anything.
        before_percent = 20,
        /// How many of a hundred crashes strike in the middle of the call.
        during_percent = 40,
        /// No world leaves more images than this.
        images_max = 1_000,
        /// At a kill, one in so many goes back of what a failed sync left only in memory.
        revert_one_in = 2,
        /// One image in so many is also checked against the two extremes.
        check_one_in = 64,
    }
}

/// Declares counters with names, which add up.
macro_rules! counters {
    (
        $(#[$about:meta])*
        pub struct $name:ident { $( $(#[$doc:meta])* $field:ident, )* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$doc])* pub $field: u64, )*
        }

        impl $name {
            /// Adds another run's counts.
            pub fn merge(&mut self, other: &$name) {
                $( self.$field += other.$field; )*
            }

            /// Every counter with its name.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [ $( (stringify!($field), self.$field), )* ].into_iter()
            }
        }

        /// `name=count` words, leaving out what never happened.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let happened = self.named().filter(|(_, count)| *count > 0);
                for (index, (name, count)) in happened.enumerate() {
                    write!(f, "{}{name}={count}", if index == 0 { "" } else { " " })?;
                }
                Ok(())
            }
        }
    };
}

counters! {
    /// What happened on a simulated disk, by class: whether a fault is not only possible but strikes.
    pub struct Counts {
        /// Calls made, but for those on a dead disk.
        calls,
        /// Syncs of files that succeeded.
        syncs,
        /// Syncs of directories that succeeded.
        dir_syncs,
        /// Injected `EIO` at a write or a change of size.
        write_eio,
        /// Injected `ENOSPC` at a write.
        write_full,
        /// Injected `EIO` at a sync of a file.
        sync_eio,
        /// Injected `ENOSPC` at a sync of a file.
        sync_full,
        /// Write-backs that failed, to be told by the next sync.
        writeback_eio,
        /// Syncs of files that told of a write-back that had failed.
        told_late,
        /// Failed syncs of directories.
        sync_dir_eio,
        /// Injected `ENOSPC` at a reservation.
        allocate_full,
        /// Injected `ENOSPC` where a name is made.
        create_full,
        /// Injected `EIO` where a name is made, moved or removed, and nothing has changed.
        name_eio,
        /// Injected `EIO` where a name is made, moved or removed, though that has happened.
        name_eio_done,
        /// Disks that took no change any more after a call had failed.
        remounts,
        /// Changes and syncs that such a disk refused.
        refused,
        /// Of these, changes of names.
        refused_names,
        /// Injected `EIO` at a read.
        read_eio,
        /// Places where a bit turned.
        rot,
        /// Places that show another sector.
        misdirected,
        /// Places that show what they held before a sync.
        stale,
        /// Syncs that were undone as a whole.
        lost_writes,
        /// Calls that found no room on the disk.
        out_of_room,
        /// Disks that had room again while a process lived that had found none.
        room_returned,
        /// Times the cache went back to an old value after a failed sync.
        reverted,
        /// Images cut while the run went on.
        forks,
        /// Runs ended by a crash.
        ends,
        /// Crashes by power loss alone.
        power_losses,
        /// Crashes by a kill alone.
        kills,
        /// Crashes by a kill and a power loss after it.
        kills_then_power,
        /// Crashes before a call did anything.
        before,
        /// Crashes in the middle of a call.
        during,
        /// Crashes after a call.
        after,
        /// Units that a power loss decided otherwise than kept.
        units_lost,
        /// Units that a power loss cut at a byte.
        units_torn,
        /// Units that show what earlier files held, or noise.
        units_garbage,
        /// Names that a power loss decided otherwise than kept.
        names_lost,
        /// Files that lost their newest size.
        sizes_lost,
    }
}

impl Counts {
    /// Faults injected, by class: calls that failed, and media that decayed.
    pub fn faults_by_class(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let media = [
            ("rot", self.rot),
            ("misdirected", self.misdirected),
            ("stale", self.stale),
            ("lost_writes", self.lost_writes),
        ];
        self.failures_by_class().chain(media)
    }

    /// Calls that failed, by class.
    pub fn failures_by_class(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let classes = [
            ("write_eio", self.write_eio),
            ("write_full", self.write_full),
            ("sync_eio", self.sync_eio),
            ("sync_full", self.sync_full),
            ("writeback_eio", self.writeback_eio),
            ("sync_dir_eio", self.sync_dir_eio),
            ("allocate_full", self.allocate_full),
            ("create_full", self.create_full),
            ("name_eio", self.name_eio),
            ("name_eio_done", self.name_eio_done),
            ("remounts", self.remounts),
            ("read_eio", self.read_eio),
        ];
        classes.into_iter()
    }

    /// Calls that failed though the disk lives: whatever fails after one has a reason.
    pub fn faults(&self) -> u64 {
        let follow = self.out_of_room + self.told_late + self.refused;
        follow + self.failures_by_class().map(|(_, count)| count).sum::<u64>()
    }

    /// Syncs and write-backs that failed: what they were to cover is unknown.
    pub fn failed_syncs(&self) -> u64 {
        self.sync_eio + self.sync_full + self.sync_dir_eio + self.writeback_eio
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back_from_their_text() {
        let rates = FaultRates { sync_eio_one_in: 40, ..FaultRates::default() };
        assert_eq!(rates.to_string().parse(), Ok(rates));
        let rates = CrashRates { fork_one_in: 10, images_max: 3, ..CrashRates::default() };
        assert_eq!(rates.to_string().parse(), Ok(rates));
        assert!("fork_one_in=x".parse::<CrashRates>().is_err());
        assert!("no_such_rate=1".parse::<CrashRates>().is_err());
    }

    #[test]
    fn counts_add_up() {
        let mut sum = Counts { kills: 1, ..Counts::default() };
        sum.merge(&Counts { kills: 2, forks: 3, ..Counts::default() });
        assert_eq!(sum.to_string(), "forks=3 kills=3");
    }
}
