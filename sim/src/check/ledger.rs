//! What the clients of one world did and were told, in the order it happened.
//!
//! Time here is the number of entries so far: an image of the disk remembers it as its *mark*, so what
//! the store owed when the image was cut is exactly what stands before the mark.

use crate::system::{Answer, System};

/// The number of entries made before a moment.
pub type Mark = u64;

/// One operation, from its issue to its return.
#[derive(Debug)]
pub struct Record<S: System> {
    /// The operation's id.
    pub id: u32,
    /// What was asked.
    pub op: S::Op,
    /// When.
    pub issued: Mark,
    /// When it returned, and what. `None` when the world ended first: what an operation says after
    /// its disk has died is not heard.
    pub returned: Option<(Mark, Answer<S::Seen>)>,
}

impl<S: System> Record<S> {
    /// When it returned, or the end of time.
    pub fn ended(&self) -> Mark {
        self.returned.as_ref().map_or(Mark::MAX, |(mark, _)| *mark)
    }

    /// The first and the last position it is known to take.
    pub fn positions(&self) -> Option<(u64, u64)> {
        match self.returned {
            Some((_, Answer::Committed { at, .. })) => {
                Some((at + 1 - S::width(&self.op).min(at + 1), at))
            }
            _ => None,
        }
    }

    /// Whether it is a change of which nobody knows if it happened.
    pub fn is_open_question(&self) -> bool {
        S::width(&self.op) > 0
            && matches!(self.returned, None | Some((_, Answer::Failed(_) | Answer::Wrong(_))))
    }

    /// Whether it returned an error.
    pub fn failed(&self) -> bool {
        matches!(self.returned, Some((_, Answer::Failed(_) | Answer::Wrong(_))))
    }
}

/// The record of one world since its store was opened.
#[derive(Debug)]
pub struct Ledger<S: System> {
    records: Vec<Record<S>>,
    now: Mark,
}

/// Stands for an operation between its issue and its return.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(usize);

impl<S: System> Ledger<S> {
    /// An empty ledger that begins at `now`.
    pub fn new(now: Mark) -> Ledger<S> {
        Ledger { records: Vec::new(), now }
    }

    /// The number of entries so far.
    pub fn now(&self) -> Mark {
        self.now
    }

    /// An operation is about to be handed to the store.
    pub fn issue(&mut self, id: u32, op: S::Op) -> Ticket {
        let issued = self.tick();
        self.records.push(Record { id, op, issued, returned: None });
        Ticket(self.records.len() - 1)
    }

    /// The operation returned.
    pub fn returned(&mut self, ticket: Ticket, answer: Answer<S::Seen>) {
        let now = self.tick();
        self.records[ticket.0].returned = Some((now, answer));
    }

    /// How many operations were issued, and how many returned an error.
    pub fn counts(&self) -> (u64, u64) {
        let failed = self.records.iter().filter(|record| record.failed()).count();
        (self.records.len() as u64, failed as u64)
    }

    /// The operations, in the order they were issued.
    pub fn into_records(self) -> Vec<Record<S>> {
        self.records
    }

    fn tick(&mut self) -> Mark {
        self.now += 1;
        self.now - 1
    }
}
