//! A range of keys.

use std::ops::{Bound, RangeBounds};

use super::slice::Slice;

/// The keys between two bounds. One that ends before it starts holds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) start: Bound<Slice>,
    pub(crate) end: Bound<Slice>,
}

impl KeyRange {
    /// All keys.
    pub(crate) fn all() -> KeyRange {
        KeyRange { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// The keys within `bounds`.
    pub(crate) fn of<K: AsRef<[u8]>>(bounds: impl RangeBounds<K>) -> KeyRange {
        let own = |bound: Bound<&K>| bound.map(|key| Slice::from(key.as_ref()));
        KeyRange { start: own(bounds.start_bound()), end: own(bounds.end_bound()) }
    }

    /// The keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> KeyRange {
        // The first key behind all of them: the last byte that can be raised is.
        let kept = prefix.iter().rposition(|byte| *byte < u8::MAX).map_or(0, |last| last + 1);
        let mut end = prefix[..kept].to_vec();
        let end = match end.last_mut() {
            Some(last) => {
                *last += 1;
                Bound::Excluded(Slice::from(end))
            }
            None => Bound::Unbounded,
        };
        KeyRange { start: Bound::Included(Slice::from(prefix)), end }
    }

    /// Whether `key` is before the range.
    pub(crate) fn starts_after(&self, key: &[u8]) -> bool {
        match &self.start {
            Bound::Unbounded => false,
            Bound::Included(start) => key < &**start,
            Bound::Excluded(start) => key <= &**start,
        }
    }

    /// Whether `key` is behind the range.
    pub(crate) fn ends_before(&self, key: &[u8]) -> bool {
        match &self.end {
            Bound::Unbounded => false,
            Bound::Included(end) => key > &**end,
            Bound::Excluded(end) => key >= &**end,
        }
    }

    /// Whether `key` is in the range.
    #[cfg(test)]
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        !self.starts_after(key) && !self.ends_before(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_prefix_holds_the_keys_that_begin_with_it(
            prefix in prop::collection::vec(253u8.., 0..4),
            key in prop::collection::vec(253u8.., 0..5),
        ) {
            prop_assert_eq!(KeyRange::prefix(&prefix).contains(&key), key.starts_with(&prefix));
        }
    }

    #[test]
    fn bounds_are_kept_as_given() {
        let range = KeyRange::of("b".."d");
        assert!(range.contains(b"b") && range.contains(b"cc") && !range.contains(b"d"));
        assert!(range.starts_after(b"a") && range.ends_before(b"d"));
        let range = KeyRange::of::<&str>((Bound::Excluded("b"), Bound::Included("d")));
        assert!(!range.contains(b"b") && range.contains(b"b\0") && range.contains(b"d"));
        assert!(KeyRange::all().contains(b""));
        assert!(!KeyRange::of("d".."b").contains(b"c"));
    }
}
