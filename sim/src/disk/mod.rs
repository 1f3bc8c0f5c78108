//! The simulated disk: what programs see, what is durable, and everything a crash may make of the
//! difference.
//!
//! ```text
//! SimFs ──► Disk ──► FileNode: durable, live, pending, limbo        a call changes the value
//!   │        │  └──► Directory: for every name the same
//!   │        └─ after_power_loss, after_kill ──► Disk               a crash makes another of it
//!   └─ choices: which call crashes, which fault strikes, what survives
//! ```
//!
//! - [`Disk`] is a value, cheap to copy. It remembers every change since the last good sync, older
//!   versions included, so a crash can be cut from it at any call without running anything again.
//! - [`SimFs`] is what a store calls. It asks at every call whether to crash and what to fail, and
//!   lets other tasks run before calls and in the middle of long ones.
//! - [`Image`] is the disk a crash left: everything decided, ready to be opened.
//! - [`Personality`] says what a power loss may do, as a table of cells; the strictest, POSIX with
//!   nothing assumed, is the default.
//!
//! Files are known by number, not by path: a file without a name lives as long as a handle or a name
//! that may come back leads to it.

mod calls;
mod cells;
mod check;
mod config;
mod content;
mod crash;
mod cutting;
mod directory;
mod effect;
mod errno;
mod failing;
mod file;
mod handle;
mod image;
mod inspect;
mod media;
mod moment;
mod odds;
mod path;
mod persist;
mod personality;
mod piece;
mod rates;
mod room;
mod sim_fs;
mod state;
mod survival;
#[cfg(test)]
mod tests;
mod world;

pub use crash::{CrashKind, Image, Moment};
pub use effect::Effect;
pub use media::Damage;
pub use personality::{
    Appended, DirSync, FailedSync, FileSync, NameOrder, Personality, Rename, RenameOver, SizeOrder,
    Tear, Versions,
};
pub use rates::{Counts, CrashRates, FaultRates};
pub use sim_fs::SimFs;
pub use state::Disk;
pub use world::Access;
