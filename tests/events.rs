//! What the feature `tracing` tells: `cargo test --features tracing --test events`.
#![allow(clippy::disallowed_types, reason = "a subscriber of a user's program")]

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use seawall::Db;
use seawall::os::vfs::MemFs;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps every event as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target() == "seawall"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("nobody panicked").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn background_work_and_both_ends_are_told() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).expect("the only one");
    let db = Db::builder("/told").vfs(Arc::new(MemFs::new())).open().expect("opened");
    for round in 0..2u8 {
        db.put("key", [round]).expect("put");
        db.flush().expect("flushed");
    }
    db.compact_range::<&[u8]>(..).expect("compacted");
    db.close().expect("closed");
    let lines = lines.0.lock().expect("nobody panicked").clone();
    for (level, words) in [
        ("INFO", "message=opened path=/told"),
        ("DEBUG", "message=flushed a memtable bytes="),
        ("DEBUG", "message=compacted removed=2 added=1"),
        ("INFO", "message=closed path=/told last_seqno=2"),
    ] {
        let told = lines.iter().any(|line| line.starts_with(level) && line.contains(words));
        assert!(told, "no {level} {words} in {lines:#?}");
    }
}
