//! `inspect stats`: sums over the manifest, the ends of all tables and the log.

use std::fmt;
use std::path::Path;

use seawall::ErrorKind;
use seawall::inspect::{ManifestDump, TableFile, TableInfo, WalDump};
use seawall::os::vfs::OsFs;
use serde_json::{Value, json};

use super::levels::{by_level, sum_text};
use super::{explained, is_missing};
use crate::console::{Console, several};
use crate::exit::{Exit, Failure};

/// How often it is looked again when a file goes away in between: beside a running database that is
/// nothing unusual.
const LOOKS_MAX: u32 = 5;

/// Sums over the ends of all tables.
#[derive(Default)]
struct Sums {
    entries: u64,
    tombstones: u64,
    blocks: u64,
    key_bytes: u64,
    value_bytes: u64,
    filter_bytes: u64,
}

/// The files of a database at about one moment.
struct Look {
    manifest: ManifestDump,
    wal: WalDump,
    levels: Vec<Vec<TableInfo>>,
    sums: Sums,
}

pub(super) fn inspect(console: &Console, db: &Path) -> anyhow::Result<Exit> {
    let mut looks = 1;
    let look = loop {
        match look(db) {
            Err(error) if is_missing(&error) && looks < LOOKS_MAX => looks += 1,
            Err(error) if is_missing(&error) => return Err(missing(&error).into()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(explained(error, db)),
            looked => break looked?,
        }
    };
    super::print(console, &look, || look.as_json())
}

fn look(db: &Path) -> seawall::Result<Look> {
    let vfs = OsFs::new();
    let manifest = seawall::inspect::manifest(&vfs, db)?;
    let mut sums = Sums::default();
    for table in &manifest.state.tables {
        let path = db.join(format!("{:06}.sst", table.number));
        sums.add(&TableFile::open(&vfs, &path)?);
    }
    let wal = seawall::inspect::wal(&vfs, db, None)?;
    let levels = by_level(&manifest);
    Ok(Look { manifest, wal, levels, sums })
}

/// It stays missing, so it is no file that somebody has just replaced.
fn missing(error: &seawall::Error) -> Failure {
    let mut failure = Failure::new(
        Exit::Corruption,
        format!("a file that the database needs is missing: {error}"),
        "no data was changed; put the file back from a copy. `{seawall} admin verify` lists \
         all that is damaged",
    );
    failure.place = error.file().map(|file| (file.to_owned(), None));
    failure
}

impl Sums {
    fn add(&mut self, table: &TableFile) {
        let parts = table.parts();
        self.entries += parts.properties.entry_count;
        self.tombstones += parts.properties.tombstone_count;
        self.blocks += parts.blocks.len() as u64;
        self.key_bytes += parts.properties.key_bytes;
        self.value_bytes += parts.properties.value_bytes;
        self.filter_bytes += parts.filter.map_or(0, |filter| filter.part.bytes);
    }
}

impl Look {
    fn wal_bytes(&self) -> u64 {
        self.wal.segments.iter().map(|segment| segment.size_bytes).sum()
    }

    fn wal_frames(&self) -> usize {
        self.wal.segments.iter().map(|segment| segment.frames.len()).sum()
    }

    /// The seqno of the last operation in a table or a frame.
    fn last_seqno(&self) -> u64 {
        let frames = self.wal.segments.iter().flat_map(|segment| &segment.frames);
        let with_operations = frames.filter(|frame| frame.count > 0 && !frame.beyond_damage);
        let last = with_operations.map(|frame| frame.first_seqno + u64::from(frame.count) - 1);
        last.max().unwrap_or(0).max(self.manifest.state.flushed_seqno)
    }

    fn as_json(&self) -> Value {
        let Look { manifest, wal, levels, sums } = self;
        let level = |(at, tables): (usize, &Vec<TableInfo>)| {
            let bytes: u64 = tables.iter().map(|table| table.size_bytes).sum();
            json!({ "level": at, "tables": tables.len(), "bytes": bytes })
        };
        json!({
            "id": manifest.id,
            "manifest": {
                "file": manifest.file,
                "bytes": manifest.end,
                "edits": manifest.edits.len(),
            },
            "levels": levels.iter().enumerate().map(level).collect::<Vec<_>>(),
            "tables": {
                "entries": sums.entries,
                "tombstones": sums.tombstones,
                "blocks": sums.blocks,
                "key_bytes": sums.key_bytes,
                "value_bytes": sums.value_bytes,
                "filter_bytes": sums.filter_bytes,
            },
            "log": {
                "segments": wal.segments.len(),
                "bytes": self.wal_bytes(),
                "frames": self.wal_frames(),
            },
            "last_seqno": self.last_seqno(),
            "flushed_seqno": manifest.state.flushed_seqno,
        })
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Look { manifest, wal, levels, sums } = self;
        writeln!(f, "database   {}", manifest.id)?;
        let (file, bytes, edits) = (&manifest.file, manifest.end, manifest.edits.len());
        writeln!(f, "manifest   {file}, {bytes} bytes, {}", several(edits as u64, "edit"))?;
        for (level, tables) in levels.iter().enumerate().filter(|(_, tables)| !tables.is_empty()) {
            writeln!(f, "level {level}    {}", sum_text(tables))?;
        }
        writeln!(f, "tables     {}", sum_text(&levels.concat()))?;
        let Sums { entries, tombstones, blocks, key_bytes, value_bytes, filter_bytes } = sums;
        let blocks = several(*blocks, "block");
        writeln!(f, "entries    {entries} in {blocks}, of them deletions {tombstones}")?;
        writeln!(f, "bytes      of keys {key_bytes}, of values {value_bytes}")?;
        writeln!(f, "filters    {filter_bytes} bytes")?;
        let segments = several(wal.segments.len() as u64, "segment");
        let (bytes, frames) = (self.wal_bytes(), several(self.wal_frames() as u64, "frame"));
        writeln!(f, "log        {segments}, {bytes} bytes, {frames}")?;
        let flushed = manifest.state.flushed_seqno;
        writeln!(f, "seqnos     to {}, in tables to {flushed}", self.last_seqno())
    }
}
