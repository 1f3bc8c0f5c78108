//! Media that decay, under a log of pages with one checksum: it is never blamed for telling what is
//! damaged, and always found out when it does not.

use std::io;
use std::sync::Arc;

use seawall_os::fs;
use seawall_os::vfs::Vfs;
use seawall_sim::check::Property;
use seawall_sim::driver::{Input, Ran, run};
use seawall_sim::simple::{AppendLog, Log};
use xxhash_rust::xxh3::xxh3_64;

/// What is wrong with the log.
mod bug {
    pub(super) const NONE: u8 = 0;
    /// The checksum is not looked at.
    pub(super) const UNCHECKED: u8 = 1;
    /// What is damaged counts as empty.
    pub(super) const FORGETS: u8 = 2;
    /// It says that something is damaged, and not what.
    pub(super) const VAGUE: u8 = 3;
}

/// All records in one file, which is replaced as a whole: a checksum, and a line for each.
struct Pages<const BUG: u8> {
    vfs: Arc<dyn Vfs>,
    records: Vec<Vec<u8>>,
    failed: bool,
}

const FILE: &str = "/pages";

fn write(vfs: &dyn Vfs, records: &[Vec<u8>]) -> io::Result<()> {
    let lines = records.join(&b'\n');
    let bytes = [&xxh3_64(&lines).to_le_bytes()[..], &lines].concat();
    fs::write_atomic(vfs, FILE, &bytes)
}

impl<const BUG: u8> AppendLog for Pages<BUG> {
    const NOTICES_DAMAGE: bool = true;

    fn open(vfs: Arc<dyn Vfs>) -> io::Result<Pages<BUG>> {
        let bytes = fs::read_if_exists(&*vfs, FILE)?;
        let mut records = Vec::new();
        if let Some(bytes) = bytes {
            let whole = bytes.split_first_chunk().filter(|(sum, lines)| {
                BUG == bug::UNCHECKED || u64::from_le_bytes(**sum) == xxh3_64(lines)
            });
            match whole {
                Some((_, lines)) => {
                    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                    records = lines.map(<[u8]>::to_vec).collect();
                }
                None if BUG == bug::FORGETS => {}
                None => {
                    let what = if BUG == bug::VAGUE { "something" } else { "pages" };
                    let text = format!("{what} is damaged");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
            }
        }
        // The name may be the work of a rename whose sync has failed; no later sync covers it.
        write(&*vfs, &records)?;
        Ok(Pages { vfs, records, failed: false })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an append has failed"));
        }
        let mut records = self.records.clone();
        records.push(record.to_vec());
        let written = write(&*self.vfs, &records);
        self.failed = written.is_err();
        written?;
        self.records = records;
        Ok(())
    }

    fn records(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.records.clone())
    }
}

fn ran<const BUG: u8>(seed: u64) -> Ran {
    run::<Log<Pages<BUG>>>(&Input::Seed(seed)).expect("a seed always makes a run")
}

/// What the first seed that fails says. It is damage, and the file and the place are told.
fn found<const BUG: u8>() -> String {
    let failure = (0..60).find_map(|seed| ran::<BUG>(seed).failure).expect("a seed fails");
    let text = failure.violation.to_string();
    assert_eq!(failure.violation.property, Property::Damage, "{text}");
    assert!(text.contains("damage    pages["), "{text}");
    text
}

#[test]
fn a_log_that_tells_its_damage_is_never_blamed() {
    let mut opened = 0;
    for seed in 0..60 {
        let ran = ran::<{ bug::NONE }>(seed);
        opened += ran.counts.damaged;
        let failure = ran.failure.map(|failure| failure.violation.to_string());
        assert_eq!(failure, None, "seed {seed}");
    }
    assert!(opened > 30, "{opened} disks with damage");
}

#[test]
fn damage_that_is_served_is_found() {
    let text = found::<{ bug::UNCHECKED }>();
    assert!(text.contains("reads     the state at no position"), "{text}");
}

#[test]
fn damage_that_is_taken_for_an_empty_log_is_found() {
    let text = found::<{ bug::FORGETS }>();
    assert!(text.contains("got       recovered up to 0"), "{text}");
}

#[test]
fn damage_that_is_told_of_no_file_is_found() {
    let text = found::<{ bug::VAGUE }>();
    assert!(text.contains("expected  an error that names a file that is damaged"), "{text}");
}

#[test]
fn the_block_says_what_is_damaged_and_that_no_barrier_is_missing() {
    let sweep = || seawall_sim::check::<Log<Pages<{ bug::UNCHECKED }>>>().seeds(0..60).run();
    let panic = std::panic::catch_unwind(sweep).expect_err("it is found");
    let text = panic.downcast::<String>().expect("a panic with a text");
    for words in [
        "\n  property  O6: damage is reported, never served",
        "\n  damage    pages[",
        "\n  why       no barrier is missing: the media changed pages[",
        "\nfn o6_damage_is_reported_never_served",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}
