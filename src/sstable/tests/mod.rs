//! A table as a whole: what is written comes back.

mod damage;

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use seawall_os::vfs::{MemFs, OpenMode, Vfs};

use super::compression::Compression;
use super::*;
use crate::base::checksum::DatabaseId;
use crate::base::error::{ErrorKind, Result};
use crate::base::key::{SEQNO_MAX, ValueKind};
use crate::base::slice::Slice;
use crate::base::table_meta::TableMeta;
use crate::iter::Cursor;
use crate::iter::vec_cursor::{OwnedEntry, any_entries, any_moves, check_moves, sorted};

const ID: DatabaseId = DatabaseId(*b"0123456789abcdef");
const PATH: &str = "/000003.sst";

fn options(block_bytes: usize) -> TableOptions {
    TableOptions {
        block_bytes,
        restart_interval: 4,
        compression: Compression::None,
        filter_bits_per_key: 0,
    }
}

fn any_options() -> impl Strategy<Value = TableOptions> {
    let compression = prop_oneof![Just(Compression::None), Just(Compression::Lz4)];
    (1usize..600, 1usize..20, compression, 0u32..20).prop_map(
        |(block_bytes, restart_interval, compression, filter_bits_per_key)| TableOptions {
            block_bytes,
            restart_interval,
            compression,
            filter_bits_per_key,
        },
    )
}

fn build(entries: &[OwnedEntry], options: TableOptions) -> (MemFs, TableMeta) {
    let vfs = MemFs::new();
    let file = vfs.open(Path::new(PATH), OpenMode::CreateNew).expect("memory");
    let mut builder = TableBuilder::new(file, Path::new(PATH), 3, ID, options);
    for entry in entries {
        builder.add(entry.borrow()).expect("memory");
    }
    (vfs, builder.finish().expect("memory"))
}

fn no_cache() -> Arc<BlockCache> {
    Arc::new(BlockCache::new(0, 4096))
}

fn open(vfs: &MemFs, meta: &TableMeta) -> Result<Table> {
    Table::open(vfs, Path::new(PATH), meta, ID, no_cache())
}

fn get(table: &Table, key: &[u8], visible: u64) -> Result<Option<(u64, ValueKind, Slice)>> {
    table.get(key, KeyHash::of(key), visible, &mut ReadCounts::default())
}

fn bytes_of(vfs: &MemFs, meta: &TableMeta) -> Vec<u8> {
    let mut bytes = vec![0; meta.size_bytes as usize];
    let file = vfs.open(Path::new(PATH), OpenMode::ReadOnly).expect("it is there");
    assert_eq!(file.read_at(&mut bytes, 0).expect("memory"), bytes.len());
    bytes
}

/// A file system in which the table's file has these bytes.
fn with_bytes(bytes: &[u8]) -> MemFs {
    let vfs = MemFs::new();
    let file = vfs.open(Path::new(PATH), OpenMode::CreateNew).expect("memory");
    file.write_at(bytes, 0).expect("memory");
    vfs
}

fn put(key: &str, seqno: u64, value: &str) -> OwnedEntry {
    let (key, value) = (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    OwnedEntry { key, seqno, kind: ValueKind::Put, value }
}

/// Some entries for tables of several blocks that are still small enough to damage everywhere.
fn few_entries() -> Vec<OwnedEntry> {
    let mut entries: Vec<_> =
        (0..12).map(|n| put(&format!("key{:02}", n / 2), 20 - n, "value")).collect();
    entries[3].kind = ValueKind::Delete;
    entries[3].value.clear();
    entries
}

fn all_of(table: &Table) -> Result<Vec<OwnedEntry>> {
    let mut cursor = table.cursor(Caching::Fill);
    let mut entries = Vec::new();
    cursor.seek_first()?;
    while let Some(entry) = cursor.entry() {
        entries.push(OwnedEntry::of(entry));
        cursor.next()?;
    }
    Ok(entries)
}

fn wanted_get(entries: &[OwnedEntry], key: &[u8], visible: u64) -> Option<(u64, ValueKind, Slice)> {
    let entry = entries.iter().find(|entry| entry.key == key && entry.seqno <= visible)?;
    Some((entry.seqno, entry.kind, Slice::from(&entry.value[..])))
}

proptest! {
    #[test]
    fn a_table_gives_back_what_was_added(
        entries in any_entries(),
        moves in any_moves(),
        options in any_options(),
        visible in 0u64..70,
    ) {
        if entries.is_empty() {
            return Ok(());
        }
        let entries = sorted(entries);
        let (vfs, meta) = build(&entries, options);
        prop_assert_eq!(meta.entry_count, entries.len() as u64);
        let table = open(&vfs, &meta).expect("whole");
        table.verify().expect("whole");
        for key in entries.iter().map(|entry| &entry.key[..]).chain([&b"ab?"[..], b"zzz"]) {
            let found = get(&table, key, visible).expect("whole");
            prop_assert_eq!(found, wanted_get(&entries, key, visible));
        }
        check_moves(&mut table.cursor(Caching::Fill), entries, &moves);
    }
}

#[test]
fn what_repeats_itself_takes_less_room_compressed() {
    let entries: Vec<_> =
        (0..100).map(|n| put(&format!("key{n:02}"), 1, &"value".repeat(20))).collect();
    let stored = |compression| {
        let (vfs, meta) = build(&entries, TableOptions { compression, ..TableOptions::default() });
        let table = open(&vfs, &meta).expect("whole");
        table.verify().expect("whole");
        assert!(all_of(&table).expect("whole") == entries);
        meta.size_bytes
    };
    assert!(stored(Compression::Lz4) < stored(Compression::None) / 4);
}

#[test]
fn entries_larger_than_a_block_are_kept_whole() {
    let entries: Vec<_> =
        (0..5).map(|n| put(&format!("{n}").repeat(60_000), 1, &"v".repeat(200_000 * n))).collect();
    let (vfs, meta) = build(&entries, TableOptions::default());
    let table = open(&vfs, &meta).expect("whole");
    table.verify().expect("whole");
    assert!(all_of(&table).expect("whole") == entries);
}

#[test]
fn a_filter_rules_a_table_out_before_a_block_is_touched() {
    let entries: Vec<_> = (0..1000).map(|n| put(&format!("key{n:04}"), 1, "value")).collect();
    let (vfs, meta) = build(&entries, TableOptions::default());
    let table = open(&vfs, &meta).expect("whole");
    let mut counts = ReadCounts::default();
    let mut get = |key: String| {
        let (key, hash) = (key.as_bytes(), KeyHash::of(key.as_bytes()));
        table.get(key, hash, SEQNO_MAX, &mut counts).expect("whole")
    };
    for n in 0..900 {
        assert!(get(format!("key{n:04}")).is_some());
        assert!(get(format!("key{n:04}x")).is_none());
    }
    // Outside of the table's keys nothing is asked at all.
    assert!(get("a".to_owned()).is_none() && get("z".to_owned()).is_none());
    assert_eq!(counts.blocks, 900 + counts.filter_missed);
    assert_eq!(counts.filtered, 900 - counts.filter_missed);
    assert!(counts.filter_missed < 30, "{counts:?}");
}

#[test]
fn the_size_is_known_while_a_table_grows() {
    let vfs = MemFs::new();
    let file = vfs.open(Path::new(PATH), OpenMode::CreateNew).expect("memory");
    let mut builder = TableBuilder::new(file, Path::new(PATH), 3, ID, options(500));
    for n in 0..1000u64 {
        assert!((n * 100..n * 130 + 1).contains(&builder.data_bytes()), "{n} entries");
        let entry = put(&format!("key{n:03}"), 1, &"v".repeat(100));
        builder.add(entry.borrow()).expect("memory");
    }
    let estimate = builder.data_bytes();
    let meta = builder.finish().expect("memory");
    let footer = open(&vfs, &meta).expect("whole").footer().clone();
    assert_eq!(footer.data_end(), estimate);
}

#[test]
#[should_panic(expected = "entries are added in order")]
fn entries_out_of_order_are_a_bug_of_the_caller() {
    build(&[put("a", 1, "x"), put("a", 2, "y")], TableOptions::default());
}

#[test]
fn the_bytes_of_a_table_do_not_move() {
    // On disk: whoever changes them must raise the format and go on reading this one.
    let mut entries = vec![put("apple", 4, "red"), put("apricot", 2, "orange"), put("b", 3, "")];
    entries[2].kind = ValueKind::Delete;
    let options = TableOptions { filter_bits_per_key: 0, ..TableOptions::default() };
    let (vfs, meta) = build(&entries, options);
    let lines: Vec<_> = bytes_of(&vfs, &meta)
        .chunks(24)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        .collect();
    let wanted = [
        "00050381086170706c6572656402050681047269636f746f",
        "72616e6765000100800662000000000100000000c1a8ef2f",
        "1faf44c9000102810662002b00000000010000000009a211",
        "dfbb7fc49c0301010d090204056170706c65016200a966b2",
        "d43c11008330313233343536373839616263646566030000",
        "000000000000000000000000000000000034000000000000",
        "00100000004d000000000000000f00000000000000713244",
        "b1f85b9c9558000000010000007365612e7461626c",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn a_dump_shows_blocks_and_entries() {
    let mut entries = vec![put("apple", 4, "red"), put("apple", 2, "green"), put("pear", 3, "")];
    entries[2].kind = ValueKind::Delete;
    let (vfs, meta) = build(&entries, options(30));
    let text = dump(&open(&vfs, &meta).expect("whole"), true);
    let wanted = "\
table 3 of database 30313233343536373839616263646566: /000003.sst
index at 66 + 31
properties at 106 + 18
entries 3, of them tombstones 1
key bytes 14, value bytes 8
seqnos 2..=4
keys \"apple\"..=\"pear\"
block 0 at 0 + 31: to \"apple\" @2
  \"apple\" @4 = \"red\" 3 bytes
  \"apple\" @2 = \"green\" 5 bytes
block 1 at 40 + 17: to \"pear\" @3
  \"pear\" @3 deleted
";
    assert_eq!(text, wanted);
}
