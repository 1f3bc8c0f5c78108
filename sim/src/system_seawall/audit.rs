//! What no read shows: the files, and what the store says of them.

use std::path::Path;
use std::time::Duration;

use seawall::{Db, Error, ErrorKind};
use seawall_os::sync;
use seawall_os::vfs::Vfs;

use super::{DIRECTORY, Store, text_of};
use crate::system::{Complaint, Property};

/// How long compactions may take to come to their end, in waits of the simulator's clock.
const WAITS_MAX: u32 = 200;
const WAIT: Duration = Duration::from_millis(1);

/// Checks everything on disk that counts, and that nothing else is there.
pub(super) fn audit(store: &Store, vfs: &dyn Vfs) -> Result<(), Complaint> {
    let db = &store.db();
    if store.current.has_changed() {
        store.slots.clear();
        no_more_tables_are_open_than_count(db)?;
    }
    let verified = db.verify().map_err(|error| complaint(db, &error))?;
    let wrong = |text: String| Err(Complaint::Wrong(Property::Files, text));
    if !verified.orphans.is_empty() {
        return wrong(format!("nothing names {}", verified.orphans.join(" ")));
    }
    if !verified.set_aside.is_empty() {
        return wrong(format!(
            "{} was set aside, although every crash explains what it leaves",
            verified.set_aside.join(" ")
        ));
    }
    report_is_true(db, vfs)
}

/// Nobody reads, so sooner or later compactions are done and all tables but those of the version are
/// closed.
fn no_more_tables_are_open_than_count(db: &Db) -> Result<(), Complaint> {
    let mut stats = db.stats();
    for _ in 0..WAITS_MAX {
        if stats.open_tables <= stats.tables + stats.frozen_memtables || stats.stopped.is_some() {
            return Ok(());
        }
        sync::sleep(WAIT);
        stats = db.stats();
    }
    let text = format!(
        "{} tables are open although nobody reads and only {} and {} memtables count",
        stats.open_tables, stats.tables, stats.frozen_memtables
    );
    Err(Complaint::Wrong(Property::Progress, text))
}

/// What an error of a check of everything means.
///
/// Once writes have stopped, what lies on disk may be anything that a failed call leaves: a file
/// without its name, a CURRENT that is already the next one. That is for the next open to judge.
pub(super) fn complaint(db: &Db, error: &Error) -> Complaint {
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::FormatTooNew if db.stats().stopped.is_none() => {
            Complaint::Wrong(Property::Damage, text_of(error))
        }
        _ => Complaint::Failed(text_of(error)),
    }
}

/// What recovery says it removed is gone.
fn report_is_true(db: &Db, vfs: &dyn Vfs) -> Result<(), Complaint> {
    let removed = &db.recovery_report().removed;
    if removed.is_empty() {
        return Ok(());
    }
    let names = vfs
        .list(Path::new(DIRECTORY))
        .map_err(|error| Complaint::Failed(format!("listing {DIRECTORY}: {error}")))?;
    // Numbered names are never used twice; CURRENT.tmp is, by the next roll.
    let numbered = removed.iter().filter(|name| *name != "CURRENT.tmp");
    match numbered.into_iter().find(|name| names.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let text = format!("recovery says that it removed {name}, which is there");
            Err(Complaint::Wrong(Property::Files, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seawall_os::vfs::OpenMode;

    use super::*;
    use crate::config::Config;
    use crate::disk::{Disk, SimFs};
    use crate::system::System;
    use crate::system_seawall::Seawall;

    /// What an audit of a new database says, with one more file of this name in its directory.
    fn with_file(name: &str) -> Result<(), Complaint> {
        let config = Arc::new(Config::calm(&[Seawall::knobs()]));
        let vfs: Arc<dyn Vfs> = SimFs::calm(Disk::new(16 << 20));
        let opened = Seawall::open(Arc::clone(&vfs), &config).expect("an empty disk");
        vfs.open(&Path::new(DIRECTORY).join(name), OpenMode::CreateNew).expect("a new name");
        audit(&opened.store, &*vfs)
    }

    #[test]
    fn a_file_that_nothing_names_is_told() {
        assert!(with_file("notes.txt").is_ok(), "it is not ours to judge");
        for name in ["000099.sst", "000099.wal", "MANIFEST-000099"] {
            let told = with_file(name).expect_err("nothing names it");
            let Complaint::Wrong(Property::Files, text) = &told else { panic!("{told:?}") };
            assert!(text.contains(name), "{text}");
        }
    }
}
