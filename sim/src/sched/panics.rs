//! Panics of simulated tasks, kept instead of printed.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use super::coroutine;

thread_local! {
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// What a panic said, and where.
pub(super) struct Panic {
    pub(super) message: String,
    pub(super) location: String,
}

/// Makes panics of simulated tasks silent and remembered, and forgets earlier ones.
///
/// Panics elsewhere go to the hook that was there before.
pub(super) fn capture() {
    LAST.set(None);
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let quiet = coroutine::running();
            // A second panic before the first was taken may be one that aborts the process: print it.
            let second = quiet && LAST.with_borrow(Option::is_some);
            if quiet {
                LAST.set(Some(describe(info)));
            }
            if !quiet || second {
                previous(info);
            }
        }));
    });
}

/// The last panic of a task on this OS thread.
pub(super) fn take() -> Panic {
    LAST.take().unwrap_or_else(|| Panic { message: "unknown".into(), location: "unknown".into() })
}

fn describe(info: &PanicHookInfo<'_>) -> Panic {
    let payload = info.payload();
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without text".to_owned(),
    };
    let location = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    Panic { message, location }
}
