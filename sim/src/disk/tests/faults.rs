//! Calls that fail, and what failed syncs leave.

use std::collections::BTreeSet;
use std::path::Path;

use seawall_os::vfs::{OpenMode, Vfs};

use super::{create, disk, durable_file, rough, sync_dir};
use crate::choice::Answer;
use crate::choice::{Actor, Base, Choices, Key, Stream, Tape, Who, WorldId};
use crate::disk::{Appended, CrashRates, Disk, FaultRates, Personality, SimFs, Tear, check};

/// Choices that answer these sites of the stream of faults, by whoever calls.
pub(super) fn answers(list: &[(&str, u32, &str)]) -> Choices {
    let actor = Actor::new(WorldId::generation(0), Who::Run);
    let answers = list.iter().map(|(site, nth, label)| Answer {
        key: Key { stream: Stream::Faults, actor, site: (*site).to_owned(), nth: *nth },
        label: (*label).to_owned(),
    });
    Choices::from_tape(&Tape { base: Base::Default, answers: answers.collect(), ..Tape::default() })
}

pub(super) fn plain() -> Disk {
    let mut disk = disk();
    let personality =
        Personality { tear: Tear::Sector, appended: Appended::DataOrZeros, ..Personality::POSIX };
    disk.set_personality(personality);
    disk
}

/// Every content of `f` that a power loss may leave.
pub(super) fn survivors(disk: &Disk) -> BTreeSet<String> {
    check::extremes_are_right(disk);
    let shown = (0..500).map(|seed| {
        let choices = Choices::from_seed(seed);
        let actor = Actor::new(WorldId::generation(0), Who::Crash);
        let (image, _) = disk.power_loss(&choices, actor);
        let bytes = image.read("f").expect("the name is durable");
        bytes.chunks(512).map(|sector| char::from(sector[0])).collect()
    });
    shown.collect()
}

pub(super) fn set(shown: &[&str]) -> BTreeSet<String> {
    shown.iter().map(|text| (*text).to_owned()).collect()
}

const SYNC: &str = "-/f/sync_data";

/// A file "aa" overwritten with "bb", whose sync failed with this fate for each sector.
fn failed_sync(fates: [&str; 2]) -> std::sync::Arc<SimFs> {
    let choices = answers(&[
        (SYNC, 0, "eio"),
        ("-/f/sync_data/fates", 0, "each"),
        ("f[0..512)", 0, fates[0]),
        ("f[512..1024)", 0, fates[1]),
    ]);
    let faults = FaultRates { sync_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.write_at(&[b'b'; 1024], 0).expect("write");
    let error = file.sync_data().expect_err("the tape says so");
    assert_eq!(error.raw_os_error(), Some(5));
    assert!(fs.sync_failed());
    fs
}

pub(super) fn seen(disk: &Disk) -> String {
    let bytes = disk.read("f").expect("it is there");
    bytes.chunks(512).map(|sector| char::from(sector[0])).collect()
}

#[test]
fn after_a_failed_sync_each_sector_is_on_its_own() {
    let fs = failed_sync(["clean-new", "clean-old"]);
    assert_eq!(seen(&fs.disk()), "ba");
    assert_eq!(survivors(&fs.disk()), set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn a_later_sync_covers_only_what_was_kept_dirty() {
    let fs = failed_sync(["dirty", "clean-new"]);
    let file = super::open(&fs, "f");
    file.sync_data().expect("nobody is told twice");
    assert_eq!(seen(&fs.disk()), "bb");
    assert_eq!(survivors(&fs.disk()), set(&["ba", "bb"]));
}

#[test]
fn overwriting_and_syncing_ends_the_doubt_about_those_bytes_only() {
    let fs = failed_sync(["clean-new", "clean-new"]);
    let file = super::open(&fs, "f");
    file.write_at(&[b'c'; 512], 0).expect("write");
    file.sync_data().expect("nobody is told twice");
    assert_eq!(survivors(&fs.disk()), set(&["ca", "cb"]));
}

#[test]
fn a_kill_may_bring_the_old_bytes_back() {
    let fs = failed_sync(["old-later", "clean-new"]);
    assert_eq!(seen(&fs.disk()), "bb");
    let (kept, back) = (fs.disk().after_kill(&mut |_| false), fs.disk().after_kill(&mut |_| true));
    assert_eq!(seen(&kept), "bb");
    assert_eq!(seen(&back), "ab");
    assert_eq!(survivors(&back), set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn a_failed_sync_may_leave_the_size_in_doubt() {
    let choices =
        answers(&[(SYNC, 0, "eio"), ("f[512..1024)", 0, "clean-new"), ("f/size", 0, "clean-new")]);
    let faults = FaultRates { sync_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    file.write_at(&[b'b'; 512], 512).expect("write");
    file.sync_data().expect_err("the tape says so");
    file.sync_data().expect("nobody is told twice");
    assert_eq!(survivors(&fs.disk()), set(&["a", "a\0", "ab"]));
    file.write_at(&[b'c'; 512], 1024).expect("write");
    file.sync_data().expect("sync");
    assert_eq!(survivors(&fs.disk()), set(&["a\0c", "abc"]));
}

#[test]
fn growing_over_a_cut_whose_sync_failed_shows_zeros_for_good() {
    let fates = ["f[512..1024)", "f[1024..1536)"].map(|site| (site, 0, "clean-old"));
    let choices = answers(&[(SYNC, 0, "eio"), fates[0], fates[1]]);
    let faults = FaultRates { sync_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 1536]);
    file.set_len(512).expect("cut");
    file.sync_data().expect_err("the tape says so");
    file.set_len(1536).expect("grow");
    assert_eq!(seen(&fs.disk()), "a\0\0");
    check::extremes_are_right(&fs.disk());
    file.sync_data().expect("nobody is told twice");
    assert_eq!(survivors(&fs.disk()), set(&["a\0\0"]));
}

#[test]
fn a_failed_sync_of_a_directory_leaves_its_names_in_doubt() {
    let choices = answers(&[
        ("-/dir/sync_dir", 0, "eio"),
        ("-/dir/sync_dir/fates", 0, "each"),
        ("a/name", 0, "clean-new"),
        ("b/name", 0, "clean-old"),
        ("c/name", 0, "dirty"),
        ("d/name", 0, "old-later"),
    ]);
    let faults = FaultRates { sync_dir_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    for name in ["a", "b", "c", "d"] {
        drop(create(&fs, name));
    }
    fs.sync_dir(Path::new(".")).expect_err("the tape says so");
    assert_eq!(fs.list(Path::new(".")).expect("list"), ["a", "c", "d"]);
    sync_dir(&fs);
    let disk = fs.disk();
    check::extremes_are_right(&disk);
    let images = (0..500).map(|seed| {
        let choices = Choices::from_seed(seed);
        let actor = Actor::new(WorldId::generation(0), Who::Crash);
        let (image, _) = disk.power_loss(&choices, actor);
        image.names(".").expect("it is durable").join("")
    });
    let images: BTreeSet<String> = images.collect();
    assert_eq!(images, set(&["abcd", "abc", "acd", "ac", "bcd", "bc", "cd", "c"]));
    let back = disk.after_kill(&mut |_| true);
    assert_eq!(back.names(".").expect("it is durable"), ["a", "c"]);
}

#[test]
fn a_later_value_of_a_name_ends_the_doubt_once_synced() {
    let choices = answers(&[("-/dir/sync_dir", 0, "eio"), ("f/name", 0, "clean-new")]);
    let faults = FaultRates { sync_dir_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    drop(create(&fs, "f"));
    fs.sync_dir(Path::new(".")).expect_err("the tape says so");
    assert!(!fs.disk().is_settled());
    fs.remove(Path::new("f")).expect("it is seen");
    sync_dir(&fs);
    assert!(fs.disk().is_settled());
}

#[test]
fn a_failed_sync_makes_garbage_only_of_what_was_never_covered() {
    let choices = answers(&[(SYNC, 0, "eio"), ("f[0..512)", 0, "clean-new")]);
    let faults = FaultRates { sync_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(disk(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 256]);
    file.write_at(&[b'b'; 512], 0).expect("write");
    file.sync_data().expect_err("the tape says so");
    let mut garbage = 0;
    for seed in 0..500 {
        let actor = Actor::new(WorldId::generation(0), Who::Crash);
        let (image, _) = fs.disk().power_loss(&Choices::from_seed(seed), actor);
        let bytes = image.read("f").expect("the name is durable");
        assert!(bytes[..256].iter().all(|byte| b"ab".contains(byte)));
        garbage += u32::from(bytes.get(256).is_some_and(|byte| !b"\0b".contains(byte)));
    }
    assert!(garbage > 10, "{garbage} of 500");
}

#[test]
fn a_sync_covers_the_size_that_its_bytes_need() {
    let choices = answers(&[(SYNC, 0, "eio"), ("f/size", 0, "clean-new")]);
    let faults = FaultRates { sync_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    file.set_len(1024).expect("grow");
    file.set_len(1536).expect("grow");
    file.sync_data().expect_err("the tape says so");
    assert_eq!(survivors(&fs.disk()), set(&["a", "a\0", "a\0\0"]));
    file.write_at(&[b'b'; 512], 1024).expect("write");
    file.sync_data().expect("nobody is told twice");
    assert_eq!(survivors(&fs.disk()), set(&["a\0b"]));
}

#[test]
fn a_failed_write_may_leave_a_prefix() {
    let choices = answers(&[("-/f/write_at", 0, "eio"), ("-/f/write_at/prefix", 0, "3")]);
    let faults = FaultRates { write_eio_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = create(&fs, "f");
    assert_eq!(file.write_at(b"abcdef", 0).expect_err("EIO").raw_os_error(), Some(5));
    assert_eq!(fs.disk().read("f").expect("read"), b"abc");
    file.write_at(b"abcdef", 0).expect("the tape says nothing more");
}

#[test]
fn every_class_of_fault_strikes_and_is_counted() {
    let one_in = 3;
    let faults = FaultRates {
        write_eio_one_in: one_in,
        write_full_one_in: one_in,
        sync_eio_one_in: one_in,
        sync_full_one_in: one_in,
        writeback_eio_one_in: one_in,
        sync_dir_eio_one_in: one_in,
        allocate_full_one_in: one_in,
        create_full_one_in: one_in,
        name_eio_one_in: one_in,
        remount_one_in: 0,
        read_eio_one_in: one_in,
        room_returns_one_in: 0,
        decay_one_in: 0,
        evict_one_in: one_in,
        focus: 0,
    };
    let choices = Choices::from_seed(5);
    let fs = rough(disk(), &choices, faults, CrashRates::default());
    for round in 0..240 {
        let name = format!("{round:06}.wal");
        let Ok(file) = fs.open(Path::new(&name), OpenMode::CreateNew) else {
            continue;
        };
        let _ = file.allocate(1024);
        let _ = file.write_at(&[1; 700], 0);
        let _ = file.sync_data();
        let _ = file.read_at(&mut [0; 100], 0);
        let _ = fs.sync_dir(Path::new("."));
        check::extremes_are_right(&fs.disk());
        fs.disk().check_space();
    }
    let text = fs.counts().to_string();
    for class in [
        "write_eio",
        "write_full",
        "sync_eio",
        "sync_full",
        "writeback_eio",
        "told_late",
        "dir_eio",
        "allocate_full",
        "create_full",
        "name_eio=",
        "name_eio_done",
        "read_eio",
        "reverted",
    ] {
        assert!(text.contains(class), "{class} in {text}");
    }
}

#[test]
fn a_focus_has_faults_in_one_part_of_all_places() {
    let (mut quiet, mut loud) = (0, 0);
    for focus in 1..=16 {
        let faults = FaultRates { write_eio_one_in: 32, focus, ..FaultRates::default() };
        let choices = Choices::from_seed(u64::from(focus));
        let fs = rough(disk(), &choices, faults, CrashRates::default());
        let file = create(&fs, "f");
        let failed = (0..800).filter(|_| file.write_at(b"x", 0).is_err()).count();
        match failed {
            0 => quiet += 1,
            // One in four, where it would be one in 32 without a focus.
            150..=250 => loud += 1,
            _ => panic!("{failed} of 800 writes failed with focus {focus}"),
        }
    }
    assert_eq!((quiet, loud), (15, 1));
}
