//! Whose files these are, and which of the tables count.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::vfs::{FileLock, LockMode, OpenMode, Vfs};

use crate::base::checksum::DatabaseId;
use crate::base::damage::{Damage, without_place};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::log::{FrameKind, LogFile, find_ids, read_whole, scan};
use crate::manifest::{Current, Edit, State, read_current, read_manifest};
use crate::sstable::{Expected, GoodBlocks, find_damage, written_for};

use super::log::{LogOperations, Segments};
use super::merge::TableSource;
use super::report::SalvageReport;
use super::seen::Seen;

/// A directory, looked at.
pub(super) struct Survey {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    pub(super) lock: Option<Arc<dyn FileLock>>,
    id: DatabaseId,
    /// What stands in the directory and is of a database, by kind and number.
    manifests: BTreeMap<FileNumber, Vec<u8>>,
    segments: BTreeMap<FileNumber, Vec<u8>>,
    tables: BTreeSet<FileNumber>,
    /// The structure, if a manifest can be believed.
    state: Option<State>,
    /// Whether something stands behind the last valid edit of that manifest.
    torn: bool,
    /// Tables that a valid edit removed: what they hold stands in others, or is gone for good.
    obsolete: BTreeSet<FileNumber>,
    /// The operations that the log showed, and what else is known of them.
    pub(super) seen: Seen,
    pub(super) report: SalvageReport,
}

impl Survey {
    /// Reads everything but the tables.
    pub(super) fn of(vfs: Arc<dyn Vfs>, dir: &Path) -> Result<Survey> {
        let names = list(&*vfs, dir)?;
        let lock_name = FileName::Lock.to_string();
        let lock = if names.contains(&lock_name) { Some(share(&*vfs, dir)?) } else { None };
        let mut survey = Survey {
            vfs,
            dir: dir.to_owned(),
            lock,
            id: DatabaseId([0; 16]),
            manifests: BTreeMap::new(),
            segments: BTreeMap::new(),
            tables: BTreeSet::new(),
            state: None,
            torn: false,
            obsolete: BTreeSet::new(),
            seen: Seen::default(),
            report: SalvageReport::default(),
        };
        survey.read_files(&names)?;
        let current = survey.read_current()?;
        let current = survey.identify(current)?;
        survey.report.id = survey.id.to_string();
        survey.read_manifest(current)?;
        Ok(survey)
    }

    fn read_files(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            match FileName::parse(name) {
                Some(FileName::Table(number)) => drop(self.tables.insert(number)),
                Some(FileName::Manifest(number)) => {
                    let bytes = self.read(name)?;
                    self.manifests.insert(number, bytes);
                }
                Some(FileName::Wal(number)) => {
                    let bytes = self.read(name)?;
                    self.segments.insert(number, bytes);
                }
                Some(FileName::Damaged(_) | FileName::CurrentTemp) => {
                    self.report.unused.push(name.clone());
                }
                Some(FileName::Lock | FileName::Current) | None => {}
            }
        }
        Ok(())
    }

    /// A log file or manifest; what cannot be read is empty, and told.
    fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let path = self.dir.join(name);
        let file = self.vfs.open(&path, OpenMode::ReadOnly).context("open", &path);
        match file.and_then(|file| read_whole(&*file, &path)) {
            Err(error) if is_refusal(&error) => Err(error),
            Err(error) => {
                self.report.damage.push(Damage::loss(name, None, without_place(&error)));
                Ok(Vec::new())
            }
            read => read,
        }
    }

    fn read_current(&mut self) -> Result<Option<Current>> {
        let name = FileName::Current.to_string();
        let path = self.dir.join(&name);
        match read_current(&*self.vfs, &path) {
            Err(error) if error.kind() == ErrorKind::FormatTooNew => Err(error),
            Err(error) => {
                self.report.damage.push(Damage::harmless(&name, &error));
                Ok(None)
            }
            Ok(None) => {
                let error = Error::missing(&path, "the file is missing");
                self.report.damage.push(Damage::harmless(&name, &error));
                Ok(None)
            }
            found => found,
        }
    }

    /// Decides whose files these are: what `CURRENT` says, unless all others say something else.
    fn identify(&mut self, current: Option<Current>) -> Result<Option<Current>> {
        let votes = self.votes();
        if let Some(current) = current {
            if votes.is_empty() || votes.contains_key(&current.id.0) {
                self.id = current.id;
                return Ok(Some(current));
            }
            let name = FileName::Current.to_string();
            let what = format!("it names database {}, of which nothing is here", current.id);
            let error = Error::corruption(&self.dir.join(&name), 0, what);
            self.report.damage.push(Damage::harmless(&name, &error));
        }
        let most = votes.into_iter().max_by_key(|(_, count)| *count);
        let what = "no file tells whose it is, so nothing here can be proved good";
        let none = || Error::of_file(ErrorKind::Corruption, &self.dir, what);
        self.id = DatabaseId(most.ok_or_else(none)?.0);
        Ok(None)
    }

    /// How many files say that they are of which database.
    fn votes(&self) -> BTreeMap<[u8; 16], usize> {
        let mut votes: BTreeMap<[u8; 16], usize> = BTreeMap::new();
        let manifests = self.manifests.iter().map(|(number, bytes)| (*number, bytes));
        let segments = self.segments.iter().map(|(number, bytes)| (*number, bytes));
        for (number, bytes) in manifests.chain(segments) {
            let log = LogFile { id: self.id, number, path: PathBuf::new() };
            for id in find_ids(bytes, &log) {
                *votes.entry(id.0).or_default() += 1;
            }
        }
        for number in &self.tables {
            if let Ok((id, written)) = written_for(&*self.vfs, &self.table_path(*number))
                && written == *number
            {
                *votes.entry(id.0).or_default() += 1;
            }
        }
        votes
    }

    /// Takes the structure from the manifest that `CURRENT` names, or else from the newest one.
    fn read_manifest(&mut self, current: Option<Current>) -> Result<()> {
        let number = current.as_ref().map(|current| current.manifest);
        let Some(number) = number.or_else(|| self.manifests.keys().next_back().copied()) else {
            self.tell_of_manifest(Damage::loss("MANIFEST", None, "there is no manifest"));
            return Ok(());
        };
        let name = FileName::Manifest(number).to_string();
        let path = self.dir.join(&name);
        let log = LogFile { id: self.id, number, path: path.clone() };
        let content = match self.manifests.get(&number) {
            None => Err(Error::missing(&path, "the manifest that CURRENT names is missing")),
            Some(bytes) => described(bytes, &log, current)
                .and_then(|current| read_manifest(bytes, &log, &current)),
        };
        match content {
            Err(error) if error.kind() == ErrorKind::FormatTooNew => return Err(error),
            Err(error) => self.disbelieve(&name, &error),
            Ok(content) => {
                self.torn = content.cut_bytes > 0;
                if self.torn {
                    let what = format!("{} bytes are no valid edit: torn", content.cut_bytes);
                    let error = Error::corruption(&path, content.end, what);
                    let torn = Damage { torn: true, ..Damage::harmless(&name, &error) };
                    self.report.damage.push(torn);
                }
                self.report.manifest = Some(name);
                self.state = Some(content.state);
            }
        }
        Ok(())
    }

    /// Goes by the files that are there: no manifest tells which tables count.
    fn disbelieve(&mut self, name: &str, error: &Error) {
        self.tell_of_manifest(Damage::loss(name, error.offset(), without_place(error)));
        self.state = None;
        self.report.manifest = None;
        for (number, bytes) in &self.manifests {
            let path = self.dir.join(FileName::Manifest(*number).to_string());
            let log = LogFile { id: self.id, number: *number, path };
            self.obsolete.extend(removed_by_edits(bytes, &log));
        }
    }

    /// Which tables count is not known, and of those that are missing nobody tells.
    fn tell_of_manifest(&mut self, damage: Damage) {
        self.seen.miss_manifest(self.report.damage.len());
        self.report.damage.push(damage);
    }

    /// Reads what the log proves, which may show that edits of the manifest are missing.
    pub(super) fn read_log(&mut self) -> LogOperations {
        let files = std::mem::take(&mut self.segments);
        let segments = Segments::new(self.id, &self.dir, files);
        if let Some(state) = &self.state
            && let Some(what) = self.behind(state, &segments)
            && let Some(name) = self.report.manifest.clone()
        {
            let path = self.dir.join(&name);
            let error = Error::corruption(&path, self.manifest_len(&name), what);
            self.disbelieve(&name, &error);
        }
        segments.operations(self.state.as_ref(), &mut self.report, &mut self.seen)
    }

    /// What shows that the manifest lacks edits that were durable.
    fn behind(&self, state: &State, segments: &Segments) -> Option<String> {
        let known = segments.synced_edit();
        if known > state.edit_number {
            return Some(format!(
                "the log knows edit {known} to be durable, the manifest ends with edit {}",
                state.edit_number
            ));
        }
        // Segments go when an edit says that tables hold what is in them. If no such edit is left but something
        // that may have been one, they were not lost.
        let begins = segments.begins_after().filter(|begins| *begins > state.flushed_seqno);
        begins.filter(|_| self.torn).map(|begins| {
            format!(
                "the log begins after seqno {begins}, the manifest knows of tables up to {}, and what follows \
                 in it is no valid edit",
                state.flushed_seqno
            )
        })
    }

    fn manifest_len(&self, name: &str) -> u64 {
        let number = FileName::parse(name).and_then(|name| name.number());
        let bytes = number.and_then(|number| self.manifests.get(&number));
        bytes.map_or(0, |bytes| bytes.len() as u64)
    }

    /// Opens the tables that count.
    pub(super) fn open_tables(&mut self) -> Result<Vec<TableSource>> {
        let mut sources = Vec::new();
        for expected in self.tables_that_count() {
            sources.extend(self.open_table(expected)?);
        }
        Ok(sources)
    }

    /// Reads the tables that count and adds all that is wrong with them to the report.
    pub(super) fn check_tables(&mut self) -> Result<()> {
        for expected in self.tables_that_count() {
            let path = self.table_path(expected.number);
            self.report.damage.extend(find_damage(&*self.vfs, &path, &expected, is_refusal)?);
        }
        Ok(())
    }

    fn tables_that_count(&mut self) -> Vec<Expected> {
        let id = self.id;
        let expected: Vec<Expected> = match &self.state {
            Some(state) => {
                let metas = state.tables.iter().map(|(_, meta)| meta.clone());
                metas.map(|meta| Expected { id, number: meta.number, meta: Some(meta) }).collect()
            }
            None => {
                let there = self.tables.iter().filter(|number| !self.obsolete.contains(*number));
                there.map(|number| Expected { id, number: *number, meta: None }).collect()
            }
        };
        let counts: BTreeSet<FileNumber> = expected.iter().map(|table| table.number).collect();
        let unused = self.tables.difference(&counts);
        self.report.unused.extend(unused.map(|number| FileName::Table(*number).to_string()));
        expected
    }

    fn open_table(&mut self, expected: Expected) -> Result<Option<TableSource>> {
        let Expected { id, number, meta } = &expected;
        let name = FileName::Table(*number).to_string();
        let size_bytes = meta.as_ref().map(|meta| meta.size_bytes);
        match GoodBlocks::open(&*self.vfs, &self.table_path(*number), *id, *number, size_bytes) {
            Ok(blocks) => {
                let harmless = blocks.damaged_ends().iter();
                self.report.damage.extend(harmless.map(|error| Damage::harmless(&name, error)));
                self.report.tables += 1;
                let end = blocks.lost_end().map(|end| expected.lost_end(&name, &blocks, end));
                self.report.damage.extend(end);
                Ok(Some(TableSource { name, blocks, expected }))
            }
            Err(error) if is_refusal(&error) => Err(error),
            Err(error) => {
                self.report.damage.push(expected.lost_table(&name, &error));
                Ok(None)
            }
        }
    }

    fn table_path(&self, number: FileNumber) -> PathBuf {
        self.dir.join(FileName::Table(number).to_string())
    }
}

/// Whether the system refuses what it may permit later: no damage, and no reason to go on without.
fn is_refusal(error: &Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let too_many = |cause: &io::Error| matches!(cause.raw_os_error(), Some(ENFILE | EMFILE));
    error.kind() == ErrorKind::PermissionDenied || cause.is_some_and(too_many)
}

/// The names in a directory that holds a database, or what is left of one.
fn list(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<String>> {
    let holds = |name: &String| !matches!(FileName::parse(name), None | Some(FileName::Lock));
    match vfs.list(dir) {
        Ok(names) if names.iter().any(holds) => Ok(names),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("list", dir, error)),
        _ => Err(Error::of_file(ErrorKind::NotFound, dir, "there is no database")),
    }
}

fn share(vfs: &dyn Vfs, dir: &Path) -> Result<Arc<dyn FileLock>> {
    let path = dir.join(FileName::Lock.to_string());
    match vfs.lock(&path, LockMode::Shared) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let what = "the database is open for writing, here or in another process";
            Err(Error::of_file(ErrorKind::Locked, &path, what))
        }
        locked => locked.context("lock", &path),
    }
}

/// What `CURRENT` says of the manifest, or would say if it were there.
fn described(bytes: &[u8], log: &LogFile, current: Option<Current>) -> Result<Current> {
    if let Some(current) = current {
        return Ok(current);
    }
    let scan = scan(bytes, log);
    let first = scan.prefix.first().filter(|frame| frame.head.kind == FrameKind::Snapshot);
    let first = first
        .ok_or_else(|| Error::corruption(&log.path, 0, "the manifest has no valid SNAPSHOT"))?;
    Ok(Current {
        id: log.id,
        manifest: log.number,
        snapshot_end: first.end(),
        checksum: first.checksum(log),
    })
}

/// The tables that valid edits removed for good: one that moves is added by the same edit.
fn removed_by_edits(bytes: &[u8], log: &LogFile) -> Vec<FileNumber> {
    let mut removed = Vec::new();
    for frame in scan(bytes, log).frames().filter(|frame| frame.head.kind == FrameKind::Edit) {
        let number = frame.head.first_seqno;
        let edit = Edit::decode(frame.payload, number, &log.path, frame.payload_offset());
        let Ok(Edit { removed: numbers, added, .. }) = edit else { continue };
        let stays = |number| added.iter().any(|(_, table)| table.number == number);
        removed.extend(numbers.into_iter().filter(|number| !stays(*number)));
    }
    removed
}
