//! What a simulated disk costs: per call, per copy, per image.
//!
//! `cargo run --release -p seawall-sim --example disk_cost`

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use seawall_os::vfs::{File, OpenMode, Vfs};
use seawall_sim::choice::{Choices, WorldId};
use seawall_sim::disk::{CrashRates, Disk, FaultRates, SimFs};
use seawall_sim::trace::{Keep, Trace};

const ROUNDS: u32 = 20_000;

fn main() {
    calls("no crashes", CrashRates::default());
    let seldom = CrashRates { end_one_in: 100_000_000, ..CrashRates::default() };
    calls("a crash choice at every call", seldom);
    copies();
    images();
}

fn fs(crashes: CrashRates) -> Arc<SimFs> {
    let choices = Choices::from_seed(1);
    let trace = Trace::new(choices.names(), Keep::Last(64));
    let (world, faults) = (WorldId::generation(0), FaultRates::default());
    SimFs::new(Disk::new(1 << 30), choices, None, world, faults, crashes, trace)
}

fn measure(what: &str, count: u32, mut work: impl FnMut(u32)) {
    let start = Instant::now();
    (0..count).for_each(&mut work);
    let each = start.elapsed() / count;
    println!("{what:<60} {each:>10.0?}");
}

fn create(fs: &SimFs, name: &str) -> Arc<dyn File> {
    fs.open(Path::new(name), OpenMode::CreateNew).expect("the name is free")
}

fn calls(title: &str, crashes: CrashRates) {
    println!("-- {title}");
    let fs = fs(crashes);
    fs.create_dir(Path::new("db")).expect("create");
    let file = create(&fs, "db/000001.wal");
    let mut buffer = [0; 100];
    file.write_at(&[1; 4000], 0).expect("write");
    measure("len", ROUNDS, |_| drop(file.len()));
    measure("read 100 bytes", ROUNDS, |_| drop(file.read_at(&mut buffer, 100)));
    measure("write 100 bytes and sync", ROUNDS, |_| {
        file.write_at(&buffer, 100).expect("write");
        file.sync_data().expect("sync");
    });
    measure("size by path", ROUNDS, |_| drop(fs.size(Path::new("db/000001.wal"))));
    measure("open and close", ROUNDS, |_| {
        drop(fs.open(Path::new("db/000001.wal"), OpenMode::ReadWrite));
    });
    let names: Vec<_> = (0..ROUNDS).map(|round| format!("db/{:06}.sst", round % 100)).collect();
    measure("create, write 4 KiB, sync, sync_dir, remove, sync_dir", ROUNDS, |round| {
        let name = Path::new(&names[round as usize]);
        let file = fs.open(name, OpenMode::CreateNew).expect("create");
        file.write_at(&[7; 4096], 0).expect("write");
        file.sync_data().expect("sync");
        fs.sync_dir(Path::new("db")).expect("sync");
        fs.remove(name).expect("remove");
        fs.sync_dir(Path::new("db")).expect("sync");
    });
}

/// Ten files, three of them with unsynced changes.
fn ten_files() -> Arc<SimFs> {
    let fs = fs(CrashRates::default());
    for number in 0..10u8 {
        let file = create(&fs, &format!("{number:06}.sst"));
        file.write_at(&[number; 3000], 0).expect("write");
        file.sync_data().expect("sync");
    }
    fs.sync_dir(Path::new(".")).expect("sync");
    for number in 0..3u8 {
        let path = format!("{number:06}.sst");
        let file = fs.open(Path::new(&path), OpenMode::ReadWrite).expect("open");
        for part in 0..3u64 {
            file.write_at(&[99; 300], 2000 + part * 300).expect("write");
        }
    }
    drop(create(&fs, "000010.wal"));
    fs
}

fn copies() {
    println!("-- a disk of ten files");
    let disk = ten_files().disk();
    measure("copy", ROUNDS, |_| drop(disk.clone()));
}

fn images() {
    let disk = ten_files().disk();
    for (title, power_percent) in [("power loss", 100), ("kill", 0)] {
        let crashes = CrashRates {
            fork_one_in: 1,
            images_max: u32::MAX,
            power_percent,
            kill_power_percent: 0,
            ..CrashRates::default()
        };
        let what = format!("image of a {title}, 3 files and 1 name undecided");
        let mut fs = world(&disk, crashes, 0);
        measure(&what, ROUNDS, |round| {
            if round % 50 == 0 {
                fs = world(&disk, crashes, u64::from(round));
            }
            drop(fs.sync_dir(Path::new("none")));
            drop(fs.take_images());
        });
    }
}

/// A run of its own, as long as runs are.
fn world(disk: &Disk, crashes: CrashRates, seed: u64) -> Arc<SimFs> {
    let choices = Choices::from_seed(seed);
    let trace = Trace::new(choices.names(), Keep::Last(64));
    let (world, faults) = (WorldId::generation(0), FaultRates::default());
    SimFs::new(disk.clone(), choices, None, world, faults, crashes, trace)
}
