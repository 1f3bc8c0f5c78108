//! How one key is read, for people who ask where a value came from.

use seawall_os::sync::enter_scope;

use crate::base::error::Result;
use crate::tree::{ReadPath, explain};

use super::handle::Db;
use super::scope;

impl Db {
    /// How `key` is read at this moment: which layers are asked and what each has, up to where the value
    /// comes from. It reads as [`Db::get`] does, leaves the block cache as it is and is counted nowhere.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use seawall::os::vfs::MemFs;
    /// # fn main() -> seawall::Result<()> {
    /// # let db = seawall::Db::builder("/db").vfs(Arc::new(MemFs::new())).open()?;
    /// db.put("key", "value")?;
    /// db.flush()?;
    /// let path = db.explain("key")?;
    /// let (layer, version) = path.source().expect("it is there");
    /// assert!(matches!(layer, seawall::Layer::Table { level: 0, .. }));
    /// assert_eq!((version.seqno, version.value_bytes), (1, Some(5)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Db::get`].
    pub fn explain(&self, key: impl AsRef<[u8]>) -> Result<ReadPath> {
        let _scope = enter_scope(scope::READ);
        self.core().health.check_open()?;
        let (view, visible) = self.core().pin();
        explain(&view, key.as_ref(), visible)
    }
}
