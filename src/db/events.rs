//! What happens in the background and at the ends, told to [`tracing`](https://docs.rs/tracing) with the
//! feature of that name. Without it these functions are empty.
//!
//! Nothing on the path of a single get or put is told: [`crate::Stats`] counts there.

use std::fmt::Display;

macro_rules! events {
    ($( $(#[$about:meta])* $level:ident $name:ident($($field:ident),*) = $text:literal; )*) => { $(
        $(#[$about])*
        pub(super) fn $name($($field: impl Display),*) {
            #[cfg(feature = "tracing")]
            tracing::event!(target: "seawall", tracing::Level::$level, $($field = %$field,)* $text);
            #[cfg(not(feature = "tracing"))]
            let _ = ($($field,)*);
        }
    )* };
}

events! {
    /// A database is open; the report is that of recovery.
    INFO opened(path, report) = "opened";
    /// A database is closed, cleanly or not.
    INFO closed(path, last_seqno) = "closed";
    /// A memtable is in a table now.
    DEBUG flushed(bytes, flushed_seqno) = "flushed a memtable";
    /// Tables were merged into others, or moved down.
    DEBUG compacted(removed, added, bytes) = "compacted";
    /// A new manifest counts.
    DEBUG rolled(number) = "began a new manifest";
    /// Writes have stopped until the database is opened again.
    ERROR stopped(cause) = "writes have stopped";
}
