//! Creating a database where `CURRENT` is missing, and refusing to where anything holds data.

use std::path::Path;
use std::sync::Arc;

use seawall_os::sync::enter_scope;
use seawall_os::vfs::{FileLock, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileName;
use crate::base::log_position::LogPosition;
use crate::log::{FrameKind, LogFile, find_ids, read_whole, scan};
use crate::manifest::{ManifestWriter, State, switch_current};
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

/// Fails when a file holds or names data, so that a lost `CURRENT` never passes for a new database.
pub(super) fn refuse_data(vfs: &dyn Vfs, dir: &Path, names: &[String]) -> Result<()> {
    let mut logs = Vec::new();
    for name in names.iter().filter_map(|name| FileName::parse(name)) {
        let path = dir.join(name.to_string());
        match name {
            FileName::Lock | FileName::Current | FileName::CurrentTemp => {}
            FileName::Table(_) => return Err(lost_current(&path, "a table")),
            FileName::Damaged(_) => return Err(lost_current(&path, "a file set aside")),
            FileName::Wal(number) | FileName::Manifest(number) => {
                let file = vfs.open(&path, OpenMode::ReadOnly).context("open", &path)?;
                let bytes = read_whole(&*file, &path)?;
                logs.push((LogFile { id: DatabaseId([0; 16]), number, path }, bytes));
            }
        }
    }
    // LINK and SNAPSHOT carry the id of their database in the clear; the other frames need it.
    let mut ids: Vec<DatabaseId> =
        logs.iter().flat_map(|(file, bytes)| find_ids(bytes, file)).collect();
    ids.dedup();
    for (file, bytes) in &logs {
        for id in &ids {
            refuse_frames(bytes, &LogFile { id: *id, ..file.clone() })?;
        }
    }
    Ok(())
}

/// Fails when a log file or manifest holds operations, or names anything.
fn refuse_frames(bytes: &[u8], file: &LogFile) -> Result<()> {
    match evidence(bytes, file) {
        Some(what) => Err(lost_current(&file.path, &what)),
        None => Ok(()),
    }
}

/// What in a log file or manifest holds operations or names anything. An interrupted creation leaves
/// only files without.
pub(super) fn evidence(bytes: &[u8], file: &LogFile) -> Option<String> {
    for frame in scan(bytes, file).frames() {
        let names_data = match frame.head.kind {
            FrameKind::Data | FrameKind::Relog | FrameKind::Edit => true,
            FrameKind::Snapshot => State::decode(frame.payload, &file.path, frame.payload_offset())
                .map_or(true, |state| state.flushed_seqno > 0 || state.tables.count() > 0),
            FrameKind::Link | FrameKind::Mark | FrameKind::Close => false,
        };
        if names_data {
            return Some(format!("a {} frame at byte {}", frame.head.kind.name(), frame.offset));
        }
    }
    None
}

fn lost_current(path: &Path, evidence: &str) -> Error {
    let what = format!("CURRENT is missing, yet there is {evidence}: this was a database");
    Error::of_file(ErrorKind::Corruption, path, what)
}
