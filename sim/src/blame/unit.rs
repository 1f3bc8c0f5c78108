//! The names of what a crash decides, read back: `000003.wal[512..1024)/limbo`, `CURRENT/name`.

/// A part of the disk that survives on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The file, or the name.
    pub(super) file: String,
    pub(super) part: Part,
    /// Whether a sync of it had failed.
    pub(super) in_limbo: bool,
}

/// Which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes of a file.
    Bytes(u64, u64),
    /// Bytes that nobody wrote.
    Hole(u64, u64),
    /// A file's size.
    Size,
    /// A name of a directory.
    Name,
}

impl Unit {
    /// Reads a unit; `None` for what is none, such as where a torn one is cut.
    pub(super) fn parse(text: &str) -> Option<Unit> {
        let (rest, evicted) = strip(text, "/evict");
        let (rest, limbo) = strip(rest, "/limbo");
        let (rest, hole) = strip(rest, "/hole");
        let in_limbo = evicted || limbo;
        let (file, is_name) = strip(rest, "/name");
        if is_name {
            return Some(Unit { file: file.to_owned(), part: Part::Name, in_limbo });
        }
        let (file, is_size) = strip(rest, "/size");
        if is_size {
            return Some(Unit { file: file.to_owned(), part: Part::Size, in_limbo });
        }
        let (file, range) = rest.strip_suffix(')')?.rsplit_once('[')?;
        let (from, to) = range.split_once("..")?;
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        let part = if hole { Part::Hole(from, to) } else { Part::Bytes(from, to) };
        Some(Unit { file: file.to_owned(), part, in_limbo })
    }
}

fn strip<'a>(text: &'a str, ending: &str) -> (&'a str, bool) {
    text.strip_suffix(ending).map_or((text, false), |rest| (rest, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_from_the_site_of_its_choice() {
        let unit = |text: &str| Unit::parse(text).map(|unit| (unit.file, unit.part, unit.in_limbo));
        let wal = || "000003.wal".to_owned();
        assert_eq!(unit("000003.wal[512..1024)"), Some((wal(), Part::Bytes(512, 1024), false)));
        assert_eq!(unit("000003.wal[0..512)/limbo"), Some((wal(), Part::Bytes(0, 512), true)));
        assert_eq!(unit("000003.wal[0..4096)/hole"), Some((wal(), Part::Hole(0, 4096), false)));
        assert_eq!(unit("000003.wal/size"), Some((wal(), Part::Size, false)));
        assert_eq!(unit("CURRENT/name"), Some(("CURRENT".to_owned(), Part::Name, false)));
        assert_eq!(unit("CURRENT/name/evict"), Some(("CURRENT".to_owned(), Part::Name, true)));
        for other in ["000003.wal[512..1024)/cut", "mode", "mode/which", "commit/wal/write_at/done"]
        {
            assert_eq!(unit(other), None, "{other}");
        }
    }
}
