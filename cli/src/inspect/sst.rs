//! `inspect sst`: a table's file, part by part.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use seawall::ErrorKind;
use seawall::inspect::check_table;
use seawall::inspect::{BlockContents, BlockInfo, FilterInfo, PartInfo, TableFile, TableParts};
use seawall::os::vfs::OsFs;
use serde_json::{Map, Value, json};

use super::keys_text;
use crate::args::{Sst, SstPart};
use crate::bytes::Shown;
use crate::console::{Console, counted, several};
use crate::damage::{self, key_text};
use crate::exit::{Exit, Failure, ON_DAMAGE};

type Contents = seawall::Result<BlockContents>;

/// A table that is open, and how to speak of it.
struct Shower<'a> {
    console: &'a Console,
    path: PathBuf,
    file: TableFile,
    parts: TableParts,
}

pub(super) fn inspect(console: &Console, db: &Path, arguments: &Sst) -> anyhow::Result<Exit> {
    let path = place_of(db, &arguments.file);
    refuse_others(&path)?;
    if arguments.part == Some(SstPart::Check) {
        let damage = check_table(&OsFs::new(), &path).map_err(explained)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        damage::report(console, folder, &damage, ON_DAMAGE)?;
    }
    let file = TableFile::open(&OsFs::new(), &path).map_err(explained)?;
    let parts = file.parts();
    let shower = Shower { console, path, file, parts };
    match arguments.part {
        None => shower.all(),
        Some(SstPart::Blocks) => shower.blocks(),
        Some(SstPart::Index) => shower.index(),
        Some(SstPart::Filter) => shower.filter(),
        Some(SstPart::Props) => shower.properties(),
        Some(SstPart::Check) => shower.checked(),
    }
}

/// A name is one of the database, if it has such a file; anything else is a path.
fn place_of(db: &Path, file: &Path) -> PathBuf {
    let within = db.join(file);
    if within.exists() { within } else { file.to_owned() }
}

fn explained(error: seawall::Error) -> anyhow::Error {
    if !super::is_missing(&error) {
        return error.into();
    }
    Failure::error(error.to_string(), NAMES).into()
}

/// Of a file that bears no table's name it would be no damage that it is none.
fn refuse_others(path: &Path) -> anyhow::Result<()> {
    if path.extension().is_some_and(|extension| extension == "sst") {
        return Ok(());
    }
    match TableFile::open(&OsFs::new(), path) {
        Err(error) if error.kind() == ErrorKind::Corruption => {
            let what = format!("this is no table, or one whose end is damaged: {error}");
            Err(Failure::error(what, NAMES).into())
        }
        _ => Ok(()),
    }
}

const NAMES: &str = "see the names there are: `{seawall} inspect levels`";

impl Shower<'_> {
    fn all(&self) -> anyhow::Result<Exit> {
        self.print(
            json!({
                "blocks": self.parts.blocks.len(),
                "parts": self.places_json(),
                "filter": self.parts.filter.as_ref().map(filter_json),
                "properties": self.properties_json(),
            }),
            |out| {
                self.write_places(out)?;
                write_filter(out, self.parts.filter.as_ref())?;
                self.write_properties(out)
            },
        )
    }

    fn properties(&self) -> anyhow::Result<Exit> {
        self.print(json!({ "properties": self.properties_json() }), |out| {
            self.write_properties(out)
        })
    }

    fn filter(&self) -> anyhow::Result<Exit> {
        let filter = self.parts.filter.as_ref();
        let json = json!({ "filter": filter.map(filter_json) });
        self.print(json, |out| write_filter(out, filter))
    }

    fn index(&self) -> anyhow::Result<Exit> {
        let blocks: Vec<Value> = self.parts.blocks.iter().map(|b| self.block_json(b)).collect();
        self.print(json!({ "blocks": blocks }), |out| {
            let mut blocks = self.parts.blocks.iter().enumerate();
            blocks.try_for_each(|(at, block)| writeln!(out, "{}", self.block_text(at, block)))
        })
    }

    /// Shows all blocks that can be read, and then fails if one cannot.
    fn blocks(&self) -> anyhow::Result<Exit> {
        let read: Vec<Contents> =
            (0..self.parts.blocks.len()).map(|at| self.file.block(at)).collect();
        let all = || self.parts.blocks.iter().zip(&read);
        let json: Vec<Value> = all().map(|(block, read)| self.contents_json(block, read)).collect();
        self.print(json!({ "blocks": json }), |out| {
            all().enumerate().try_for_each(|(at, (block, read))| {
                let block = self.block_text(at, block);
                writeln!(out, "{block}: {}", self.contents_text(read))
            })
        })?;
        if let Some(error) = read.into_iter().find_map(Result::err) {
            return Err(error.into());
        }
        Ok(Exit::Fine)
    }

    /// All of it was read, and nothing is wrong.
    fn checked(&self) -> anyhow::Result<Exit> {
        let entries = self.parts.properties.entry_count;
        let blocks = self.parts.blocks.len();
        self.print(
            json!({ "verdict": "ok", "entries": entries, "blocks": blocks, "damage": [] }),
            |out| {
                let blocks = several(blocks as u64, "block");
                writeln!(out, "entries    {entries} in {blocks}\nno damage found")
            },
        )
    }

    /// Prints one JSON object, or a heading and the text.
    fn print(
        &self,
        json: Value,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<Exit> {
        let TableParts { id, number, size_bytes, .. } = &self.parts;
        if self.console.json() {
            let mut object = Map::new();
            object.insert("file".to_owned(), json!(self.path.to_string_lossy()));
            object.insert("id".to_owned(), json!(id));
            object.insert("number".to_owned(), json!(number));
            object.insert("size_bytes".to_owned(), json!(size_bytes));
            object.extend(json.as_object().cloned().unwrap_or_default());
            self.console.data_json(&object)?;
            return Ok(Exit::Fine);
        }
        let mut out = self.console.stdout();
        let path = self.path.display();
        writeln!(out, "{path}: table {number} of database {id}, {size_bytes} bytes")?;
        text(&mut out)?;
        out.flush()?;
        Ok(Exit::Fine)
    }

    fn write_places(&self, out: &mut dyn Write) -> io::Result<()> {
        let TableParts { blocks, index, properties_part, footer, .. } = &self.parts;
        let data: u64 = blocks.iter().map(|block| block.part.bytes).sum();
        let blocks = several(blocks.len() as u64, "block");
        writeln!(out, "data       at 0, {data} bytes in {blocks}")?;
        for (what, part) in [("index", index), ("properties", properties_part), ("footer", footer)]
        {
            writeln!(out, "{what:<10} at {}, {} bytes", part.offset, part.bytes)?;
        }
        Ok(())
    }

    fn places_json(&self) -> Value {
        let TableParts { index, properties_part, footer, .. } = &self.parts;
        json!({
            "index": part_json(index),
            "properties": part_json(properties_part),
            "footer": part_json(footer),
        })
    }

    fn write_properties(&self, out: &mut dyn Write) -> io::Result<()> {
        let p = &self.parts.properties;
        writeln!(out, "entries    {}, of them deletions {}", p.entry_count, p.tombstone_count)?;
        writeln!(out, "bytes      of keys {}, of values {}", p.key_bytes, p.value_bytes)?;
        writeln!(out, "seqnos     {}..={}", p.seqno_min, p.seqno_max)?;
        writeln!(out, "keys       {}", keys_text(self.console, &p.smallest, &p.largest))
    }

    fn properties_json(&self) -> Value {
        let p = &self.parts.properties;
        json!({
            "entry_count": p.entry_count,
            "tombstone_count": p.tombstone_count,
            "key_bytes": p.key_bytes,
            "value_bytes": p.value_bytes,
            "seqno_min": p.seqno_min,
            "seqno_max": p.seqno_max,
            "smallest": self.shown(&p.smallest),
            "largest": self.shown(&p.largest),
        })
    }

    fn block_text(&self, at: usize, block: &BlockInfo) -> String {
        let (part, key) = (block.part, key_text(self.console, &block.last_key));
        let seqno = block.last_seqno;
        format!("block {at} at {}, {} bytes, to {key} @{seqno}", part.offset, part.bytes)
    }

    fn block_json(&self, block: &BlockInfo) -> Value {
        json!({
            "offset": block.part.offset,
            "bytes": block.part.bytes,
            "last_key": self.shown(&block.last_key),
            "last_seqno": block.last_seqno,
        })
    }

    fn contents_text(&self, read: &Contents) -> String {
        match read {
            Ok(read) => format!(
                "{} from {} on, of them deletions {}, {} bytes uncompressed",
                counted(read.entry_count),
                key_text(self.console, &read.first_key),
                read.tombstone_count,
                read.content_bytes
            ),
            Err(error) => error.to_string(),
        }
    }

    fn contents_json(&self, block: &BlockInfo, read: &Contents) -> Value {
        let mut object = self.block_json(block);
        match read {
            Ok(read) => {
                object["first_key"] = json!(self.shown(&read.first_key));
                object["entry_count"] = json!(read.entry_count);
                object["tombstone_count"] = json!(read.tombstone_count);
                object["content_bytes"] = json!(read.content_bytes);
            }
            Err(error) => object["error"] = json!(error.to_string()),
        }
        object
    }

    fn shown<'a>(&self, bytes: &'a [u8]) -> Shown<'a> {
        Shown { bytes, hex: self.console.hex }
    }
}

fn part_json(part: &PartInfo) -> Value {
    json!({ "offset": part.offset, "bytes": part.bytes })
}

fn filter_json(filter: &FilterInfo) -> Value {
    json!({
        "offset": filter.part.offset,
        "bytes": filter.part.bytes,
        "bits": filter.bits,
        "bits_set": filter.bits_set,
        "probes": filter.probes,
    })
}

fn write_filter(out: &mut dyn Write, filter: Option<&FilterInfo>) -> io::Result<()> {
    let Some(FilterInfo { part, bits, bits_set, probes }) = filter else {
        return writeln!(out, "filter     none");
    };
    writeln!(
        out,
        "filter     at {}, {} bytes: {bits_set} of {bits} bits set, {probes} probes",
        part.offset, part.bytes
    )
}
