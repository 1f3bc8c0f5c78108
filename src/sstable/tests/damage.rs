//! What was damaged is an error or the right answer, never anything else; and what is wrong under a
//! right checksum is at least no panic.

use super::*;
use crate::base::checksum;

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
            if let Ok(found) = get(&table, &entry.key, visible) {
                assert_eq!(found, wanted_get(entries, &entry.key, visible), "{what}");
            }
        }
    }
    all_of(&table).expect_err(what);
    let mut cursor = table.cursor(Caching::Fill);
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
    let error = get(&table, b"key00", SEQNO_MAX).expect_err("the block belongs elsewhere");
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
    let error = Table::open(&vfs, path, &meta, other, no_cache()).expect_err("of another database");
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

/// Asks everything of a table whose bytes may say anything, and takes any answer.
fn ask_everything(bytes: &[u8], meta: &TableMeta, entries: &[OwnedEntry]) {
    let Ok(table) = open(&with_bytes(bytes), meta) else { return };
    let _ = table.verify();
    let _ = dump(&table, true);
    let _ = all_of(&table);
    let mut cursor = table.cursor(Caching::Fill);
    for entry in entries {
        let _ = get(&table, &entry.key, entry.seqno);
        let _ = cursor.seek(&entry.key, entry.seqno);
        if cursor.entry().is_some() {
            let _ = cursor.prev();
        }
        let _ = cursor.seek_back(&entry.key, entry.seqno);
    }
}

/// Where the blocks of a table begin and where what is stored of them ends.
fn blocks(table: &Table) -> Vec<(usize, usize)> {
    let footer = table.footer();
    let data = (0..table.index().len()).map(|at| table.index().handle(at));
    data.chain(footer.filter)
        .chain([footer.index, footer.properties])
        .map(|handle| (handle.offset as usize, handle.offset as usize + handle.len as usize))
        .collect()
}

#[test]
fn wrong_bytes_under_a_right_checksum_make_nothing_panic() {
    let entries = sorted(few_entries());
    for compression in [Compression::None, Compression::Lz4] {
        let filter_bits_per_key = 10;
        let options = TableOptions { compression, filter_bits_per_key, ..options(100) };
        let (vfs, meta) = build(&entries, options);
        let bytes = bytes_of(&vfs, &meta);
        for (start, end) in blocks(&open(&vfs, &meta).expect("whole")) {
            // The compression byte too.
            for bit in start * 8..(end + 1) * 8 {
                let mut wrong = bytes.clone();
                wrong[bit / 8] ^= 1 << (bit % 8);
                let checksum = checksum::block(&ID, 3, start as u64, &wrong[start..=end]);
                wrong[end + 1..end + 9].copy_from_slice(&checksum.to_le_bytes());
                ask_everything(&wrong, &meta, &entries);
            }
        }
    }
}

#[test]
fn a_wrong_footer_under_a_right_checksum_makes_nothing_panic() {
    let entries = sorted(few_entries());
    let (vfs, meta) = build(&entries, options(100));
    let bytes = bytes_of(&vfs, &meta);
    let start = bytes.len() - 88;
    for bit in start * 8..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let covered = [&wrong[start..start + 64], &wrong[start + 72..]].concat();
        let checksum = checksum::block(&ID, 3, start as u64, &covered);
        wrong[start + 64..start + 72].copy_from_slice(&checksum.to_le_bytes());
        ask_everything(&wrong, &meta, &entries);
        let _ = looks_whole(&with_bytes(&wrong), Path::new(PATH), ID, 3);
    }
}
