//! The names of a database's files.
//!
//! ```text
//! LOCK  CURRENT  CURRENT.tmp  MANIFEST-000001  000002.wal  000003.sst  000004.wal.damaged
//! ```
//!
//! Numbers have at least six digits and are drawn from one counter for all kinds of file.

use std::fmt;

/// The number in a file's name. Never used twice in the life of a database.
pub(crate) type FileNumber = u64;

/// The largest number a file may have; log frames hold numbers in 32 bits.
pub(crate) const FILE_NUMBER_MAX: FileNumber = u32::MAX as FileNumber;

/// What a name in a database's directory stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileName {
    /// Held for as long as a process has the database open.
    Lock,
    /// Names the manifest that counts.
    Current,
    /// The next `CURRENT` before it is renamed.
    CurrentTemp,
    /// A log of edits to the set of tables and segments.
    Manifest(FileNumber),
    /// A segment of the write-ahead log.
    Wal(FileNumber),
    /// A table.
    Table(FileNumber),
    /// A file that recovery could not explain, set aside under its old name and this ending.
    Damaged(Option<FileNumber>),
}

impl FileName {
    /// What `name` stands for; `None` for a name that is not ours.
    pub(crate) fn parse(name: &str) -> Option<FileName> {
        if let Some(original) = name.strip_suffix(".damaged") {
            return Some(FileName::Damaged(
                FileName::parse(original).and_then(|name| name.number()),
            ));
        }
        match name {
            "LOCK" => return Some(FileName::Lock),
            "CURRENT" => return Some(FileName::Current),
            "CURRENT.tmp" => return Some(FileName::CurrentTemp),
            _ => {}
        }
        let parsed = if let Some(digits) = name.strip_prefix("MANIFEST-") {
            FileName::Manifest(parse_number(digits)?)
        } else if let Some(digits) = name.strip_suffix(".wal") {
            FileName::Wal(parse_number(digits)?)
        } else {
            FileName::Table(parse_number(name.strip_suffix(".sst")?)?)
        };
        // Only the one spelling that we write is ours.
        (parsed.to_string() == name).then_some(parsed)
    }

    /// The number in the name.
    pub(crate) fn number(&self) -> Option<FileNumber> {
        match *self {
            FileName::Manifest(number) | FileName::Wal(number) | FileName::Table(number) => {
                Some(number)
            }
            FileName::Damaged(number) => number,
            FileName::Lock | FileName::Current | FileName::CurrentTemp => None,
        }
    }
}

fn parse_number(digits: &str) -> Option<FileNumber> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain { digits.parse().ok()? } else { return None };
    (1..=FILE_NUMBER_MAX).contains(&number).then_some(number)
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileName::Lock => f.write_str("LOCK"),
            FileName::Current => f.write_str("CURRENT"),
            FileName::CurrentTemp => f.write_str("CURRENT.tmp"),
            FileName::Manifest(number) => write!(f, "MANIFEST-{number:06}"),
            FileName::Wal(number) => write!(f, "{number:06}.wal"),
            FileName::Table(number) => write!(f, "{number:06}.sst"),
            FileName::Damaged(Some(number)) => write!(f, "{number:06}.damaged"),
            FileName::Damaged(None) => f.write_str("?.damaged"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in
            ["LOCK", "CURRENT", "CURRENT.tmp", "MANIFEST-000001", "000002.wal", "1234567.sst"]
        {
            let parsed = FileName::parse(name).expect("one of ours");
            assert_eq!(parsed.to_string(), name);
        }
    }

    #[test]
    fn other_spellings_are_not_ours() {
        for name in ["2.wal", "000000.wal", "0000002.wal", "+00002.wal", "000002.log", "lock", ""] {
            assert_eq!(FileName::parse(name), None, "{name:?}");
        }
        assert_eq!(FileName::parse("99999999999.sst"), None);
    }

    #[test]
    fn a_damaged_file_keeps_its_number() {
        assert_eq!(FileName::parse("000004.wal.damaged"), Some(FileName::Damaged(Some(4))));
        assert_eq!(FileName::parse("CURRENT.damaged"), Some(FileName::Damaged(None)));
    }
}
