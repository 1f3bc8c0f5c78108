//! Step `sweep`: the open has succeeded; what counts for nothing goes.

use seawall_os::sync::enter_scope;

use crate::base::file_name::{FileName, FileNumber};

use super::super::scope;
use super::Opening;
use super::leftovers::Leftovers;

impl Opening {
    /// Removes what nothing names and sets aside what no crash explains. A failure leaves the file
    /// to the next open.
    ///
    /// Durability: removals need not be durable; a file that comes back is judged again.
    pub(super) fn sweep(&mut self, leftovers: Leftovers, manifest: FileNumber) {
        let _scope = enter_scope(scope::SWEEP);
        let (unnameable, obsolete, unexplained) = leftovers.into_parts();
        // These went before the log was written.
        self.report.removed = unnameable;
        let current = FileName::Manifest(manifest).to_string();
        for name in obsolete.into_iter().filter(|name| *name != current) {
            if self.vfs.remove(&self.dir.join(&name)).is_ok() {
                self.report.removed.push(name);
            }
        }
        self.report.removed.sort();
        for name in unexplained {
            let aside = format!("{name}.damaged");
            // Evidence set aside before is not overwritten.
            let free = !self.names.contains(&aside);
            if free && self.vfs.rename(&self.dir.join(&name), &self.dir.join(&aside)).is_ok() {
                self.report.set_aside.push(name);
            }
        }
    }
}
