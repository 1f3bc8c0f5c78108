//! A second OS thread for each worker, on which every run is run again.
//!
//! The second run replays the tape of the first, after a random number of allocations that stay alive
//! meanwhile: a run that depends on the thread, on addresses or on what the tape forgot ends
//! otherwise.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use crate::choice::{Tape, fold};
use crate::driver::{Input, Ran, run};
use crate::system::System;

/// The most allocations that stay alive during a second run.
const ALLOCATIONS_MAX: u64 = 2_000;

/// The other thread.
pub(super) struct Twin {
    tapes: Sender<(u64, Box<Tape>)>,
    runs: Receiver<Result<Ran, String>>,
}

impl Twin {
    /// Starts the thread; it ends when the twin is dropped.
    pub(super) fn start<'scope, S: System>(scope: &'scope Scope<'scope, '_>) -> Twin {
        let (tapes, inbox) = channel();
        let (outbox, runs) = channel();
        scope.spawn(move || serve::<S>(&inbox, &outbox));
        Twin { tapes, runs }
    }

    /// Runs a tape over there and waits for it.
    pub(super) fn run(&self, seed: u64, tape: Tape) -> Result<Ran, String> {
        let gone = |_| "the second thread has ended".to_owned();
        self.tapes
            .send((seed, Box::new(tape)))
            .map_err(|_| "the second thread has ended".to_owned())?;
        self.runs.recv().map_err(gone)?
    }
}

fn serve<S: System>(inbox: &Receiver<(u64, Box<Tape>)>, outbox: &Sender<Result<Ran, String>>) {
    while let Ok((seed, tape)) = inbox.recv() {
        let alive = allocations(seed);
        let ran = run::<S>(&Input::Tape(tape));
        drop(alive);
        if outbox.send(ran).is_err() {
            return;
        }
    }
}

/// Moves everything that is allocated later.
fn allocations(seed: u64) -> Vec<Vec<u8>> {
    let count = fold(seed, 1) % ALLOCATIONS_MAX;
    (0..count).map(|nth| vec![0; 1 + (fold(seed, nth) % 4_096) as usize]).collect()
}
