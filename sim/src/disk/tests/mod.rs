//! Claims about the simulated disk, by subject.

mod changes;
mod crashes;
mod faults;
mod images;
mod linux;
mod litmus;
mod media;
mod random;
mod tasks;
mod write_back;

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{File, OpenMode, Vfs};

use super::{CrashRates, Disk, FaultRates, SimFs};
use crate::choice::{Choices, WorldId};
use crate::trace::{Keep, Trace};

const MIB: u64 = 1 << 20;

fn disk() -> Disk {
    Disk::new(16 * MIB)
}

fn calm() -> Arc<SimFs> {
    SimFs::calm(disk())
}

fn rough(disk: Disk, choices: &Choices, faults: FaultRates, crashes: CrashRates) -> Arc<SimFs> {
    let trace = Trace::new(choices.names(), Keep::Last(64));
    let world = WorldId::generation(0);
    SimFs::new(disk, choices.clone(), None, world, faults, crashes, trace)
}

fn create(fs: &SimFs, name: &str) -> Arc<dyn File> {
    fs.open(Path::new(name), OpenMode::CreateNew).expect("the name is free")
}

fn open(fs: &SimFs, name: &str) -> Arc<dyn File> {
    fs.open(Path::new(name), OpenMode::ReadWrite).expect("the file exists")
}

fn sync_dir(fs: &SimFs) {
    fs.sync_dir(Path::new(".")).expect("no fault is on");
}

/// A durable file of this content, on a file system without faults.
fn durable_file(fs: &SimFs, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = create(fs, name);
    file.write_at(bytes, 0).expect("there is room");
    file.sync_all().expect("no fault is on");
    sync_dir(fs);
    file
}
