//! Writes down every call as a line of text.

use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex};

use seawall::os::site::Operation;
use seawall::os::vfs::{OpenMode, Vfs};

use super::watched::{Call, Watched, Watcher};

/// The calls made so far, a line each: `commit/wal/write_at 000002.wal [64..112) -> ok`.
#[derive(Clone, Debug, Default)]
pub struct Record {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Record {
    /// `vfs`, its calls recorded here.
    pub fn around(&self, vfs: Arc<dyn Vfs>) -> Arc<Watched> {
        Watched::new(vfs, Arc::new(self.clone()))
    }

    /// The lines since this was last asked, each ended.
    pub fn take(&self) -> String {
        let lines = std::mem::take(&mut *self.lines.lock().expect("no watcher panics"));
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

impl Watcher for Record {
    fn after(&self, call: &Call<'_>, outcome: Result<u64, &io::Error>) -> io::Result<()> {
        self.lines.lock().expect("no watcher panics").push(line(call, outcome));
        Ok(())
    }
}

/// A call and its answer as text.
fn line(call: &Call<'_>, outcome: Result<u64, &io::Error>) -> String {
    let mut text = format!("{} {}", call.site, call.name);
    let what = match (call.site.operation, call.mode) {
        (Operation::ReadAt | Operation::WriteAt, _) => {
            format!(" [{}..{})", call.offset, call.offset + call.length)
        }
        (Operation::SetLen | Operation::Allocate | Operation::Entropy, _) => {
            format!(" {}", call.length)
        }
        (_, Some(OpenMode::CreateNew)) => " new".to_owned(),
        (_, Some(OpenMode::ReadWrite)) => " to write".to_owned(),
        (_, Some(OpenMode::ReadOnly)) => " to read".to_owned(),
        _ => call.to.map_or(String::new(), |to| format!(" to {to}")),
    };
    text.push_str(&what);
    // Writing to a String does not fail.
    let _ = match outcome {
        Ok(0) => write!(text, " -> ok"),
        Ok(number) => write!(text, " -> ok {number}"),
        Err(error) => write!(text, " -> {:?}", error.kind()),
    };
    text
}
