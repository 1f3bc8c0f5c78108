//! The handle through which everything random or free in a run is decided.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::rc::Rc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use seawall_os::site::Site;

use super::actor::{Actor, Who};
use super::answers::{Fate, TapeAnswers, Unused, pair_hash};
use super::hash::{FixedMap, fold, text_hash};
use super::label::{Label, Odds};
use super::names::{Names, SiteId};
use super::overrides::{Override, Overrides};
use super::tape::{Answer, Base, Key, Stream, Tape};
use super::world::WorldId;

/// How many recent actors each stream remembers.
const RECENT: usize = 8;

/// The choices of one run. Handles are cheap clones of one state, on one OS thread.
#[derive(Clone)]
pub struct Choices {
    names: Names,
    state: Rc<RefCell<State>>,
}

/// An actor in a stream.
struct Slot {
    stream: Stream,
    actor: Actor,
    hash: u64,
    /// `None` where no seed answers.
    generator: Option<Box<ChaCha8Rng>>,
}

/// How often an actor asked at a site.
struct Counter {
    nth: u32,
    /// Whether the tape answers any of these choices: most are spared the look-up.
    on_tape: bool,
}

struct Record {
    slot: u32,
    site: SiteId,
    nth: u32,
    label: Label,
}

struct State {
    base: Base,
    slots: Vec<Slot>,
    slot_of: FixedMap<(Stream, Actor), u32>,
    /// The slots that each stream used last, by the tag of their actor: most choices come from a
    /// handful of actors, and comparing one is cheaper than hashing it.
    recent: [[u32; RECENT]; Stream::ALL.len()],
    counters: FixedMap<u64, Counter>,
    records: Vec<Record>,
    tape: TapeAnswers,
    asked: u64,
    ids: u64,
    /// What answers in place of a seed, for all actors together, until it is used up.
    bytes: Option<Bytes>,
    overrides: Option<Box<Overrides>>,
}

/// Choices read from bytes, two for each, as a fuzzer gives them.
struct Bytes {
    bytes: Box<[u8]>,
    at: usize,
}

impl Bytes {
    /// The next draw; zero bytes tend to the default, as the end does.
    fn next_draw(&mut self) -> Option<u64> {
        let word = self.bytes.get(self.at..self.at + 2)?;
        self.at += 2;
        let word = u64::from(u16::from_be_bytes([word[0], word[1]]));
        Some(!(word * 0x0001_0001_0001_0001))
    }
}

impl Choices {
    /// Choices answered by bytes, in the order in which they are asked, and by their defaults after the
    /// last byte.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Choices {
        let choices = Choices::from_tape(&Tape::default());
        choices.state.borrow_mut().bytes = Some(Bytes { bytes: bytes.into(), at: 0 });
        choices
    }

    /// The same choices, some decided otherwise. Must not be called once a choice was asked.
    pub(crate) fn with_overrides(self, overrides: &[Override]) -> Choices {
        self.state.borrow_mut().overrides = Some(Box::new(Overrides::new(overrides)));
        self
    }

    /// Choices answered by a seed.
    pub fn from_seed(seed: u64) -> Choices {
        Choices::from_tape(&Tape::of_seed(seed))
    }

    /// Choices answered by a tape: its answers, and its base for the rest.
    pub fn from_tape(tape: &Tape) -> Choices {
        let state = State {
            base: tape.base,
            slots: Vec::new(),
            slot_of: FixedMap::default(),
            recent: [[0; RECENT]; Stream::ALL.len()],
            counters: FixedMap::default(),
            records: Vec::new(),
            tape: TapeAnswers::new(tape),
            asked: 0,
            ids: 0,
            bytes: None,
            overrides: None,
        };
        Choices { names: Names::default(), state: Rc::new(RefCell::new(state)) }
    }

    /// The texts of this run, shared with its trace.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The id of a site's text. White space in it becomes `_`.
    pub fn site(&self, text: impl Display) -> SiteId {
        self.names.site(text)
    }

    /// The id of a file system call's site; nothing is formatted after the first time.
    #[inline]
    pub fn vfs_site(&self, site: Site) -> SiteId {
        self.names.vfs_site(site)
    }

    /// What answers where the tape says nothing.
    pub fn base(&self) -> Base {
        self.state.borrow().base
    }

    /// A generator for `purpose` in a world, keyed by the seed; `None` where no seed answers.
    ///
    /// For what is computed from the seed before it is asked as a choice ([`Odds::Given`]).
    pub(crate) fn generator(&self, purpose: &str, world: WorldId) -> Option<ChaCha8Rng> {
        match self.base() {
            Base::Default => None,
            Base::Seed(seed) => {
                let actor = Actor::new(world, Who::Run).hash();
                Some(generator(seed, fold(actor, text_hash(purpose.as_bytes()))))
            }
        }
    }

    /// A number that was not given before in this run; the first is one.
    pub fn next_id(&self) -> u64 {
        let state = &mut *self.state.borrow_mut();
        state.ids += 1;
        state.ids
    }

    /// How many choices were asked.
    pub fn asked(&self) -> u64 {
        self.state.borrow().asked
    }

    /// Chooses one of `count` labels and returns its index. The first label is the default.
    ///
    /// `labels` gives the text of an index and is called only where it matters; it must not ask for
    /// choices itself.
    ///
    /// # Panics
    /// When there are no labels.
    #[inline]
    pub fn choose(
        &self,
        stream: Stream,
        actor: Actor,
        site: SiteId,
        odds: Odds<'_>,
        count: usize,
        labels: &dyn Fn(usize) -> Label,
    ) -> usize {
        assert!(count > 0, "a choice needs a label");
        let state = &mut *self.state.borrow_mut();
        let asked = state.ask(&self.names, stream, actor, site);
        let drawn = match state.draw(asked.slot) {
            Some(draw) => odds.pick(draw, count),
            None => 0,
        };
        let drawn = match state.overridden(&self.names, stream, site) {
            Some(label) => (label % count as u64) as usize,
            None => drawn,
        };
        let index = match asked.answer {
            None => drawn,
            Some(answer) => {
                let wanted = state.tape.entries[answer].label_hash;
                let found = (0..count).find(|index| labels(*index).hash() == wanted);
                state.tape.entries[answer].fate = Fate::of(found.is_some());
                found.unwrap_or(0)
            }
        };
        if index != 0 {
            state.record(&asked, site, labels(index));
        }
        index
    }

    /// Chooses a number within `range`, whose start is the default.
    pub fn number(
        &self,
        stream: Stream,
        actor: Actor,
        site: SiteId,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let state = &mut *self.state.borrow_mut();
        let asked = state.ask(&self.names, stream, actor, site);
        let span = u128::from(range.end().saturating_sub(*range.start())) + 1;
        let drawn = match state.draw(asked.slot) {
            Some(draw) => range.start() + ((u128::from(draw) * span) >> 64) as u64,
            None => *range.start(),
        };
        let drawn = match state.overridden(&self.names, stream, site) {
            Some(number) => range.start() + (u128::from(number) % span) as u64,
            None => drawn,
        };
        let number = match asked.answer {
            None => drawn,
            Some(answer) => {
                let entry = &mut state.tape.entries[answer];
                let found = entry.number.filter(|number| range.contains(number));
                entry.fate = Fate::of(found.is_some());
                found.unwrap_or(*range.start())
            }
        };
        if number != *range.start() {
            state.record(&asked, site, Label::Number(number));
        }
        number
    }

    /// Chooses `yes` once in `one_in` times, else `no`, which is the default. Zero means never.
    pub fn chance(&self, stream: Stream, actor: Actor, site: SiteId, one_in: u32) -> bool {
        let word = |index| Label::Word(if index == 0 { "no" } else { "yes" });
        self.choose(stream, actor, site, Odds::OneIn(one_in), 2, &word) == 1
    }

    /// The tape that replays this run: base default, every answer that was not the default.
    ///
    /// What the run was given beside answers (notes, system, configuration, operations) is for the
    /// driver to fill in.
    pub fn tape(&self) -> Tape {
        let state = self.state.borrow();
        let answers = state.records.iter().map(|record| {
            let slot = &state.slots[record.slot as usize];
            let site = self.names.text(record.site).to_string();
            let key = Key { stream: slot.stream, actor: slot.actor, site, nth: record.nth };
            Answer { key, label: record.label.to_string() }
        });
        Tape { answers: answers.collect(), ..Tape::default() }
    }

    /// The answers on the tape that decided nothing so far.
    pub fn unused(&self) -> Vec<Unused> {
        self.state.borrow().tape.unused()
    }
}

impl std::fmt::Debug for Choices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.borrow();
        f.debug_struct("Choices")
            .field("base", &state.base)
            .field("asked", &state.asked)
            .field("recorded", &state.records.len())
            .finish_non_exhaustive()
    }
}

/// One choice being asked.
struct Asked {
    slot: u32,
    nth: u32,
    /// Where the tape answers it.
    answer: Option<usize>,
}

impl State {
    #[inline]
    fn ask(&mut self, names: &Names, stream: Stream, actor: Actor, site: SiteId) -> Asked {
        self.asked += 1;
        let slot = self.slot(stream, actor);
        let key = u64::from(slot) << 32 | u64::from(site.index());
        if let Some(counter) = self.counters.get_mut(&key) {
            let nth = counter.nth;
            counter.nth += 1;
            if !counter.on_tape {
                return Asked { slot, nth, answer: None };
            }
        } else {
            let on_tape = self.tape.knows(self.slots[slot as usize].hash, names, site);
            self.counters.insert(key, Counter { nth: 1, on_tape });
            if !on_tape {
                return Asked { slot, nth: 0, answer: None };
            }
        }
        let nth = self.counters[&key].nth - 1;
        let answer = self.tape.find(self.slots[slot as usize].hash, names, site, nth);
        Asked { slot, nth, answer }
    }

    #[inline]
    fn slot(&mut self, stream: Stream, actor: Actor) -> u32 {
        let tag = actor.tag() % RECENT;
        let recent = self.recent[stream as usize][tag];
        if let Some(slot) = self.slots.get(recent as usize)
            && slot.actor == actor
            && slot.stream == stream
        {
            return recent;
        }
        let slot = match self.slot_of.get(&(stream, actor)) {
            Some(slot) => *slot,
            None => self.new_slot(stream, actor),
        };
        self.recent[stream as usize][tag] = slot;
        slot
    }

    fn new_slot(&mut self, stream: Stream, actor: Actor) -> u32 {
        let index = self.slots.len() as u32;
        let hash = pair_hash(stream, actor);
        let generator = match self.base {
            Base::Default => None,
            Base::Seed(seed) => Some(Box::new(generator(seed, hash))),
        };
        self.slots.push(Slot { stream, actor, hash, generator });
        self.slot_of.insert((stream, actor), index);
        index
    }

    #[inline]
    fn draw(&mut self, slot: u32) -> Option<u64> {
        if let Some(bytes) = &mut self.bytes {
            return bytes.next_draw();
        }
        self.slots[slot as usize].generator.as_mut().map(|generator| generator.next_u64())
    }

    #[inline]
    fn overridden(&mut self, names: &Names, stream: Stream, site: SiteId) -> Option<u64> {
        let overrides = self.overrides.as_mut()?;
        overrides.next(stream, names.hash(site))
    }

    fn record(&mut self, asked: &Asked, site: SiteId, label: Label) {
        self.records.push(Record { slot: asked.slot, site, nth: asked.nth, label });
    }
}

/// The generator of one actor in one stream.
fn generator(seed: u64, pair: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&pair.to_le_bytes());
    key[16..].copy_from_slice(b"seawall choices1");
    ChaCha8Rng::from_seed(key)
}
