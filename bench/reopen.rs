//! Opening what a killed process left.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use seawall::{Db, Durability};

use crate::workload::{VALUE_BYTES, key, value};
use crate::{Result, median};

/// The argument that makes this program the one that is killed.
pub(crate) const CHILD: &str = "--fill-until-killed";

const LOG_BYTES: u64 = 64 << 20;
/// What the put of a key of 16 bytes and a value of 100 takes in the log, frame and all.
const PUT_BYTES: u64 = 160;
const PUTS: u64 = LOG_BYTES / PUT_BYTES;
/// How often a database is filled, killed and opened.
const KILLS: usize = 3;

/// Opens after each kill with the default options. None of the log is in a table yet.
pub(crate) fn after_a_kill(directory: &Path) -> Result<()> {
    let mut times: Vec<Duration> = Vec::new();
    let mut logged_again = 0;
    for nth in 0..KILLS {
        let path = directory.join(nth.to_string());
        fill_and_kill(&path)?;
        let started = Instant::now();
        let db = Db::open(&path)?;
        times.push(started.elapsed());
        let report = db.recovery_report();
        assert_eq!(report.replayed_operations, PUTS, "all of it is read from the log");
        logged_again = report.relogged_operations;
        db.close()?;
        std::fs::remove_dir_all(path)?;
    }
    let worst = times.iter().max().copied().unwrap_or_default();
    println!(
        "{:.2} s to open after kill -9 with {} MiB of log ({PUTS} Os puts, {logged_again} logged again): \
         median of {KILLS}, the worst {:.2} s",
        median(&times).as_secs_f64(),
        LOG_BYTES >> 20,
        worst.as_secs_f64(),
    );
    Ok(())
}

/// Has another process fill a database, and kills it.
fn fill_and_kill(path: &Path) -> Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let output = child.stdout.take().ok_or("the child has no stdout")?;
    BufReader::new(output).read_line(&mut line)?;
    child.kill()?; // SIGKILL
    child.wait()?;
    if line != "full\n" { Err(format!("the child said {line:?}").into()) } else { Ok(()) }
}

/// The child: fills the log, says so, and waits for its end. Its memtable has room for all of it, so
/// that nothing moves to a table.
pub(crate) fn fill_until_killed(path: &Path) -> Result<()> {
    let db = Db::builder(path).memtable_bytes(4 * LOG_BYTES as usize).open()?;
    let value = value::<VALUE_BYTES>();
    for index in 0..PUTS {
        db.put_with(key(index), value, Durability::Os)?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "full")?;
    out.flush()?;
    // Its end also when the parent has gone: stdin ends then.
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
