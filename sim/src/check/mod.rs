//! What recovered and live states are legal.
//!
//! - [`Ledger`]: what the clients of a world did and were told, in order.
//! - [`Timeline`]: the commit order that follows from it, and what was promised when.
//! - [`Promise`]: what one image of the disk owes.
//! - [`check_recovered`], [`check_live`]: the judgements.
//!
//! All of it is exact and set-valued: a change in flight at a crash, or one that failed, may or may
//! not have happened, and every possibility is tried; nothing is left uncompared.

mod filling;
mod ledger;
mod live;
mod promise;
mod recovered;
#[cfg(test)]
mod tests;
mod timeline;
mod violation;

pub use ledger::{Ledger, Mark, Record, Ticket};
pub use live::check_live;
pub use promise::{Fall, Promise};
pub use recovered::{Probe, check_recovered};
pub use timeline::Timeline;
pub use violation::Violation;

pub use crate::system::Property;
