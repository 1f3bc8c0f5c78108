//! Closing and opening again while other clients go on, and what they may be told meanwhile.
//!
//! Whoever comes while the store is closed, or was on the way when it closed, is told that it is; and
//! what was refused so never happened. Snapshots and iterators of the former handle stay where they
//! are: they may be closed too, but may not stand in anybody's way.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use seawall::{Db, Error, ErrorKind, Slice};
use seawall_os::sync::{self, AtomicBool, Mutex, Ordering, Turn};
use seawall_os::vfs::Vfs;

use super::gate::{Gate, GatedVfs};
use super::model::Seen;
use super::{DIRECTORY, Store, options, text_of};
use crate::config::Config;
use crate::sched::OneThread;
use crate::system::{Answer, Complaint, Property};

/// The handle of now, and what it takes to open another.
#[derive(Debug)]
pub(super) struct Current {
    db: Mutex<Db>,
    /// What each handle but the last may not do any more, oldest first, and what the last does.
    gates: OneThread<RefCell<Vec<Gate>>>,
    /// One client at a time closes and opens.
    turn: Turn<()>,
    vfs: Arc<dyn Vfs>,
    config: Arc<Config>,
    /// Whether anybody has closed a handle. Before that nobody may be told that it is closed.
    closing: AtomicBool,
    /// Whether the handle of now is closed for good, because closing it or opening the next failed.
    gone: AtomicBool,
    /// Whether anything was ever asked but to read.
    changed: AtomicBool,
}

/// Opens the database in the simulated directory. The gate is for when it is closed.
pub(super) fn open(vfs: &Arc<dyn Vfs>, config: &Config) -> Result<(Db, Gate), Error> {
    let gate = Gate::new();
    let vfs = Arc::new(GatedVfs { inner: Arc::clone(vfs), gate: gate.clone() });
    let db = Db::builder(DIRECTORY).vfs(vfs).options(options(config)).open()?;
    Ok((db, gate))
}

/// What an open for reading alone saw.
#[derive(Debug)]
pub(super) struct Looked {
    seqno: u64,
    entries: Vec<(Slice, Slice)>,
}

/// Opens the database for reading alone and reads all of it; `None` when there is no database yet.
pub(super) fn look(vfs: &Arc<dyn Vfs>, config: &Config) -> Result<Option<Looked>, Error> {
    let builder = Db::builder(DIRECTORY).vfs(Arc::clone(vfs)).options(options(config));
    match builder.open_read_only() {
        Ok(db) => {
            let entries = db.iter().rev().collect::<Result<_, _>>()?;
            Ok(Some(Looked { seqno: db.last_seqno(), entries }))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Looked {
    /// The open that follows has to find the same.
    ///
    /// # Errors
    /// What it found else, or why it could not be read.
    pub(super) fn is_as(&self, db: &Db) -> Result<(), String> {
        let entries: Vec<_> = db.iter().rev().collect::<Result<_, _>>().map_err(|e| text_of(&e))?;
        let (seqno, count) = (db.last_seqno(), entries.len());
        if (seqno, &entries) == (self.seqno, &self.entries) {
            return Ok(());
        }
        Err(format!(
            "an open for reading saw seqno {} and {} entries, the open after it seqno {seqno} and {count}",
            self.seqno,
            self.entries.len()
        ))
    }
}

impl Current {
    pub(super) fn new(db: Db, gate: Gate, vfs: Arc<dyn Vfs>, config: Arc<Config>) -> Current {
        let [closing, gone, changed] = [false; 3].map(AtomicBool::new);
        let (db, gates) = (Mutex::new(db), OneThread::new(RefCell::new(vec![gate])));
        Current { db, gates, turn: Turn::new(()), vfs, config, closing, gone, changed }
    }

    /// Whether closed handles keep their hands off.
    ///
    /// # Errors
    /// The first call of one that came after its close had returned.
    pub(super) fn nothing_came_late(&self) -> Result<(), Complaint> {
        match self.gates.borrow().iter().find_map(Gate::late) {
            None => Ok(()),
            Some(text) => Err(Complaint::Wrong(Property::Files, text)),
        }
    }

    pub(super) fn db(&self) -> Db {
        self.db.lock().clone()
    }

    /// Something is asked that may make tables.
    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    pub(super) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// Whether a client may be told that the store is closed.
    pub(super) fn may_be_closed(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Whether nothing can be asked of the store any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }
}

/// How long to wait before the lock is tried again.
const LOCKED_WAIT: Duration = Duration::from_micros(50);

/// Closes the handle of now and opens the next, as soon as the lock is free: the close may not have
/// returned by then.
pub(super) fn reopen(store: &Store) -> Answer<Seen> {
    let current = &store.current;
    let _turn = current.turn.take();
    if current.is_gone() {
        return Answer::Refused("the store was closed and could not be opened again".to_owned());
    }
    let former = current.db();
    if let Some(complaint) = opens_beside(current) {
        return Answer::Wrong(complaint);
    }
    current.closing.store(true, Ordering::Release);
    let (closed, next) = close_and_open(current, &former);
    let next = match (closed, next) {
        (Ok(()), Ok((next, gate))) => {
            current.gates.borrow_mut().push(gate);
            next
        }
        (Err(error), _) | (_, Err(error)) => {
            current.gone.store(true, Ordering::Release);
            return Answer::Failed(text_of(&error));
        }
    };
    let (closed_at, opened_at) = (former.last_seqno(), next.last_seqno());
    // Dropped outside the lock: the last handle waits for its tasks.
    let former = std::mem::replace(&mut *current.db.lock(), next);
    drop(former);
    if opened_at != closed_at {
        let text = format!("closed at seqno {closed_at} and opened at seqno {opened_at}");
        return Answer::Wrong(Complaint::Wrong(Property::Settled, text));
    }
    Answer::Durable
}

/// Closes in a task of its own, and opens as soon as nobody is locked out any more.
fn close_and_open(
    current: &Current,
    former: &Db,
) -> (Result<(), Error>, Result<(Db, Gate), Error>) {
    let closing = Arc::new(Closing::default());
    let (closer, handle) = (Arc::clone(&closing), former.clone());
    let gate = current.gates.borrow().last().cloned();
    let task = sync::spawn("closer", move || {
        let outcome = handle.close();
        gate.iter().for_each(Gate::shut);
        *closer.outcome.lock() = Some(outcome);
        closer.is_done.store(true, Ordering::Release);
    });
    let next = loop {
        let was_done = closing.is_done.load(Ordering::Acquire);
        match open(&current.vfs, &current.config) {
            Err(error) if error.kind() == ErrorKind::Locked && !was_done => {
                sync::sleep(LOCKED_WAIT)
            }
            next => break next,
        }
    };
    task.join().expect("a panic ends the whole run");
    let closed = closing.outcome.lock().take().expect("the task has told it");
    (closed, next)
}

/// What becomes of a close in a task of its own.
#[derive(Debug, Default)]
struct Closing {
    is_done: AtomicBool,
    outcome: Mutex<Option<Result<(), Error>>>,
}

/// An open beside a handle that is open must be told so.
fn opens_beside(current: &Current) -> Option<Complaint> {
    match open(&current.vfs, &current.config) {
        Ok(_) => {
            let text = "the database was opened twice at once".to_owned();
            Some(Complaint::Wrong(Property::Opens, text))
        }
        Err(_) => None,
    }
}
