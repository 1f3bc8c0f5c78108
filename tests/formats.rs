//! `docs/formats.md` shows files byte by byte; this holds it against the files that a store writes.
//!
//! The page's dumps are fenced as ```` ```hexdump FILE ````. A line of one is an offset, the bytes from
//! there on, and what they are, set apart by two spaces:
//!
//! ```text
//!   4  3c 00 00 00  length of the payload = 60
//! 480  zeros to 512
//! ```
//!
//! All dumps of a file together show all of it. What a line says of its bytes is held against them too:
//! `= 60` at its end is their value (four or eight bytes are a fixed number, others a varint), `"text"`
//! at its end is their text, `crc32c` is the checksum of the frame that begins there, and
//! `checksum of 0..73` that of those bytes, keyed by the place of the first.
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

mod support;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use seawall::os::sync::sleep;
use seawall::os::vfs::Vfs;
use seawall::{Db, Durability, Options};
use seawall_sim::disk::Disk;
use support::world::{DIR, empty_disk, killed, live};

const PAGE: &str = include_str!("../docs/formats.md");

fn open(fs: Arc<dyn Vfs>) -> Db {
    let options =
        Options { segment_bytes: 512, spare_segment: false, block_bytes: 64, ..Options::default() };
    Db::builder(DIR).vfs(fs).options(options).open().expect("it opens")
}

/// The files of the database that the page describes: those it has at the end, and the manifest that
/// the second open took the place of.
fn example() -> BTreeMap<String, Vec<u8>> {
    let (_, disk) = live(empty_disk(), |fs| {
        let db = open(fs);
        db.put("apple", "red").expect("put");
        let mut batch = db.batch();
        batch.put("banana", "yellow, later brown, soft and sweet");
        batch.delete("apple");
        batch.put("pear", "green or yellow, ".repeat(8));
        db.commit(batch).expect("committed");
        // Long enough for a MARK, too short for anything else.
        sleep(Duration::from_millis(250));
        db.flush().expect("flushed");
        db.put_with("cherry", "red", Durability::Os).expect("put");
    });
    let killed = killed(disk);
    let mut files = files(&killed);
    let (_, disk) = live(killed, |fs| {
        let db = open(fs);
        db.put("date", "brown").expect("put");
        db.compact_range::<&str>(..).expect("merged");
        db.close().expect("closed");
    });
    files.append(&mut self::files(&disk));
    files
}

fn files(disk: &Disk) -> BTreeMap<String, Vec<u8>> {
    let names = disk.names(DIR).expect("it is there");
    let read = |name: String| {
        let bytes = disk.read(format!("{DIR}/{name}")).expect("readable");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

/// A line of a dump.
struct Line<'a> {
    at: usize,
    bytes: Vec<u8>,
    says: &'a str,
}

/// The lines of all dumps of each file, in the order of the page.
fn dumps() -> BTreeMap<&'static str, Vec<Line<'static>>> {
    let mut dumps: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
    for fenced in PAGE.split("\n```hexdump ").skip(1) {
        let (name, rest) = fenced.split_once('\n').expect("a dump has lines");
        let (lines, _) = rest.split_once("\n```").expect("a dump ends");
        dumps.entry(name).or_default().extend(lines.lines().map(line));
    }
    dumps
}

fn line(line: &str) -> Line<'_> {
    let (offset, rest) = line.trim_start().split_once("  ").expect("an offset and bytes");
    let at = offset.parse().expect("an offset");
    let (bytes, says) = rest.split_once("  ").unwrap_or((rest, ""));
    let bytes = match bytes.strip_prefix("zeros to ") {
        Some(end) => vec![0; end.parse::<usize>().expect("an offset") - at],
        None => bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect(line)).collect(),
    };
    Line { at, bytes, says: says.trim_start() }
}

#[test]
fn every_dump_is_what_the_store_writes() {
    let files = example();
    let dumps = dumps();
    let shown: Vec<_> = dumps.keys().copied().collect();
    assert_eq!(
        shown,
        ["000002.wal", "000003.sst", "000036.wal", "MANIFEST-000001", "MANIFEST-000035"]
    );
    for (name, lines) in dumps {
        let written = &files[name];
        let mut end = 0;
        for Line { at, bytes, says } in lines {
            assert_eq!(at, end, "{name}: the dumps go on where they ended");
            end += bytes.len();
            assert_eq!(Some(&bytes[..]), written.get(at..end), "{name} at {at}: {says}");
        }
        assert_eq!(end, written.len(), "{name}: what is the rest?");
    }
    let (_, current) = PAGE.split_once("\n```text CURRENT\n").expect("CURRENT is shown");
    let (current, _) = current.split_once("```").expect("it ends");
    assert_eq!(current.as_bytes(), files["CURRENT"]);
    assert_eq!(files["LOCK"], b"", "the page says that it is empty");
}

#[test]
fn every_kind_of_frame_is_shown() {
    let dumps = dumps();
    let says = |kind: &str| dumps.values().flatten().any(|line| line.says.starts_with(kind));
    for kind in ["DATA", "RELOG", "LINK", "MARK", "CLOSE", "SNAPSHOT", "EDIT"] {
        assert!(says(&format!("kind: {kind} = ")), "no {kind} is shown");
    }
}

#[test]
fn what_a_dump_says_of_its_bytes_is_true() {
    let (mut numbers, mut texts, mut frames, mut blocks) = (0, 0, 0, 0);
    for (name, lines) in dumps() {
        let whole: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
        for Line { at, bytes, says } in lines {
            let place = format!("{name} at {at}: {says}");
            if let Some((_, value)) = says.rsplit_once(" = ") {
                assert_eq!(number(&bytes), value.parse().expect(&place), "{place}");
                numbers += 1;
            }
            if let Some((_, text)) = says.split_once('"') {
                assert_eq!(bytes, text.strip_suffix('"').expect(&place).as_bytes(), "{place}");
                texts += 1;
            }
            if says == "crc32c" {
                assert_eq!(bytes, frame_checksum(&whole, at).to_le_bytes(), "{place}");
                frames += 1;
            }
            if let Some(ranges) = says.strip_prefix("checksum of ") {
                assert_eq!(bytes, block_checksum(&whole, ranges).to_le_bytes(), "{place}");
                blocks += 1;
            }
        }
    }
    assert!(numbers > 200 && texts > 40, "{numbers} numbers, {texts} texts");
    assert_eq!((frames, blocks), (15, 6), "checksums of frames and of blocks");
}

fn number(bytes: &[u8]) -> u64 {
    let bits = if matches!(bytes.len(), 4 | 8) { 8 } else { 7 };
    let digits = bytes.iter().rev().map(|byte| if bits == 8 { *byte } else { byte & 0x7f });
    digits.fold(0, |value, digit| (value << bits) | u64::from(digit))
}

/// The id as the page gives it.
fn id() -> Vec<u8> {
    let (_, rest) = PAGE.split_once("Its id is `").expect("the page gives the id");
    let hex = &rest[..32];
    (0..16).map(|at| u8::from_str_radix(&hex[2 * at..][..2], 16).expect("two digits")).collect()
}

/// As the page describes it, of the frame at `at`.
fn frame_checksum(file: &[u8], at: usize) -> u32 {
    let len = number(&file[at + 4..at + 8]) as usize;
    let end = (at + 36 + len).next_multiple_of(8);
    crc32c::crc32c(&[&id(), &at.to_le_bytes()[..], &file[at + 4..end]].concat())
}

/// As the page describes it, of ranges such as `278..342 and 350..366` of the only table.
fn block_checksum(file: &[u8], ranges: &str) -> u64 {
    let bounds = |range: &str| -> Range<usize> {
        let (from, to) = range.split_once("..").expect("a range");
        from.parse().expect("an offset")..to.parse().expect("an offset")
    };
    let ranges: Vec<_> = ranges.split(" and ").map(bounds).collect();
    let covered: Vec<u8> = ranges.iter().flat_map(|range| &file[range.clone()]).copied().collect();
    let place = [3, ranges[0].start as u64].map(u64::to_le_bytes);
    let seed = xxhash_rust::xxh3::xxh3_64(&[&id(), place.as_flattened()].concat());
    xxhash_rust::xxh3::xxh3_64_with_seed(&covered, seed)
}
