//! Which calls crash, what an image carries, and replay.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::vfs::{OpenMode, Vfs};

use super::{disk, open, rough};
use crate::choice::{Choices, WorldId};
use crate::disk::{Counts, CrashKind, CrashRates, FaultRates, Image, Moment, SimFs};

fn forks() -> CrashRates {
    CrashRates { fork_one_in: 3, check_one_in: 1, ..CrashRates::default() }
}

/// Some calls as a store makes them; errors are taken as they come.
fn work(fs: &SimFs) -> std::io::Result<()> {
    fs.create_dir(Path::new("db"))?;
    for round in 0..6u8 {
        let name = format!("db/{round:06}.wal");
        let file = fs.open(Path::new(&name), OpenMode::CreateNew)?;
        fs.sync_dir(Path::new("db"))?;
        for part in 0..5 {
            file.write_at(&[round * 5 + part + 1; 300], u64::from(part) * 300)?;
            if part % 2 == 1 {
                file.sync_data()?;
            }
        }
        let next = Path::new("db/CURRENT.tmp");
        fs.open(next, OpenMode::CreateNew)?.write_at(name.as_bytes(), 0)?;
        fs.rename(next, Path::new("db/CURRENT"))?;
    }
    fs.list(Path::new("db")).map(|_| ())
}

fn run(choices: &Choices, rates: CrashRates) -> (Arc<SimFs>, Vec<Image>) {
    let fs = rough(disk(), choices, FaultRates::default(), rates);
    let _ = work(&fs);
    let images = fs.take_images();
    (fs, images)
}

#[test]
fn a_fork_leaves_the_run_as_it_was() {
    let (calm, _) = run(&Choices::from_seed(1), CrashRates::default());
    let (forked, images) = run(&Choices::from_seed(1), forks());
    assert!(images.len() > 10, "{} images", images.len());
    assert_eq!(calm.disk().content_hash(), forked.disk().content_hash());
    assert_eq!(calm.calls(), forked.calls());
}

#[test]
fn every_kind_and_moment_of_crash_occurs() {
    let mut counts = Counts::default();
    for seed in 0..20 {
        counts.merge(&run(&Choices::from_seed(seed), forks()).0.counts());
    }
    for (name, count) in [
        ("power", counts.power_losses),
        ("kill", counts.kills),
        ("both", counts.kills_then_power),
        ("before", counts.before),
        ("during", counts.during),
        ("after", counts.after),
        ("units", counts.units_lost),
        ("torn", counts.units_torn),
        ("names", counts.names_lost),
        ("sizes", counts.sizes_lost),
    ] {
        assert!(count > 10, "{name}: {count}");
    }
}

#[test]
fn images_are_named_in_order_and_carry_the_mark() {
    let choices = Choices::from_seed(4);
    let fs = rough(disk(), &choices, FaultRates::default(), forks());
    let calls = Rc::new(std::cell::Cell::new(7));
    let source = Rc::clone(&calls);
    fs.set_mark_source(Rc::new(move || source.get()));
    work(&fs).expect("forks do not disturb");
    let images = fs.take_images();
    for (number, image) in images.iter().enumerate() {
        assert_eq!(image.world, WorldId::generation(0).fork(number as u32));
        assert_eq!(image.mark, 7);
        assert!(image.at(choices.names()).contains('#'));
        assert_eq!(image.fate.len(), image.fate_lines(choices.names()).len());
    }
    assert!(fs.take_images().is_empty());
}

#[test]
fn no_world_leaves_more_images_than_allowed() {
    let rates = CrashRates { images_max: 3, ..forks() };
    assert_eq!(run(&Choices::from_seed(2), rates).1.len(), 3);
}

#[test]
fn a_world_that_ends_answers_nothing_more() {
    let rates = CrashRates { end_one_in: 10, check_one_in: 1, ..CrashRates::default() };
    let mut ended = 0;
    for seed in 0..50 {
        let choices = Choices::from_seed(seed);
        let fs = rough(disk(), &choices, FaultRates::default(), rates);
        if work(&fs).is_ok() {
            assert!(fs.ended().is_none());
            continue;
        }
        ended += 1;
        let image = fs.ended().expect("the work failed for no other reason");
        assert_eq!(image.world, WorldId::generation(0));
        let error = fs.list(Path::new(".")).expect_err("the disk is dead");
        assert_eq!(error.raw_os_error(), Some(5));
        let next = SimFs::calm(image.disk);
        next.list(Path::new(".")).expect("the next world lives");
    }
    assert!(ended > 40, "{ended} of 50 ended");
}

#[test]
fn a_replayed_tape_leaves_the_same_images() {
    for seed in 0..10 {
        let choices = Choices::from_seed(seed);
        let (_, first) = run(&choices, forks());
        let replay = Choices::from_tape(&choices.tape());
        let (_, second) = run(&replay, forks());
        assert_eq!(first.len(), second.len());
        for (one, two) in first.iter().zip(&second) {
            assert_eq!(one.at(choices.names()), two.at(replay.names()));
            assert_eq!(one.fate_lines(choices.names()), two.fate_lines(replay.names()));
            assert_eq!(one.disk.content_hash(), two.disk.content_hash());
        }
        assert!(replay.unused().is_empty());
    }
}

#[test]
fn a_kill_cuts_a_write_at_any_byte() {
    let rates = CrashRates {
        fork_one_in: 1,
        power_percent: 0,
        kill_power_percent: 0,
        before_percent: 0,
        during_percent: 100,
        ..CrashRates::default()
    };
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let choices = Choices::from_seed(seed);
        let fs = rough(disk(), &choices, FaultRates::default(), rates);
        let file = super::create(&fs, "f");
        file.write_at(b"abcdef", 0).expect("forks do not disturb");
        let image = fs.take_images().pop().expect("every call forks");
        assert_eq!((image.kind, image.moment), (CrashKind::Kill, Moment::During));
        let bytes = image.disk.read("f").expect("a kill keeps names");
        assert!(b"abcdef".starts_with(&bytes));
        lengths.insert(bytes.len());
    }
    assert_eq!(lengths.len(), 7);
}

#[test]
fn a_power_loss_after_a_kill_still_takes_what_was_pending() {
    let fs = SimFs::calm(disk());
    let file = super::durable_file(&fs, "f", b"old");
    file.write_at(b"new", 0).expect("write");
    let next = SimFs::calm(fs.kill());
    assert_eq!(next.disk().read("f").expect("read"), b"new");
    assert_eq!(next.disk().read_durable("f").expect("read"), b"old");
    open(&next, "f").sync_data().expect("sync");
    assert_eq!(next.disk().read_durable("f").expect("read"), b"new");
}

#[test]
fn a_kill_and_then_a_power_loss_take_what_was_pending() {
    let rates = CrashRates {
        fork_one_in: 1,
        power_percent: 0,
        kill_power_percent: 100,
        before_percent: 0,
        during_percent: 0,
        ..CrashRates::default()
    };
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let choices = Choices::from_seed(seed);
        let fs = rough(disk(), &choices, FaultRates::default(), rates);
        let file = super::durable_file(&fs, "f", b"old");
        file.write_at(b"new", 0).expect("forks do not disturb");
        let image = fs.take_images().pop().expect("every call forks");
        assert_eq!((image.kind, image.moment), (CrashKind::KillThenPower, Moment::After));
        found.insert(image.disk.read("f").expect("its name is durable"));
    }
    assert!(found.contains(&b"old"[..]) && found.contains(&b"new"[..]), "{found:?}");
}
