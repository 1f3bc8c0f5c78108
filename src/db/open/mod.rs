//! Opening a database, in nine steps. After a crash this is recovery.
//!
//! ```text
//! lock      the directory is ours
//! current   which manifest counts; none: create, unless anything here holds or names data
//! manifest  the structure, and its invariants
//! files     every table is there, with its exact size
//! segments  the chain of the log, what is proven and what was torn
//! replay    the operations no table holds, into a memtable
//! roll      a new manifest that means exactly what was read
//! relog     a new segment: what nothing vouches for, logged again and synced, then its LINK
//! sweep     what nothing names is removed, or set aside if no crash explains it
//! ```
//!
//! Invariant: no step before `sweep` destroys evidence. Damage in anything that counts makes the open
//! fail and leaves every file as it is. Before the new LINK is durable, only files go that nothing
//! can ever have named: a table that is not whole, a segment without any frame, a left-over
//! `CURRENT.tmp`.

mod create;
mod directory;
mod leftovers;
mod look;
mod relog;
mod replay;
mod segments;
mod sweep;
mod verify;

use std::path::Path;
use std::sync::Arc;

use seawall_os::sync::enter_scope;
use seawall_os::vfs::{FileLock, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::table_meta::TableMeta;
use crate::log::{LogFile, read_whole};
use crate::manifest::{Current, ManifestContent, ManifestWriter, State, read_current};
use crate::manifest::{read_manifest, switch_current};
use crate::sstable::BlockCache;
use crate::tables::{Released, Slots, Tables};

use super::background::Signals;
use super::core::{Core, Parts};
use super::numbers::raised_counter;
use super::options::Options;
use super::report::{Cut, RecoveryReport};
use super::scope;
use super::structure::OpenLevels;

pub(super) use look::look;
pub(super) use verify::verify;

/// What the steps of one open share.
struct Opening {
    vfs: Arc<dyn Vfs>,
    dir: std::path::PathBuf,
    options: Options,
    id: DatabaseId,
    tables: Tables,
    signals: Arc<Signals>,
    /// The names found in the directory.
    names: Vec<String>,
    report: RecoveryReport,
}

/// Opens or creates the database in `dir`. The background tasks are not running yet.
pub(super) fn open(vfs: Arc<dyn Vfs>, dir: &Path, options: Options) -> Result<Core> {
    let _scope = enter_scope(scope::OPEN);
    let lock = directory::lock(&*vfs, dir, options.create_if_missing)?;
    let current_path = dir.join(FileName::Current.to_string());
    let names = vfs.list(dir).context("list", dir)?;
    match read_current(&*vfs, &current_path)? {
        None => create::create(vfs, dir, options, lock, &names),
        Some(current) => Opening::new(vfs, dir, options, current.id, names).recover(&current, lock),
    }
}

/// No table is open yet.
fn tables(
    vfs: &Arc<dyn Vfs>,
    dir: &Path,
    id: DatabaseId,
    options: &Options,
    signals: &Arc<Signals>,
) -> Tables {
    let released = Arc::clone(signals) as Arc<dyn Released>;
    let cache = BlockCache::new(options.block_cache_bytes, options.block_bytes);
    // One for each that may run, and one for `compact_range`.
    let kept = options.compaction_threads + 1;
    let slots = Slots::new(options.open_tables_max, kept, Arc::clone(&released));
    Tables::new(Arc::clone(vfs), dir, id, cache, slots, released)
}

impl Opening {
    fn new(
        vfs: Arc<dyn Vfs>,
        dir: &Path,
        options: Options,
        id: DatabaseId,
        names: Vec<String>,
    ) -> Opening {
        let signals = Arc::new(Signals::default());
        Opening {
            tables: tables(&vfs, dir, id, &options, &signals),
            signals,
            vfs,
            dir: dir.to_owned(),
            options,
            id,
            names,
            report: RecoveryReport::default(),
        }
    }

    fn recover(mut self, current: &Current, lock: Arc<dyn FileLock>) -> Result<Core> {
        let manifest = self.manifest(current)?;
        let state = manifest.state;
        let tables = self.files(&state)?;
        let files = self.read_segments(&state)?;
        let chain = self.chain(&files, &state)?;
        self.note_log(&chain, &files);
        let replayed = self.replay(&chain, state.flushed_seqno)?;
        let leftovers = self.leftovers(&state, &chain)?;
        leftovers.make_room(&*self.vfs, &self.dir);
        let first_number = self.next_number(&state, &chain);
        let manifest = self.roll(state, first_number)?;
        let (log, segments) = self.relog(&chain, first_number + 1, manifest.state())?;
        self.sweep(leftovers, manifest.number());
        self.report.last_seqno = log.last_seqno();
        Ok(Core::new(Parts {
            vfs: self.vfs,
            dir: self.dir,
            id: self.id,
            options: self.options,
            lock,
            report: self.report,
            log,
            segments,
            manifest,
            next_number: first_number + 2,
            view: replayed.into_view(tables),
            tables: self.tables,
            signals: self.signals,
        }))
    }

    /// Reads the manifest that `CURRENT` names.
    fn manifest(&mut self, current: &Current) -> Result<ManifestContent> {
        let name = FileName::Manifest(current.manifest).to_string();
        let path = self.dir.join(&name);
        let file = match self.vfs.open(&path, OpenMode::ReadOnly) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::missing(&path, "the manifest that CURRENT names is missing"));
            }
            opened => opened.context("open", &path)?,
        };
        let bytes = read_whole(&*file, &path)?;
        let log = LogFile { id: self.id, number: current.manifest, path };
        let content = read_manifest(&bytes, &log, current)?;
        if content.cut_bytes > 0 {
            self.report.cut.push(Cut {
                file: name.clone(),
                offset: content.end,
                bytes: content.cut_bytes,
                behind_close: false,
            });
        }
        self.report.manifest = name;
        self.report.edits = content.edits.len() as u64;
        self.report.tables = content.state.tables.count();
        Ok(content)
    }

    /// Opens every table that counts: it must be there, whole, with the size the manifest gives.
    fn files(&self, state: &State) -> Result<Arc<OpenLevels>> {
        let open = |meta: &TableMeta| self.tables.open(meta, self.tables.slots.take()?);
        let tables = state.tables.try_map(open);
        Ok(Arc::new(tables.map_err(|error: Error| error.held_against(&self.report.manifest))?))
    }

    /// The first of the numbers this open will use: above every number that may have been used.
    fn next_number(&self, state: &State, chain: &crate::wal::Chain<'_>) -> FileNumber {
        let named = self.names.iter().filter_map(|name| FileName::parse(name)?.number());
        let linked = chain.segments.iter().flat_map(|s| [s.log.number, s.link.previous]);
        let used = named.chain(linked).max().unwrap_or(0);
        state.counter.max(used + 1)
    }

    /// Writes a new manifest that denotes exactly the version read, with a larger counter, and makes
    /// it the current one.
    fn roll(&self, state: State, number: FileNumber) -> Result<ManifestWriter> {
        // The manifest and the segment of this open take the first two numbers.
        let counter = raised_counter(number + 2, self.options.file_number_block)?;
        let state = State { counter, ..state };
        let (writer, current) =
            ManifestWriter::create(&*self.vfs, &self.dir, self.id, number, state)?;
        // Durability: CURRENT must not name a manifest that a crash could leave without a name.
        self.sync_dir()?;
        switch_current(&*self.vfs, &self.dir, &current, || self.sync_dir())?;
        Ok(writer)
    }

    fn sync_dir(&self) -> Result<()> {
        self.vfs.sync_dir(&self.dir).context("sync the directory", &self.dir)
    }
}
