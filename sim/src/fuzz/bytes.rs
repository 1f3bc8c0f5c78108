//! An input as bytes, and back.
//!
//! A record begins with the letter of its kind:
//!
//! ```text
//! o    an operation, as on a tape; or, if it does not read as one, generation, client and draws
//! c    the configuration line       k    a knob: which (2 bytes), and the number of its value
//! b    the base is this seed        a    an answer, as on a tape
//! n    a note    s    the system    m    the commit
//! any other: an override: stream, place, nth (low, high), label (low, high)
//! ```
//!
//! Anything that is missing is zero. With a knob or an operation that is drawn, what the base decides
//! of configuration and operations is worked out at once, so that the tape says all of it.

use std::collections::BTreeSet;
use std::fmt;

use super::Input;
use super::records::{number, push, split};
use crate::choice::{Answer, Base, Choices, Override, Stream, Tape, WorldId, text_hash};
use crate::config::{Config, Knob};
use crate::driver;
use crate::system::{Draw, System};
use crate::workload::{self, Planned};

/// The streams that are overridden; the others stand on a tape as text.
const STREAMS: [Stream; 4] = [Stream::Schedule, Stream::Faults, Stream::Crash, Stream::Survival];

/// Ids from here on are not for operations of a workload.
const IDS_END: u32 = 1 << 30;

/// The tape says something that the bytes of an input do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation does not read as one of this system, or two have the same number")
    }
}

impl std::error::Error for NotHeld {}

impl Input {
    /// The input that any bytes stand for.
    pub fn from_bytes<S: System>(bytes: &[u8]) -> Input {
        let records = split(bytes);
        let mut reader = Reader::default();
        records.iter().for_each(|record| reader.record::<S>(record));
        reader.finish::<S>()
    }

    /// The bytes that stand for this input.
    ///
    /// # Errors
    /// When they would stand for another one.
    pub fn to_bytes<S: System>(&self) -> Result<Vec<u8>, NotHeld> {
        let mut to = Vec::new();
        let tape = &self.tape;
        tape.notes.iter().for_each(|note| push(&mut to, b'n', note.as_bytes()));
        for (kind, text) in [(b's', &tape.system), (b'm', &tape.commit), (b'c', &tape.config)] {
            if !text.is_empty() {
                push(&mut to, kind, text.as_bytes());
            }
        }
        if let Base::Seed(seed) = tape.base {
            push(&mut to, b'b', &seed.to_le_bytes());
        }
        tape.operations.iter().for_each(|operation| push(&mut to, b'o', operation.as_bytes()));
        tape.answers.iter().for_each(|answer| push(&mut to, b'a', answer.to_string().as_bytes()));
        self.overrides.iter().for_each(|change| push_override(&mut to, change));
        if Input::from_bytes::<S>(&to) == *self { Ok(to) } else { Err(NotHeld) }
    }
}

fn push_override(to: &mut Vec<u8>, change: &Override) {
    let stream = STREAMS.iter().position(|stream| *stream == change.stream).unwrap_or(0) as u8;
    let ([n, th], [la, bel]) = (change.nth.to_le_bytes(), change.label.to_le_bytes());
    push(to, b'x', &[stream, change.place, n, th, la, bel]);
}

fn read_override(record: &[u8]) -> Override {
    Override {
        stream: STREAMS[number(record, 1, 1) as usize % STREAMS.len()],
        place: number(record, 2, 1) as u8,
        nth: number(record, 3, 2) as u16,
        label: number(record, 5, 2) as u16,
    }
}

/// The name by which a record knows a knob.
fn short_name(knob: &Knob) -> u64 {
    text_hash(knob.name.as_bytes()) & 0xffff
}

/// What the records have said so far.
#[derive(Default)]
struct Reader {
    input: Input,
    knobs: Vec<(&'static str, u64)>,
    /// Operations in the order of their records; those to be drawn as bytes.
    operations: Vec<Result<String, Vec<u8>>>,
    ids: BTreeSet<u32>,
    /// Below it every id is taken.
    next_id: u32,
}

impl Reader {
    fn record<S: System>(&mut self, record: &[u8]) {
        let Some((kind, what)) = record.split_first() else { return };
        let tape = &mut self.input.tape;
        match (kind, std::str::from_utf8(what)) {
            (b'n', Ok(text)) => tape.notes.push(text.replace(['\r', '\n'], " ")),
            (b's', Ok(text)) => tape.system = text.to_owned(),
            (b'm', Ok(text)) => tape.commit = text.to_owned(),
            (b'c', Ok(text)) => tape.config = text.to_owned(),
            (b'a', Ok(text)) => tape.answers.extend(text.parse::<Answer>()),
            (b'b', _) => tape.base = Base::Seed(number(what, 0, 8)),
            (b'k', _) => self.knob::<S>(what),
            (b'o', text) => self.operation::<S>(text.unwrap_or_default(), what),
            (b'n' | b's' | b'm' | b'c' | b'a', Err(_)) => {}
            _ => self.input.overrides.push(read_override(record)),
        }
    }

    fn knob<S: System>(&mut self, what: &[u8]) {
        let name = number(what, 0, 2);
        let known = driver::knobs::<S>();
        let knob = known.iter().copied().flatten().find(|knob| short_name(knob) == name);
        if let Some(knob) = knob {
            let value = knob.values[number(what, 2, 1) as usize % knob.values.len()];
            self.knobs.push((knob.name, value));
        }
    }

    fn operation<S: System>(&mut self, text: &str, what: &[u8]) {
        match Planned::<S::Op>::parse(text) {
            // Two operations of one number are none.
            Ok(planned) if planned.id < IDS_END => {
                if self.ids.insert(planned.id) {
                    self.operations.push(Ok(text.to_owned()));
                }
            }
            _ => self.operations.push(Err(what.to_vec())),
        }
    }

    fn finish<S: System>(mut self) -> Input {
        let operations = std::mem::take(&mut self.operations);
        let draws = operations.iter().any(Result::is_err);
        if !draws && self.knobs.is_empty() {
            self.input.tape.operations = operations.into_iter().flatten().collect();
            return self.input;
        }
        let choices = Choices::from_tape(&base_of(&self.input.tape));
        let config = self.config::<S>(&choices);
        self.input.tape.config = config.to_string();
        self.input.tape.operations = if operations.is_empty() {
            let all = workload::generate::<S>(&choices, &config);
            all.iter().map(ToString::to_string).collect()
        } else {
            let text = |operation: Result<String, Vec<u8>>| match operation {
                Ok(text) => text,
                Err(draws) => self.drawn::<S>(&config, &draws),
            };
            operations.into_iter().map(text).collect()
        };
        self.input
    }

    /// The line's configuration or, without one that reads, the base's; with the knobs set.
    fn config<S: System>(&self, choices: &Choices) -> Config {
        let known = driver::knobs::<S>();
        let line = Some(&self.input.tape.config).filter(|line| !line.is_empty());
        let read = line.and_then(|line| Config::parse(line, &known).ok());
        let mut config = read.unwrap_or_else(|| Config::draw(choices, &known));
        for (name, value) in &self.knobs {
            config.set(name, *value).expect("it was found among them");
        }
        config
    }

    /// An operation drawn from its own bytes, whatever the others are.
    fn drawn<S: System>(&mut self, config: &Config, draws: &[u8]) -> String {
        while !self.ids.insert(self.next_id) {
            self.next_id += 1;
        }
        let id = self.next_id;
        let choices = Choices::from_bytes(draws.get(2..).unwrap_or_default());
        let op = S::generate(&Draw::new(&choices, config, WorldId::generation(0), id));
        let one_of =
            |at: usize, knob: &str| (number(draws, at, 1) % config.get(knob).max(1)) as u32;
        let (generation, client) = (one_of(0, "generations"), one_of(1, "clients"));
        Planned { id, generation, client, op }.to_string()
    }
}

/// The base alone: answers are for the run.
fn base_of(tape: &Tape) -> Tape {
    Tape { base: tape.base, ..Tape::default() }
}
