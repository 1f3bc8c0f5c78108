//! Whole files in one call, as `std::fs` has it, over any [`Vfs`].
//!
//! Code that keeps its state in a few small files moves over to the seams with these, and can be
//! simulated from then on. Each function says what a crash leaves; none keeps anything between calls.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::vfs::{OpenMode, Vfs};

/// How much is asked for at a time when a file is longer than it said.
const MORE_BYTES: usize = 4_096;

/// The content of a file.
///
/// # Errors
/// `NotFound` when there is none; any failure of opening or reading it.
pub fn read(vfs: &dyn Vfs, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let file = vfs.open(path.as_ref(), OpenMode::ReadOnly)?;
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let (mut bytes, mut filled) = (vec![0; len], 0);
    loop {
        if filled == bytes.len() {
            bytes.resize(filled + MORE_BYTES, 0);
        }
        match file.read_at(&mut bytes[filled..], filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The content of a file, or `None` when there is none.
///
/// # Errors
/// As for [`read`], but for a missing file.
pub fn read_if_exists(vfs: &dyn Vfs, path: impl AsRef<Path>) -> io::Result<Option<Vec<u8>>> {
    match read(vfs, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Makes a file hold `bytes`, or leaves it as it was: never anything between, whatever crashes.
///
/// Durable when it returns. The bytes go to `NAME.tmp` beside the file, which must be nobody else's,
/// are synced, and get the name by a rename; then the directory is synced. One caller at a time.
///
/// # Errors
/// Any failure of these calls. The file then holds either content, and a crash may change which;
/// calling it again with success settles that.
pub fn write_atomic(vfs: &dyn Vfs, path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let fresh = beside(path)?;
    // What an earlier call left when it failed or crashed.
    remove_if_exists(vfs, &fresh)?;
    let file = vfs.open(&fresh, OpenMode::CreateNew)?;
    file.write_at(bytes, 0)?;
    // Durability: the name must not come before what it names.
    file.sync_all()?;
    vfs.rename(&fresh, path)?;
    vfs.sync_dir(directory_of(path))
}

/// Writes `bytes` behind what a file holds, making the file if there is none.
///
/// Durable when it returns. A crash before that may leave any part of the bytes, so what is appended
/// has to show by itself where it ends, as a record with a checksum does.
///
/// # Errors
/// Any failure of the calls this takes; any part of the bytes may be there then.
pub fn append(vfs: &dyn Vfs, path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let (file, is_new) = match vfs.open(path, OpenMode::ReadWrite) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (vfs.open(path, OpenMode::CreateNew)?, true)
        }
        opened => (opened?, false),
    };
    file.write_at(bytes, file.len()?)?;
    file.sync_all()?;
    // Durability: a file without a name is lost with everything in it.
    if is_new { vfs.sync_dir(directory_of(path)) } else { Ok(()) }
}

/// Removes a file, if there is one. Not durable: a crash may bring it back until its directory is
/// synced.
///
/// # Errors
/// Any failure but that there is none.
pub fn remove_if_exists(vfs: &dyn Vfs, path: impl AsRef<Path>) -> io::Result<()> {
    match vfs.remove(path.as_ref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The directory that a file's name stands in.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let no_name = || {
        let text = format!("{} has no file name", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    let mut name = OsString::from(path.file_name().ok_or_else(no_name)?);
    name.push(".tmp");
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::MemFs;

    #[test]
    fn a_file_is_written_read_and_appended_to() {
        let vfs = MemFs::new();
        vfs.create_dir(Path::new("/d")).expect("made");
        assert_eq!(read_if_exists(&vfs, "/d/f").expect("readable"), None);
        assert_eq!(read(&vfs, "/d/f").map_err(|e| e.kind()), Err(io::ErrorKind::NotFound));
        write_atomic(&vfs, "/d/f", b"one").expect("written");
        write_atomic(&vfs, "/d/f", b"two").expect("written");
        append(&vfs, "/d/f", b" three").expect("appended");
        append(&vfs, "/d/g", b"four").expect("made and appended");
        assert_eq!(read(&vfs, "/d/f").expect("readable"), b"two three");
        assert_eq!(read(&vfs, "/d/g").expect("readable"), b"four");
        assert_eq!(vfs.list(Path::new("/d")).expect("listed"), ["f", "g"]);
        remove_if_exists(&vfs, "/d/f").expect("removed");
        remove_if_exists(&vfs, "/d/f").expect("there is none");
    }

    #[test]
    fn what_an_earlier_write_left_is_in_nobodys_way() {
        let vfs = MemFs::new();
        append(&vfs, "/f.tmp", b"half").expect("appended");
        write_atomic(&vfs, "/f", b"whole").expect("written");
        assert_eq!(read(&vfs, "/f").expect("readable"), b"whole");
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        let error = write_atomic(&MemFs::new(), "/", b"x").expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
