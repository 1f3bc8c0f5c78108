//! What the tasks of one world share with the driver: the ledger, and the first thing found wrong.
//!
//! All tasks of a world run on one OS thread, so this is a cell behind [`OneThread`]; writing here is
//! no switch point and asks for no choice.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::check::{Ledger, Mark, Property, Ticket, Violation};
use crate::sched::OneThread;
use crate::system::{Answer, System};

/// Where tasks write down what they did. Clones share one desk.
pub(super) struct Desk<S: System>(OneThread<Rc<RefCell<Pages<S>>>>);

impl<S: System> Clone for Desk<S> {
    fn clone(&self) -> Desk<S> {
        Desk(self.0.clone())
    }
}

/// What stands on a desk.
pub(super) struct Pages<S: System> {
    pub(super) ledger: Ledger<S>,
    /// What the first open recovered, once it has returned and its state was judged.
    pub(super) settled: Option<Settled<S>>,
    /// The position that the first open has recovered and returned: images cut from now on owe it.
    pub(super) opened: Option<u64>,
    pub(super) closed_cleanly: bool,
    pub(super) opens_failed: u64,
    pub(super) violation: Option<Violation>,
    /// Reads that failed, by an injected fault.
    pub(super) probes_failed: u64,
}

/// A recovered state.
pub(super) struct Settled<S: System> {
    pub(super) position: u64,
    pub(super) model: Arc<S::Model>,
}

impl<S: System> Desk<S> {
    pub(super) fn new() -> Desk<S> {
        Desk(OneThread::new(Rc::new(RefCell::new(Pages {
            // Mark zero stands for the time before the open returned.
            ledger: Ledger::new(1),
            settled: None,
            opened: None,
            closed_cleanly: false,
            opens_failed: 0,
            violation: None,
            probes_failed: 0,
        }))))
    }

    /// The mark of an image that is cut now.
    pub(super) fn mark(&self) -> Mark {
        let pages = self.0.borrow();
        if pages.opened.is_some() { pages.ledger.now() } else { 0 }
    }

    pub(super) fn issue(&self, id: u32, op: S::Op) -> Ticket {
        self.0.borrow_mut().ledger.issue(id, op)
    }

    pub(super) fn returned(&self, ticket: Ticket, answer: Answer<S::Seen>) {
        self.0.borrow_mut().ledger.returned(ticket, answer);
    }

    /// Keeps the first violation.
    pub(super) fn violated(&self, violation: Violation) {
        self.0.borrow_mut().violation.get_or_insert(violation);
    }

    pub(super) fn wrong(&self, property: Property, label: &'static str, text: impl Into<String>) {
        self.violated(Violation::new(property, label, text));
    }

    /// Whether something was found wrong, so that there is no point in going on.
    pub(super) fn is_over(&self) -> bool {
        self.0.borrow().violation.is_some()
    }

    /// Writes something else down.
    pub(super) fn note<T>(&self, write: impl FnOnce(&mut Pages<S>) -> T) -> T {
        write(&mut self.0.borrow_mut())
    }

    /// Takes everything off the desk, when the world has ended. Tasks that were leaked may still hold
    /// the desk; what they would write is not wanted.
    pub(super) fn clear(&self) -> Pages<S> {
        let empty = Desk::new().0.into_inner();
        match Rc::try_unwrap(empty) {
            Ok(empty) => self.0.replace(empty.into_inner()),
            Err(_) => unreachable!("a new desk has one owner"),
        }
    }
}
