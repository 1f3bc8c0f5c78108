//! Threads, which are tasks under a hook.

use std::fmt;
use std::sync::Arc;

use super::condvar::Condvar;
use super::hook::{self, Point};
use super::mutex::Mutex;

/// The thread ended by a panic instead of returning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the thread panicked")
    }
}

impl std::error::Error for Panicked {}

/// What a simulated task leaves for its joiner.
struct Packet<T> {
    result: Mutex<Option<T>>,
    finished: Condvar,
}

enum Handle<T> {
    Thread(std::thread::JoinHandle<T>),
    Task(Arc<Packet<T>>),
}

/// A started thread. Dropping it lets the thread run on.
pub struct JoinHandle<T> {
    handle: Handle<T>,
}

impl<T> JoinHandle<T> {
    /// Waits for the thread to end and returns what it returned.
    ///
    /// # Errors
    /// [`Panicked`], when it did not return. Under a hook a panic ends the whole run instead.
    pub fn join(self) -> Result<T, Panicked> {
        match self.handle {
            Handle::Thread(thread) => thread.join().map_err(|_| Panicked),
            Handle::Task(packet) => {
                let mut result = packet.result.lock();
                packet.finished.wait_while(&mut result, |result| result.is_none());
                result.take().ok_or(Panicked)
            }
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.handle {
            Handle::Thread(_) => "JoinHandle(thread)",
            Handle::Task(_) => "JoinHandle(task)",
        })
    }
}

/// Whether the calling thread is unwinding after a panic. A destructor that would wait must not then.
pub fn panicking() -> bool {
    std::thread::panicking()
}

/// Starts a thread that runs `body`. Names are short and stable: traces and tapes speak of them.
///
/// # Panics
/// When the operating system cannot start a thread.
pub fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let Some(hook) = hook::active() else {
        let builder = std::thread::Builder::new().name(name.to_owned());
        let thread = builder.spawn(body).expect("the operating system starts a thread");
        return JoinHandle { handle: Handle::Thread(thread) };
    };
    let packet = Arc::new(Packet { result: Mutex::new(None), finished: Condvar::new() });
    let theirs = Arc::clone(&packet);
    hook.spawn(
        name,
        Box::new(move || {
            let result = body();
            *theirs.result.lock() = Some(result);
            theirs.finished.notify_all();
        }),
    );
    hook.switch(Point::Spawn);
    JoinHandle { handle: Handle::Task(packet) }
}
