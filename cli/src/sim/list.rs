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
    let sites: Vec<_> = sites.iter().map(String::as_str).collect();
    let mut out = console.stdout();
    for (title, names) in [
        ("profiles", &profiles[..]),
        ("personalities", &PERSONALITIES[..]),
        ("faults", &faults[..]),
        ("sites of system calls", &sites[..]),
    ] {
        writeln!(out, "{title}")?;
        names.iter().try_for_each(|name| writeln!(out, "  {name}"))?;
    }
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
