//! A database that never touches a disk, for tests: `cargo run --example in_memory`.

use std::sync::Arc;

use seawall::Db;
use seawall::os::vfs::{MemFs, Vfs};

fn main() -> seawall::Result<()> {
    run()
}

pub(crate) fn run() -> seawall::Result<()> {
    // The files live as long as somebody holds this.
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let db = Db::builder("/test").vfs(Arc::clone(&vfs)).open()?;
    db.put("key", "value")?;
    db.close()?;

    let again = Db::builder("/test").vfs(vfs).create_if_missing(false).open()?;
    assert_eq!(again.get("key")?.as_deref(), Some(&b"value"[..]));
    println!("{}", again.recovery_report());
    again.close()
}
