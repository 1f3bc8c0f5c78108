//! Creating a database where `CURRENT` is missing, and refusing to where anything holds data.

use std::path::Path;
use std::sync::Arc;

use seawall_os::sync::enter_scope;
use seawall_os::vfs::{FileLock, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileName;
use crate::base::log_position::LogPosition;
use crate::manifest::{ManifestWriter, State, refuse_data, switch_current};
use crate::memtable::OrderedMemtable;
use crate::tree::SuperVersion;
use crate::wal::{CreateFailure, WalWriter, create_segment};

use super::super::background::Signals;
use super::super::core::{Core, LiveSegment, Parts};
use super::super::keeper::needed_bytes;
use super::super::numbers::raised_counter;
use super::super::options::Options;
use super::super::report::RecoveryReport;
use super::super::scope;
use super::directory;

/// Creates an empty database in `dir`, which holds `names` but no `CURRENT`.
///
/// # Errors
/// Corruption when any of the files there holds or names data: then `CURRENT` was lost.
pub(super) fn create(
    vfs: Arc<dyn Vfs>,
    dir: &Path,
    options: Options,
    lock: Arc<dyn FileLock>,
    names: &[String],
) -> Result<Core> {
    let _scope = enter_scope(scope::CREATE);
    let leftovers: Vec<FileName> = names.iter().filter_map(|name| FileName::parse(name)).collect();
    refuse_data(&*vfs, dir, names)?;
    if !options.create_if_missing {
        return Err(Error::of_file(ErrorKind::NotFound, dir, "there is no database"));
    }
    directory::sync_names(&*vfs, dir)?;
    // What an interrupted creation left keeps its numbers: a file made anew could be handed the very
    // blocks of the old one. It goes only once the new CURRENT is durable: an old CURRENT, gone from
    // sight after a failed sync, may still come back with the next power loss, and must find what it
    // names.
    let first = 1 + leftovers.iter().filter_map(FileName::number).max().unwrap_or(0);
    let mut report = RecoveryReport { created: true, ..RecoveryReport::default() };
    let mut id = DatabaseId([0; 16]);
    vfs.entropy(&mut id.0).context("draw a random id for", dir)?;
    let counter = raised_counter(first + 2, options.file_number_block)?;
    let state = State { counter, min_wal: first + 1, ..State::default() };
    let (manifest, current) = ManifestWriter::create(&*vfs, dir, id, first, state)?;
    let log = first_segment(&*vfs, dir, id, first + 1, &options)?;
    let sync_name = || vfs.sync_dir(dir).context("sync the directory", dir);
    switch_current(&*vfs, dir, &current, sync_name)?;
    remove_leftovers(&*vfs, dir, &leftovers, &mut report);
    let head = LiveSegment { number: first + 1, last_seqno: 0, end: log.end().offset };
    let signals = Arc::new(Signals::default());
    let tables = super::tables(&vfs, dir, id, &options, &signals);
    Ok(Core::new(Parts {
        vfs,
        dir: dir.to_owned(),
        id,
        options,
        lock,
        report,
        log,
        segments: vec![head],
        manifest,
        next_number: first + 2,
        view: SuperVersion {
            active: Arc::new(OrderedMemtable::default()),
            frozen: Vec::new(),
            tables: Arc::default(),
        },
        tables,
        signals,
    }))
}

/// Removes what an interrupted creation left. A failure leaves it to the next open.
fn remove_leftovers(
    vfs: &dyn Vfs,
    dir: &Path,
    leftovers: &[FileName],
    report: &mut RecoveryReport,
) {
    let _scope = enter_scope(scope::SWEEP);
    // CURRENT.tmp went when CURRENT was made.
    for name in leftovers.iter().filter(|name| name.number().is_some()) {
        if vfs.remove(&dir.join(name.to_string())).is_ok() {
            report.removed.push(name.to_string());
        }
    }
}

/// The first segment, with its root LINK. Syncing its name syncs the manifest's too.
fn first_segment(
    vfs: &dyn Vfs,
    dir: &Path,
    id: DatabaseId,
    number: u64,
    options: &Options,
) -> Result<WalWriter> {
    let capacity = options.segment_bytes.max(needed_bytes(0));
    let sync_name = || vfs.sync_dir(dir).context("sync the directory", dir);
    let segment = create_segment(vfs, dir, id, number, capacity, sync_name)
        .map_err(CreateFailure::into_error)?;
    let mut log = WalWriter::new(segment, 0);
    log.append_link(LogPosition::default(), 0, 0)?;
    // Durability: CURRENT comes next, and a database whose log has no LINK is damaged.
    log.sync()?;
    Ok(log)
}
