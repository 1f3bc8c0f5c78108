//! Media that decay, and what they leave of the bytes.

use super::faults::answers;
use super::{create, disk, durable_file, open, rough, sync_dir};
use crate::choice::{Actor, Choices, Who, WorldId};
use crate::disk::{CrashRates, Damage, Disk, FaultRates, SimFs};

/// `f` was synced as "aa.." and then as "bb..", `g` as "cc..": two sectors each.
fn written() -> Disk {
    let mut start = disk();
    start.keep_earlier();
    let fs = SimFs::calm(start);
    let file = durable_file(&fs, "f", &[b'a'; 1024]);
    file.write_at(&[b'b'; 1024], 0).expect("there is room");
    file.sync_data().expect("no fault is on");
    drop(durable_file(&fs, "g", &[b'c'; 1024]));
    fs.disk()
}

fn struck(disk: &Disk, choices: &Choices) -> (Disk, Vec<Damage>) {
    let fs = rough(disk.clone(), choices, FaultRates::default(), CrashRates::default());
    fs.damage_at_rest(&["g"]);
    (fs.disk(), fs.damage())
}

/// The sectors of `f` by their first bytes, after damage of this kind to the second.
fn damaged(kind: &str) -> (String, Vec<Damage>) {
    let choices = answers(&[("media/sector", 0, "1"), ("media/kind", 0, kind)]);
    let (disk, damage) = struck(&written(), &choices);
    let bytes = disk.read("f").expect("it is there");
    assert_eq!(bytes, disk.read_durable("f").expect("it is there"), "a power loss changes nothing");
    (bytes.chunks(512).map(|sector| char::from(sector[0])).collect(), damage)
}

#[test]
fn a_turned_bit_is_one_bit() {
    let (shown, damage) = damaged("rot");
    assert_eq!(shown, format!("b{}", char::from(b'b' ^ 1)));
    assert_eq!((&*damage[0].file, damage[0].kind, damage[0].bytes.clone()), ("f", "rot", 512..513));
}

#[test]
fn a_misdirected_sector_shows_another() {
    let choices = answers(&[
        ("media/sector", 0, "1"),
        ("media/kind", 0, "misdirected"),
        ("media/class", 1, "1"),
    ]);
    let (disk, damage) = struck(&written(), &choices);
    let bytes = disk.read("f").expect("it is there");
    assert_eq!((bytes[511], bytes[512], bytes[1023]), (b'b', b'c', b'c'));
    assert_eq!((damage[0].kind, damage[0].bytes.clone()), ("misdirected", 512..1024));
}

#[test]
fn a_stale_sector_shows_what_it_held_before_the_last_sync() {
    let (shown, damage) = damaged("stale");
    assert_eq!((shown.as_str(), damage[0].bytes.clone()), ("ba", 512..1024));
}

#[test]
fn a_lost_write_takes_all_that_its_sync_covered() {
    let (shown, damage) = damaged("lost");
    assert_eq!((shown.as_str(), damage[0].bytes.clone()), ("aa", 0..1024));
}

#[test]
fn a_place_that_decays_while_it_is_read_stays_as_it_is_until_it_is_written_anew() {
    let choices = answers(&[("-/f/read_at", 0, "decay")]);
    let faults = FaultRates { decay_one_in: 1, ..FaultRates::default() };
    let fs = rough(written(), &choices, faults, CrashRates::default());
    let file = open(&fs, "f");
    let read = || {
        let mut byte = [0];
        file.read_at(&mut byte, 0).expect("no read fails");
        byte[0]
    };
    fs.let_decay();
    let shown = [read(), read()];
    assert_eq!(shown, [b'b' ^ 1; 2]);
    assert_eq!((fs.counts().rot, fs.counts().faults()), (1, 0), "no call has failed");
    file.write_at(b"b", 0).expect("write");
    assert_eq!(read(), b'b');
}

#[test]
fn every_kind_of_damage_strikes_and_says_truly_where() {
    let before = written();
    let (mut counts, mut unharmed) = (crate::disk::Counts::default(), 0);
    for seed in 0..200 {
        let fs = rough(
            before.clone(),
            &Choices::from_seed(seed),
            FaultRates::default(),
            CrashRates::default(),
        );
        fs.damage_at_rest(&[]);
        let (after, damage) = (fs.disk(), fs.damage());
        for name in ["f", "g"] {
            let (old, new) = (before.read(name).expect("read"), after.read(name).expect("read"));
            assert_eq!(old.len(), new.len());
            for at in (0..old.len()).filter(|at| old[*at] != new[*at]) {
                let told = |d: &Damage| &*d.file == name && d.bytes.contains(&(at as u64));
                assert!(damage.iter().any(told), "{name}[{at}] in {damage:?}");
            }
        }
        unharmed += u32::from(damage.is_empty());
        counts.merge(&fs.counts());
    }
    let kinds = [counts.rot, counts.misdirected, counts.stale, counts.lost_writes];
    assert!(kinds.iter().all(|count| *count > 20) && unharmed < 60, "{kinds:?}, {unharmed}");
}

#[test]
fn what_was_there_before_a_sync_is_kept_through_a_power_loss() {
    let mut start = disk();
    start.keep_earlier();
    let fs = SimFs::calm(start);
    let file = create(&fs, "f");
    file.write_at(&[b'a'; 512], 0).expect("there is room");
    file.sync_data().expect("no fault is on");
    sync_dir(&fs);
    let actor = Actor::new(WorldId::generation(0), Who::Crash);
    let (image, _) = fs.disk().power_loss(&Choices::from_seed(1), actor);
    let choices = answers(&[("media/kind", 0, "lost")]);
    let (disk, _) = struck(&image, &choices);
    assert_eq!(disk.read("f").expect("it is there"), [0; 512]);
}
