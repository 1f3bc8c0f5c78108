//! `CURRENT`: which manifest counts.
//!
//! A text of five lines, with one spelling for each content:
//!
//! ```text
//! seawall 1
//! id 5f0c6a1d93b24e7788aa01020304f5f6
//! manifest 7
//! snapshot 168 9c01f2aa
//! check 0e4d11b7
//! ```
//!
//! `snapshot` gives the end and the checksum of the manifest's first frame, so that a manifest that
//! lost its beginning cannot pass for an empty one; `check` is the crc32c of the lines above it.

use std::path::Path;

use seawall_os::vfs::{OpenMode, Vfs};

use crate::base::checksum::{self, DatabaseId};
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::log::read_whole;

/// The version of the database format that is written and read.
const FORMAT: u32 = 1;

/// The content of `CURRENT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) id: DatabaseId,
    pub(crate) manifest: FileNumber,
    /// Where the manifest's SNAPSHOT frame ends.
    pub(crate) snapshot_end: u64,
    /// The checksum of that frame.
    pub(crate) checksum: u32,
}

impl Current {
    /// The text of the file.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "seawall {FORMAT}\nid {}\nmanifest {}\nsnapshot {} {:08x}\n",
            self.id, self.manifest, self.snapshot_end, self.checksum
        );
        let check = checksum::plain(text.as_bytes());
        text.push_str(&format!("check {check:08x}\n"));
        text
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// Corruption, or a format that is too new.
    pub(crate) fn parse(bytes: &[u8], file: &Path) -> Result<Current> {
        let damaged = |what: &str| Error::corruption(file, 0, what);
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("CURRENT is not text"))?;
        let mut lines = text.lines();
        let format = lines.next().and_then(|line| line.strip_prefix("seawall "));
        let format: u32 = format
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| damaged("CURRENT does not begin with \"seawall\" and a version"))?;
        if format > FORMAT && has_valid_check(text) {
            let what = format!(
                "database format {format} is newer than {FORMAT}, the newest this version reads"
            );
            return Err(Error::of_file(ErrorKind::FormatTooNew, file, what));
        }
        let current = parse_fields(&mut lines)
            .ok_or_else(|| damaged("a line of CURRENT is missing, or is not as it should be"))?;
        // One spelling for each content: any change of a byte is seen.
        if current.to_text() != text {
            return Err(damaged("CURRENT does not match its checksum"));
        }
        Ok(current)
    }
}

fn has_valid_check(text: &str) -> bool {
    text.rsplit_once("check ").is_some_and(|(above, check)| {
        u32::from_str_radix(check.trim_end(), 16) == Ok(checksum::plain(above.as_bytes()))
    })
}

fn parse_fields(lines: &mut std::str::Lines<'_>) -> Option<Current> {
    let id_text = lines.next()?.strip_prefix("id ")?;
    let mut id = [0; 16];
    if id_text.len() != 32 || !id_text.is_ascii() {
        return None;
    }
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&id_text[at * 2..at * 2 + 2], 16).ok()?;
    }
    let manifest = lines.next()?.strip_prefix("manifest ")?.parse().ok()?;
    let (end, checksum) = lines.next()?.strip_prefix("snapshot ")?.split_once(' ')?;
    Some(Current {
        id: DatabaseId(id),
        manifest,
        snapshot_end: end.parse().ok()?,
        checksum: u32::from_str_radix(checksum, 16).ok()?,
    })
}

/// Reads `CURRENT` at `path`; `None` when there is none.
///
/// # Errors
/// Corruption, a format that is too new, or those of the file system.
pub(crate) fn read_current(vfs: &dyn Vfs, path: &Path) -> Result<Option<Current>> {
    let file = match vfs.open(path, OpenMode::ReadOnly) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.context("open", path)?,
    };
    Current::parse(&read_whole(&*file, path)?, path).map(Some)
}

/// Makes `current` the content of `CURRENT`, by writing it beside and renaming it, and durable by
/// `sync_name`, which syncs the directory.
///
/// A left-over `CURRENT.tmp` is removed first and never opened for writing: after a crash it can be
/// the very file that `CURRENT` names.
///
/// # Errors
/// Nothing is known then of which manifest the next open will find.
pub(crate) fn switch_current(
    vfs: &dyn Vfs,
    dir: &Path,
    current: &Current,
    sync_name: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let temp = dir.join(FileName::CurrentTemp.to_string());
    let target = dir.join(FileName::Current.to_string());
    match vfs.remove(&temp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &temp, error));
        }
        _ => {}
    }
    let file = vfs.open(&temp, OpenMode::CreateNew).context("create", &temp)?;
    file.write_at(current.to_text().as_bytes(), 0).context("write to", &temp)?;
    // Durability: the rename may survive without the data unless the data is there first.
    file.sync_all().context("sync", &temp)?;
    vfs.rename(&temp, &target).context("rename to CURRENT", &temp)?;
    // Durability: the old manifest is removed after this; until the new name is durable a crash may
    // bring the old CURRENT back.
    sync_name()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn current() -> Current {
        let id = DatabaseId([0xa1; 16]);
        Current { id, manifest: 7, snapshot_end: 168, checksum: 0x9c01_f2aa }
    }

    #[test]
    fn current_is_read_as_it_is_written() {
        let text = current().to_text();
        let read = Current::parse(text.as_bytes(), Path::new("CURRENT")).expect("valid");
        assert_eq!(read, current());
    }

    #[test]
    fn no_single_bit_of_current_may_change_and_no_byte_be_missing() {
        let text = current().to_text().into_bytes();
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            Current::parse(&flipped, Path::new("CURRENT")).expect_err("a bit was flipped");
        }
        for len in 0..text.len() {
            Current::parse(&text[..len], Path::new("CURRENT")).expect_err("bytes are missing");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut text = "seawall 2\nsomething new\n".to_owned();
        text.push_str(&format!("check {:08x}\n", checksum::plain(text.as_bytes())));
        let error = Current::parse(text.as_bytes(), Path::new("CURRENT")).expect_err("newer");
        assert_eq!(error.kind(), ErrorKind::FormatTooNew);
    }
    /// A text is what is written for its content, or an error that names the file.
    fn judge(text: &[u8]) -> std::result::Result<(), TestCaseError> {
        match Current::parse(text, Path::new("CURRENT")) {
            Ok(current) => prop_assert_eq!(current.to_text().into_bytes(), text),
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Corruption);
                prop_assert_eq!(error.file(), Some(Path::new("CURRENT")));
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_content_comes_back_as_written(
            id: [u8; 16], manifest: u64, snapshot_end: u64, checksum: u32
        ) {
            let current = Current { id: DatabaseId(id), manifest, snapshot_end, checksum };
            let text = current.to_text();
            let read = Current::parse(text.as_bytes(), Path::new("CURRENT"));
            prop_assert_eq!(read.expect("its own text"), current);
        }

        #[test]
        fn arbitrary_bytes_are_no_current(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            judge(&bytes)?;
        }

        #[test]
        fn a_text_with_other_bytes_in_it_is_no_current(
            at in any::<prop::sample::Index>(),
            len in 0..20usize,
            other in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..20),
                "[ +0-9a-f\r\n]{0,20}".prop_map(String::into_bytes),
            ],
        ) {
            let mut text = current().to_text().into_bytes();
            let from = at.index(text.len());
            let to = (from + len).min(text.len());
            text.splice(from..to, other);
            judge(&text)?;
        }
    }
}
