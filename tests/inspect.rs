//! What the files of a store show to somebody who looks into them.

use std::path::Path;

use seawall::os::vfs::{MemFs, OpenMode, Vfs};
use seawall::{ErrorKind, inspect};

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

fn dump(bytes: &[u8], entries: bool) -> seawall::Result<inspect::TableDump> {
    let (vfs, path) = (MemFs::new(), Path::new("/000003.sst"));
    let file = vfs.open(path, OpenMode::CreateNew).expect("memory");
    file.write_at(bytes, 0).expect("memory");
    inspect::table(&vfs, path, entries)
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
