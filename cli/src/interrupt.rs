//! Ctrl-C: the first asks the running command to stop and print what it has, the second ends it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C is ours. Commands that never look at [`asked`] leave it alone.
///
/// # Errors
/// The system refuses the handler.
pub(crate) fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
    })?;
    Ok(())
}

/// From here on Ctrl-C is left to the parent, which says what is to be done about it: a terminal
/// sends it to both.
///
/// # Errors
/// The system refuses the handler.
pub(crate) fn leave_to_parent() -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(|| ())?)
}

/// Does as Ctrl-C does.
pub(crate) fn ask() {
    ASKED.store(true, Ordering::Relaxed);
}

/// What Ctrl-C sets, for those who look themselves.
pub(crate) fn flag() -> &'static AtomicBool {
    &ASKED
}

/// Whether to stop at the next good place.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
