//! Everything a read looks through, as one immutable value.

use std::sync::Arc;

use crate::base::key::SeqNo;
use crate::base::levels::Levels;
use crate::memtable::Memtable;
use crate::tables::{OpenTable, Slot};

/// A memtable that is written no more and waits to become a table.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) memtable: Arc<dyn Memtable>,
    /// The seqno of the last operation in it or in anything older.
    pub(crate) last_seqno: SeqNo,
    /// For the table.
    pub(crate) slot: Arc<Slot>,
}

/// The memtables and tables of one moment. Whoever holds it keeps its files open.
#[derive(Clone, Debug)]
pub(crate) struct SuperVersion {
    pub(crate) active: Arc<dyn Memtable>,
    /// Oldest first.
    pub(crate) frozen: Vec<Arc<Frozen>>,
    pub(crate) tables: Arc<Levels<Arc<OpenTable>>>,
}
