//! A file system around another one, here to count what commits cost: `cargo run --example custom_vfs`.
//!
//! Everything the store does with files goes through [`Vfs`] and [`File`], one method a system call, so
//! a wrapper can count, delay, refuse, encrypt or redirect.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall::os::sync::{AtomicU64, Ordering};
use seawall::os::vfs::{File, FileLock, LockMode, MemFs, OpenMode, Vfs};
use seawall::{Db, Durability};

fn main() -> seawall::Result<()> {
    let [synced, unsynced, batched] = run()?;
    println!("100 commits with Sync: {synced} syncs");
    println!("100 commits with Os: {unsynced} syncs");
    println!("one batch of 100: {batched} syncs");
    Ok(())
}

/// How many syncs a hundred changes take, each way.
pub(crate) fn run() -> seawall::Result<[u64; 3]> {
    let counting = Arc::new(Counting { inner: MemFs::new(), syncs: Arc::new(AtomicU64::new(0)) });
    let db = Db::builder("/counted").vfs(Arc::clone(&counting) as Arc<dyn Vfs>).open()?;
    let mut counts = [0; 3];
    for (way, count) in counts.iter_mut().enumerate() {
        let before = counting.syncs.load(Ordering::Relaxed);
        match way {
            0 => (0..100u8).try_for_each(|key| db.put([key], "value").map(drop))?,
            1 => (0..100u8)
                .try_for_each(|key| db.put_with([key], "value", Durability::Os).map(drop))?,
            _ => {
                let mut batch = db.batch();
                (0..100u8).for_each(|key| batch.put([key], "value"));
                db.commit(batch)?;
            }
        }
        *count = counting.syncs.load(Ordering::Relaxed) - before;
    }
    db.close()?;
    Ok(counts)
}

/// Counts the syncs of files.
#[derive(Debug)]
struct Counting {
    inner: MemFs,
    syncs: Arc<AtomicU64>,
}

impl Vfs for Counting {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(CountingFile { inner, syncs: Arc::clone(&self.syncs) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>> {
        self.inner.lock(path, mode)
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        self.inner.size(path)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.inner.free_space(path)
    }

    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.inner.entropy(buffer)
    }
}

#[derive(Debug)]
struct CountingFile {
    inner: Arc<dyn File>,
    syncs: Arc<AtomicU64>,
}

impl File for CountingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.inner.allocate(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync_all()
    }
}
