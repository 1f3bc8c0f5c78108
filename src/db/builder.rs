//! Opening with options.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::vfs::{OsFs, Vfs};

use crate::base::damage::{Damage, name_of, without_place};
use crate::base::error::{Error, ErrorKind, Result};
use crate::salvage::find_damage;

use super::events;
use super::handle::Db;
use super::open::{look, open};
use super::options::{Durability, Options};
use super::read_only::ReadOnlyDb;

/// Opens a database with other than the default options.
#[derive(Clone, Debug)]
pub struct Builder {
    path: PathBuf,
    vfs: Arc<dyn Vfs>,
    options: Options,
}

impl Builder {
    pub(super) fn new(path: &Path) -> Builder {
        Builder { path: path.to_owned(), vfs: Arc::new(OsFs::new()), options: Options::default() }
    }

    /// Opens the database.
    ///
    /// # Errors
    /// As [`Db::open`]; [`crate::ErrorKind::InvalidArgument`] for an option out of range.
    pub fn open(&self) -> Result<Db> {
        self.options.check()?;
        let core = open(Arc::clone(&self.vfs), &self.path, self.options.clone())?;
        events::opened(core.dir.display(), &core.report);
        Ok(Db::start(core))
    }

    /// Opens the database for reading alone; see [`Db::open_read_only`].
    ///
    /// # Errors
    /// As [`Db::open_read_only`]; [`crate::ErrorKind::InvalidArgument`] for an option out of range.
    pub fn open_read_only(&self) -> Result<ReadOnlyDb> {
        self.options.check()?;
        Ok(ReadOnlyDb::new(look(Arc::clone(&self.vfs), &self.path, &self.options)?))
    }

    /// Lists all that is damaged, also when the database does not open: every block of every table that
    /// counts, the log and the manifest. Empty for a sound database, which is then read once; a damaged one
    /// is read up to three times. Nothing is changed.
    ///
    /// A tail of the log that only a crash need have torn is no damage; [`crate::RecoveryReport::cut`] says
    /// where it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no database; [`ErrorKind::Locked`] while it is open for
    /// writing; [`ErrorKind::FormatTooNew`]; [`ErrorKind::Corruption`] when no file tells whose it is.
    pub fn find_damage(&self) -> Result<Vec<Damage>> {
        let first = match self.open_read_only().and_then(|db| db.verify()) {
            Ok(_) => return Ok(Vec::new()),
            Err(error) if !matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Io) => {
                return Err(error);
            }
            Err(error) => error,
        };
        let mut damage = find_damage(Arc::clone(&self.vfs), &self.path)?;
        // Whole files may contradict one another.
        let name = first.file().map_or_else(String::new, name_of);
        let what = without_place(&first);
        if !damage.iter().any(|damage| tells_of(damage, &name, &first)) {
            // Of what is lost the file itself tells that is damaged or missing.
            let is_known =
                damage.iter().any(|known| known.file == name || what.contains(&known.file));
            let lost = !is_known;
            damage.insert(0, Damage { lost, ..Damage::loss(&name, first.offset(), what) });
        }
        Ok(damage)
    }

    /// Uses another file system than the machine's.
    #[must_use]
    pub fn vfs(mut self, vfs: Arc<dyn Vfs>) -> Builder {
        self.vfs = vfs;
        self
    }

    /// Replaces all options.
    #[must_use]
    pub fn options(mut self, options: Options) -> Builder {
        self.options = options;
        self
    }

    /// Sets [`Options::create_if_missing`].
    #[must_use]
    pub fn create_if_missing(mut self, create: bool) -> Builder {
        self.options.create_if_missing = create;
        self
    }

    /// Sets [`Options::durability`].
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Builder {
        self.options.durability = durability;
        self
    }

    /// Sets [`Options::memtable_bytes`].
    #[must_use]
    pub fn memtable_bytes(mut self, bytes: usize) -> Builder {
        self.options.memtable_bytes = bytes;
        self
    }

    /// Sets [`Options::memtable_entries_max`].
    #[must_use]
    pub fn memtable_entries_max(mut self, entries: usize) -> Builder {
        self.options.memtable_entries_max = entries;
        self
    }

    /// Sets [`Options::block_cache_bytes`].
    #[must_use]
    pub fn block_cache_bytes(mut self, bytes: u64) -> Builder {
        self.options.block_cache_bytes = bytes;
        self
    }

    /// Sets [`Options::open_tables_max`].
    #[must_use]
    pub fn open_tables_max(mut self, tables: usize) -> Builder {
        self.options.open_tables_max = tables;
        self
    }

    /// Sets [`Options::segment_bytes`].
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Builder {
        self.options.segment_bytes = bytes;
        self
    }

    /// Sets [`Options::manifest_roll_edits`].
    #[must_use]
    pub fn manifest_roll_edits(mut self, edits: u64) -> Builder {
        self.options.manifest_roll_edits = edits;
        self
    }
}

/// Whether it is the place that an error on the file `name` means, or holds it.
fn tells_of(damage: &Damage, name: &str, error: &Error) -> bool {
    let holds = |begin: u64, at: u64| {
        begin == at || (begin..begin + damage.bytes.unwrap_or(0)).contains(&at)
    };
    damage.file == name
        && damage.offset.zip(error.offset()).is_none_or(|(begin, at)| holds(begin, at))
}
