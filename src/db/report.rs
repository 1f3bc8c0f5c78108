//! What an open found and did.

use std::fmt;

use crate::base::key::SeqNo;

/// A place where the log or the manifest was cut because a crash tore the last write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The name of the file, in the database's directory.
    pub file: String,
    /// Where the valid part ends, in bytes.
    pub offset: u64,
    /// How many bytes from there on held something other than zeros at the end.
    pub bytes: u64,
    /// The log was closed there: nothing was ever written behind it, so no crash explains these bytes, and
    /// nothing is lost by them.
    pub behind_close: bool,
}

/// What opening a database found on disk and did about it.
///
/// Files are never shortened by an open: what was cut stands in the old files until they are removed
/// as obsolete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The database did not exist and was created.
    pub created: bool,
    /// There is nothing but what an interrupted creation left, and it reads as empty. Only a read-only
    /// open says so: any other creates the database.
    pub unfinished: bool,
    /// The name of the manifest that was read.
    pub manifest: String,
    /// How many edits it held after its snapshot.
    pub edits: u64,
    /// How many tables there are.
    pub tables: usize,
    /// The segments of the log that counted, oldest first.
    pub segments: Vec<String>,
    /// Operations read from the log that no table holds.
    pub replayed_operations: u64,
    /// Operations that were logged again, because nothing vouched for them.
    pub relogged_operations: u64,
    /// The seqno of the last operation there is.
    pub last_seqno: SeqNo,
    /// Where a torn write was cut off.
    pub cut: Vec<Cut>,
    /// Segments of the log that never counted.
    pub ignored: Vec<String>,
    /// Files that nothing names and no crash explains: they were given the ending `.damaged`.
    pub set_aside: Vec<String>,
    /// Files that nothing names: they were removed.
    pub removed: Vec<String>,
}

/// `1 table`, `2 tables`.
fn several(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.created {
            writeln!(f, "created a new database")?;
        } else if self.unfinished {
            writeln!(f, "the database was never finished being created, and is empty")?;
        } else {
            writeln!(
                f,
                "manifest {} with {}, {}",
                self.manifest,
                several(self.edits, "edit"),
                several(self.tables as u64, "table"),
            )?;
            writeln!(f, "log {}", self.segments.join(" <- "))?;
            writeln!(
                f,
                "replayed {}, logged {} of them again",
                several(self.replayed_operations, "operation"),
                self.relogged_operations
            )?;
        }
        writeln!(f, "last seqno {}", self.last_seqno)?;
        for cut in &self.cut {
            let what = if cut.behind_close { "behind the end" } else { "of a torn write" };
            writeln!(f, "cut {} at byte {}: {} bytes {what}", cut.file, cut.offset, cut.bytes)?;
        }
        for (what, names) in
            [("ignored", &self.ignored), ("set aside", &self.set_aside), ("removed", &self.removed)]
        {
            if !names.is_empty() {
                writeln!(f, "{what} {}", names.join(" "))?;
            }
        }
        Ok(())
    }
}
