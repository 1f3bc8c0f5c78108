//! `sim list`: the names that other commands take and print.

use std::collections::BTreeSet;
use std::io::Write as _;

use seawall_sim::choice::Stream;
use seawall_sim::driver::{self, Counts, Input, PROFILES};
use seawall_sim::system_seawall::Seawall;
use serde_json::json;

use super::args::PERSONALITIES;
use crate::console::Console;
use crate::exit::Exit;

/// What each personality is.
const FILE_SYSTEMS: [&str; PERSONALITIES.len()] = [
    "what POSIX leaves open, and so the strictest; the one that must find nothing",
    "ext4 as it is mounted by default",
    "XFS as it is mounted by default",
    "Btrfs as it is mounted by default",
];

/// What each class of faults does.
const FAULTS: [(&str, &str); 16] = [
    ("write_eio", "a write fails, some of it done"),
    ("write_full", "a write finds no room, some of it done"),
    ("sync_eio", "a sync of a file fails, and what it was to cover is in doubt"),
    ("sync_full", "a sync of a file finds no room"),
    ("writeback_eio", "the kernel fails to write back by itself; only the next sync tells"),
    ("sync_dir_eio", "a sync of a directory fails, and its names are in doubt"),
    ("allocate_full", "no room to size a file ahead"),
    ("create_full", "no room for a new name"),
    ("name_eio", "a create, rename or remove fails and has done nothing"),
    ("name_eio_done", "a create, rename or remove fails and has been done"),
    ("remounts", "the disk takes no change any more until the process ends"),
    ("read_eio", "a read fails"),
    ("rot", "a bit of a file turns"),
    ("misdirected", "a sector shows another one, or a read another read"),
    ("stale", "a sector shows what it held before the last sync"),
    ("lost_writes", "all that a sync covered shows what it held before"),
];

/// Sites come into being as they are reached: so many seeds are run to see them.
const SEEDS: u64 = 20;

pub(crate) fn list(console: &Console) -> anyhow::Result<Exit> {
    let faults: Vec<_> = Counts::default().disk.faults_by_class().map(|(name, _)| name).collect();
    let profiles = PROFILES.map(|profile| profile.name);
    let sites = sites();
    if console.json() {
        console.data_json(&json!({
            "profiles": profiles,
            "personalities": PERSONALITIES,
            "faults": faults,
            "sites": sites,
        }))?;
        return Ok(Exit::Fine);
    }
    let profiles = PROFILES.iter().map(|profile| (profile.name, profile.about)).collect();
    let personalities = PERSONALITIES.into_iter().zip(FILE_SYSTEMS).collect();
    let mut out = console.stdout();
    for (title, rows) in [
        ("profiles, for `sim run --profile`: what the seeds draw from", profiles),
        ("personalities, for `sim run --personality`: whose file system it is", personalities),
        ("faults, as `sim run --coverage` counts them", FAULTS.to_vec()),
    ] {
        writeln!(out, "{title}")?;
        rows.iter().try_for_each(|(name, about)| writeln!(out, "  {name:<13}  {about}"))?;
    }
    writeln!(
        out,
        "sites of system calls, as tapes and events name them: what the store was at, file, call"
    )?;
    sites.iter().try_for_each(|site| writeln!(out, "  {site}"))?;
    out.flush()?;
    Ok(Exit::Fine)
}

/// The sites at which some of the first seeds were crashed.
fn sites() -> BTreeSet<String> {
    let ran = (0..SEEDS).filter_map(|seed| driver::run::<Seawall>(&Input::Seed(seed)).ok());
    let answers = ran.flat_map(|ran| ran.tape.answers);
    let crashes = answers.filter(|answer| answer.key.stream == Stream::Crash);
    crashes.map(|answer| answer.key.site).filter(|site| site.split('/').count() == 3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_of_faults_is_explained() {
        let counts = Counts::default();
        let classes = counts.disk.faults_by_class().map(|(name, _)| name);
        assert!(classes.eq(FAULTS.into_iter().map(|(name, _)| name)));
    }
}
