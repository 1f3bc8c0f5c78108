//! What several tests of the whole store share: file systems that record or fail chosen calls, a
//! simulated world to run a store in, and harm to files at rest.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this module uses a part of it"
)]
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

pub mod harm;
pub mod record;
pub mod script;
pub mod watched;
pub mod world;
