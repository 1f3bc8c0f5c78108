//! Three losses that happened to people, each rebuilt on a log of fifty lines, with the barrier that
//! mends it behind `FIXED`.

pub(crate) mod file;
pub(crate) mod manifest;
pub(crate) mod retried;
pub(crate) mod segments;
