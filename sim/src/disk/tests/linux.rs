//! The calls answer as Linux does.

use std::io::ErrorKind;
use std::path::Path;

use seawall_os::vfs::{LockMode, OpenMode, Vfs};

use super::{calm, create, disk, durable_file, open, rough};
use crate::choice::{Choices, Tape};
use crate::disk::{Access, CrashRates, FaultRates, SimFs};

fn error_of<T>(result: std::io::Result<T>) -> (ErrorKind, Option<i32>) {
    match result {
        Ok(_) => panic!("the call succeeded"),
        Err(error) => (error.kind(), error.raw_os_error()),
    }
}

#[test]
fn opening_fails_as_on_linux() {
    let fs = calm();
    fs.create_dir(Path::new("dir")).expect("create");
    drop(create(&fs, "f"));
    let open = |path: &str, mode| error_of(fs.open(Path::new(path), mode));
    let new = OpenMode::CreateNew;
    assert_eq!(open("none", OpenMode::ReadWrite), (ErrorKind::NotFound, Some(2)));
    assert_eq!(open("none/f", new), (ErrorKind::NotFound, Some(2)));
    assert_eq!(open("f", new), (ErrorKind::AlreadyExists, Some(17)));
    assert_eq!(open("dir", new), (ErrorKind::AlreadyExists, Some(17)));
    assert_eq!(open("dir", OpenMode::ReadOnly), (ErrorKind::IsADirectory, Some(21)));
    assert_eq!(open("f/g", OpenMode::ReadOnly), (ErrorKind::NotADirectory, Some(20)));
    assert_eq!(open("f/", OpenMode::ReadOnly), (ErrorKind::NotADirectory, Some(20)));
}

#[test]
fn names_fail_as_on_linux() {
    let fs = calm();
    fs.create_dir(Path::new("dir")).expect("create");
    drop(create(&fs, "f"));
    let (dir, f, none) = (Path::new("dir"), Path::new("f"), Path::new("none"));
    assert_eq!(error_of(fs.create_dir(f)).1, Some(17));
    assert_eq!(error_of(fs.remove(dir)).1, Some(21));
    assert_eq!(error_of(fs.remove(none)).1, Some(2));
    assert_eq!(error_of(fs.rename(none, f)).1, Some(2));
    assert_eq!(error_of(fs.rename(f, dir)).1, Some(21));
    assert_eq!(error_of(fs.rename(dir, f)).1, Some(20));
    assert_eq!(error_of(fs.rename(dir, Path::new("dir/sub"))).1, Some(22));
    assert_eq!(error_of(fs.list(f)).1, Some(20));
    assert_eq!(error_of(fs.sync_dir(f)).1, Some(20));
    assert_eq!(error_of(fs.size(dir)).1, Some(21));
    assert_eq!(error_of(fs.free_space(none)).1, Some(2));
    drop(create(&fs, "dir/g"));
    fs.create_dir(Path::new("other")).expect("create");
    assert_eq!(error_of(fs.rename(Path::new("other"), dir)).1, Some(39));
}

#[test]
fn a_handle_for_reading_does_not_write() {
    let fs = calm();
    drop(durable_file(&fs, "f", b"abc"));
    let file = fs.open(Path::new("f"), OpenMode::ReadOnly).expect("it exists");
    assert_eq!(error_of(file.write_at(b"x", 0)).1, Some(9));
    assert_eq!(error_of(file.set_len(0)).1, Some(22));
    assert_eq!(error_of(file.allocate(10)).1, Some(9));
    file.sync_data().expect("syncing needs no permission");
}

#[test]
fn reads_stop_at_the_end() {
    let fs = calm();
    let file = durable_file(&fs, "f", b"abc");
    let mut buffer = [9; 5];
    assert_eq!(file.read_at(&mut buffer, 1).expect("read"), 2);
    assert_eq!(buffer[..2], *b"bc");
    assert_eq!(file.read_at(&mut buffer, 3).expect("read"), 0);
    assert_eq!(file.read_at(&mut buffer, 1 << 40).expect("read"), 0);
    assert_eq!(error_of(file.read_at(&mut buffer, u64::MAX)).1, Some(22));
}

#[test]
fn paths_may_be_relative_or_absolute() {
    let fs = calm();
    fs.create_dir(Path::new("/db")).expect("create");
    drop(create(&fs, "/db/f"));
    drop(create(&fs, "g"));
    assert_eq!(fs.list(Path::new("/")).expect("list"), ["db", "sim"]);
    assert_eq!(fs.list(Path::new("../db/")).expect("list"), ["f"]);
    assert_eq!(fs.list(Path::new("./")).expect("list"), ["g"]);
    assert_eq!(fs.size(Path::new("/sim/./../sim//g")).expect("size"), 0);
}

#[test]
fn an_open_file_outlives_its_name() {
    let fs = calm();
    let file = durable_file(&fs, "f", b"abc");
    let free = fs.disk().free_bytes();
    fs.remove(Path::new("f")).expect("remove");
    fs.sync_dir(Path::new(".")).expect("sync");
    file.write_at(b"d", 3).expect("write");
    assert_eq!(file.len().expect("len"), 4);
    assert_eq!(fs.disk().free_bytes(), free);
    drop(file);
    assert!(fs.disk().free_bytes() > free);
}

#[test]
fn a_handle_follows_its_file_through_a_rename() {
    let fs = calm();
    let file = durable_file(&fs, "tmp", b"abc");
    drop(durable_file(&fs, "current", b"old"));
    fs.rename(Path::new("tmp"), Path::new("current")).expect("rename");
    file.write_at(b"x", 0).expect("write");
    assert_eq!(fs.disk().read("current").expect("read"), b"xbc");
}

#[test]
fn an_exclusive_lock_shuts_everyone_out() {
    let fs = calm();
    let path = Path::new("LOCK");
    let held = fs.lock(path, LockMode::Exclusive).expect("lock");
    let refused = error_of(fs.lock(path, LockMode::Shared));
    assert_eq!(refused, (ErrorKind::WouldBlock, Some(11)));
    drop(held);
    let one = fs.lock(path, LockMode::Shared).expect("lock");
    let two = fs.lock(path, LockMode::Shared).expect("lock");
    assert_eq!(error_of(fs.lock(path, LockMode::Exclusive)).0, ErrorKind::WouldBlock);
    drop((one, two));
    fs.lock(path, LockMode::Exclusive).expect("nobody holds it");
}

#[test]
fn locks_die_with_their_world() {
    let fs = calm();
    let _held = fs.lock(Path::new("LOCK"), LockMode::Exclusive).expect("lock");
    let next = SimFs::calm(fs.kill());
    next.lock(Path::new("LOCK"), LockMode::Exclusive).expect("the holder is dead");
    assert_eq!(error_of(fs.list(Path::new("."))).1, Some(5), "a dead disk answers nothing");
}

#[test]
fn a_full_disk_takes_what_fits() {
    let mut small = disk();
    small.set_capacity(8192);
    let fs = SimFs::calm(small);
    let file = create(&fs, "f");
    assert_eq!(error_of(file.write_at(&[1; 10_000], 0)), (ErrorKind::StorageFull, Some(28)));
    assert_eq!(file.len().expect("len"), 8192);
    assert_eq!(error_of(file.write_at(&[1], 8192)).1, Some(28));
    file.write_at(&[2; 8192], 0).expect("overwriting needs no room");
    assert_eq!(fs.free_space(Path::new(".")).expect("free"), 0);
    file.set_len(4096).expect("cut");
    assert_eq!(fs.free_space(Path::new(".")).expect("free"), 4096);
    fs.set_capacity(1 << 20);
    file.write_at(&[1; 10_000], 0).expect("there is room again");
    fs.disk().check_space();
}

#[test]
fn a_reservation_keeps_its_room() {
    let mut small = disk();
    small.set_capacity(8192);
    let fs = SimFs::calm(small);
    let reserved = create(&fs, "reserved");
    reserved.allocate(8192).expect("there is room");
    assert_eq!(reserved.len().expect("len"), 8192);
    assert_eq!(error_of(create(&fs, "other").write_at(b"x", 0)).1, Some(28));
    reserved.write_at(&[1; 8192], 0).expect("the room was reserved");
    assert_eq!(error_of(reserved.allocate(8193)).1, Some(28));
    fs.disk().check_space();
}

#[test]
fn files_have_a_largest_size() {
    let fs = calm();
    let file = create(&fs, "f");
    assert_eq!(error_of(file.write_at(b"x", 1 << 60)).1, Some(27));
    assert_eq!(error_of(file.write_at(b"x", u64::MAX)).1, Some(22));
    assert_eq!(error_of(file.set_len(1 << 60)).1, Some(27));
    file.set_len(1 << 30).expect("a hole takes no room");
    assert_eq!(open(&fs, "f").len().expect("len"), 1 << 30);
}

#[test]
fn entropy_follows_from_the_seed() {
    let draw = || {
        let mut bytes = [0; 16];
        calm().entropy(&mut bytes).expect("entropy");
        bytes
    };
    assert_eq!(draw(), draw());
    assert_ne!(draw(), [0; 16]);
}

#[test]
fn entropy_differs_after_a_file_was_made_though_no_seed_answers() {
    let choices = Choices::from_tape(&Tape::default());
    let fs = rough(disk(), &choices, FaultRates::default(), CrashRates::default());
    let draw = || {
        let mut bytes = [0; 16];
        fs.entropy(&mut bytes).expect("entropy");
        bytes
    };
    let first = draw();
    assert_eq!(draw(), first);
    create(&fs, "f");
    assert_ne!(draw(), first);
}

#[test]
fn a_disk_mounted_for_reading_refuses_changes() {
    let fs = calm();
    let file = durable_file(&fs, "f", b"abc");
    fs.set_access(Access::ReadOnly);
    let (f, g) = (Path::new("f"), Path::new("g"));
    let refused = (ErrorKind::ReadOnlyFilesystem, Some(30));
    assert_eq!(error_of(fs.open(f, OpenMode::ReadWrite)), refused);
    assert_eq!(error_of(fs.open(g, OpenMode::CreateNew)), refused);
    assert_eq!(error_of(fs.remove(f)), refused);
    assert_eq!(error_of(fs.rename(f, g)), refused);
    assert_eq!(error_of(fs.create_dir(g)), refused);
    assert_eq!(error_of(fs.lock(f, LockMode::Exclusive)), refused);
    assert_eq!(error_of(file.write_at(b"x", 0)), refused);
    fs.open(f, OpenMode::ReadOnly).expect("it only looks");
    fs.lock(f, LockMode::Shared).expect("it only looks");
    fs.set_access(Access::Denied);
    let refused = (ErrorKind::PermissionDenied, Some(13));
    assert_eq!(error_of(fs.open(f, OpenMode::ReadWrite)), refused);
    file.write_at(b"x", 0).expect("the file was open before");
}
