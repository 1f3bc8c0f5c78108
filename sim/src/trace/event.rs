//! The kinds of events, how they enter a fingerprint, and how they read.

use std::fmt::{self, Write};

use crate::choice::{Label, Names, SiteId, TaskName, fold, text_hash};

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
        /// The name that a rename took away, or [`SiteId::NONE`].
        from: SiteId,
        /// Where in the file, in bytes.
        offset: u64,
        /// How many bytes were asked for.
        length: u64,
        /// The hash of the bytes written or read, or zero; see `content_hash`.
        content: u64,
        /// What the caller was told.
        outcome: Outcome,
        /// What it did to the disk.
        touch: Touch,
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
    /// An open returned.
    Recovery {
        /// The hash of its recovery report, or of why it failed.
        content: u64,
        /// Whether it succeeded.
        ok: bool,
    },
    /// An image of the disk was cut, or the disk died.
    Crash {
        /// The call it happened at.
        site: SiteId,
        /// The file that call was about, or [`SiteId::NONE`].
        file: SiteId,
        /// What kind of crash, and where in the call.
        kind: &'static str,
        /// How many things did not survive as they were.
        lost: u64,
    },
    /// Anything else, by name.
    Note {
        /// What it is.
        what: SiteId,
        /// A number that goes with it.
        value: u64,
    },
}

/// What a call did to the disk: which sync covers it, and when it happened by the disk's own counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The file that was changed or synced; where a name was, its directory.
    pub node: u32,
    /// The counter of the first change. Of a sync: of the first change that it does not cover.
    pub first: u64,
    /// The counter of the last change.
    pub last: u64,
}

impl Touch {
    /// Nothing was changed.
    pub const NOTHING: Touch = Touch { node: u32::MAX, first: u64::MAX, last: 0 };

    /// Notes a change to `node` at a moment.
    #[inline]
    pub fn change(&mut self, node: u32, moment: u64) {
        self.node = node;
        self.first = self.first.min(moment);
        self.last = self.last.max(moment);
    }
}

/// Something that a crash did not leave as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The site of its choice, such as `000003.wal[512..1024)`.
    pub unit: SiteId,
    /// What became of it.
    pub label: Label,
    /// The first and the last moment of the changes that were lost, by the disk's counter, where they
    /// are known.
    pub stamps: Option<(u64, u64)>,
}

impl Loss {
    /// A loss of changes that nobody knows.
    pub fn of(unit: SiteId, label: Label) -> Loss {
        Loss { unit, label, stamps: None }
    }

    /// The first and the last of stamps that are given from the newest on.
    pub(crate) fn span(stamps: &[u64]) -> Option<(u64, u64)> {
        Some((*stamps.last()?, *stamps.first()?))
    }

    /// As text: `000003.wal[512..1024) zeros`.
    pub fn text(&self, names: &Names) -> String {
        format!("{} {}", names.text(self.unit), self.label)
    }
}

impl Event {
    /// `state`, which knows who acts, with this event mixed in.
    #[inline]
    pub(super) fn mixed(&self, names: &Names, state: u64) -> u64 {
        let mix = |kind: u64| fold(state, kind);
        match *self {
            // The file system says what follows from the rest in `from` and `touch`.
            Event::Call { site, file, offset, length, content, outcome, from: _, touch: _ } => {
                let state = fold(fold(mix(1), names.hash(site)), names.hash(file));
                let state = fold(fold(fold(state, offset), length), content);
                match outcome {
                    Outcome::Ok(value) => fold(fold(state, 0), value),
                    Outcome::Err(name) => fold(fold(state, 1), text_hash(name.as_bytes())),
                }
            }
            Event::Switch { site, to } => {
                fold(fold(mix(2), names.hash(site)), text_hash(to.as_str().as_bytes()))
            }
            Event::Answer { operation, content, ok } => {
                fold(fold(fold(mix(3), u64::from(operation)), content), u64::from(ok))
            }
            Event::Recovery { content, ok } => fold(fold(mix(4), content), u64::from(ok)),
            Event::Crash { site, kind, lost, file: _ } => {
                fold(fold(fold(mix(5), names.hash(site)), text_hash(kind.as_bytes())), lost)
            }
            Event::Note { what, value } => fold(fold(mix(6), names.hash(what)), value),
        }
    }

    /// Writes the event for people, without its number and who acted.
    pub(super) fn describe(&self, names: &Names, line: &mut String) -> fmt::Result {
        let text = |id| names.text(id);
        match *self {
            Event::Call { site, file, from, offset, length, content, outcome, touch: _ } => {
                line.write_str(&text(site))?;
                if from != SiteId::NONE {
                    write!(line, " {} to", text(from))?;
                }
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
            Event::Recovery { content, ok } => {
                let word = if ok { "recovered" } else { "open failed" };
                write!(line, "{word} {:08x}", content as u32)
            }
            Event::Crash { site, file, kind, lost } => {
                line.write_str(&text(site))?;
                if file != SiteId::NONE {
                    write!(line, " {}", text(file))?;
                }
                write!(line, " crash {kind}, {lost} lost")
            }
            Event::Note { what, value } => write!(line, "{} {value}", text(what)),
        }
    }
}
