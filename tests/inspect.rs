//! What the files of a store show to somebody who looks into them.

use std::path::Path;

use seawall::os::vfs::{MemFs, OpenMode, Vfs};
use seawall::{Damage, ErrorKind, inspect};

/// A table, byte for byte: three entries in one block.
const TABLE: &str = "
    00050381086170706c6572656402050681047269636f746f
    72616e6765000100800662000000000100000000c1a8ef2f
    1faf44c9000102810662002b00000000010000000009a211
    dfbb7fc49c0301010d090204056170706c65016200a966b2
    d43c11008330313233343536373839616263646566030000
    000000000000000000000000000000000034000000000000
    00100000004d000000000000000f00000000000000713244
    b1f85b9c9558000000010000007365612e7461626c";

fn table() -> Vec<u8> {
    let digits: String = TABLE.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

const PATH: &str = "/000003.sst";

fn holding(bytes: &[u8]) -> MemFs {
    let vfs = MemFs::new();
    let file = vfs.open(Path::new(PATH), OpenMode::CreateNew).expect("memory");
    file.write_at(bytes, 0).expect("memory");
    vfs
}

fn dump(bytes: &[u8], entries: bool) -> seawall::Result<inspect::TableDump> {
    inspect::table(&holding(bytes), Path::new(PATH), entries)
}

/// Looks at all there is, whatever is wrong with it.
fn look(bytes: &[u8]) -> seawall::Result<Vec<Damage>> {
    let vfs = holding(bytes);
    if let Ok(file) = inspect::TableFile::open(&vfs, Path::new(PATH)) {
        for at in 0..=file.parts().blocks.len() {
            let _ = file.block(at);
        }
    }
    inspect::check_table(&vfs, Path::new(PATH))
}

#[test]
fn a_table_is_shown_with_its_blocks_and_entries() {
    let shown = dump(&table(), true).expect("whole");
    assert_eq!((shown.id.as_str(), shown.number), ("30313233343536373839616263646566", 3));
    insta::assert_snapshot!(shown);
}

#[test]
fn damage_in_a_table_is_shown_in_its_place() {
    let mut bytes = table();
    bytes[9] ^= 1;
    insta::assert_snapshot!(dump(&bytes, true).expect("the end is whole"));
    assert!(!dump(&bytes, false).expect("the end is whole").text.contains("checksum"));
}

#[test]
fn what_does_not_end_as_a_table_is_none() {
    let bytes = table();
    let error = dump(&bytes[..bytes.len() - 1], true).expect_err("cut");
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert_eq!(error.file(), Some(Path::new("/000003.sst")));
    let error = inspect::table(&MemFs::new(), Path::new("/none.sst"), true).expect_err("none");
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn a_table_is_taken_apart() {
    let file = inspect::TableFile::open(&holding(&table()), Path::new(PATH)).expect("whole");
    let parts = file.parts();
    assert_eq!((parts.id.as_str(), parts.number), ("30313233343536373839616263646566", 3));
    assert_eq!(parts.size_bytes, table().len() as u64);
    assert_eq!((parts.blocks.len(), parts.blocks[0].last_key.as_slice()), (1, &b"b"[..]));
    let part = |offset, bytes| inspect::PartInfo { offset, bytes };
    let places = (parts.blocks[0].part, parts.index, parts.properties_part, parts.footer);
    assert_eq!(places, (part(0, 52), part(52, 25), part(77, 24), part(101, 88)));
    assert_eq!((parts.properties.entry_count, parts.properties.tombstone_count), (3, 1));
    let contents = file.block(0).expect("whole");
    assert_eq!((contents.entry_count, contents.tombstone_count), (3, 1));
    assert_eq!((contents.content_bytes, contents.first_key.as_slice()), (43, &b"apple"[..]));
    assert_eq!(file.block(1).expect_err("one block").kind(), ErrorKind::InvalidArgument);
    assert_eq!(look(&table()).expect("readable"), []);
}

#[test]
fn any_damage_to_a_table_is_found_with_its_place() {
    let bytes = table();
    let flipped = (0..8 * bytes.len()).map(|bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
    for damaged in flipped.chain(cut) {
        let found = look(&damaged).expect("readable");
        let first = found.first().expect("damaged");
        assert_eq!(Path::new("/").join(&first.file), Path::new(PATH), "{first:?}");
        assert!(first.offset.is_some_and(|at| at <= bytes.len() as u64), "{first:?}");
    }
}
