//! The tables of a version, by level.
//!
//! ```text
//! level 0      oldest first; any two may overlap in keys, none in seqnos
//! level 1 ..   in order of keys; no two overlap, not even in one key
//! ```
//!
//! Of one key, what is in a level is newer than what is in the levels below it (of larger numbers),
//! and in level 0 newer than what stands before it.

use super::file_name::FileNumber;
use super::table_meta::TableMeta;

/// How many levels there are at most. Level numbers are smaller.
pub(crate) const LEVELS_MAX: usize = 7;

/// Something that stands for a table: what is known of it, or the open file.
pub(crate) trait AsMeta {
    /// What is known of the table.
    fn meta(&self) -> &TableMeta;
}

impl AsMeta for TableMeta {
    fn meta(&self) -> &TableMeta {
        self
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Levels<T> {
    levels: [Vec<T>; LEVELS_MAX],
}

impl<T> Default for Levels<T> {
    fn default() -> Levels<T> {
        Levels { levels: std::array::from_fn(|_| Vec::new()) }
    }
}

impl<T> Levels<T> {
    /// The tables of one level, in its order.
    pub(crate) fn level(&self, level: usize) -> &[T] {
        &self.levels[level]
    }

    /// All tables with their levels, from level 0 down.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let levels = self.levels.iter().enumerate();
        levels.flat_map(|(level, tables)| tables.iter().map(move |table| (level, table)))
    }

    /// How many tables there are.
    pub(crate) fn count(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }

    /// Appends a table to a level, whether that is its place or not.
    pub(crate) fn push(&mut self, level: usize, table: T) {
        self.levels[level].push(table);
    }

    /// The same tables in the same places, each turned into something else.
    ///
    /// # Errors
    /// The first one of `turn`.
    pub(crate) fn try_map<U, E>(
        &self,
        mut turn: impl FnMut(&T) -> Result<U, E>,
    ) -> Result<Levels<U>, E> {
        let mut turned = Levels::default();
        for (level, table) in self.iter() {
            turned.push(level, turn(table)?);
        }
        Ok(turned)
    }
}

impl<T: AsMeta> Levels<T> {
    /// Puts a table into its place, without a check: in level 0 that is the newest.
    pub(crate) fn insert(&mut self, level: usize, table: T) {
        let tables = &mut self.levels[level];
        let at = match level {
            0 => tables.len(),
            _ => tables.partition_point(|other| other.meta().smallest < table.meta().smallest),
        };
        tables.insert(at, table);
    }

    /// Takes a table out and says on which level it was.
    pub(crate) fn remove(&mut self, number: FileNumber) -> Option<(usize, T)> {
        self.levels.iter_mut().enumerate().find_map(|(level, tables)| {
            let at = tables.iter().position(|table| table.meta().number == number)?;
            Some((level, tables.remove(at)))
        })
    }

    /// The table of that number.
    pub(crate) fn find(&self, number: FileNumber) -> Option<&T> {
        self.iter().find(|(_, table)| table.meta().number == number).map(|(_, table)| table)
    }

    /// The tables that may hold `key`: what a later one holds of it is older.
    pub(crate) fn holding(&self, key: &[u8]) -> impl Iterator<Item = &T> {
        let first = self.levels[0].iter().rev().filter(move |table| table.meta().covers(key));
        first.chain(self.holding_from(1, key))
    }

    /// Those of level `first` and below, one a level at most.
    ///
    /// REQUIRES: a level other than 0.
    pub(crate) fn holding_from(&self, first: usize, key: &[u8]) -> impl Iterator<Item = &T> {
        let levels = self.levels.get(first..).unwrap_or_default().iter();
        levels.filter_map(move |tables| {
            let at = tables.partition_point(|table| *table.meta().largest < *key);
            tables.get(at).filter(|table| *table.meta().smallest <= *key)
        })
    }

    /// The tables of a level that hold keys from `smallest` to `largest`, both inclusive.
    pub(crate) fn overlapping(
        &self,
        level: usize,
        smallest: &[u8],
        largest: &[u8],
    ) -> impl Iterator<Item = &T> {
        let tables = &self.levels[level];
        let (start, end) = match level {
            0 => (0, tables.len()),
            _ => (
                tables.partition_point(|table| *table.meta().largest < *smallest),
                tables.partition_point(|table| *table.meta().smallest <= *largest),
            ),
        };
        let tables = tables.get(start..end).unwrap_or_default().iter();
        tables.filter(move |table| table.meta().overlaps(smallest, largest))
    }

    /// The sum of the sizes of a level's tables, in bytes.
    pub(crate) fn level_bytes(&self, level: usize) -> u64 {
        self.levels[level].iter().map(|table| table.meta().size_bytes).sum()
    }

    /// What holds of every version.
    ///
    /// # Errors
    /// The first thing that does not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut numbers: Vec<FileNumber> =
            self.iter().map(|(_, table)| table.meta().number).collect();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("a table is listed twice".to_owned());
        }
        for pair in self.levels[0].windows(2) {
            let (older, newer) = (pair[0].meta(), pair[1].meta());
            if older.seqno_max >= newer.seqno_min {
                let (older, newer) = (older.number, newer.number);
                return Err(format!("tables {older} and {newer} of level 0 overlap in seqnos"));
            }
        }
        for (level, tables) in self.levels.iter().enumerate().skip(1) {
            for pair in tables.windows(2) {
                let (left, right) = (pair[0].meta(), pair[1].meta());
                if left.largest >= right.smallest {
                    let (left, right) = (left.number, right.number);
                    return Err(format!("tables {left} and {right} of level {level} overlap"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(number: FileNumber, keys: &str, seqnos: (u64, u64)) -> TableMeta {
        let (smallest, largest) = keys.split_once('-').expect("two keys");
        TableMeta {
            number,
            size_bytes: 100,
            entry_count: 10,
            smallest: smallest.as_bytes().into(),
            largest: largest.as_bytes().into(),
            seqno_min: seqnos.0,
            seqno_max: seqnos.1,
        }
    }

    fn levels(tables: &[(usize, TableMeta)]) -> Levels<TableMeta> {
        let mut levels = Levels::default();
        tables.iter().for_each(|(level, table)| levels.insert(*level, table.clone()));
        levels
    }

    fn numbers<'a>(tables: impl Iterator<Item = &'a TableMeta>) -> Vec<FileNumber> {
        tables.map(|table| table.number).collect()
    }

    #[test]
    fn a_key_is_looked_for_from_the_newest_table_to_the_oldest() {
        let levels = levels(&[
            (0, table(5, "a-m", (40, 49))),
            (0, table(6, "c-z", (50, 59))),
            (1, table(3, "a-d", (20, 29))),
            (1, table(4, "f-k", (20, 29))),
            (2, table(1, "d-e", (1, 9))),
        ]);
        assert_eq!(numbers(levels.holding(b"d")), [6, 5, 3, 1]);
        assert_eq!(numbers(levels.holding(b"e")), [6, 5, 1]);
        assert_eq!(numbers(levels.holding(b"b")), [5, 3]);
        assert_eq!(numbers(levels.holding(b"zz")), [0; 0]);
        assert_eq!(numbers(levels.holding_from(2, b"d")), [1]);
        assert_eq!(numbers(levels.holding_from(LEVELS_MAX, b"d")), [0; 0]);
        assert_eq!(numbers(levels.overlapping(0, b"n", b"p")), [6]);
        assert_eq!(numbers(levels.overlapping(1, b"d", b"f")), [3, 4]);
        assert_eq!(numbers(levels.overlapping(1, b"d1", b"e")), [0; 0]);
        assert_eq!((levels.level_bytes(1), levels.count()), (200, 5));
        assert_eq!(levels.check(), Ok(()));
    }

    #[test]
    fn what_overlaps_is_no_version() {
        let twice = levels(&[(0, table(1, "a-b", (1, 2))), (1, table(1, "a-b", (1, 2)))]);
        assert_eq!(twice.check(), Err("a table is listed twice".to_owned()));
        let seqnos = levels(&[(0, table(1, "a-b", (1, 5))), (0, table(2, "c-d", (5, 6)))]);
        let what = "tables 1 and 2 of level 0 overlap in seqnos";
        assert_eq!(seqnos.check(), Err(what.to_owned()));
        let keys = levels(&[(1, table(1, "a-c", (1, 2))), (1, table(2, "c-d", (3, 4)))]);
        assert_eq!(keys.check(), Err("tables 1 and 2 of level 1 overlap".to_owned()));
    }

    proptest! {
        #[test]
        fn what_was_inserted_can_be_removed(picks in prop::collection::vec((0..LEVELS_MAX, 0..26u8), 1..20)) {
            let mut levels = Levels::default();
            for (number, (level, letter)) in (1..).zip(&picks) {
                let key = char::from(b'a' + letter);
                levels.insert(*level, table(number, &format!("{key}-{key}"), (number, number)));
            }
            prop_assert_eq!(levels.count(), picks.len());
            for (number, (level, _)) in (1..).zip(&picks) {
                prop_assert!(levels.find(number).is_some());
                let (from, removed) = levels.remove(number).expect("it was inserted");
                prop_assert_eq!((from, removed.number), (*level, number));
                prop_assert!(levels.remove(number).is_none());
            }
            prop_assert_eq!(levels, Levels::default());
        }
    }
}
