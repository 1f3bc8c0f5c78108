//! The parent's side: listening, and finding out which seed it was.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{STOP, Said};

/// How often clocks and the flag are looked at when the child says nothing.
const POLL: Duration = Duration::from_millis(50);

/// The most time that passes between two looks. More means that this process was stopped too, or the
/// machine asleep: no fault of a seed.
const STEP_MAX: Duration = Duration::from_millis(500);

/// How many of the last events are kept.
const EVENTS_KEPT: usize = 40;

/// A child that came to an end, by itself or not.
#[derive(Debug)]
pub struct Watched {
    /// How it ended.
    pub status: ExitStatus,
    /// How it was lost, if it was, with the seeds that may have done it.
    pub lost: Option<(Lost, Vec<u64>)>,
    /// What it said last of the sweep.
    pub note: Option<String>,
    /// The last events, of a child that told them.
    pub events: Vec<String>,
}

/// Why a child did not come to its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A seed took longer than this.
    Stuck(Duration),
    /// A signal ended it, by its number.
    Died(i32),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Stuck(limit) => write!(f, "still running after {limit:?}"),
            Lost::Died(signal) => match name(*signal) {
                Some(name) => write!(f, "the process was ended by signal {signal} ({name})"),
                None => write!(f, "the process was ended by signal {signal}"),
            },
        }
    }
}

/// The signals that end a process when something in it goes wrong, or somebody wants it gone.
fn name(signal: i32) -> Option<&'static str> {
    let names = [
        (2, "SIGINT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
    ];
    names.into_iter().find(|(number, _)| *number == signal).map(|(_, name)| name)
}

/// Starts a child that makes itself an [`super::Announcer`], and waits for its end.
///
/// A seed that it runs longer than `limit` is the end of it. Once `stop` is true it is told so, once.
///
/// # Errors
/// The child cannot be started, or its socket not be made.
pub fn watch(
    command: &mut Command,
    limit: Duration,
    stop: Option<&AtomicBool>,
) -> io::Result<Watched> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(POLL))?;
    let child = command.stdin(OwnedFd::from(theirs)).spawn()?;
    // What the command holds of the child's end would keep the socket open when the child is gone.
    command.stdin(std::process::Stdio::null());
    let mut listener = Listener {
        child,
        running: BTreeMap::new(),
        clock: Duration::ZERO,
        stuck: None,
        note: None,
        events: VecDeque::new(),
    };
    listener.listen(&ours, limit, stop)?;
    listener.end(limit)
}

/// What a parent knows of its child.
struct Listener {
    child: Child,
    /// The seeds under way, with the clock at their beginning unless they may take their time.
    running: BTreeMap<u64, Option<Duration>>,
    /// Time as far as this process was awake.
    clock: Duration,
    /// The seeds that the child was ended for.
    stuck: Option<Vec<u64>>,
    note: Option<String>,
    events: VecDeque<String>,
}

impl Listener {
    /// Listens until the child has gone.
    fn listen(
        &mut self,
        socket: &UnixStream,
        limit: Duration,
        stop: Option<&AtomicBool>,
    ) -> io::Result<()> {
        let mut lines = BufReader::new(socket);
        let mut line = Vec::new();
        let mut told = false;
        let mut looked = Instant::now();
        loop {
            match lines.read_until(b'\n', &mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    self.hear(String::from_utf8_lossy(&line).trim_end());
                    line.clear();
                }
                // What there is of the line stays in it.
                Err(error) if is_pause(&error) => {}
                // A child that is ended with our order unread resets the socket: it has gone.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error),
            }
            self.clock += looked.elapsed().min(STEP_MAX);
            looked = Instant::now();
            if !told && stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                told = true;
                // One that has gone need not be told.
                let mut orders = socket;
                let _ = orders.write_all(STOP.as_bytes());
            }
            self.end_if_stuck(limit)?;
        }
    }

    fn hear(&mut self, line: &str) {
        match Said::parse(line) {
            Some(Said::Begins(seed)) => drop(self.running.insert(seed, Some(self.clock))),
            Some(Said::Busy(seed)) => drop(self.running.insert(seed, None)),
            Some(Said::Ended(seed)) => drop(self.running.remove(&seed)),
            Some(Said::Note(text)) => self.note = Some(text.to_owned()),
            Some(Said::Event(text)) => {
                if self.events.len() == EVENTS_KEPT {
                    self.events.pop_front();
                }
                self.events.push_back(text.to_owned());
            }
            None => {}
        }
    }

    fn end_if_stuck(&mut self, limit: Duration) -> io::Result<()> {
        if self.stuck.is_some() {
            return Ok(());
        }
        let over = |begun: Duration| self.clock.saturating_sub(begun) >= limit;
        let running = self.running.iter();
        let stuck: Vec<u64> =
            running.filter(|(_, begun)| begun.is_some_and(over)).map(|(seed, _)| *seed).collect();
        if !stuck.is_empty() {
            self.stuck = Some(stuck);
            self.child.kill()?;
        }
        Ok(())
    }

    fn end(mut self, limit: Duration) -> io::Result<Watched> {
        let status = self.child.wait()?;
        let lost = match (self.stuck, status.signal()) {
            (Some(seeds), _) => Some((Lost::Stuck(limit), seeds)),
            (None, Some(signal)) => Some((Lost::Died(signal), self.running.into_keys().collect())),
            (None, None) => None,
        };
        Ok(Watched { status, lost, note: self.note, events: self.events.into() })
    }
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// A seed that was under way when a child was lost.
#[derive(Debug)]
pub struct Suspect {
    /// The seed.
    pub seed: u64,
    /// How a child that ran it alone was lost. `None` when the seed came to its end there.
    pub alone: Option<Lost>,
    /// What had happened last by then.
    pub events: Vec<String>,
}

/// Runs each seed once more, alone, in the child of `command`, which is to call [`super::probe`].
///
/// When some are lost again those are returned, and else all.
///
/// # Errors
/// As [`watch`].
pub fn alone(
    seeds: &[u64],
    limit: Duration,
    stop: Option<&AtomicBool>,
    command: impl Fn(u64) -> Command,
) -> io::Result<Vec<Suspect>> {
    let mut suspects = Vec::new();
    for &seed in seeds {
        let Watched { lost, events, .. } = watch(&mut command(seed), limit, stop)?;
        suspects.push(Suspect { seed, alone: lost.map(|(lost, _)| lost), events });
    }
    if suspects.iter().any(|suspect| suspect.alone.is_some()) {
        suspects.retain(|suspect| suspect.alone.is_some());
    } else {
        suspects.iter_mut().for_each(|suspect| suspect.events.clear());
    }
    Ok(suspects)
}
