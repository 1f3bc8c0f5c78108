//! The stream of choices that a run is a pure function of.
//!
//! Which operation a client does next, which task runs, whether this sync fails, where the power
//! goes, which sector survives: each is one [`Choices::choose`] among labels. The *key* of a choice
//! names it for good:
//!
//! ```text
//! stream    actor      site               nth        label
//! schedule  g2/flush   flush/mutex        3      =   client-1
//! faults    g2/op41    commit/wal/sync_data 0    =   fail
//! ```
//!
//! `nth` counts within that stream, actor and site only, so neither a call added elsewhere nor an
//! operation that the shrinker deletes renames the others.
//!
//! Who answers:
//! - a seed: ChaCha8, one generator for each (stream, actor), so that what one actor draws never
//!   moves another's;
//! - a [`Tape`]: labels by key over a base, which is a seed or the default;
//! - a fuzzer: a tape, and [`Override`]s that change decisions by number.
//!
//! The default answer is always the first label. It is the one that makes progress and breaks
//! nothing: no fault, everything survives, the same task goes on. Every answer that is not the
//! default is recorded, and [`Choices::tape`] gives the tape that replays the run.
//!
//! Invariant: a choice draws the same amount from its generator whatever its odds and whether or not
//! a tape overrides it, so an override changes one decision and not those that follow.

mod actor;
mod answers;
mod choices;
mod hash;
mod label;
mod loose;
mod names;
mod overrides;
mod parse;
mod tape;
#[cfg(test)]
pub(crate) mod tests;
mod world;

pub use actor::{Actor, NotAnActor, TaskName, Who};
pub use answers::{Unused, UnusedReason};
pub use choices::Choices;
pub(crate) use hash::{fold, text_hash};
pub use label::{Label, Odds};
pub use loose::{EVERY, loosened};
pub use names::{Names, SiteId};
pub use overrides::{Override, PLACES};
pub use parse::TapeError;
pub use tape::{Answer, Base, Key, Stream, Tape};
pub use world::{NotAWorld, WorldId};
