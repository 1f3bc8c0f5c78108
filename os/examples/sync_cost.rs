//! What a small synced write costs, by how its file was sized ahead.
//!
//! ```text
//! cargo run --release -p seawall-os --example sync_cost [DIRECTORY]
//! ```
//!
//! A log appends a few bytes and syncs, over and over. What the sync costs depends on what the file
//! system must note besides the bytes: a new size, new blocks, or that reserved blocks are written
//! now. Methods take turns, round by round, so that whatever else the machine does befalls all alike;
//! compare within one run only. The first round warms up and is not counted.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "measures; not simulated")]

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FallocateFlags;
use seawall_os::vfs::{File, OpenMode, OsFs, Vfs};

/// Bytes in each write.
const WRITE_BYTES: usize = 128;
/// Writes to a file.
const WRITES: u64 = 256;
/// The space between the beginnings of two writes that each open a new block, in bytes.
const BLOCK_BYTES: u64 = 4096;
/// The size that is made ahead, in bytes. All writes lie below.
const FILE_BYTES: u64 = WRITES * BLOCK_BYTES;
const ROUNDS: usize = 8;

/// How a file is made ready for its writes.
#[derive(Clone, Copy)]
enum Method {
    /// Not at all: each write makes it longer.
    Grow,
    /// A new size, no blocks.
    SetLen,
    /// Blocks reserved, marked as not written.
    Fallocate,
    /// Zeros written.
    Zeros,
    /// What `File::allocate` does.
    Allocate,
}

const METHODS: [(Method, &str); 5] = [
    (Method::Grow, "growing file"),
    (Method::SetLen, "set_len"),
    (Method::Fallocate, "fallocate"),
    (Method::Zeros, "zeros"),
    (Method::Allocate, "File::allocate"),
];

/// Times of one method, a vector of single measurements each.
#[derive(Default)]
struct Times {
    /// Making the file ready, synced.
    ready: Vec<Duration>,
    /// Writes one after another.
    dense: Vec<Duration>,
    /// Writes that each begin a block.
    sparse: Vec<Duration>,
}

fn main() -> io::Result<()> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(&parent)?;
    let mut times: [Times; METHODS.len()] = Default::default();
    for round in 0..ROUNDS {
        for ((method, _), times) in METHODS.iter().zip(&mut times) {
            let mut counted = Times::default();
            let stride = WRITE_BYTES as u64;
            counted.dense = measure(directory.path(), *method, stride, &mut counted.ready)?;
            counted.sparse = measure(directory.path(), *method, BLOCK_BYTES, &mut counted.ready)?;
            if round > 0 {
                times.ready.extend(counted.ready);
                times.dense.extend(counted.dense);
                times.sparse.extend(counted.sparse);
            }
        }
    }
    print(&parent, &times);
    Ok(())
}

/// Makes a file ready and times synced writes to it, `stride` bytes apart.
fn measure(
    directory: &Path,
    method: Method,
    stride: u64,
    ready: &mut Vec<Duration>,
) -> io::Result<Vec<Duration>> {
    let fs = OsFs::new();
    let path = directory.join("file");
    let start = Instant::now();
    let file = fs.open(&path, OpenMode::CreateNew)?;
    make_ready(&*file, &path, method)?;
    file.sync_all()?;
    fs.sync_dir(directory)?;
    ready.push(start.elapsed());

    let bytes = [7; WRITE_BYTES];
    let mut times = Vec::new();
    for index in 0..WRITES {
        let start = Instant::now();
        file.write_at(&bytes, index * stride)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs.remove(&path)?;
    Ok(times)
}

fn make_ready(file: &dyn File, path: &Path, method: Method) -> io::Result<()> {
    match method {
        Method::Grow => Ok(()),
        Method::SetLen => file.set_len(FILE_BYTES),
        Method::Fallocate => {
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), 0, FILE_BYTES)?)
        }
        Method::Zeros => file.write_at(&vec![0; FILE_BYTES as usize], 0),
        Method::Allocate => file.allocate(FILE_BYTES),
    }
}

fn print(parent: &Path, times: &[Times]) {
    println!(
        "{WRITE_BYTES}-byte writes, each followed by sync_data, in {}; medians and ratios to the growing file",
        parent.display()
    );
    println!(
        "{:16}{:>22}{:>22}{:>16}",
        "", "one after another", "each in a new block", "ready, 1 MiB"
    );
    let (dense, sparse) = (median(&times[0].dense), median(&times[0].sparse));
    for ((_, name), times) in METHODS.iter().zip(times) {
        println!(
            "{name:16}{:>22}{:>22}{:>16}",
            cell(median(&times.dense), dense),
            cell(median(&times.sparse), sparse),
            microseconds(median(&times.ready)),
        );
    }
}

fn cell(time: Duration, base: Duration) -> String {
    format!("{}  {:.2}", microseconds(time), time.as_secs_f64() / base.as_secs_f64())
}

fn microseconds(time: Duration) -> String {
    format!("{:.0} us", time.as_secs_f64() * 1e6)
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
