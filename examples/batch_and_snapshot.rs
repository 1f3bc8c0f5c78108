//! Several changes as one, and a view that stays as it is: `cargo run --example batch_and_snapshot`.

use std::sync::Arc;

use seawall::os::vfs::MemFs;
use seawall::{Db, Error};

fn main() -> seawall::Result<()> {
    run()
}

pub(crate) fn run() -> seawall::Result<()> {
    let db = Db::builder("/accounts").vfs(Arc::new(MemFs::new())).open()?;
    let mut opening = db.batch();
    opening.put("alice", "100");
    opening.put("bob", "0");
    db.commit(opening)?;

    // A report that takes its time sees one moment.
    let before = db.snapshot();

    // All of it or nothing, whatever crashes, and nobody ever reads half of it.
    let mut transfer = db.batch();
    transfer.put("alice", "70");
    transfer.put("bob", "30");
    let seqno = db.commit(transfer)?;

    assert_eq!(total(before.iter())?, 100);
    assert_eq!(total(db.iter())?, 100);
    assert_eq!(before.get("alice")?.as_deref(), Some(&b"100"[..]));
    assert_eq!(db.get("alice")?.as_deref(), Some(&b"70"[..]));
    println!("the snapshot is of seqno {}, the transfer is {seqno}", before.seqno());
    // What only the snapshot needs stays on disk until it is dropped.
    drop(before);
    db.close()
}

fn total(accounts: seawall::Range) -> Result<u64, Error> {
    let mut total = 0;
    for entry in accounts {
        let (_, amount) = entry?;
        total += amount.escape_ascii().to_string().parse::<u64>().unwrap_or(0);
    }
    Ok(total)
}
