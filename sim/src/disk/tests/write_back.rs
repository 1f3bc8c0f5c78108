//! Write-backs that fail behind a program's back, and who is told.

use std::sync::Arc;

use seawall_os::vfs::File;

use super::faults::{answers, plain, seen, set, survivors};
use super::{durable_file, open, rough};
use crate::choice::{Actor, Choices, Who, WorldId};
use crate::disk::{CrashRates, FaultRates, SimFs};

/// A file "aa" overwritten with "bb"; the kernel wrote that back by itself and failed, with this fate.
fn failed_write_back(fate: &str) -> (Arc<SimFs>, Arc<dyn File>) {
    let choices = answers(&[
        ("-/f/write_at", 1, "writeback-eio"),
        ("f[0..512)", 0, fate),
        ("f[512..1024)", 0, fate),
    ]);
    let faults = FaultRates { writeback_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.write_at(&[b'b'; 1024], 0).expect("a write says nothing of it");
    assert_eq!((fs.counts().writeback_eio, fs.counts().faults()), (1, 1));
    (fs, file)
}

fn is_told(file: &dyn File) -> bool {
    match file.sync_data() {
        Ok(()) => false,
        Err(error) => error.raw_os_error() == Some(5),
    }
}

#[test]
fn a_write_back_that_failed_is_told_by_the_next_sync_and_only_by_that() {
    let (fs, file) = failed_write_back("clean-new");
    assert!(is_told(&*file));
    assert!(!is_told(&*file));
    assert_eq!(seen(&fs.disk()), "bb");
    assert_eq!(survivors(&fs.disk()), set(&["aa", "ab", "ba", "bb"]));
    assert_eq!(fs.counts().told_late, 1);
}

#[test]
fn of_two_handles_only_the_one_that_syncs_first_is_told() {
    let (fs, writer) = failed_write_back("clean-new");
    let other = open(&fs, "f");
    assert!(is_told(&*other));
    assert!(!is_told(&*writer), "the error is spent, and the bytes are lost all the same");
    assert_eq!(survivors(&fs.disk()), set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn what_is_written_after_a_write_back_that_failed_is_covered_by_the_sync_that_tells_of_it() {
    let (fs, file) = failed_write_back("clean-old");
    assert_eq!(seen(&fs.disk()), "aa");
    assert!(
        fs.names_untold("damage: /sim/f at byte 0", 0) && !fs.names_untold("damage: /sim/g", 0)
    );
    file.write_at(&[b'c'; 512], 512).expect("write");
    assert!(is_told(&*file));
    let since_then = fs.told();
    assert!(!fs.names_untold("damage: /sim/f at byte 0", since_then));
    // Whoever read before that was told only now.
    assert!(fs.names_untold("damage: /sim/f at byte 0", since_then - 1));
    assert_eq!(survivors(&fs.disk()), set(&["ac", "bc"]));
}

#[test]
fn the_next_process_is_told_after_a_kill_and_nobody_after_a_power_loss() {
    let (fs, file) = failed_write_back("dirty");
    drop(file);
    let killed = SimFs::calm(fs.disk().after_kill(&mut |_| false));
    assert!(is_told(&*open(&killed, "f")));
    let actor = Actor::new(WorldId::generation(0), Who::Crash);
    let (disk, _) = fs.disk().power_loss(&Choices::from_seed(1), actor);
    assert!(!is_told(&*open(&SimFs::calm(disk), "f")));
}

#[test]
fn a_sync_without_room_leaves_the_same_doubt_as_one_that_failed() {
    let choices = answers(&[
        ("-/f/sync_data", 0, "enospc"),
        ("f[0..512)", 0, "clean-new"),
        ("f[512..1024)", 0, "clean-new"),
    ]);
    let faults = FaultRates { sync_full_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.write_at(&[b'b'; 1024], 0).expect("write");
    let error = file.sync_data().expect_err("the tape says so");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    file.sync_data().expect("with room again it works, and covers nothing of that");
    assert!(fs.sync_failed());
    assert_eq!(survivors(&fs.disk()), set(&["aa", "ab", "ba", "bb"]));
}
