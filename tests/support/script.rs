//! Makes chosen calls fail, or ends the world at one of them.
//!
//! A call is chosen by its site and by how many calls that site had before. Counting sites rather
//! than calls keeps a scenario in place when calls are added elsewhere.

use std::io;
use std::sync::{Arc, Mutex};

use seawall::os::vfs::Vfs;

use super::watched::{Call, Watched, Watcher};

/// The errors of Linux that tests ask for.
pub const EIO: i32 = 5;
pub const EACCES: i32 = 13;
pub const ENOSPC: i32 = 28;
pub const EROFS: i32 = 30;

/// What happens at a chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It fails with this code and does nothing.
    Fails(i32),
    /// It does nothing, and it and every later call fail.
    StopsBefore,
    /// It is done, but it and every later call fail.
    StopsAfter,
}

/// A call and what happens at it.
#[derive(Clone, Debug)]
struct Rule {
    /// As `commit/wal/sync_data`; a part may be `*`.
    site: &'static str,
    /// How many calls of the site come first; `None` for all of them.
    nth: Option<u32>,
    what: What,
    seen: u32,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    stopped: bool,
    /// The sites of the calls that a rule applied to.
    struck: Vec<String>,
}

/// What is to happen to the calls of a file system.
#[derive(Clone, Debug, Default)]
pub struct Script {
    state: Arc<Mutex<State>>,
}

impl Script {
    pub fn new() -> Script {
        Script::default()
    }

    /// At the call of `site` before which there were `nth` of it, counted from now.
    #[must_use]
    pub fn at(self, site: &'static str, nth: u32, what: What) -> Script {
        self.add(site, Some(nth), what);
        self
    }

    /// At every call of `site` from now on.
    #[must_use]
    pub fn always(self, site: &'static str, what: What) -> Script {
        self.add(site, None, what);
        self
    }

    /// Adds a rule while the world runs.
    pub fn add(&self, site: &'static str, nth: Option<u32>, what: What) {
        self.state().rules.push(Rule { site, nth, what, seen: 0 });
    }

    /// Lifts all rules; a world that has stopped stays so.
    pub fn clear(&self) {
        self.state().rules.clear();
    }

    /// How many calls a rule applied to.
    pub fn struck(&self) -> u32 {
        self.struck_sites().len() as u32
    }

    /// The sites of those calls.
    pub fn struck_sites(&self) -> Vec<String> {
        self.state().struck.clone()
    }

    /// `vfs`, its calls subject to this.
    pub fn around(&self, vfs: Arc<dyn Vfs>) -> Arc<Watched> {
        Watched::new(vfs, Arc::new(self.clone()))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no watcher panics")
    }
}

fn matches(pattern: &str, site: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('/'), site.split('/'));
    wanted.by_ref().zip(parts.by_ref()).all(|(wanted, part)| wanted == "*" || wanted == part)
}

fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl State {
    /// What happens at a call of `site`, counting it for every rule.
    fn decide(&mut self, site: &str) -> Option<What> {
        let mut what = None;
        for rule in self.rules.iter_mut().filter(|rule| matches(rule.site, site)) {
            if rule.nth.is_none_or(|nth| nth == rule.seen) {
                what = what.or(Some(rule.what));
            }
            rule.seen += 1;
        }
        self.struck.extend(what.map(|_| site.to_owned()));
        what
    }
}

impl Watcher for Script {
    fn before(&self, call: &Call<'_>) -> io::Result<()> {
        let mut state = self.state();
        if state.stopped {
            return Err(error(EIO));
        }
        match state.decide(&call.site.to_string()) {
            Some(What::Fails(code)) => Err(error(code)),
            Some(What::StopsBefore) => {
                state.stopped = true;
                Err(error(EIO))
            }
            // Everyone else fails from now on; this call itself is still to be done.
            Some(What::StopsAfter) => {
                state.stopped = true;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn after(&self, _: &Call<'_>, _: Result<u64, &io::Error>) -> io::Result<()> {
        if self.state().stopped { Err(error(EIO)) } else { Ok(()) }
    }
}
