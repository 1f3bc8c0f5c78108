//! The scopes under which the store calls the operating system.

use seawall_os::site::Scope;

pub(super) const CREATE: Scope = Scope::new("create");
pub(super) const OPEN: Scope = Scope::new("open");
pub(super) const RELOG: Scope = Scope::new("relog");
pub(super) const SWEEP: Scope = Scope::new("sweep");
pub(super) const COMMIT: Scope = Scope::new("commit");
pub(super) const ROTATE: Scope = Scope::new("rotate");
pub(super) const SPARE: Scope = Scope::new("spare");
pub(super) const MARK: Scope = Scope::new("mark");
pub(super) const FLUSH: Scope = Scope::new("flush");
pub(super) const COMPACT: Scope = Scope::new("compact");
pub(super) const TRIM: Scope = Scope::new("trim");
pub(super) const NUMBERS: Scope = Scope::new("numbers");
pub(super) const ROLL: Scope = Scope::new("roll");
pub(super) const GC: Scope = Scope::new("gc");
pub(super) const READ: Scope = Scope::new("read");
pub(super) const VERIFY: Scope = Scope::new("verify");
pub(super) const CLOSE: Scope = Scope::new("close");
