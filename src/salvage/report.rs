//! What a salvage read, and what it could not.

use crate::base::damage::Damage;

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

impl SalvageReport {
    /// Whether nothing is lost: all that was in the database was handed out. Of the newest segment of the
    /// log nothing else need know; that one could be missing.
    pub fn is_complete(&self) -> bool {
        !self.damage.iter().any(|damage| damage.lost)
    }
}
