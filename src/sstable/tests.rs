//! A table as a whole: what is written comes back, and what was damaged never does as anything else.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use seawall_os::vfs::{MemFs, OpenMode, Vfs};

use super::*;
use crate::base::checksum::DatabaseId;
use crate::base::error::{ErrorKind, Result};
use crate::base::key::{Entry, SEQNO_MAX, ValueKind};
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

fn open(vfs: &MemFs, meta: &TableMeta) -> Result<Table> {
    Table::open(vfs, Path::new(PATH), meta, ID)
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
    let mut cursor = table.cursor();
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
            let found = table.get(key, visible).expect("whole");
            prop_assert_eq!(found, wanted_get(&entries, key, visible));
        }
        check_moves(&mut table.cursor(), entries, &moves);
    }
}

/// Everything that can be asked of a table; each answer an error or the right one.
fn check_damaged(bytes: &[u8], meta: &TableMeta, entries: &[OwnedEntry], what: &str) {
    let vfs = with_bytes(bytes);
    let wholeness = looks_whole(&vfs, Path::new(PATH), ID, 3).expect("of this format");
    assert!(
        matches!(wholeness, Wholeness::Whole | Wholeness::NotWhole),
        "{what} made the table {wholeness:?}"
    );
    let Ok(table) = open(&vfs, meta) else { return };
    table.verify().expect_err(what);
    for entry in entries {
        for visible in [entry.seqno, SEQNO_MAX] {
            if let Ok(found) = table.get(&entry.key, visible) {
                assert_eq!(found, wanted_get(entries, &entry.key, visible), "{what}");
            }
        }
    }
    all_of(&table).expect_err(what);
    let mut cursor = table.cursor();
    let mut moved = cursor.seek_last();
    let mut count = entries.len();
    while let (Ok(()), Some(entry)) = (&moved, cursor.entry()) {
        count -= 1;
        assert_eq!(OwnedEntry::of(entry), entries[count], "{what}");
        moved = cursor.prev();
    }
    moved.expect_err(what);
}

#[test]
fn any_flipped_bit_is_an_error_or_does_no_harm() {
    let entries = sorted(few_entries());
    for compression in [Compression::None, Compression::Lz4] {
        let filter_bits_per_key = 10;
        let options = TableOptions { compression, filter_bits_per_key, ..options(100) };
        let (vfs, meta) = build(&entries, options);
        let bytes = bytes_of(&vfs, &meta);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            check_damaged(&damaged, &meta, &entries, &format!("flipped bit {bit}"));
        }
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
fn a_table_cut_anywhere_does_not_open() {
    let entries = sorted(few_entries());
    let (vfs, meta) = build(&entries, options(100));
    let bytes = bytes_of(&vfs, &meta);
    for len in 0..bytes.len() {
        let cut = with_bytes(&bytes[..len]);
        let error = open(&cut, &meta).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Corruption, "cut to {len}: {error}");
        assert_eq!(error.file(), Some(Path::new(PATH)));
        // Also when the manifest is as wrong as the file.
        let agreed = TableMeta { size_bytes: len as u64, ..meta.clone() };
        assert_eq!(open(&cut, &agreed).expect_err("cut").kind(), ErrorKind::Corruption);
        let wholeness = looks_whole(&cut, Path::new(PATH), ID, 3).expect("readable");
        assert_eq!(wholeness, Wholeness::NotWhole, "cut to {len}");
    }
    let longer = with_bytes(&[&bytes[..], b"x"].concat());
    assert_eq!(open(&longer, &meta).expect_err("longer").kind(), ErrorKind::Corruption);
}

#[test]
fn a_block_in_the_place_of_another_is_corruption() {
    let entries: Vec<_> = (0..40).map(|n| put(&format!("key{n:02}"), 1, "value")).collect();
    let (vfs, meta) = build(&entries, options(1));
    let mut bytes = bytes_of(&vfs, &meta);
    let handle = open(&vfs, &meta).expect("whole").index().handle(1);
    let len = handle.end().expect("small") as usize - handle.offset as usize;
    // All blocks have the same length; the second takes the place of the first.
    bytes.copy_within(len..2 * len, 0);
    let table = open(&with_bytes(&bytes), &meta).expect("the end is whole");
    let error = table.get(b"key00", SEQNO_MAX).expect_err("the block belongs elsewhere");
    assert_eq!(error.to_string(), "the checksum of a block does not match: /000003.sst at byte 0");
}

#[test]
fn a_table_of_another_database_or_number_is_foreign() {
    let entries = sorted(few_entries());
    let (vfs, meta) = build(&entries, options(100));
    let path = Path::new(PATH);
    assert_eq!(looks_whole(&vfs, path, ID, 3).expect("readable"), Wholeness::Whole);
    let other = DatabaseId([7; 16]);
    let foreign = Wholeness::Foreign { id: ID, number: 3 };
    assert_eq!(looks_whole(&vfs, path, other, 3).expect("readable"), foreign);
    assert_eq!(looks_whole(&vfs, path, ID, 4).expect("readable"), foreign);
    let error = Table::open(&vfs, path, &meta, other).expect_err("of another database");
    assert_eq!(error.kind(), ErrorKind::Corruption);
    let renumbered = TableMeta { number: 4, ..meta };
    assert_eq!(open(&vfs, &renumbered).expect_err("renamed").kind(), ErrorKind::Corruption);
}

#[test]
fn what_the_manifest_says_of_a_table_is_checked() {
    let (vfs, meta) = build(&sorted(few_entries()), options(100));
    let wrong = [
        TableMeta { entry_count: meta.entry_count + 1, ..meta.clone() },
        TableMeta { smallest: (*b"a").into(), ..meta.clone() },
        TableMeta { largest: (*b"z").into(), ..meta.clone() },
        TableMeta { seqno_min: 1, ..meta.clone() },
        TableMeta { seqno_max: 99, ..meta.clone() },
    ];
    for wrong in wrong {
        let error = open(&vfs, &wrong).expect_err("the manifest says something else");
        assert_eq!(error.kind(), ErrorKind::Corruption, "{wrong:?}");
    }
}

#[test]
fn damage_after_open_is_found_by_verify() {
    let (vfs, meta) = build(&sorted(few_entries()), options(100));
    let table = open(&vfs, &meta).expect("whole");
    let file = vfs.open(Path::new(PATH), OpenMode::ReadWrite).expect("it is there");
    file.write_at(b"!", meta.size_bytes - 100).expect("memory");
    assert_eq!(table.verify().expect_err("damaged").kind(), ErrorKind::Corruption);
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
        table.get_counted(key, hash, SEQNO_MAX, &mut counts).expect("whole")
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
