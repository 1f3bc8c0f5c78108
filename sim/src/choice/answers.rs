//! The answers of a tape, ready to be asked for, and what became of each.
//!
//! Keys and labels are compared by the hash of their text, so that a tape read from a file answers
//! as fast as one in memory.

use super::actor::Actor;
use super::hash::{FixedMap, fold, text_hash};
use super::loose::{EVERY, is_loose, loosened};
use super::names::{Names, SiteId};
use super::tape::{Answer, Stream, Tape};

/// An answer on the tape that decided nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// The answer.
    pub answer: Answer,
    /// Why it had no effect.
    pub reason: UnusedReason,
}

/// Why an answer on a tape decided nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusedReason {
    /// The choice of that key was never asked.
    NeverAsked,
    /// The choice was asked, but not with such a label; the default was taken.
    UnknownLabel,
    /// The tape answers the same key further up.
    Duplicate,
}

/// The answers of a tape, found by the hash of their key.
pub(super) struct TapeAnswers {
    pub(super) entries: Vec<Entry>,
    pub(super) by_key: FixedMap<u64, usize>,
    /// Which (stream, actor, site) have any answer.
    sites: FixedMap<u64, ()>,
    /// Whether any answer fits more than one choice.
    has_loose: bool,
}

/// One answer, ready to be compared.
pub(super) struct Entry {
    answer: Answer,
    pub(super) label_hash: u64,
    /// The label as a number, if it is one.
    pub(super) number: Option<u64>,
    pub(super) fate: Fate,
}

/// What became of an answer.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    NotAsked,
    Used,
    UnknownLabel,
    Duplicate,
}

impl Fate {
    pub(super) fn of(found: bool) -> Fate {
        if found { Fate::Used } else { Fate::UnknownLabel }
    }
}

impl TapeAnswers {
    pub(super) fn new(tape: &Tape) -> TapeAnswers {
        let mut answers = TapeAnswers {
            entries: Vec::with_capacity(tape.answers.len()),
            by_key: FixedMap::default(),
            sites: FixedMap::default(),
            has_loose: false,
        };
        for answer in &tape.answers {
            answers.add(answer);
        }
        answers
    }

    fn add(&mut self, answer: &Answer) {
        let key = &answer.key;
        let site_hash = text_hash(key.site.as_bytes());
        let pair = fold(pair_hash(key.stream, key.actor), site_hash);
        let index = self.entries.len();
        let first = *self.by_key.entry(fold(pair, u64::from(key.nth))).or_insert(index);
        self.sites.insert(pair, ());
        self.has_loose |= key.nth == EVERY || is_loose(&key.site);
        self.entries.push(Entry {
            answer: answer.clone(),
            label_hash: text_hash(answer.label.as_bytes()),
            number: answer.label.parse().ok(),
            fate: if first == index { Fate::NotAsked } else { Fate::Duplicate },
        });
    }

    /// Whether anything is answered at a site.
    pub(super) fn knows(&self, who: u64, names: &Names, site: SiteId) -> bool {
        self.sites.contains_key(&fold(who, names.hash(site)))
            || self.has_loose && self.sites.contains_key(&fold(who, loose_hash(names, site)))
    }

    /// The answer to a choice: the one to exactly this, or else the narrowest that fits.
    pub(super) fn find(&self, who: u64, names: &Names, site: SiteId, nth: u32) -> Option<usize> {
        let answer = |site_hash: u64, nth: u32| {
            self.by_key.get(&fold(fold(who, site_hash), u64::from(nth))).copied()
        };
        let exact = names.hash(site);
        let found = answer(exact, nth);
        if found.is_some() || !self.has_loose {
            return found;
        }
        let loose = loose_hash(names, site);
        answer(exact, EVERY).or_else(|| answer(loose, nth)).or_else(|| answer(loose, EVERY))
    }

    pub(super) fn unused(&self) -> Vec<Unused> {
        let unused = |entry: &Entry| {
            let reason = match entry.fate {
                Fate::Used => return None,
                Fate::NotAsked => UnusedReason::NeverAsked,
                Fate::UnknownLabel => UnusedReason::UnknownLabel,
                Fate::Duplicate => UnusedReason::Duplicate,
            };
            Some(Unused { answer: entry.answer.clone(), reason })
        };
        self.entries.iter().filter_map(unused).collect()
    }
}

fn loose_hash(names: &Names, site: SiteId) -> u64 {
    text_hash(loosened(&names.text(site)).as_bytes())
}

/// The hash of who asks in which stream.
pub(super) fn pair_hash(stream: Stream, actor: Actor) -> u64 {
    fold(actor.hash(), stream as u64)
}
