//! Power losses between worlds, when nothing runs.

use super::odds::{ByChoices, Fate};
use super::state::Disk;
use crate::choice::{Actor, Choices};

impl Disk {
    /// What a power loss leaves of a disk that nobody uses any more, and what did not survive as it
    /// was. `actor` names the crash.
    pub fn lose_power(&self, choices: &Choices, actor: Actor) -> (Disk, Vec<Fate>) {
        let mut decide = ByChoices::new(choices, actor, self);
        let image = self.after_power_loss(&mut decide);
        super::check::contains_what_was_durable(self, &image);
        (image, decide.fate)
    }
}
