//! What the files of a database hold, read without opening it and without changing anything.
//!
//! For tools and for people. Nothing here takes the lock: beside a running database the picture is
//! one of the moment.

mod table_file;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use seawall_os::vfs::{OpenMode, Vfs};

use crate::base::damage::name_of;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::FileName;
use crate::base::key::SeqNo;
use crate::log::{Frame, FrameKind, LogFile, read_whole, scan};
use crate::manifest::{Current, Edit, State, read_current, read_manifest, refuse_data};
use crate::sstable::{Table, dump};
use crate::wal::Link;

pub use crate::sstable::{BlockContents, BlockInfo, FilterInfo, PartInfo};
pub use crate::sstable::{PropertiesInfo, TableParts};
pub use table_file::{TableFile, check_table};

/// A table as the manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// The level it is on.
    pub level: usize,
    /// The number in the file's name.
    pub number: u64,
    /// The exact size of the file, in bytes.
    pub size_bytes: u64,
    /// How many entries it holds.
    pub entry_count: u64,
    /// The first key.
    pub smallest: Vec<u8>,
    /// The last key.
    pub largest: Vec<u8>,
    /// The smallest seqno in it.
    pub seqno_min: SeqNo,
    /// The largest seqno in it.
    pub seqno_max: SeqNo,
}

/// The structure of the database at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateInfo {
    /// The number of the last edit.
    pub edit_number: u64,
    /// No file number from here on has been used.
    pub counter: u64,
    /// The oldest log segment that counts.
    pub min_wal: u64,
    /// The segment up to which the log is vouched for.
    pub synced_segment: u64,
    /// How far that segment is vouched for, in bytes.
    pub synced_offset: u64,
    /// Every operation up to here is in tables.
    pub flushed_seqno: SeqNo,
    /// The tables, from level 0 down; those of level 0 oldest first, the others in order of keys.
    pub tables: Vec<TableInfo>,
}

/// One change of the structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditInfo {
    /// Edits are numbered without gaps.
    pub number: u64,
    /// As in [`StateInfo`].
    pub counter: u64,
    /// As in [`StateInfo`].
    pub min_wal: u64,
    /// As in [`StateInfo`].
    pub synced_segment: u64,
    /// As in [`StateInfo`].
    pub synced_offset: u64,
    /// As in [`StateInfo`].
    pub flushed_seqno: SeqNo,
    /// The tables it adds.
    pub added: Vec<TableInfo>,
    /// The numbers of the tables it removes.
    pub removed: Vec<u64>,
}

/// What the manifest says, from `CURRENT` to the last edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestDump {
    /// The database's id, 32 hexadecimal digits.
    pub id: String,
    /// The name of the manifest that `CURRENT` names.
    pub file: String,
    /// Where its snapshot ends, in bytes.
    pub snapshot_end: u64,
    /// The edits after the snapshot, oldest first.
    pub edits: Vec<EditInfo>,
    /// The structure after the last edit.
    pub state: StateInfo,
    /// Where the last edit ends, in bytes.
    pub end: u64,
    /// Bytes of a torn edit beyond.
    pub cut_bytes: u64,
}

/// One frame of a log segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length with header and padding, in bytes.
    pub bytes: u64,
    /// `DATA`, `RELOG`, `LINK`, `MARK` or `CLOSE`.
    pub kind: &'static str,
    /// How many operations it holds.
    pub count: u32,
    /// The seqno of the first of them.
    pub first_seqno: SeqNo,
    /// How far a sync of this segment was known to reach when the frame was written, in bytes.
    pub synced_upto: u64,
    /// For a LINK: the segment it follows, and where that one ends.
    pub follows: Option<(u64, u64)>,
    /// It stands beyond bytes that are no valid frame.
    pub beyond_damage: bool,
}

/// A log segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentDump {
    /// The file's name.
    pub file: String,
    /// The file's size, in bytes.
    pub size_bytes: u64,
    /// Its valid frames, by offset.
    pub frames: Vec<FrameInfo>,
    /// Where the frames that follow each other from the start end, in bytes.
    pub end: u64,
    /// How far bytes other than zeros reach beyond that, the frames among them that stand beyond damage.
    pub bytes_beyond: u64,
}

/// The log segments of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalDump {
    /// By number.
    pub segments: Vec<SegmentDump>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDump {
    /// The id of the database it was written for, 32 hexadecimal digits.
    pub id: String,
    /// The number it was written under.
    pub number: u64,
    /// Where its parts are, its blocks and their entries, a line each. What cannot be read is said in
    /// its place.
    pub text: String,
}

/// Reads the table in the file `path`, of whatever database, and its entries if asked for.
///
/// # Errors
/// A corruption when the end of the file is not that of a table; errors of the file system. Damage
/// elsewhere is no error: it is what this is for.
pub fn table(vfs: &dyn Vfs, path: &Path, entries: bool) -> Result<TableDump> {
    let table = Table::open_any(vfs, path)?;
    let (id, number) = table.written_for();
    Ok(TableDump { id: id.to_string(), number, text: dump(&table, entries) })
}

/// Reads `CURRENT` and the manifest it names.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no database in `dir`; corruption; errors of the file system.
pub fn manifest(vfs: &dyn Vfs, dir: &Path) -> Result<ManifestDump> {
    let (current, path, bytes) = current_manifest(vfs, dir)?;
    let file = name_of(&path);
    let log = LogFile { id: current.id, number: current.manifest, path };
    let content = read_manifest(&bytes, &log, &current)?;
    Ok(ManifestDump {
        id: current.id.to_string(),
        file,
        snapshot_end: current.snapshot_end,
        edits: content.edits.iter().map(edit_info).collect(),
        state: state_info(&content.state),
        end: content.end,
        cut_bytes: content.cut_bytes,
    })
}

/// A database that is open may move on from one manifest to the next in between.
fn current_manifest(vfs: &dyn Vfs, dir: &Path) -> Result<(Current, PathBuf, Vec<u8>)> {
    let mut found = current(vfs, dir)?;
    loop {
        let path = dir.join(FileName::Manifest(found.manifest).to_string());
        match vfs.open(&path, OpenMode::ReadOnly) {
            Ok(file) => return Ok((found, path.clone(), read_whole(&*file, &path)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let now = current(vfs, dir)?;
                if now.manifest == found.manifest {
                    let what = "the manifest that CURRENT names is missing";
                    return Err(Error::missing(&path, what));
                }
                found = now;
            }
            Err(error) => return Err(Error::io("open", &path, error)),
        }
    }
}

/// Reads all log segments, or the one named `only`.
///
/// # Errors
/// As [`manifest`]; also [`ErrorKind::NotFound`] when there is no segment of that name. Frames that are
/// not valid are no error: they are what this is for.
pub fn wal(vfs: &dyn Vfs, dir: &Path, only: Option<&str>) -> Result<WalDump> {
    let current = current(vfs, dir)?;
    let mut segments = Vec::new();
    for name in vfs.list(dir).context("list", dir)? {
        let Some(FileName::Wal(number)) = FileName::parse(&name) else { continue };
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let path = dir.join(&name);
        let handle = vfs.open(&path, OpenMode::ReadOnly).context("open", &path)?;
        let bytes = read_whole(&*handle, &path)?;
        segments.push(segment_dump(name, &bytes, &LogFile { id: current.id, number, path }));
    }
    match only {
        Some(name) if segments.is_empty() => Err(Error::of_file(
            ErrorKind::NotFound,
            &dir.join(name),
            "there is no log segment of that name",
        )),
        _ => Ok(WalDump { segments }),
    }
}

fn current(vfs: &dyn Vfs, dir: &Path) -> Result<Current> {
    if let Some(found) = read_current(vfs, &dir.join(FileName::Current.to_string()))? {
        return Ok(found);
    }
    // Where there is no directory there is no file.
    refuse_data(vfs, dir, &vfs.list(dir).unwrap_or_default())?;
    Err(Error::of_file(ErrorKind::NotFound, dir, "there is no database"))
}

fn segment_dump(file: String, bytes: &[u8], log: &LogFile) -> SegmentDump {
    let scan = scan(bytes, log);
    let frames = scan.frames().map(|frame| frame_info(frame, scan.end, log)).collect();
    SegmentDump {
        file,
        size_bytes: bytes.len() as u64,
        frames,
        end: scan.end,
        bytes_beyond: scan.content_end - scan.end,
    }
}

fn frame_info(frame: &Frame<'_>, prefix_end: u64, log: &LogFile) -> FrameInfo {
    let link = (frame.head.kind == FrameKind::Link)
        .then(|| Link::decode(frame.payload, &log.path, frame.payload_offset()).ok())
        .flatten();
    FrameInfo {
        offset: frame.offset,
        bytes: frame.end() - frame.offset,
        kind: frame.head.kind.name(),
        count: frame.head.count,
        first_seqno: frame.head.first_seqno,
        synced_upto: frame.head.synced_upto,
        follows: link.map(|link| (link.previous, link.previous_end)),
        beyond_damage: frame.offset >= prefix_end,
    }
}

fn state_info(state: &State) -> StateInfo {
    StateInfo {
        edit_number: state.edit_number,
        counter: state.counter,
        min_wal: state.min_wal,
        synced_segment: state.log_synced.segment,
        synced_offset: state.log_synced.offset,
        flushed_seqno: state.flushed_seqno,
        tables: state.tables.iter().map(|(level, table)| table_info(level, table)).collect(),
    }
}

fn edit_info(edit: &Edit) -> EditInfo {
    EditInfo {
        number: edit.number,
        counter: edit.counter,
        min_wal: edit.min_wal,
        synced_segment: edit.log_synced.segment,
        synced_offset: edit.log_synced.offset,
        flushed_seqno: edit.flushed_seqno,
        added: edit.added.iter().map(|(level, table)| table_info(*level, table)).collect(),
        removed: edit.removed.clone(),
    }
}

fn table_info(level: usize, table: &crate::base::table_meta::TableMeta) -> TableInfo {
    TableInfo {
        level,
        number: table.number,
        size_bytes: table.size_bytes,
        entry_count: table.entry_count,
        smallest: table.smallest.to_vec(),
        largest: table.largest.to_vec(),
        seqno_min: table.seqno_min,
        seqno_max: table.seqno_max,
    }
}

impl fmt::Display for TableDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10} {:<6} {} bytes", self.offset, self.kind, self.bytes)?;
        if self.count > 0 {
            let last = self.first_seqno + u64::from(self.count) - 1;
            write!(f, ", seqnos {}..={last}", self.first_seqno)?;
        }
        if self.synced_upto > 0 {
            write!(f, ", synced to {}", self.synced_upto)?;
        }
        match self.follows {
            Some((0, _)) => f.write_str(", follows none")?,
            Some((previous, end)) => write!(f, ", follows {previous:06}.wal at {end}")?,
            None => {}
        }
        if self.beyond_damage { f.write_str(", beyond bytes that are no frame") } else { Ok(()) }
    }
}

/// Bytes where a frame might have stood. Whether that matters the whole log decides.
fn write_gap(f: &mut fmt::Formatter<'_>, from: u64, to: u64) -> fmt::Result {
    match to.saturating_sub(from) {
        0 => Ok(()),
        bytes => writeln!(f, "{from:>10} -      {bytes} bytes that are no valid frame"),
    }
}

impl fmt::Display for WalDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            // Those before the oldest that counts went because they were needed no more.
            let follows = segment.frames.iter().find_map(|frame| frame.follows);
            let gap = follows.filter(|(previous, _)| {
                let oldest = self.segments.first().map(|first| &first.file);
                let name = FileName::Wal(*previous).to_string();
                oldest.is_some_and(|oldest| *oldest < name)
                    && !self.segments.iter().any(|other| other.file == name)
            });
            if let Some((previous, _)) = gap {
                writeln!(f, "{}: not there", FileName::Wal(previous))?;
            }
            writeln!(
                f,
                "{}: {} bytes, frames to byte {}",
                segment.file, segment.size_bytes, segment.end
            )?;
            let mut at = 0;
            for frame in &segment.frames {
                write_gap(f, at, frame.offset)?;
                writeln!(f, "{frame}")?;
                at = frame.offset + frame.bytes;
            }
            write_gap(f, at, segment.end + segment.bytes_beyond)?;
        }
        Ok(())
    }
}
