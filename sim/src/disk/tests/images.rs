//! What a power loss may and may not leave.

use std::collections::BTreeSet;
use std::path::Path;

use seawall_os::vfs::Vfs;

use super::{calm, create, disk, durable_file, sync_dir};
use crate::choice::{Actor, Choices, Who, WorldId};
use crate::disk::{Appended, Disk, Personality, Rename, SimFs, Tear, check};

/// Every image that 2,000 seeds cut from a disk, as `show` shows it.
fn images(disk: &Disk, show: impl Fn(&Disk) -> String) -> BTreeSet<String> {
    let shown = (0..2000).map(|seed| {
        let choices = Choices::from_seed(seed);
        let actor = Actor::new(WorldId::generation(0), Who::Crash);
        let (image, _) = disk.power_loss(&choices, actor);
        assert!(image.is_settled());
        show(&image)
    });
    let shown = shown.collect();
    check::extremes_are_right(disk);
    disk.check_space();
    shown
}

/// The images of a disk whose sectors are kept or lost whole.
fn whole_sectors(fs: &SimFs, show: impl Fn(&Disk) -> String) -> BTreeSet<String> {
    let mut disk = fs.disk();
    let personality =
        Personality { tear: Tear::Sector, appended: Appended::DataOrZeros, ..Personality::POSIX };
    disk.set_personality(personality);
    images(&disk, show)
}

/// One letter a sector, and the size in sectors: the first byte of each.
fn sectors(name: &'static str) -> impl Fn(&Disk) -> String {
    move |image| match image.read(name) {
        Err(_) => "gone".to_owned(),
        Ok(bytes) => bytes.chunks(512).map(|sector| letter(sector[0])).collect(),
    }
}

fn letter(byte: u8) -> char {
    match byte {
        0 => '0',
        letter @ b'a'..=b'z' => char::from(letter),
        _ => '?',
    }
}

fn set(shown: &[&str]) -> BTreeSet<String> {
    shown.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_subset_of_unsynced_sectors_may_survive() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.write_at(&[b'b'; 1024], 0).expect("write");
    assert_eq!(whole_sectors(&fs, sectors("f")), set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn earlier_unsynced_versions_may_survive() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    for letter in *b"bcd" {
        file.write_at(&[letter; 512], 0).expect("write");
    }
    assert_eq!(whole_sectors(&fs, sectors("f")), set(&["a", "b", "c", "d"]));
}

#[test]
fn the_size_survives_apart_from_the_data() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    file.write_at(&[b'b'; 512], 512).expect("write");
    assert_eq!(whole_sectors(&fs, sectors("f")), set(&["a", "a0", "ab"]));
}

#[test]
fn any_pending_size_may_survive() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.set_len(512).expect("cut");
    file.set_len(1536).expect("extend");
    let expected = ["a", "aa", "aa0", "a00", "a0", "0", "00", "000", "0a", "0a0"];
    let found = whole_sectors(&fs, sectors("f"));
    // The first sector lies below every cut, so it is never disturbed.
    let possible: Vec<_> = expected.into_iter().filter(|text| text.starts_with('a')).collect();
    assert!(found.is_subset(&set(&possible)), "{found:?}");
    assert!(found.is_superset(&set(&["a", "aa", "aa0", "a00"])), "{found:?}");
}

#[test]
fn a_sync_covers_what_came_before_it() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.write_at(&[b'b'; 512], 0).expect("write");
    file.sync_data().expect("sync");
    file.write_at(&[b'c'; 512], 512).expect("write");
    assert_eq!(whole_sectors(&fs, sectors("f")), set(&["ba", "bc"]));
}

#[test]
fn synced_bytes_stand_beside_a_torn_write_to_their_sector() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    file.write_at(&[b'b'; 100], 200).expect("write");
    let shown = images(&fs.disk(), |image| {
        let bytes = image.read("f").expect("the name is durable");
        assert_eq!(bytes[..200], [b'a'; 200]);
        assert_eq!(bytes[300..], [b'a'; 212]);
        let new = bytes[200..300].iter().filter(|byte| **byte == b'b').count();
        new.to_string()
    });
    assert!(shown.len() > 20, "the write is torn at many bytes: {shown:?}");
    assert!(shown.contains("0") && shown.contains("100"), "{shown:?}");
}

#[test]
fn unsynced_room_may_hold_what_an_earlier_file_held() {
    let fs = calm();
    durable_file(&fs, "old", &[b's'; 2048]);
    fs.remove(Path::new("old")).expect("it exists");
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    file.write_at(&[b'b'; 512], 1024).expect("write beyond the end");
    let shown = images(&fs.disk(), sectors("f"));
    // The hole and the lost write may show zeros, the earlier file or noise; the first sector may not.
    assert!(shown.iter().all(|text| text.starts_with('a')), "{shown:?}");
    for text in ["a", "a0b", "asb", "as0", "a0s", "ass", "a?b"] {
        assert!(shown.contains(text), "{text} in {shown:?}");
    }
}

#[test]
fn what_a_sync_covered_is_never_garbage() {
    let fs = calm();
    durable_file(&fs, "old", &[b's'; 4096]);
    fs.remove(Path::new("old")).expect("it exists");
    let file = create(&fs, "f");
    file.allocate(1024).expect("there is room");
    file.sync_all().expect("sync");
    sync_dir(&fs);
    file.write_at(&[b'b'; 512], 512).expect("write");
    let mut disk = fs.disk();
    disk.set_personality(Personality { tear: Tear::Sector, ..Personality::POSIX });
    assert_eq!(images(&disk, sectors("f")), set(&["00", "0b"]));
}

fn names(image: &Disk) -> String {
    let files = image.files(".").expect("the working directory is durable");
    let shown: Vec<_> = files.iter().map(|(name, size)| format!("{name}:{size}")).collect();
    shown.join(" ")
}

#[test]
fn each_name_is_durable_on_its_own() {
    let fs = calm();
    durable_file(&fs, "a", b"1");
    fs.remove(Path::new("a")).expect("remove");
    create(&fs, "b").sync_all().expect("sync");
    assert_eq!(whole_sectors(&fs, names), set(&["", "a:1", "b:0", "a:1 b:0"]));
    sync_dir(&fs);
    assert_eq!(whole_sectors(&fs, names), set(&["b:0"]));
}

#[test]
fn a_renames_target_shows_the_old_or_the_new_file() {
    let fs = calm();
    durable_file(&fs, "current", b"1");
    durable_file(&fs, "tmp", b"22");
    fs.rename(Path::new("tmp"), Path::new("current")).expect("rename");
    let expected = ["current:1", "current:1 tmp:2", "current:2", "current:2 tmp:2"];
    assert_eq!(whole_sectors(&fs, names), set(&expected));
}

#[test]
fn a_rename_may_be_kept_or_lost_as_a_pair() {
    let fs = calm();
    durable_file(&fs, "current", b"1");
    durable_file(&fs, "tmp", b"22");
    fs.rename(Path::new("tmp"), Path::new("current")).expect("rename");
    let mut disk = fs.disk();
    disk.set_personality(Personality { rename: Rename::Pair, ..Personality::POSIX });
    assert_eq!(images(&disk, names), set(&["current:1 tmp:2", "current:2"]));
}

#[test]
fn a_name_may_outlive_the_data_behind_it() {
    let fs = calm();
    create(&fs, "f").write_at(b"data", 0).expect("write");
    sync_dir(&fs);
    assert_eq!(whole_sectors(&fs, names), set(&["f:0", "f:4"]));
}

#[test]
fn files_go_with_the_directory_that_is_lost() {
    let fs = calm();
    fs.create_dir(Path::new("db")).expect("create");
    create(&fs, "db/f").sync_all().expect("sync");
    fs.sync_dir(Path::new("db")).expect("sync");
    let shown = whole_sectors(&fs, |image| match image.files("db") {
        Ok(files) => files.len().to_string(),
        Err(error) => format!("{:?}", error.kind()),
    });
    assert_eq!(shown, set(&["1", "NotFound"]));
}

#[test]
fn an_unlinked_file_comes_back_whole_until_the_directory_is_synced() {
    let fs = calm();
    durable_file(&fs, "f", &[b'a'; 512]);
    fs.remove(Path::new("f")).expect("remove");
    assert_eq!(whole_sectors(&fs, sectors("f")), set(&["a", "gone"]));
    let free = fs.disk().free_bytes();
    sync_dir(&fs);
    assert_eq!(whole_sectors(&fs, sectors("f")), set(&["gone"]));
    assert!(fs.disk().free_bytes() > free);
}

#[test]
fn many_sectors_are_decided_in_few_units() {
    let fs = calm();
    let file = durable_file(&fs, "f", &[b'a'; 512]);
    file.write_at(&vec![b'b'; 1 << 20], 0).expect("write");
    let choices = Choices::from_seed(1);
    let actor = Actor::new(WorldId::generation(0), Who::Crash);
    let disk = fs.disk();
    disk.power_loss(&choices, actor);
    assert!(choices.asked() < 200, "{} choices", choices.asked());
}

#[test]
fn a_copy_of_a_disk_is_not_changed_by_the_original() {
    let fs = SimFs::calm(disk());
    let file = durable_file(&fs, "f", b"before");
    let copy = fs.disk();
    file.write_at(b"after!", 0).expect("write");
    fs.remove(Path::new("f")).expect("remove");
    assert_eq!(copy.read("f").expect("it is there"), b"before");
}
