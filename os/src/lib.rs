//! The two seams through which a storage engine meets the operating system.
//!
//! - [`vfs`]: files and directories, one method per system call.
//! - [`sync`]: threads, locks, condition variables, atomics that threads race on, and time.
//!
//! A store that asks for everything through these two modules can be run unchanged, as compiled for
//! release, under a simulator that decides at every call which task runs next, which write tears,
//! which sync fails and where the power goes. There is no feature flag and no second build: with no
//! hook installed each primitive is `parking_lot`, `std` or a system call behind one predictable
//! branch.
//!
//! [`fs`] reads and writes whole files through the first, for code that is used to `std::fs`.
//!
//! [`site`] names every call by what it is for (`commit/wal/sync_data`), never by where it stands in
//! the source, so recorded decisions outlive edits.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod fs;
pub mod site;
pub mod sync;
pub mod vfs;
