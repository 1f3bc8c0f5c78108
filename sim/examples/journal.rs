//! An append-only journal of a hundred lines with one barrier missing, and what the simulator makes
//! of it: `cargo run --release --example journal`.
//!
//! The journal is a single file. Each open copies what is whole into a new file with a number of its
//! own, and puts that in the place of the old one; so nothing is ever appended behind a torn record.
//!
//! ```text
//! file     nonce u64 | record ..
//! record   length u32 | checksum u64 of nonce, offset and bytes | bytes
//! ```

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::fs::{read_if_exists, remove_if_exists};
use seawall_os::vfs::{File, OpenMode, Vfs};
use seawall_sim::simple::{AppendLog, Log};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const PATH: &str = "/journal";
const FRESH_PATH: &str = "/journal.new";
const HEAD_BYTES: usize = 12;

/// The journal; with `SYNC_NAME` it does what it takes.
pub(crate) struct Journal<const SYNC_NAME: bool> {
    file: Arc<dyn File>,
    nonce: u64,
    end: u64,
    records: Vec<Vec<u8>>,
    failed: bool,
}

impl<const SYNC_NAME: bool> AppendLog for Journal<SYNC_NAME> {
    fn open(vfs: Arc<dyn Vfs>) -> io::Result<Self> {
        let old = read_if_exists(&*vfs, PATH)?.unwrap_or_default();
        remove_if_exists(&*vfs, FRESH_PATH)?;
        let file = vfs.open(Path::new(FRESH_PATH), OpenMode::CreateNew)?;
        let mut nonce = [0; 8];
        vfs.entropy(&mut nonce)?;
        file.write_at(&nonce, 0)?;
        let nonce = u64::from_le_bytes(nonce);
        let mut journal = Journal { file, nonce, end: 8, records: Vec::new(), failed: false };
        for record in whole_records(&old) {
            journal.write(record)?;
            journal.records.push(record.to_vec());
        }
        journal.file.sync_all()?;
        vfs.rename(Path::new(FRESH_PATH), Path::new(PATH))?;
        if SYNC_NAME {
            // Durability: without this the old file may be back after a power loss, and with it goes
            // every record that was appended, and synced, to the new one.
            vfs.sync_dir(Path::new("/"))?;
        }
        Ok(journal)
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier append failed: open the journal again"));
        }
        self.failed = true;
        self.write(record)?;
        self.file.sync_data()?;
        self.records.push(record.to_vec());
        self.failed = false;
        Ok(())
    }

    fn records(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(self.records.clone())
    }
}

impl<const SYNC_NAME: bool> Journal<SYNC_NAME> {
    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let length = (record.len() as u32).to_le_bytes();
        let sum = xxh3_64_with_seed(record, self.nonce ^ self.end).to_le_bytes();
        let bytes = [&length, &sum[..], record].concat();
        self.file.write_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// The records of a file up to the first that is not whole.
fn whole_records(file: &[u8]) -> Vec<&[u8]> {
    let (mut records, mut at) = (Vec::new(), 8);
    let Some(nonce) = file.first_chunk().map(|nonce| u64::from_le_bytes(*nonce)) else {
        return records;
    };
    while let Some(head) = file.get(at..at + HEAD_BYTES) {
        let length = head.iter().take(4).rev().fold(0, |length, byte| length << 8 | *byte as usize);
        let Some(record) = file.get(at + HEAD_BYTES..at + HEAD_BYTES + length) else { break };
        if head[4..] != xxh3_64_with_seed(record, nonce ^ at as u64).to_le_bytes() {
            break;
        }
        records.push(record);
        at += HEAD_BYTES + length;
    }
    records
}

/// Sweeps the journal without the barrier, which panics with the failure block; or with it.
pub(crate) fn sweep(sync_name: bool) {
    if sync_name {
        seawall_sim::check::<Log<Journal<true>>>().seeds(0..100).operations(200).run();
    } else {
        seawall_sim::check::<Log<Journal<false>>>().seeds(0..100).operations(200).run();
    }
}

fn main() {
    match std::panic::catch_unwind(|| sweep(false)) {
        Ok(()) => println!("the missing barrier was not found"),
        Err(_) => println!("\nfound, as it should be; now with the barrier:"),
    }
    sweep(true);
    println!("100 seeds, no violation");
}
