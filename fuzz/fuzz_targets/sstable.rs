//! A table of any bytes: read whole, or an error.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use seawall::inspect;
use seawall_os::vfs::{MemFs, OpenMode, Vfs};

fuzz_target!(|bytes: &[u8]| {
    let vfs = MemFs::new();
    let dir = Path::new("/db");
    vfs.create_dir(dir).expect("memory");
    let write = |name: &str, bytes: &[u8]| {
        let file = vfs.open(&dir.join(name), OpenMode::CreateNew).expect("memory");
        file.write_at(bytes, 0).expect("memory");
    };
    write("000003.sst", bytes);
    let Ok(table) = inspect::TableFile::open(&vfs, &dir.join("000003.sst")) else { return };
    let _ = (table.parts(), table.check());
    let _ = inspect::table(&vfs, &dir.join("000003.sst"), true);
});
