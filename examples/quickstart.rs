//! Open, write, read, close, and open again: `cargo run --example quickstart [DIRECTORY]`.

use std::path::{Path, PathBuf};

use seawall::{Db, Durability};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path =
        std::env::args_os().nth(1).map_or_else(|| "seawall-quickstart".into(), PathBuf::from);
    Ok(run(&path)?)
}

pub(crate) fn run(path: &Path) -> seawall::Result<()> {
    // Makes the directory and the database if they are missing.
    let db = Db::open(path)?;

    // Durable when it returns: a power loss cannot take it back, nor anything committed before.
    db.put("user456", "bob")?;
    // Handed to the operating system: survives a killed process, not a power loss. Much faster.
    db.put_with("visits", "17", Durability::Os)?;

    match db.get("user456")? {
        Some(name) => println!("user456 is {}", name.escape_ascii()),
        None => println!("nobody"),
    }
    // In order of the keys, both ends open, and it can be reversed.
    for entry in db.prefix("user") {
        let (key, value) = entry?;
        println!("{} = {}", key.escape_ascii(), value.escape_ascii());
    }
    // Everything committed is durable when this returns. A dropped handle promises no more than each
    // commit did.
    db.close()?;

    let db = Db::open(path)?;
    println!("opened again: {}", db.recovery_report());
    assert_eq!(db.get("visits")?.as_deref(), Some(&b"17"[..]));
    db.close()
}
