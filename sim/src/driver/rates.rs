//! The driver's own knobs, and what follows from them for each world.

use crate::choice::{Actor, Choices, Label, Odds, Stream, Who, WorldId};
use crate::config::{Config, Knob, knob, setting};
use crate::disk::{CrashRates, Disk, FaultRates, Personality};
use crate::sched::{SchedOptions, Strategy};

/// The knobs of every run, whatever the system.
pub(super) const KNOBS: &[Knob] = &[
    knob("clients", &[1, 2, 2, 3, 4]),
    knob("operations", &[900, 800, 1_200]),
    knob("generations", &[3, 1, 2, 3, 4, 5]),
    // 0 switches uniformly, 1 by priorities, 2 uniformly with long pauses.
    knob("strategy", &[0, 0, 0, 1, 1, 1, 2, 2, 2, 2]),
    knob("switch_one_in", &[8, 2, 4, 20, 60]),
    knob("priority_changes", &[1, 2, 3, 4, 5]),
    knob("priority_points", &[1_024, 64, 256, 4_096]),
    knob("pause_one_in", &[64, 16, 256]),
    knob("pause_points", &[256, 64, 1_024, 2_048]),
    knob("early_one_in", &[0, 0, 0, 200, 1_000]),
    // Images forked and worlds ended, one in so many calls: at work, and while opening.
    knob("fork_one_in", &[120, 60, 240]),
    knob("end_one_in", &[0, 600, 1_500]),
    knob("open_fork_one_in", &[16, 8, 32]),
    knob("open_end_one_in", &[0, 60, 120]),
    knob("nested_fork_one_in", &[40, 20, 80]),
    knob("rare_fork_factor", &[1, 8, 8]),
    knob("images_max", &[14]),
    knob("open_images_max", &[5]),
    setting("nested_images_max", &[2]),
    knob("power_percent", &[60, 30, 90]),
    knob("kill_power_percent", &[20]),
    // How worlds end that do not crash, in percent.
    knob("close_percent", &[40, 0, 100]),
    knob("outage_percent", &[25, 0, 50]),
    knob("close_looks_one_in", &[8]),
    // Faults, one in so many calls of their kind.
    knob("sync_eio_one_in", &[0, 0, 40, 120]),
    knob("sync_full_one_in", &[0, 40, 100]),
    knob("writeback_eio_one_in", &[0, 30, 90]),
    knob("sync_dir_eio_one_in", &[0, 8, 20]),
    knob("write_eio_one_in", &[0, 40, 120]),
    knob("write_full_one_in", &[0, 0, 20, 60]),
    knob("allocate_full_one_in", &[0, 4, 20]),
    knob("create_full_one_in", &[0, 0, 10, 40]),
    knob("name_eio_one_in", &[0, 20, 60]),
    knob("remount_one_in", &[0, 60, 160]),
    knob("read_eio_one_in", &[0, 60, 200]),
    knob("evict_one_in", &[0, 1, 2, 4]),
    knob("room_returns_one_in", &[0, 1, 4]),
    knob("fault_focus", &FAULT_FOCI),
    // Images that are opened a second time, with damage, and how their media go on to decay.
    knob("media_one_in", &[0, 0, 12, 24]),
    knob("decay_one_in", &[0, 60, 200]),
    // How many thousand steps a world of the main line may take; one that is only looked at, half of that.
    setting(STEPS_K, &[2_000]),
    // The disk's size, and the size to which all worlds but the last find it shrunk.
    knob("disk_kib", &[65_536]),
    // Whose file system it is: the cells of its personality by number, zero being POSIX.
    setting("fs_tear", &[0]),
    setting("fs_versions", &[0]),
    setting("fs_appended", &[0]),
    setting("fs_size", &[0]),
    setting("fs_names", &[0]),
    setting("fs_rename", &[0]),
    setting("fs_rename_over", &[0]),
    setting("fs_sync", &[0]),
    setting("fs_sync_dir", &[0]),
    setting("fs_failed_sync", &[0]),
    knob("full_kib", &[0, 0, 0, 0, 0, 48, 96, 160]),
];

/// Faults strike everywhere in half of the runs, and in one part of all places in the others.
const FAULT_FOCI: [u64; 32] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16,
];

/// The class of faults that a generation has for sure, and its rate if the configuration has none. Syncs
/// of directories fail only where the configuration says so, for then the store's own are there before.
const MISFORTUNES: [(&str, u32); 12] = [
    ("none", 0),
    ("write_eio", 30),
    ("write_full", 40),
    ("sync_eio", 30),
    ("sync_full", 40),
    ("writeback_eio", 30),
    ("sync_dir_eio", 0),
    ("allocate_full", 10),
    ("create_full", 20),
    ("name_eio", 20),
    ("remount", 50),
    ("read_eio", 40),
];

/// A generation leaves out one class of faults in so many.
const LEFT_OUT_ONE_IN: u32 = 2;

/// The setting that says how many thousand steps a world may take.
pub(crate) const STEPS_K: &str = "steps_k";

/// What the configuration says of worlds.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    pub(super) generations: u32,
    pub(super) clients: u32,
    pub(super) close_percent: u64,
    pub(super) outage_percent: u64,
    pub(super) close_looks_one_in: u32,
    pub(super) media_one_in: u32,
    decay_one_in: u32,
    personality: Personality,
    disk_bytes: u64,
    /// The size of a disk on which others take the room; zero when they never do.
    full_bytes: u64,
    steps_max: u64,
    strategy: Strategy,
    early_in: u32,
    faults: FaultRates,
    opening: CrashRates,
    working: CrashRates,
    nested: CrashRates,
}

impl Rates {
    pub(super) fn of(config: &Config) -> Rates {
        let get = |name: &str| u32::try_from(config.get(name)).unwrap_or(u32::MAX);
        let crashes = |fork: &str, end: &str, images_max: u32| CrashRates {
            fork_one_in: get(fork),
            end_one_in: if end.is_empty() { 0 } else { get(end) },
            power_percent: get("power_percent"),
            kill_power_percent: get("kill_power_percent"),
            images_max,
            ..CrashRates::default()
        };
        Rates {
            steps_max: config.get(STEPS_K) * 1_000,
            generations: get("generations").max(1),
            clients: get("clients").max(1),
            close_percent: config.get("close_percent"),
            outage_percent: config.get("outage_percent"),
            close_looks_one_in: get("close_looks_one_in"),
            media_one_in: get("media_one_in"),
            decay_one_in: get("decay_one_in"),
            personality: Personality::of_numbers(|knob| config.get(knob)),
            disk_bytes: config.get("disk_kib") * 1024,
            full_bytes: config.get("full_kib") * 1024,
            strategy: strategy(config),
            early_in: get("early_one_in"),
            faults: FaultRates {
                write_eio_one_in: get("write_eio_one_in"),
                write_full_one_in: get("write_full_one_in"),
                sync_eio_one_in: get("sync_eio_one_in"),
                sync_full_one_in: get("sync_full_one_in"),
                writeback_eio_one_in: get("writeback_eio_one_in"),
                sync_dir_eio_one_in: get("sync_dir_eio_one_in"),
                allocate_full_one_in: get("allocate_full_one_in"),
                create_full_one_in: get("create_full_one_in"),
                name_eio_one_in: get("name_eio_one_in"),
                remount_one_in: get("remount_one_in"),
                read_eio_one_in: get("read_eio_one_in"),
                evict_one_in: get("evict_one_in"),
                room_returns_one_in: get("room_returns_one_in"),
                decay_one_in: 0,
                focus: get("fault_focus"),
            },
            opening: crashes("open_fork_one_in", "open_end_one_in", get("open_images_max")),
            working: CrashRates {
                rare_factor: get("rare_fork_factor"),
                ..crashes("fork_one_in", "end_one_in", get("images_max"))
            },
            nested: crashes("nested_fork_one_in", "", get("nested_images_max")),
        }
    }

    /// The disk before anything was done; `directories` and `files` are on it when no store could make
    /// certain of their names.
    pub(super) fn blank_disk(&self, directories: &[&str], files: &[&str]) -> Disk {
        let mut disk = Disk::new(self.disk_bytes);
        disk.set_personality(self.personality);
        if self.media_one_in > 0 {
            disk.keep_earlier();
        }
        if self.faults.sync_dir_eio_one_in > 0 {
            for directory in directories {
                disk.make_durable_dir(directory).expect("a blank disk has room for a directory");
            }
            for file in files {
                disk.make_durable_file(file).expect("a blank disk has room for a file");
            }
        }
        disk
    }

    /// How large the disk is in a world. Others may have filled it on the main line; an image has
    /// room to open.
    pub(super) fn capacity_bytes(&self, world: WorldId) -> u64 {
        let short = world.depth() == 0 && world.main_line() + 1 < self.generations;
        if short && self.full_bytes > 0 { self.full_bytes } else { self.disk_bytes }
    }

    /// Faults strike on the main line only: an image must open. Each generation leaves out some classes,
    /// for most faults end what can be seen of a world, and the frequent would hide the others; and it has
    /// one class for sure.
    pub(super) fn faults(&self, choices: &Choices, world: WorldId) -> FaultRates {
        if world.depth() > 0 {
            return FaultRates::default();
        }
        let mut faults = self.faults;
        let actor = Actor::new(world, Who::Run);
        let (site, count) = (choices.site("misfortune"), MISFORTUNES.len());
        let label = |index: usize| Label::Word(MISFORTUNES[index].0);
        let sure = choices.choose(Stream::Faults, actor, site, Odds::Uniform, count, &label);
        for (class, one_in) in faults.classes_mut() {
            if class == MISFORTUNES[sure].0 {
                *one_in = if *one_in == 0 { MISFORTUNES[sure].1 } else { *one_in };
                continue;
            }
            let site = choices.site(format_args!("without-{class}"));
            if *one_in > 0 && choices.chance(Stream::Faults, actor, site, LEFT_OUT_ONE_IN) {
                *one_in = 0;
            }
        }
        faults
    }

    /// Where media decay, nothing else goes wrong.
    pub(super) fn media_faults(&self) -> FaultRates {
        FaultRates { decay_one_in: self.decay_one_in, ..FaultRates::default() }
    }

    /// Crashes while the store is opened and looked at.
    pub(super) fn crashes_opening(&self, world: WorldId) -> CrashRates {
        if world.depth() == 0 { self.opening } else { self.nested }
    }

    /// Crashes while clients work.
    pub(super) fn crashes_working(&self, world: WorldId) -> CrashRates {
        if world.depth() == 0 { self.working } else { self.nested }
    }

    pub(super) fn schedule(&self, world: WorldId) -> SchedOptions {
        SchedOptions {
            strategy: self.strategy,
            early_in: self.early_in,
            step_budget: if world.depth() == 0 { self.steps_max } else { self.steps_max / 2 },
            ..SchedOptions::default()
        }
    }
}

fn strategy(config: &Config) -> Strategy {
    let get = |name: &str| u32::try_from(config.get(name)).unwrap_or(u32::MAX);
    let one_in = get("switch_one_in").max(1);
    match get("strategy") {
        0 => Strategy::Uniform { one_in },
        1 => Strategy::Pct { changes: get("priority_changes"), horizon: get("priority_points") },
        _ => {
            Strategy::Pauses { one_in, pause_in: get("pause_one_in"), points: get("pause_points") }
        }
    }
}
