//! `bench`: what the store does in a second on this machine, and how long one operation takes.

mod latencies;
mod load;
mod shown;
mod work;

use std::path::Path;
use std::time::Instant;

use seawall::Db;

use crate::args::{Bench, Workload};
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::store::{Use, open};

use work::{Measured, Worker};

/// What the keys of a bench begin with: in a database of somebody's they are told from others.
const PREFIX: &str = "bench/";

pub(crate) fn bench(console: &Console, path: &Path, arguments: &Bench) -> anyhow::Result<Exit> {
    if !arguments.existing {
        refuse_what_is_there(path)?;
    }
    interrupt::listen()?;
    let db = open(console, path, Use::Measuring { existing: arguments.existing })?;
    if arguments.what != Workload::Write {
        load::load(console, &db, arguments)?;
    }
    let started = Instant::now();
    let measured = run(console, &db, arguments)?;
    let seconds = started.elapsed().as_secs_f64();
    db.close()?;
    shown::print(console, arguments, &measured, seconds)?;
    if !arguments.existing {
        console.say(format_args!("the keys stay in {}", path.display()));
    }
    Ok(if interrupt::asked() { Exit::Interrupted } else { Exit::Fine })
}

/// A measurement fills a directory of its own, and never by mistake one that holds something.
fn refuse_what_is_there(path: &Path) -> anyhow::Result<()> {
    // Whatever else is wrong with the directory, opening it says better.
    let empty = std::fs::read_dir(path).map_or(true, |mut names| names.next().is_none());
    if empty {
        return Ok(());
    }
    let holds = if path.join("CURRENT").exists() { "holds a database" } else { "is not empty" };
    Err(Failure::error(
        format!("{} {holds}", path.display()),
        format!(
            "name a directory that is not there yet with `--db DIR`, or measure in a database that is \
             there with `--existing`: that writes keys that begin with `{PREFIX}` into it"
        ),
    )
    .into())
}

/// All threads at once; what they measured, together.
fn run(console: &Console, db: &Db, arguments: &Bench) -> anyhow::Result<Measured> {
    let bar = shown::bar(console, "measured", arguments.ops);
    let worker = Worker::new(db, arguments, &bar);
    let threads = u64::from(arguments.threads);
    let share = |thread| arguments.ops / threads + u64::from(thread < arguments.ops % threads);
    let results: Vec<_> = std::thread::scope(|scope| {
        let spawn = |thread| {
            let worker = &worker;
            scope.spawn(move || worker.run(thread, share(thread)))
        };
        let running: Vec<_> = (0..threads).map(spawn).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    bar.finish_and_clear();
    let mut all = Measured::default();
    for result in results {
        // A panic has ended the process before it gets here.
        let measured =
            result.map_err(|_| Failure::new(Exit::OurBug, "a thread panicked", "report it"))?;
        all.merge(&measured?);
    }
    Ok(all)
}

/// The key of that number.
fn key_of(number: u64) -> String {
    format!("{PREFIX}{number:012}")
}
