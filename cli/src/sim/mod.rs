//! `seawall sim`: the simulator on our own store.

pub(crate) mod args;
pub(crate) mod convert;
mod coverage;
mod failure;
pub(crate) mod keep;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod seeds;
mod summary;
pub(crate) mod supervise;
mod tape;
mod totals;
