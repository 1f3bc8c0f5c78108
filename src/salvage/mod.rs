//! What can be proved good in a damaged database, key by key, without changing anything of it.
//!
//! ```text
//! survey   whose files these are, and which tables count: what the manifest says, or else all there are
//! log      the operations that frames prove, along the chain of segments
//! merge    tables and log by key; of each key the version with the largest seqno, if it is no deletion
//! ```
//!
//! Good is a block of a table whose checksum matches in its place, and a frame of the log that matches in
//! its place and was not given up by an earlier recovery. A version that is lost may leave an older one, or
//! one that was deleted, in its place: each [`Damage`] says among which keys, and how many of those that
//! were found are older than what it may have held.
//!
//! Nothing here fails once the survey is done: what cannot be read is told in the report. Where every
//! operation that a damage may have taken was found elsewhere, nothing is lost by it.

mod log;
mod merge;
mod report;
mod seen;
mod survey;

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{FileLock, Vfs};

use crate::base::damage::Damage;
use crate::base::error::Result;
use crate::base::slice::Slice;

use merge::Merged;

pub use report::SalvageReport;

/// The keys of a damaged database that are proved good, with their values, in order of the keys' bytes.
///
/// ```
/// # use std::sync::Arc;
/// # use seawall::os::vfs::{MemFs, OpenMode, Vfs};
/// # fn main() -> seawall::Result<()> {
/// # let vfs = Arc::new(MemFs::new());
/// # let db = seawall::Db::builder("/db").vfs(Arc::clone(&vfs) as _).open()?;
/// # db.put("key", "value")?;
/// # db.close()?;
/// # vfs.remove(std::path::Path::new("/db/CURRENT")).expect("it is there");
/// // Somebody has removed CURRENT, and `Db::open` refuses.
/// let mut salvage = seawall::Salvage::open(vfs, "/db")?;
/// let (key, value) = salvage.next().expect("one key");
/// assert_eq!((&*key, &*value), (&b"key"[..], &b"value"[..]));
/// assert!(salvage.next().is_none());
/// assert!(salvage.report().is_complete());
/// # Ok(())
/// # }
/// ```
pub struct Salvage {
    merged: Merged,
    report: SalvageReport,
    /// Writers stay out for as long as it reads. A directory without a lock file has none.
    _lock: Option<Arc<dyn FileLock>>,
}

impl Salvage {
    /// Looks at the files in the directory `path` and reads the log. Nothing is changed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when the directory holds no file of a database;
    /// [`crate::ErrorKind::Locked`] while it is open for writing; [`crate::ErrorKind::FormatTooNew`];
    /// [`crate::ErrorKind::Corruption`] when no file tells whose it is, so that nothing can be proved.
    pub fn open(vfs: Arc<dyn Vfs>, path: impl AsRef<Path>) -> Result<Salvage> {
        let mut survey = survey::Survey::of(vfs, path.as_ref())?;
        let log = survey.read_log();
        let merged = Merged::new(survey.open_tables()?, log, std::mem::take(&mut survey.seen));
        Ok(Salvage { merged, report: survey.report, _lock: survey.lock })
    }

    /// What was read, what was found damaged so far, and what is lost by that. It is whole when there
    /// are no more keys, and only then says of a damage whether all it held was found elsewhere.
    pub fn report(&self) -> &SalvageReport {
        &self.report
    }
}

/// All damage to the database in the directory `path`, in the order in which it is found, and whether what is
/// damaged stands elsewhere too. A log that only a crash need have torn is sound.
///
/// # Errors
/// As [`Salvage::open`].
pub(crate) fn find_damage(vfs: Arc<dyn Vfs>, path: &Path) -> Result<Vec<Damage>> {
    let mut survey = survey::Survey::of(Arc::clone(&vfs), path)?;
    survey.read_log();
    survey.check_tables()?;
    let mut damage = survey.report.damage;
    damage.retain(|damage| !damage.torn);
    if damage.iter().any(|damage| damage.lost) {
        // Only reading all there is tells.
        let mut salvage = Salvage::open(vfs, path)?;
        salvage.by_ref().for_each(drop);
        damage.iter_mut().for_each(|damage| settle(damage, &salvage.report));
    }
    Ok(damage)
}

/// Takes over that nothing is lost by a damage.
fn settle(damage: &mut Damage, report: &SalvageReport) {
    let is_it = |other: &&Damage| {
        (&other.file, other.offset) == (&damage.file, damage.offset)
            && other.what.starts_with(&damage.what)
    };
    if let Some(found) = report.damage.iter().find(is_it).filter(|found| !found.lost) {
        *damage = found.clone();
    }
}

impl Iterator for Salvage {
    type Item = (Slice, Slice);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.merged.next_live(&mut self.report)?;
        self.report.keys += 1;
        Some(entry)
    }
}

impl std::fmt::Debug for Salvage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Salvage").field("report", &self.report).finish_non_exhaustive()
    }
}
