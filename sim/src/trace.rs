//! What happened in a run: a fingerprint of all of it, and the last events as lines to read.
//!
//! Every event enters the fingerprint in order: the actor, the site, the file, offset, length, a hash
//! of the content, and the result; every switch, every operation's answer, every recovery report.
//! Two runs that are the same have the same fingerprint, and two that differ anywhere do not.
//!
//! Events are kept in binary form, in a ring unless the whole log is wanted, and become text only
//! when somebody asks. They are numbered from one; failure reports speak of those numbers.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::rc::Rc;

use crate::choice::{Actor, Names, SiteId, TaskName, Who, WorldId, fold, text_hash};

/// How many events a trace keeps for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last so many.
    Last(usize),
    /// All of them, as `replay --log full` needs.
    All,
}

/// Is told events, each as a line.
pub type Tell = Box<dyn FnMut(&str)>;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well, with a number where there is one to tell (bytes read, a size), else zero.
    Ok(u64),
    /// With an error, by its short name, such as `EIO`.
    Err(&'static str),
}

/// Something that happened. The trace knows who was running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file system call returned.
    Call {
        /// Which call, for what.
        site: SiteId,
        /// The file's name, or [`SiteId::NONE`].
        file: SiteId,
        /// Where in the file, in bytes.
        offset: u64,
        /// How many bytes were asked for.
        length: u64,
        /// The hash of the bytes written or read, or zero; see [`content_hash`].
        content: u64,
        /// What the caller was told.
        outcome: Outcome,
    },
    /// The scheduler went over to another task.
    Switch {
        /// The point at which the running task was left.
        site: SiteId,
        /// The task that runs next.
        to: TaskName,
    },
    /// A client's operation was answered.
    Answer {
        /// The operation.
        operation: u32,
        /// The hash of what it returned.
        content: u64,
        /// Whether it succeeded.
        ok: bool,
    },
    /// A store was opened; the hash of its recovery report.
    Recovery(u64),
    /// An image of the disk was cut, or the disk died.
    Crash {
        /// The call it happened at.
        site: SiteId,
        /// What kind of crash, and where in the call.
        kind: &'static str,
        /// The hash of what was left on the disk, or zero.
        content: u64,
    },
    /// Anything else, by name.
    Note {
        /// What it is.
        what: SiteId,
        /// A number that goes with it.
        value: u64,
    },
}

/// The hash of bytes, for the `content` of an event.
#[inline]
pub fn content_hash(bytes: &[u8]) -> u64 {
    text_hash(bytes)
}

/// The sink of a run's events. Handles are cheap clones of one sink.
#[derive(Clone)]
pub struct Trace(Rc<RefCell<Sink>>);

struct Sink {
    names: Names,
    actor: Actor,
    actor_hash: u64,
    fingerprint: u64,
    count: u64,
    kept: Vec<Kept>,
    /// How many events `kept` holds at most before it goes round.
    limit: usize,
    tell: Option<Tell>,
}

#[derive(Clone, Copy)]
struct Kept {
    actor: Actor,
    event: Event,
}

impl Trace {
    /// A trace of a run that speaks in `names`.
    pub fn new(names: &Names, keep: Keep) -> Trace {
        let limit = match keep {
            Keep::Last(count) => count,
            Keep::All => usize::MAX,
        };
        let actor = Actor::new(WorldId::generation(0), Who::Run);
        Trace(Rc::new(RefCell::new(Sink {
            names: names.clone(),
            actor,
            actor_hash: actor.hash(),
            fingerprint: 0,
            count: 0,
            kept: Vec::new(),
            limit,
            tell: None,
        })))
    }

    /// A trace that keeps the last `count` events, at least one, and tells each as it happens.
    pub fn telling(names: &Names, count: usize, tell: Tell) -> Trace {
        let trace = Trace::new(names, Keep::Last(count.max(1)));
        trace.0.borrow_mut().tell = Some(tell);
        trace
    }

    /// Who does what follows. The scheduler says so at every switch.
    #[inline]
    pub fn set_actor(&self, actor: Actor) {
        let sink = &mut *self.0.borrow_mut();
        if sink.actor != actor {
            sink.actor = actor;
            sink.actor_hash = actor.hash();
        }
    }

    /// Takes in an event and returns its number; the first is number one.
    #[inline]
    pub fn event(&self, event: Event) -> u64 {
        let sink = &mut *self.0.borrow_mut();
        sink.fingerprint = sink.mixed(&event);
        sink.keep(event);
        if sink.tell.is_some() {
            sink.tell_last();
        }
        sink.count += 1;
        sink.count
    }

    /// How many events there were; the number of the last.
    pub fn count(&self) -> u64 {
        self.0.borrow().count
    }

    /// The fingerprint of everything so far.
    pub fn fingerprint(&self) -> u64 {
        let sink = self.0.borrow();
        fold(sink.fingerprint, sink.count)
    }

    /// The last `count` events, or as many as are kept, oldest first, a line each.
    pub fn tail(&self, count: usize) -> Vec<String> {
        let sink = self.0.borrow();
        let kept = sink.kept.len().min(count) as u64;
        (sink.count - kept..sink.count).map(|index| sink.line(index)).collect()
    }

    /// Every event that is kept, oldest first, a line each.
    pub fn lines(&self) -> Vec<String> {
        self.tail(usize::MAX)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({} events, {:016x})", self.count(), self.fingerprint())
    }
}

impl Sink {
    #[inline]
    fn keep(&mut self, event: Event) {
        let kept = Kept { actor: self.actor, event };
        if self.kept.len() < self.limit {
            self.kept.push(kept);
        } else if self.limit > 0 {
            let at = (self.count % self.limit as u64) as usize;
            self.kept[at] = kept;
        }
    }

    /// Tells the event that was kept last.
    #[cold]
    fn tell_last(&mut self) {
        let line = self.line(self.count);
        if let Some(tell) = &mut self.tell {
            tell(&line);
        }
    }

    #[inline]
    fn mixed(&self, event: &Event) -> u64 {
        let mix = |kind: u64| fold(fold(self.fingerprint, self.actor_hash), kind);
        match *event {
            Event::Call { site, file, offset, length, content, outcome } => {
                let state = fold(fold(mix(1), self.names.hash(site)), self.names.hash(file));
                let state = fold(fold(fold(state, offset), length), content);
                match outcome {
                    Outcome::Ok(value) => fold(fold(state, 0), value),
                    Outcome::Err(name) => fold(fold(state, 1), text_hash(name.as_bytes())),
                }
            }
            Event::Switch { site, to } => {
                fold(fold(mix(2), self.names.hash(site)), text_hash(to.as_str().as_bytes()))
            }
            Event::Answer { operation, content, ok } => {
                fold(fold(fold(mix(3), u64::from(operation)), content), u64::from(ok))
            }
            Event::Recovery(content) => fold(mix(4), content),
            Event::Crash { site, kind, content } => {
                fold(fold(fold(mix(5), self.names.hash(site)), text_hash(kind.as_bytes())), content)
            }
            Event::Note { what, value } => fold(fold(mix(6), self.names.hash(what)), value),
        }
    }

    /// The line of the event before which there were `index`.
    fn line(&self, index: u64) -> String {
        let at = if self.limit == usize::MAX { index } else { index % self.limit as u64 };
        let Kept { actor, event } = self.kept[at as usize];
        let mut line = format!("#{:<5} {:<12} ", index + 1, actor.to_string());
        // Writing to a String does not fail.
        let _ = self.describe(&mut line, &event);
        line
    }

    fn describe(&self, line: &mut String, event: &Event) -> fmt::Result {
        let text = |id| self.names.text(id);
        match *event {
            Event::Call { site, file, offset, length, content, outcome } => {
                line.write_str(&text(site))?;
                if file != SiteId::NONE {
                    write!(line, " {}", text(file))?;
                }
                if length > 0 {
                    write!(line, " [{offset}..{})", offset.saturating_add(length))?;
                }
                if content != 0 {
                    write!(line, " {:08x}", content as u32)?;
                }
                match outcome {
                    Outcome::Ok(0) => line.write_str(" -> ok"),
                    Outcome::Ok(value) => write!(line, " -> ok {value}"),
                    Outcome::Err(name) => write!(line, " -> {name}"),
                }
            }
            Event::Switch { site, to } => write!(line, "{} -> task {to}", text(site)),
            Event::Answer { operation, content, ok } => {
                let word = if ok { "answered" } else { "failed" };
                write!(line, "op {operation} {word} {:08x}", content as u32)
            }
            Event::Recovery(content) => write!(line, "recovered {:08x}", content as u32),
            Event::Crash { site, kind, content } => {
                write!(line, "{} crash {kind} {:08x}", text(site), content as u32)
            }
            Event::Note { what, value } => write!(line, "{} {value}", text(what)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(names: &Names, value: u64) -> Event {
        Event::Note { what: names.site("step"), value }
    }

    #[test]
    fn the_order_of_events_counts() {
        let fingerprint = |values: [u64; 2]| {
            let names = Names::default();
            let trace = Trace::new(&names, Keep::Last(0));
            for value in values {
                trace.event(note(&names, value));
            }
            trace.fingerprint()
        };
        assert_eq!(fingerprint([1, 2]), fingerprint([1, 2]));
        assert_ne!(fingerprint([1, 2]), fingerprint([2, 1]));
    }

    #[test]
    fn what_is_kept_does_not_change_the_fingerprint() {
        let run = |keep| {
            let names = Names::default();
            let trace = Trace::new(&names, keep);
            for value in 0..10 {
                assert_eq!(trace.event(note(&names, value)), value + 1);
            }
            (trace.fingerprint(), trace.lines())
        };
        let (all, last) = (run(Keep::All), run(Keep::Last(3)));
        assert_eq!(all.0, last.0);
        assert_eq!(all.1.len(), 10);
        assert_eq!(all.1[7..], last.1[..]);
    }

    #[test]
    fn what_is_told_is_what_is_kept() {
        let names = Names::default();
        let told = Rc::new(RefCell::new(Vec::new()));
        let ear = Rc::clone(&told);
        let tell = Box::new(move |line: &str| ear.borrow_mut().push(line.to_owned()));
        let trace = Trace::telling(&names, 3, tell);
        (0..10).for_each(|value| assert_eq!(trace.event(note(&names, value)), value + 1));
        assert_eq!(told.borrow().len(), 10);
        assert_eq!(told.borrow()[7..], trace.lines()[..]);
    }

    #[test]
    fn a_line_tells_who_did_what_to_which_file() {
        let names = Names::default();
        let trace = Trace::new(&names, Keep::Last(4));
        trace.set_actor(Actor::new(WorldId::generation(2), Who::Op(41)));
        trace.event(Event::Call {
            site: names.site("commit/wal/write_at"),
            file: names.site("000003.wal"),
            offset: 512,
            length: 128,
            content: 0xabc,
            outcome: Outcome::Err("EIO"),
        });
        let expected =
            "#1     g2/op41      commit/wal/write_at 000003.wal [512..640) 00000abc -> EIO";
        assert_eq!(trace.tail(1), [expected]);
    }
}
