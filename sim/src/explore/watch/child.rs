//! The child's side: saying what it is about to do.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use super::{STOP, Said};
use crate::driver::{Input, run_telling};
use crate::explore::{Swept, Watch};
use crate::system::System;

/// What the parent wants of its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To begin no further seed.
    Stop,
    /// Nothing any more: it has ended.
    ParentGone,
}

/// Speaks to the parent. Nothing it says can fail: a parent that has gone is told of by an order.
#[derive(Debug)]
pub struct Announcer {
    socket: Mutex<UnixStream>,
}

impl Announcer {
    /// Speaks through stdin, which [`super::watch`] has made a socket. Orders come on a thread of
    /// their own.
    ///
    /// # Errors
    /// Stdin is no socket: nobody watches this process.
    pub fn over_stdin(obey: impl Fn(Order) + Send + 'static) -> io::Result<Announcer> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let mut orders = socket.try_clone()?;
        socket.peer_addr()?;
        std::thread::spawn(move || {
            let mut order = [0; STOP.len()];
            while orders.read_exact(&mut order).is_ok() {
                obey(Order::Stop);
            }
            obey(Order::ParentGone);
        });
        Ok(Announcer { socket: Mutex::new(socket) })
    }

    /// A seed that has come to its end goes on to be worked on, and that may take its time.
    pub fn busy(&self, seed: u64) {
        self.say(Said::Busy(seed));
    }

    /// That work is done.
    pub fn done(&self, seed: u64) {
        self.say(Said::Ended(seed));
    }

    /// Has the parent keep `text`, in place of what it was given before.
    ///
    /// # Panics
    /// When it is more than one line: a caller's bug.
    pub fn note(&self, text: &str) {
        assert!(!text.contains('\n'), "a note is one line, not {text:?}");
        self.say(Said::Note(text));
    }

    fn say(&self, said: Said<'_>) {
        let line = format!("{said}\n");
        let mut socket = self.socket.lock().expect("nothing panics while it speaks");
        let _ = socket.write_all(line.as_bytes());
    }
}

impl Watch for Announcer {
    fn begins(&self, seed: u64) {
        self.say(Said::Begins(seed));
    }

    fn ended(&self, seed: u64, _: &Swept) {
        self.say(Said::Ended(seed));
    }
}

/// Runs one seed and tells every event as it happens.
///
/// # Errors
/// As [`crate::driver::run`].
pub fn probe<S: System>(
    announcer: &Arc<Announcer>,
    seed: u64,
    knobs: Vec<(String, u64)>,
) -> Result<(), String> {
    announcer.begins(seed);
    let teller = Arc::clone(announcer);
    run_telling::<S>(
        &Input::Tuned(seed, knobs),
        Box::new(move |event| teller.say(Said::Event(event))),
    )?;
    announcer.done(seed);
    Ok(())
}
