//! A place where a file is not as it was written.

use std::path::Path;

use super::error::Error;
use super::key::SeqNo;

/// Something that is not as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The name of the file.
    pub file: String,
    /// Where in it, in bytes, if that is known.
    pub offset: Option<u64>,
    /// How many bytes it concerns from there on, if that is known.
    pub bytes: Option<u64>,
    /// How many blocks of a table those are.
    pub blocks: u64,
    /// What is wrong; of several blocks in a row with the first of them.
    pub what: String,
    /// Whether data is lost by it, or may be. What is found elsewhere is not.
    pub lost: bool,
    /// Whether it looks exactly like a write that a crash tore, and may be that.
    pub torn: bool,
    /// What is lost has keys from the first to the second, both included; without a second, from the
    /// first on. `None` when nothing is known of them.
    pub keys: Option<(Vec<u8>, Option<Vec<u8>>)>,
    /// The first and the last seqno that what is lost can have; `None` for the last when that is not
    /// known.
    pub seqnos: Option<(SeqNo, Option<SeqNo>)>,
    /// How many keys between [`Damage::keys`] a salvage found in an older version than what is lost may
    /// have held: an older value may have come back there, or a deleted one.
    pub older_keys: u64,
}

impl Damage {
    /// Damage to the file `name` by which nothing is lost.
    pub(crate) fn harmless(name: &str, error: &Error) -> Damage {
        let (offset, what) = (error.offset(), without_place(error));
        Damage { file: name.to_owned(), offset, what, ..Damage::default() }
    }

    /// Damage to the file `name` by which something is lost or may be.
    pub(crate) fn loss(name: &str, offset: Option<u64>, what: impl Into<String>) -> Damage {
        let (file, what) = (name.to_owned(), what.into());
        Damage { file, offset, what, lost: true, ..Damage::default() }
    }
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What an error says, without file and offset, which stand beside it.
pub(crate) fn without_place(error: &Error) -> String {
    let text = error.to_string();
    let Some(file) = error.file() else { return text };
    let mut place = format!(": {}", file.display());
    if let Some(offset) = error.offset() {
        place.push_str(&format!(" at byte {offset}"));
    }
    text.replacen(&place, "", 1)
}
