//! What happened in a run: a fingerprint of all of it, and the last events as lines to read.
//!
//! Every event enters the fingerprint in order: the actor, the site, the file, offset, length, a hash
//! of the content, and the result; every switch, every operation's answer, every recovery report.
//! Two runs that are the same have the same fingerprint, and two that differ anywhere do not.
//!
//! Events are kept in binary form, in a ring unless the whole log is wanted, and become text only
//! when somebody asks. They are numbered from one; failure reports speak of those numbers.

mod event;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::choice::{Actor, Names, Who, WorldId, fold, text_hash};

pub use event::{Event, Loss, Outcome, Touch};

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
    /// What each crash took, by the number of its event; only where all events are kept.
    losses: Vec<(u64, Loss)>,
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
            losses: Vec::new(),
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
        let state = fold(sink.fingerprint, sink.actor_hash);
        sink.fingerprint = event.mixed(&sink.names, state);
        sink.keep(event);
        if sink.tell.is_some() {
            sink.tell_last();
        }
        sink.count += 1;
        sink.count
    }

    /// The crash that was told last took this. Kept only where all events are.
    pub fn lost(&self, losses: &[Loss]) {
        let sink = &mut *self.0.borrow_mut();
        if sink.limit == usize::MAX {
            let number = sink.count;
            sink.losses.extend(losses.iter().map(|loss| (number, *loss)));
        }
    }

    /// What crashes took, each with the number of the crash's event; empty unless all events are kept.
    pub fn losses(&self) -> Vec<(u64, Loss)> {
        self.0.borrow().losses.clone()
    }

    /// The events that are kept, oldest first: the number of each, who acted, and what it was.
    pub fn events(&self) -> Vec<(u64, Actor, Event)> {
        let sink = self.0.borrow();
        let first = sink.count - sink.kept.len() as u64;
        let told = |index: u64| {
            let Kept { actor, event } = sink.at(index);
            (index + 1, actor, event)
        };
        (first..sink.count).map(told).collect()
    }

    /// The texts that its events speak in.
    pub fn names(&self) -> Names {
        self.0.borrow().names.clone()
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

    fn at(&self, index: u64) -> Kept {
        let at = if self.limit == usize::MAX { index } else { index % self.limit as u64 };
        self.kept[at as usize]
    }

    /// The line of the event before which there were `index`.
    fn line(&self, index: u64) -> String {
        let Kept { actor, event } = self.at(index);
        let mut line = format!("#{:<5} {:<12} ", index + 1, actor.to_string());
        // Writing to a String does not fail.
        let _ = event.describe(&self.names, &mut line);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::SiteId;

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
            from: SiteId::NONE,
            offset: 512,
            length: 128,
            content: 0xabc,
            outcome: Outcome::Err("EIO"),
            touch: Touch::NOTHING,
        });
        let expected =
            "#1     g2/op41      commit/wal/write_at 000003.wal [512..640) 00000abc -> EIO";
        assert_eq!(trace.tail(1), [expected]);
    }
}
