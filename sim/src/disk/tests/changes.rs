//! Changes of names that fail, and what they leave.

use std::collections::BTreeSet;
use std::path::Path;

use seawall_os::vfs::{OpenMode, Vfs};

use super::faults::{answers, plain, set};
use super::{create, durable_file, rough};
use crate::choice::{Actor, Choices, Who, WorldId};
use crate::disk::{CrashRates, Disk, FaultRates, SimFs};

/// The names there are, as text.
fn names(disk: &Disk) -> String {
    disk.names(".").expect("it is there").join("")
}

/// Everything that the names may be after a power loss.
fn surviving_names(disk: &Disk) -> BTreeSet<String> {
    let images = (0..200).map(|seed| {
        let actor = Actor::new(WorldId::generation(0), Who::Crash);
        names(&disk.power_loss(&Choices::from_seed(seed), actor).0)
    });
    images.collect()
}

/// `f` and `g` are durable; then a call at this site fails, with this effect.
fn failed_change(site: &str, effect: &str, call: impl Fn(&SimFs) -> bool) -> Disk {
    let choices = answers(&[(site, 0, "eio"), (&format!("{site}/effect"), 0, effect)]);
    let faults = FaultRates { name_eio_one_in: 1, ..FaultRates::default() };
    let mut start = plain();
    for name in ["/sim/f", "/sim/g"] {
        start.make_durable_file(name).expect("the name is free");
    }
    let fs = rough(start, &choices, faults, CrashRates::default());
    assert!(call(&fs), "the tape says that it fails");
    assert_eq!(fs.counts().name_eio_done, u64::from(effect == "done"));
    assert_eq!(fs.counts().faults(), 1);
    fs.disk()
}

#[test]
fn a_file_may_be_there_though_making_it_failed() {
    let create = |fs: &SimFs| fs.open(Path::new("n"), OpenMode::CreateNew).is_err();
    let disk = failed_change("-/n/open", "done", create);
    assert_eq!(surviving_names(&disk), set(&["fg", "fgn"]));
    assert_eq!(names(&failed_change("-/n/open", "nothing", create)), "fg");
}

#[test]
fn a_rename_may_have_happened_though_it_failed() {
    let rename = |fs: &SimFs| fs.rename(Path::new("f"), Path::new("n")).is_err();
    let disk = failed_change("-/n/rename", "done", rename);
    assert_eq!(names(&disk), "gn");
    // The source's name goes on its own.
    assert_eq!(surviving_names(&disk), set(&["fg", "fgn", "g", "gn"]));
    assert_eq!(names(&failed_change("-/n/rename", "nothing", rename)), "fg");
}

#[test]
fn a_file_may_be_gone_though_removing_it_failed() {
    let remove = |fs: &SimFs| fs.remove(Path::new("f")).is_err();
    let disk = failed_change("-/f/remove", "done", remove);
    assert_eq!(names(&disk), "g");
    assert_eq!(surviving_names(&disk), set(&["fg", "g"]));
    assert_eq!(names(&failed_change("-/f/remove", "nothing", remove)), "fg");
}

#[test]
fn a_disk_that_failed_to_keep_its_books_takes_no_change_until_the_process_ends() {
    let choices = answers(&[("-/dir/sync_dir", 1, "remount")]);
    let faults = FaultRates { remount_one_in: 1, ..FaultRates::default() };
    let fs = rough(plain(), &choices, faults, CrashRates::default());
    let file = durable_file(&fs, "f", b"synced");
    file.write_at(b"unsync", 0).expect("write");
    drop(create(&fs, "g"));
    let error = fs.sync_dir(Path::new(".")).expect_err("the tape says so");
    assert_eq!(error.raw_os_error(), Some(5));
    let refusals = [
        file.write_at(b"x", 0).err(),
        file.set_len(1).err(),
        file.allocate(100).err(),
        file.sync_data().err(),
        fs.sync_dir(Path::new(".")).err(),
        fs.open(Path::new("h"), OpenMode::CreateNew).err(),
        fs.open(Path::new("f"), OpenMode::ReadWrite).err(),
        fs.rename(Path::new("f"), Path::new("h")).err(),
        fs.remove(Path::new("f")).err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.and_then(|error| error.raw_os_error()), Some(30));
    }
    assert_eq!((fs.counts().remounts, fs.counts().refused), (1, 9));
    let mut read = [0; 6];
    assert_eq!(file.read_at(&mut read, 0).expect("reads work"), 6);
    assert_eq!(&read, b"unsync");
    assert_eq!(fs.list(Path::new(".")).expect("listing works"), ["f", "g"]);
    // What was pending stays so, and the next process may change everything again.
    assert!(!fs.sync_failed());
    assert_eq!(surviving_names(&fs.disk()), set(&["f", "fg"]));
    let next = SimFs::calm(fs.disk().after_kill(&mut |_| false));
    next.remove(Path::new("g")).expect("it is mounted anew");
}
