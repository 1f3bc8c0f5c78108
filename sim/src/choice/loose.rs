//! Answers to more than one choice.
//!
//! ```text
//! answer survival g1/crash 000003.wal[512..1024) 0 = zeros      one sector of one log
//! answer survival g1/crash *.wal[*..*) 0 = zeros                every sector of every log
//! answer schedule g0/flush flush/mutex * = client-1             every time that it asks there
//! ```
//!
//! A key names its choice for good, but some keys speak of numbers that depend on all that happened
//! before: a sector, the number of a file, how often a task came by. The shrinker leaves operations
//! out and lets such answers follow by loosening them. The run records which choices they decided,
//! so a recorded tape has none of them. An exact answer goes before a loose one.

/// The count that stands for every count; written `*`.
pub const EVERY: u32 = u32::MAX;

/// The site with every number in it as `*`, which fits any number.
pub fn loosened(site: &str) -> String {
    let mut loose = String::with_capacity(site.len());
    for letter in site.chars() {
        let letter = if letter.is_ascii_digit() { '*' } else { letter };
        if letter != '*' || !loose.ends_with('*') {
            loose.push(letter);
        }
    }
    loose
}

/// Whether a site fits more than itself.
pub(super) fn is_loose(site: &str) -> bool {
    site.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_loose() {
        assert_eq!(loosened("000003.wal[512..1024)/cut"), "*.wal[*..*)/cut");
        assert_eq!(loosened("MANIFEST-000001/name"), "MANIFEST-*/name");
        assert_eq!(loosened("commit/wal/write_at"), "commit/wal/write_at");
        assert_eq!(loosened("*.wal"), "*.wal");
    }
}
