//! A queue on top of Seawall, simulated with the store in it: `cargo run --release --example queue`.
//!
//! Each item is an entry whose key is its place in line. Without a turn two tasks that pop at once take
//! the same item; the simulator's scheduler finds the moment. A whole [`System`] stands here: what is
//! done, to what, and what a plain [`VecDeque`] makes of the same.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use seawall::{Db, Error, Options};
use seawall_os::sync::Turn;
use seawall_os::vfs::Vfs;
use seawall_sim::config::Config;
use seawall_sim::system::{Answer, Closed, Difference, Draw, Opened, Probing, System};

/// The queue; with `IN_TURN` one task pushes or pops at a time.
pub(crate) struct Queue<const IN_TURN: bool> {
    db: Db,
    turn: Turn<()>,
}

impl<const IN_TURN: bool> Queue<IN_TURN> {
    /// Returns the commit's seqno.
    fn push(&self, item: &[u8]) -> Result<u64, Error> {
        let _turn = IN_TURN.then(|| self.turn.take());
        let place = match self.db.iter().next_back() {
            None => 0,
            Some(last) => last?.0.first_chunk().map_or(0, |place| u64::from_be_bytes(*place) + 1),
        };
        self.db.put(place.to_be_bytes(), item)
    }

    /// Returns the commit's seqno, or `None` when the queue is empty.
    fn pop(&self) -> Result<Option<u64>, Error> {
        let _turn = IN_TURN.then(|| self.turn.take());
        match self.db.iter().next() {
            None => Ok(None),
            Some(first) => self.db.delete(first?.0).map(Some),
        }
    }

    /// Everything in line, and the seqno it was read at.
    fn items(&self) -> (u64, Result<Vec<Vec<u8>>, Error>) {
        let range = self.db.iter();
        (range.seqno(), range.map(|entry| entry.map(|(_, item)| item.to_vec())).collect())
    }
}

/// `push`, `pop` or `read`. What is pushed is the operation's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Push,
    Pop,
    Read,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::Push => "push",
            Op::Pop => "pop",
            Op::Read => "read",
        })
    }
}

impl FromStr for Op {
    type Err = String;

    fn from_str(text: &str) -> Result<Op, String> {
        match text {
            "push" => Ok(Op::Push),
            "pop" => Ok(Op::Pop),
            "read" => Ok(Op::Read),
            _ => Err(format!("{text:?} is none of push, pop, read")),
        }
    }
}

impl<const IN_TURN: bool> System for Queue<IN_TURN> {
    const NAME: &'static str = "queue";
    type Op = Op;
    type Model = VecDeque<Vec<u8>>;
    type Store = Arc<Queue<IN_TURN>>;
    type Seen = Vec<Vec<u8>>;

    fn generate(draw: &Draw<'_>) -> Op {
        match draw.word("kind", &[("push", 4), ("pop", 3), ("read", 1)]) {
            "push" => Op::Push,
            "pop" => Op::Pop,
            _ => Op::Read,
        }
    }

    fn width(op: &Op) -> u64 {
        u64::from(*op != Op::Read)
    }

    fn has_stopped(store: &Self::Store) -> bool {
        store.db.stats().stopped.is_some()
    }

    fn open(vfs: Arc<dyn Vfs>, _: &Arc<Config>) -> Result<Opened<Self::Store>, String> {
        // Small limits: a few operations reach a flush and a merge.
        let options = Options {
            memtable_entries_max: 8,
            level0_tables: 2,
            segment_bytes: 8_192,
            ..Options::default()
        };
        let db = Db::builder("/queue").vfs(vfs).options(options).open();
        let db = db.map_err(|error| error.to_string())?;
        let (position, report) = (db.last_seqno(), db.recovery_report().to_string());
        Ok(Opened { store: Arc::new(Queue { db, turn: Turn::new(()) }), position, report })
    }

    fn apply(store: &Self::Store, id: u32, op: &Op) -> Answer<Vec<Vec<u8>>> {
        let committed = |at| Answer::Committed { at, durable: true };
        let done = match op {
            Op::Push => store.push(&id.to_be_bytes()).map(committed),
            Op::Pop => store.pop().map(|popped| match popped {
                Some(at) => committed(at),
                None => Answer::Refused("the queue is empty".to_owned()),
            }),
            Op::Read => {
                let (at, items) = store.items();
                items.map(|seen| Answer::Saw { at, seen })
            }
        };
        done.unwrap_or_else(|error| Answer::Failed(error.to_string()))
    }

    fn close(store: Self::Store) -> Result<Closed, String> {
        store.db.clone().close().map_err(|error| error.to_string())?;
        Ok(Closed::Cleanly)
    }

    fn directories() -> &'static [&'static str] {
        &["/queue"]
    }

    fn files() -> &'static [&'static str] {
        &["/queue/LOCK"]
    }

    fn probes(_: &Arc<Config>, _: Probing) -> Vec<Op> {
        vec![Op::Read]
    }

    fn model(_: &Arc<Config>) -> Self::Model {
        VecDeque::new()
    }

    fn commit(model: &mut Self::Model, id: u32, op: &Op) {
        match op {
            Op::Push => model.push_back(id.to_be_bytes().to_vec()),
            _ => drop(model.pop_front()),
        }
    }

    fn allows(model: &Self::Model, _: &Op, seen: &Vec<Vec<u8>>) -> Result<(), Difference> {
        if model.iter().eq(seen) {
            return Ok(());
        }
        let (expected, got) = (format!("{model:?}"), format!("{seen:?}"));
        Err(Difference { what: "the items in line".to_owned(), expected, got })
    }
}

/// Sweeps the queue without turns, which panics with the failure block; or with them.
pub(crate) fn sweep(in_turn: bool) {
    if in_turn {
        seawall_sim::check::<Queue<true>>().seeds(0..30).operations(200).run();
    } else {
        seawall_sim::check::<Queue<false>>().seeds(0..30).operations(200).run();
    }
}

fn main() {
    match std::panic::catch_unwind(|| sweep(false)) {
        Ok(()) => println!("the missing turn was not found"),
        Err(_) => println!("\nfound, as it should be; now in turn:"),
    }
    sweep(true);
    println!("30 seeds, no violation");
}
