//! `inspect key`: how one key is read, layer by layer, and where its value comes from.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use seawall::{KeyVersion, Layer, LayerRead, ReadPath};
use serde_json::{Value, json};

use crate::bytes::Shown;
use crate::console::Console;
use crate::damage::key_text;
use crate::exit::Exit;
use crate::store::{argument, look};

/// A read path for people.
struct Told<'a> {
    key: String,
    path: &'a ReadPath,
}

/// The path is the answer: a key that is not there is no failure here.
pub(super) fn inspect(console: &Console, db: &Path, key: &OsStr) -> anyhow::Result<Exit> {
    let key = argument(console, "key", key)?;
    let path = look(console, db)?.explain(&*key)?;
    let told = Told { key: key_text(console, &key), path: &path };
    super::print(console, &told, || as_json(&Shown { bytes: &key, hex: console.hex }, &path))
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "key        {} as of seqno {}", self.key, self.path.seqno)?;
        for read in &self.path.layers {
            writeln!(f, "{:<10} {}", level_text(read.layer), step_text(read))?;
        }
        match self.path.source() {
            None => writeln!(f, "answer     no such key: no layer has it"),
            Some((layer, found)) => {
                let place = file_of(layer).unwrap_or_else(|| "the log".to_owned());
                writeln!(f, "answer     {}, from {place}", version_text(found))
            }
        }
    }
}

fn level_text(layer: Layer) -> String {
    match layer {
        Layer::Active => "log".to_owned(),
        Layer::Frozen(at) => format!("frozen {at}"),
        Layer::Table { level, .. } | Layer::Level(level) => format!("level {level}"),
    }
}

/// The table's file; what is in memory comes from the log.
fn file_of(layer: Layer) -> Option<String> {
    match layer {
        Layer::Table { number, .. } => Some(format!("{number:06}.sst")),
        Layer::Active | Layer::Frozen(_) | Layer::Level(_) => None,
    }
}

fn step_text(read: &LayerRead) -> String {
    let mut said = Vec::new();
    said.extend(file_of(read.layer));
    if !read.reached {
        said.push("not asked: the answer was found before".to_owned());
    } else if let Layer::Level(_) = read.layer {
        said.push("no table has keys on both sides of it".to_owned());
    } else if !read.covers {
        said.push("the key is out of its range".to_owned());
    } else {
        said.extend(read.filter.map(filter_text));
        if let Some(block) = &read.block {
            let from = if block.cached { ", cached" } else { "" };
            let part = block.part;
            said.push(format!("block at {}, {} bytes{from}", part.offset, part.bytes));
        }
        said.push(read.found.map_or_else(|| "nothing".to_owned(), version_text));
    }
    said.join(", ")
}

fn filter_text(may_be_there: bool) -> String {
    let answer = if may_be_there { "yes, it may be there" } else { "no" };
    format!("filter: {answer}")
}

fn version_text(version: KeyVersion) -> String {
    let KeyVersion { seqno, value_bytes } = version;
    match value_bytes {
        Some(1) => format!("a value of 1 byte @{seqno}"),
        Some(bytes) => format!("a value of {bytes} bytes @{seqno}"),
        None => format!("deleted @{seqno}"),
    }
}

fn as_json(key: &Shown<'_>, path: &ReadPath) -> Value {
    let source = path.source();
    let outcome = match source {
        None => "missing",
        Some((_, KeyVersion { value_bytes: None, .. })) => "deleted",
        Some(_) => "value",
    };
    json!({
        "key": key,
        "seqno": path.seqno,
        "layers": path.layers.iter().map(layer_json).collect::<Vec<_>>(),
        "outcome": outcome,
        "from": source.map(|(layer, _)| file_of(layer).unwrap_or_else(|| "log".to_owned())),
        "found": source.map(|(_, version)| version_json(version)),
    })
}

fn layer_json(read: &LayerRead) -> Value {
    let LayerRead { layer, reached, covers, filter, block, found } = read;
    let (kind, level) = match *layer {
        Layer::Active => ("log", None),
        Layer::Frozen(_) => ("frozen", None),
        Layer::Table { level, .. } => ("table", Some(level)),
        Layer::Level(level) => ("level", Some(level)),
    };
    let block = block.map(|block| {
        let part = block.part;
        json!({ "offset": part.offset, "bytes": part.bytes, "cached": block.cached })
    });
    json!({
        "layer": kind,
        "level": level,
        "file": file_of(*layer),
        "reached": reached,
        "covers": covers,
        "filter": filter,
        "block": block,
        "found": found.map(version_json),
    })
}

fn version_json(version: KeyVersion) -> Value {
    let KeyVersion { seqno, value_bytes } = version;
    json!({ "seqno": seqno, "deleted": value_bytes.is_none(), "value_bytes": value_bytes })
}
