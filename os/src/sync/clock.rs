//! Time, simulated where a hook is installed.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::hook;
use super::task_local;

/// A moment, in nanoseconds since an arbitrary origin. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// The present moment.
pub fn now() -> Time {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    match hook::active() {
        Some(hook) => hook.now(),
        None => Time::default() + ORIGIN.get_or_init(Instant::now).elapsed(),
    }
}

/// Lets at least `duration` pass.
///
/// # Panics
/// In checked builds, while a short lock is held.
pub fn sleep(duration: Duration) {
    if hook::checking() {
        task_local::assert_no_short_lock("a sleep");
    }
    match hook::active() {
        Some(hook) => hook.sleep_until(hook.now() + duration),
        None => std::thread::sleep(duration),
    }
}
