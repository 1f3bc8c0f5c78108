//! What a kind of file system may do in a power loss, as data: a table of cells.
//!
//! ```text
//!                  posix          ext4            xfs             btrfs
//! tear             Byte           Sector          Sector          Block
//! versions         Any            Any             Any             Ends
//! appended         Anything       Prefix          Prefix          WithSize
//! size             Independent    AfterData       AtIoEnd         OneTransaction
//! names            Each           Prefix          Prefix          PerDirectory
//! rename           Halves         Pair            Pair            Pair
//! rename_over      Nothing        FlushesData     Nothing         FlushesData
//! file_sync        FileOnly       Prefix          Prefix          OwnNames
//! dir_sync         DirectoryOnly  Prefix          Prefix          DirectoryLog
//! failed_sync      FourWays       OldAfterEviction  (the same)    Reverts
//! ```
//!
//! The disk reads these cells and nothing else; nowhere does it ask which file system it is. A cell
//! only ever takes outcomes away from those of [`Personality::POSIX`], of which every cell has the
//! value that forbids nothing. `sim/src/disk/litmus/` says what follows, program by program, and a
//! test changes each cell in turn to see that the table notices.

use super::cells::cells;
use super::file::FailedFate;

cells! {
    /// The rules of survival that a disk plays by.
    ///
    /// A parameter set, not a kind of code. Two words: the *room* of a file is what lies beyond its
    /// durable size, in whole sectors or blocks; a *moment* is a point in the order of changes, at
    /// which those before it have happened and those after it have not.
    pub struct Personality {
        /// What a power loss keeps or loses as a whole.
        tear as "fs_tear": Tear {
            /// Nothing: a sector of 512 bytes may be cut at any byte.
            Byte,
            /// A sector of 512 bytes.
            Sector,
            /// A block of 4,096 bytes.
            Block,
        }
        /// Which of the versions that bytes had since the last sync may survive.
        versions as "fs_versions": Versions {
            /// Any.
            Any,
            /// The last durable one, or the newest.
            Ends,
        }
        /// What the room of a file may show.
        appended as "fs_appended": Appended {
            /// Each sector or block on its own: data, zeros or garbage, such as what earlier files held.
            Anything,
            /// As `Anything`, but never garbage.
            DataOrZeros,
            /// All that was written there up to some moment, and zeros where nothing was.
            Prefix,
            /// As `Prefix`, of a moment at which the file had the size that survived.
            WithSize,
        }
        /// Which sizes may survive, and what must survive with them.
        size as "fs_size": SizeOrder {
            /// Any size since the last sync, whatever becomes of the bytes.
            Independent,
            /// A size that a write gave, with all that was written to the room until then.
            AfterData,
            /// Any size, with all that was written to the room until then.
            AtIoEnd,
            /// The last durable size or the newest.
            OneTransaction,
        }
        /// Which changes of names may survive together.
        names as "fs_names": NameOrder {
            /// Any: each name on its own.
            Each,
            /// Those up to some moment, of the whole file system.
            Prefix,
            /// Those of each directory up to some moment.
            PerDirectory,
        }
        /// What holds the two halves of a rename together.
        rename as "fs_rename": Rename {
            /// Nothing: the target leads to the new file, and later the source may be gone.
            Halves,
            /// They survive or vanish together.
            Pair,
        }
        /// What a rename over an existing file does to the bytes of the file that is renamed.
        rename_over as "fs_rename_over": RenameOver {
            /// Nothing.
            Nothing,
            /// Where the rename survives, so do they.
            FlushesData,
        }
        /// What a good sync of a file makes durable besides its bytes and its size.
        file_sync as "fs_sync": FileSync {
            /// Nothing.
            FileOnly,
            /// All changes of names up to the last one of this file's names or size.
            Prefix,
            /// The names of this file, and of the directories on the way to it.
            OwnNames,
        }
        /// What a good sync of a directory makes durable.
        dir_sync as "fs_sync_dir": DirSync {
            /// The names in it.
            DirectoryOnly,
            /// All changes of names up to the last one in it, or of its own name.
            Prefix,
            /// The names in it, its own, and those of the directories on the way to it.
            DirectoryLog,
        }
        /// What happens to what a failed sync was to cover.
        failed_sync as "fs_failed_sync": FailedSync {
            /// Each sector and name on its own: still dirty, clean and new, clean and old, or old later.
            FourWays,
            /// Clean and new, and old once the cache lets go of it.
            OldAfterEviction,
            /// Old at once, and for good.
            Reverts,
        }
    }
}

impl Personality {
    /// The strictest reading of POSIX: whatever is not forbidden happens.
    ///
    /// Source: IEEE Std 1003.1, `fsync` and its rationale, which promise data and attributes of one
    /// file and say nothing of names; Pillai et al., All File Systems Are Not Created Equal, OSDI 2014.
    pub const POSIX: Personality = Personality {
        tear: Tear::Byte,
        versions: Versions::Any,
        appended: Appended::Anything,
        size: SizeOrder::Independent,
        names: NameOrder::Each,
        rename: Rename::Halves,
        rename_over: RenameOver::Nothing,
        file_sync: FileSync::FileOnly,
        dir_sync: DirSync::DirectoryOnly,
        failed_sync: FailedSync::FourWays,
    };

    /// ext4 as it is mounted by default: `data=ordered`, delayed allocation, `auto_da_alloc`.
    pub const EXT4: Personality = Personality {
        // Source: Pillai et al. 2014: a sector is the unit whose overwrite is atomic.
        tear: Tear::Sector,
        // Source: Pillai et al. 2014: overwrites are written in place, in any order; what a page held
        // when it was written back depends on when.
        versions: Versions::Any,
        // Source: Linux, Documentation/admin-guide/ext4.rst, data=ordered: data reach their place
        // before the metadata that lead to it are committed; so never what was there before.
        appended: Appended::Prefix,
        // Source: the same. A size set by truncate waits for no data: it is journaled as it is set.
        size: SizeOrder::AfterData,
        // Source: Linux, Documentation/filesystems/ext4/journal.rst: one journal, replayed up to the
        // last commit record.
        names: NameOrder::Prefix,
        // Source: the same; both halves belong to one handle of the journal.
        rename: Rename::Pair,
        // Source: Linux, Documentation/admin-guide/ext4.rst, auto_da_alloc; Ts'o, "ext4: allocate
        // delayed allocation blocks before rename", 2009.
        rename_over: RenameOver::FlushesData,
        // Source: Mohan, "File System Crash-Recovery Guarantees", a page proposed for the kernel's
        // documentation, linux-fsdevel 2019. Up to the last change of the file and no further: Hellwig,
        // "Re: Directory is not persisted after writing to the file ..", linux-btrfs 2025.
        file_sync: FileSync::Prefix,
        // Source: the same.
        dir_sync: DirSync::Prefix,
        // Source: Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020.
        failed_sync: FailedSync::OldAfterEviction,
    };

    /// XFS as it is mounted by default.
    pub const XFS: Personality = Personality {
        // Source: Pillai et al. 2014.
        tear: Tear::Sector,
        // Source: Pillai et al. 2014; overwrites are written in place.
        versions: Versions::Any,
        // Source: Linux, fs/xfs: what was allocated and not written reads as zeros.
        appended: Appended::Prefix,
        // Source: Linux, fs/xfs/xfs_iops.c, xfs_setattr_size: a size is logged when the writes before
        // it are done, and truncate waits for them, against "the null files problem".
        size: SizeOrder::AtIoEnd,
        // Source: Linux, Documentation/filesystems/xfs/xfs-delayed-logging-design.rst: "if a specific
        // change is seen after recovery, all metadata modifications that were committed prior to that
        // change will also be seen".
        names: NameOrder::Prefix,
        // Source: the same; a rename is one transaction.
        rename: Rename::Pair,
        // Source: Mohan, linux-fsdevel 2019; Ts'o 2009 tells of the delayed writes that are lost.
        rename_over: RenameOver::Nothing,
        // Source: Chinner, linux-fsdevel, February 2019, on strictly ordered metadata: an fsync
        // persists the changes of the inode and all before those.
        file_sync: FileSync::Prefix,
        // Source: the same.
        dir_sync: DirSync::Prefix,
        // Source: Rebello et al., USENIX ATC 2020.
        failed_sync: FailedSync::OldAfterEviction,
    };

    /// Btrfs as it is mounted by default.
    pub const BTRFS: Personality = Personality {
        // Source: Rodeh, Bacik and Mason, BTRFS: The Linux B-Tree Filesystem, ACM TOS 2013: data are
        // written elsewhere, and a block's new place is entered when all of it is there.
        tear: Tear::Block,
        // Source: the same: an extent that was written leads to the newest bytes, an older tree to the
        // durable ones; there is no place for those in between.
        versions: Versions::Ends,
        // Source: the same: an extent and the size that reaches over it enter the tree together.
        appended: Appended::WithSize,
        // Source: the same: the size commits with its transaction.
        size: SizeOrder::OneTransaction,
        // Source: Pillai et al. 2014: directory operations are reordered by Btrfs.
        names: NameOrder::PerDirectory,
        // Source: Pillai et al. 2014: a rename is atomic there.
        rename: Rename::Pair,
        // Source: Mason, "Btrfs: add extra flushing for renames and truncates", 2009.
        rename_over: RenameOver::FlushesData,
        // Source: Mohan, "Documenting the crash consistency guarantees of file systems", fstests list
        // 2019: an fsync of a file persists its name; Linux, fs/btrfs/tree-log.c, log_new_ancestors.
        file_sync: FileSync::OwnNames,
        // Source: Linux, fs/btrfs/tree-log.c, log_new_ancestors.
        dir_sync: DirSync::DirectoryLog,
        // Source: Rebello et al., USENIX ATC 2020.
        failed_sync: FailedSync::Reverts,
    };

    /// The personalities that have a name, the strictest first.
    pub const NAMED: [(&str, Personality); 4] = [
        ("posix", Personality::POSIX),
        ("ext4", Personality::EXT4),
        ("xfs", Personality::XFS),
        ("btrfs", Personality::BTRFS),
    ];

    /// The personality of a name.
    pub fn named(name: &str) -> Option<Personality> {
        let found = Personality::NAMED.iter().find(|(known, _)| *known == name);
        found.map(|(_, personality)| *personality)
    }

    /// The personality that a configuration line names, cell by cell.
    pub fn of_line(line: &str) -> Personality {
        let words = || line.split_whitespace().filter_map(|word| word.split_once('='));
        let number = |knob: &str| words().find(|(known, _)| *known == knob)?.1.parse().ok();
        Personality::of_numbers(|knob| number(knob).unwrap_or(0))
    }

    /// Its name, or its cells in words where it has none: `posix` but for what differs.
    pub fn name(&self) -> String {
        if let Some((name, _)) = Personality::NAMED.iter().find(|(_, known)| known == self) {
            return (*name).to_owned();
        }
        let cells = self.words().zip(Personality::POSIX.words());
        let other = cells.filter(|(cell, posix)| cell != posix);
        other.fold("posix".to_owned(), |name, ((cell, value), _)| format!("{name} {cell}={value}"))
    }
}

impl Tear {
    /// The bytes that are decided together.
    pub(super) fn unit_bytes(self) -> u64 {
        match self {
            Tear::Byte | Tear::Sector => super::file::SECTOR_BYTES,
            Tear::Block => super::content::PAGE_BYTES as u64,
        }
    }
}

impl Appended {
    /// Whether the room shows what the file held at one moment.
    pub(super) fn has_a_moment(self) -> bool {
        matches!(self, Appended::Prefix | Appended::WithSize)
    }
}

impl FailedSync {
    /// What may happen to what a failed sync was to cover.
    pub(super) fn fates(self) -> &'static [FailedFate] {
        match self {
            FailedSync::FourWays => &[
                FailedFate::Dirty,
                FailedFate::CleanNew,
                FailedFate::CleanOld,
                FailedFate::OldLater,
            ],
            FailedSync::OldAfterEviction => &[FailedFate::OldLater],
            FailedSync::Reverts => &[FailedFate::CleanOld],
        }
    }
}

impl Default for Personality {
    fn default() -> Personality {
        Personality::POSIX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personality_is_read_back_from_its_numbers() {
        for (name, personality) in Personality::NAMED {
            assert_eq!(Personality::named(name), Some(personality));
            for cells in personality.flips().into_iter().chain([personality]) {
                let number = |knob: &str| cells.numbers().find(|(known, _)| *known == knob);
                let read = Personality::of_numbers(|knob| number(knob).map_or(0, |(_, it)| it));
                assert_eq!(read, cells);
                let words = cells.numbers().map(|(knob, number)| format!("{knob}={number} "));
                assert_eq!(Personality::of_line(&words.collect::<String>()), cells);
            }
        }
    }

    #[test]
    fn a_personality_without_a_name_is_told_by_its_cells() {
        let other = Personality { tear: Tear::Block, rename: Rename::Pair, ..Personality::POSIX };
        assert_eq!(other.name(), "posix tear=Block rename=Pair");
        assert_eq!(Personality::XFS.name(), "xfs");
    }

    #[test]
    fn posix_forbids_nothing() {
        assert!(Personality::POSIX.numbers().all(|(_, number)| number == 0));
    }
}
