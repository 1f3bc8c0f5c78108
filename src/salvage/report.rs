//! What a salvage read, and what it could not.

use std::path::Path;

use crate::base::error::Error;
use crate::base::key::SeqNo;

/// What [`crate::Salvage`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// The database's id, 32 hexadecimal digits.
    pub id: String,
    /// The name of the manifest that said which tables count. `None` when none could be believed: then
    /// all tables count that are not known to be obsolete.
    pub manifest: Option<String>,
    /// Tables of which something was read.
    pub tables: usize,
    /// Versions of keys read from them.
    pub entries: u64,
    /// Operations read from the log, those among them that a table holds too.
    pub log_operations: u64,
    /// Keys with a value that were handed out.
    pub keys: u64,
    /// What is wrong, in the order in which it was found.
    pub damage: Vec<Damage>,
    /// Files of a database that were left out and hold nothing that counts: set aside by an open, of
    /// another database, or obsolete.
    pub unused: Vec<String>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The name of the file.
    pub file: String,
    /// Where in it, in bytes, if that is known.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// Whether data is lost by it, or may be.
    pub lost: bool,
    /// What is lost lies between these keys, both inclusive; `None` when that is not known.
    pub keys: Option<(Vec<u8>, Vec<u8>)>,
    /// The first and the last seqno of what is lost; `None` for the last when that is not known.
    pub seqnos: Option<(SeqNo, Option<SeqNo>)>,
    /// How many keys between [`Damage::keys`] were found in an older version than what is lost may
    /// have held: an older value may have come back there, or a deleted one.
    pub older_keys: u64,
}

impl SalvageReport {
    /// Whether nothing is lost: all that was in the database was handed out. Of the newest segment of the
    /// log nothing else need know; that one could be missing.
    pub fn is_complete(&self) -> bool {
        !self.damage.iter().any(|damage| damage.lost)
    }
}

impl Damage {
    /// Damage to the file `name` by which nothing is lost.
    pub(super) fn harmless(name: &str, error: &Error) -> Damage {
        let (offset, what) = (error.offset(), without_place(error));
        Damage { file: name.to_owned(), offset, what, ..Damage::default() }
    }

    /// Damage to the file `name` by which something is lost or may be.
    pub(super) fn loss(name: &str, offset: Option<u64>, what: impl Into<String>) -> Damage {
        let (file, what) = (name.to_owned(), what.into());
        Damage { file, offset, what, lost: true, ..Damage::default() }
    }
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What an error says, without file and offset, which stand beside it.
pub(super) fn without_place(error: &Error) -> String {
    let text = error.to_string();
    let Some(file) = error.file() else { return text };
    let mut place = format!(": {}", file.display());
    if let Some(offset) = error.offset() {
        place.push_str(&format!(" at byte {offset}"));
    }
    text.replacen(&place, "", 1)
}
