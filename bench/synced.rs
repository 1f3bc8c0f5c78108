//! Writers that wait for the disk.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use seawall::Db;

use crate::workload::{key, value};
use crate::{Result, median, microseconds};

/// With a key of 16 bytes, the value whose put is a frame of 128 bytes in the log.
const VALUE_BYTES: usize = 72;
const FRAME_BYTES: usize = 128;

/// How many puts at most, each with a bare write beside it.
const PAIRS_MAX: u64 = 8_000;
/// How many of the first are not counted.
const WARM_UP: u64 = 200;
/// A slow or busy disk is asked for fewer.
const TIME_MAX: Duration = Duration::from_secs(8);

/// One put and one bare write in turn.
pub(crate) fn one_against_bare(directory: &Path) -> Result<()> {
    let db = Db::open(directory.join("db"))?;
    let bare = sized_ahead(&directory.join("bare"))?;
    let (bytes, value) = ([7; FRAME_BYTES], value::<VALUE_BYTES>());
    let (mut puts, mut writes) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for index in 0..WARM_UP + PAIRS_MAX {
        if started.elapsed() > TIME_MAX {
            break;
        }
        let put = || db.put(key(index), value).map(drop);
        let write = || {
            bare.write_all_at(&bytes, index * FRAME_BYTES as u64)?;
            bare.sync_data()
        };
        // Who comes first changes too: the second may find the disk awake.
        let (put, write) = if index % 2 == 0 {
            (timed(put)?, timed(write)?)
        } else {
            let write = timed(write)?;
            (timed(put)?, write)
        };
        if index >= WARM_UP {
            puts.push(put);
            writes.push(write);
        }
    }
    db.close()?;
    let ratio =
        puts.iter().sum::<Duration>().as_secs_f64() / writes.iter().sum::<Duration>().as_secs_f64();
    println!(
        "{ratio:.2} x the time of bare {FRAME_BYTES}-byte writes with fdatasync: {} puts took \
         {}, the bare ones {}; medians {} and {}",
        puts.len(),
        seconds(&puts),
        seconds(&writes),
        microseconds(median(&puts)),
        microseconds(median(&writes)),
    );
    Ok(())
}

/// A file that a sync of a write finds sized and written already: nothing else is left to do.
fn sized_ahead(path: &Path) -> Result<File> {
    let file = File::options().write(true).create_new(true).open(path)?;
    file.write_all_at(&vec![0; (WARM_UP + PAIRS_MAX) as usize * FRAME_BYTES], 0)?;
    file.sync_all()?;
    Ok(file)
}

fn timed<E>(run: impl FnOnce() -> std::result::Result<(), E>) -> std::result::Result<Duration, E> {
    let started = Instant::now();
    run()?;
    Ok(started.elapsed())
}

fn seconds(times: &[Duration]) -> String {
    format!("{:.2} s", times.iter().sum::<Duration>().as_secs_f64())
}

const WRITERS: u64 = 8;
/// One writer, then eight, so often at most.
const ROUNDS_MAX: u64 = 40;
/// Puts in each turn of either.
const TURN: u64 = 400;

/// One writer's turn, then eight writers' turn, on one database.
pub(crate) fn eight_against_one(directory: &Path) -> Result<()> {
    let db = Db::open(directory.join("db"))?;
    let (mut one, mut eight) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for round in 0..=ROUNDS_MAX {
        if started.elapsed() > TIME_MAX {
            break;
        }
        let first = round * 2 * TURN;
        let turn = [turn(&db, 1, first)?, turn(&db, WRITERS, first + TURN)?];
        // The first round warms up.
        if round > 0 {
            one.push(turn[0]);
            eight.push(turn[1]);
        }
    }
    db.close()?;
    let rate = |times: &[Duration]| TURN as f64 / median(times).as_secs_f64();
    println!(
        "{:.1} x the puts of one: {WRITERS} writers {:.0} synced puts/s, one {:.0}/s; medians of {} \
         turns of {TURN} puts each",
        rate(&eight) / rate(&one),
        rate(&eight),
        rate(&one),
        one.len(),
    );
    Ok(())
}

/// `TURN` puts from so many threads; returns how long they took together.
fn turn(db: &Db, writers: u64, first: u64) -> Result<Duration> {
    let value = value::<VALUE_BYTES>();
    let each = TURN / writers;
    let started = Instant::now();
    std::thread::scope(|scope| -> seawall::Result<()> {
        let write = |writer: u64| {
            move || {
                let first = first + writer * each;
                (first..first + each).try_for_each(|index| db.put(key(index), value).map(drop))
            }
        };
        let writers: Vec<_> = (0..writers).map(|writer| scope.spawn(write(writer))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })?;
    Ok(started.elapsed())
}
