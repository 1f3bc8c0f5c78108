//! Which compaction is due: a pure function of the levels, the limits and the tables in use.
//!
//! Level 0 is due by the number of its tables, the others by their size in bytes. The one that is
//! furthest over its limit comes first; from a level other than 0, the table with the least to rewrite
//! below it for its size.
//!
//! At rest, when none of that is due and nobody writes, the bytes above the lowest level count: all of
//! them may be of keys that are there again below.

use std::collections::BTreeSet;

use crate::base::file_name::FileNumber;
use crate::base::levels::{AsMeta, LEVELS_MAX, Levels};

/// When levels are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LevelLimits {
    /// How many levels are used.
    pub(crate) levels: usize,
    /// Level 0 is due with so many tables.
    pub(crate) first_tables: usize,
    /// Level 1 is due beyond so many bytes.
    pub(crate) base_bytes: u64,
    /// Each further level holds so many times the bytes of the one above.
    pub(crate) multiplier: u64,
}

impl LevelLimits {
    /// How many bytes a level other than 0 may have; the last one has no limit.
    fn bytes_max(&self, level: usize) -> u64 {
        let steps = u32::try_from(level.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base_bytes.saturating_mul(self.multiplier.saturating_pow(steps))
    }

    fn last(&self) -> usize {
        self.levels.min(LEVELS_MAX) - 1
    }
}

/// Tables to merge: those of one level and what they overlap of the next, which the outputs go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The upper level.
    pub(crate) level: usize,
    /// Tables of the upper level: in level 0 the oldest, and all up to the newest taken. None, when a
    /// table is written anew where it is.
    pub(crate) upper: Vec<FileNumber>,
    /// Every table of the level below that has keys in common with them, or the one of it that is
    /// written anew.
    pub(crate) lower: Vec<FileNumber>,
}

impl Plan {
    /// All tables that it takes.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = FileNumber> {
        self.upper.iter().chain(&self.lower).copied()
    }

    /// Whether the one table can be moved down as it is: nothing lies in its way.
    pub(crate) fn is_move(&self) -> bool {
        self.upper.len() == 1 && self.lower.is_empty()
    }
}

/// The compaction that is most due, if one is and can begin while `busy` tables are in use by others.
pub(crate) fn pick<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    limits: &LevelLimits,
) -> Option<Plan> {
    let mut due: Vec<(u64, usize)> = (0..limits.last())
        .map(|level| (fullness_percent(levels, busy, limits, level), level))
        .filter(|(percent, _)| *percent >= 100)
        .collect();
    due.sort_unstable_by_key(|(percent, level)| (std::cmp::Reverse(*percent), *level));
    due.into_iter().find_map(|(_, level)| match level {
        0 => plan_first(levels, busy),
        _ => plan_level(levels, busy, level),
    })
}

/// At rest the levels above the lowest one may have so many hundredths of its bytes.
const REST_PERCENT: u64 = 20;

/// What makes a version smaller that nobody changes: merges down from the level that has most bytes of
/// those above the lowest one. A table that is alone holds nothing twice.
pub(crate) fn pick_at_rest<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
) -> Option<Plan> {
    let lowest = levels.iter().map(|(level, _)| level).max()?.max(1);
    let above: u64 = (0..lowest).map(|level| levels.level_bytes(level)).sum();
    let most = levels.level_bytes(lowest) / 100 * REST_PERCENT;
    if above <= most || levels.count() < 2 {
        return None;
    }
    let mut fullest: Vec<usize> = (0..lowest).collect();
    fullest.sort_by_key(|level| std::cmp::Reverse(levels.level_bytes(*level)));
    fullest.into_iter().find_map(|level| match level {
        0 => plan_first(levels, busy),
        _ => plan_level(levels, busy, level),
    })
}

/// How full a level is. What is being merged away counts no more.
fn fullness_percent<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    limits: &LevelLimits,
    level: usize,
) -> u64 {
    let free = levels.level(level).iter().filter(|table| !busy.contains(&table.meta().number));
    if level == 0 {
        return free.count() as u64 * 100 / limits.first_tables.max(1) as u64;
    }
    let bytes: u64 = free.map(|table| table.meta().size_bytes).sum();
    let max = limits.bytes_max(level);
    // Exactly full is not due yet.
    if bytes > max { (u128::from(bytes) * 100 / u128::from(max.max(1))) as u64 } else { 0 }
}

/// All of level 0. There is one such compaction at a time: what is older goes down first.
fn plan_first<T: AsMeta>(levels: &Levels<T>, busy: &BTreeSet<FileNumber>) -> Option<Plan> {
    plan_of(levels, busy, 0, levels.level(0).iter().collect())
}

/// The table of a level that is cheapest to merge down.
fn plan_level<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    level: usize,
) -> Option<Plan> {
    let cost = |table: &T| {
        let meta = table.meta();
        let below = levels.overlapping(level + 1, &meta.smallest, &meta.largest);
        let bytes: u64 = below.map(|table| table.meta().size_bytes).sum();
        u128::from(bytes) * 1_000 / u128::from(meta.size_bytes.max(1))
    };
    let mut tables: Vec<_> = levels.level(level).iter().map(|table| (cost(table), table)).collect();
    tables.sort_by_key(|(cost, _)| *cost);
    tables.into_iter().find_map(|(_, table)| plan_of(levels, busy, level, vec![table]))
}

/// What has to go down from `level` so that nothing of the range is left in it, a table at a time.
/// `None` when nothing is left, or what is left is in use: `busy` tables are somebody else's.
pub(crate) fn plan_range<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    level: usize,
    touches: impl Fn(&T) -> bool,
) -> Option<Plan> {
    let mut inside = levels.level(level).iter().filter(|table| touches(table));
    if level == 0 {
        return inside.next().and_then(|_| plan_first(levels, busy));
    }
    inside.find_map(|table| plan_of(levels, busy, level, vec![table]))
}

/// What writes the table `number` of `level`, which is not 0, anew on its level. `None` when it is not
/// there, or in use.
pub(crate) fn plan_in_place<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    level: usize,
    number: FileNumber,
) -> Option<Plan> {
    let there = levels.level(level).iter().any(|table| table.meta().number == number);
    let free = there && !busy.contains(&number);
    free.then(|| Plan { level: level - 1, upper: Vec::new(), lower: vec![number] })
}

/// How many tables of a level [`pick_fewer`] takes at most.
const FEWER_MAX: usize = 32;

/// What makes fewer tables of many, whether a level is over its limit or not: neighbours of the level
/// that has most, of those above the last.
pub(crate) fn pick_fewer<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    limits: &LevelLimits,
) -> Option<Plan> {
    let mut most: Vec<usize> = (0..limits.last()).filter(|l| levels.level(*l).len() > 1).collect();
    most.sort_by_key(|level| std::cmp::Reverse(levels.level(*level).len()));
    most.into_iter().find_map(|level| match level {
        0 => plan_first(levels, busy),
        _ => plan_of(levels, busy, level, levels.level(level).iter().take(FEWER_MAX).collect()),
    })
}

/// The plan that begins with the tables `upper`, unless one that it needs is in use.
fn plan_of<T: AsMeta>(
    levels: &Levels<T>,
    busy: &BTreeSet<FileNumber>,
    level: usize,
    upper: Vec<&T>,
) -> Option<Plan> {
    let smallest = upper.iter().map(|table| &*table.meta().smallest).min()?;
    let largest = upper.iter().map(|table| &*table.meta().largest).max()?;
    let lower = levels.overlapping(level + 1, smallest, largest);
    let plan = Plan {
        level,
        lower: lower.map(|table| table.meta().number).collect(),
        upper: upper.iter().map(|table| table.meta().number).collect(),
    };
    let in_use = plan.inputs().any(|number| busy.contains(&number));
    (!in_use).then_some(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::table_meta::TableMeta;
    use proptest::prelude::*;

    const LIMITS: LevelLimits =
        LevelLimits { levels: 4, first_tables: 2, base_bytes: 100, multiplier: 10 };

    /// `0: 7 a-m 50, 8 c-z` is level 0 with two tables: number, keys and size, which is 100 unless
    /// given. A star marks one in use.
    fn parse(text: &str) -> (Levels<TableMeta>, BTreeSet<FileNumber>) {
        let (mut levels, mut busy) = (Levels::default(), BTreeSet::new());
        for line in text.split(';') {
            let (level, tables) = line.split_once(':').expect("a level");
            let level = level.trim().parse().expect("a level");
            for table in tables.split(',') {
                let words: Vec<_> = table.split_whitespace().collect();
                let number = words[0].trim_end_matches('*').parse().expect("a number");
                let (smallest, largest) = words[1].split_once('-').expect("two keys");
                if words[0].ends_with('*') {
                    busy.insert(number);
                }
                let seqno = number * 10;
                levels.insert(
                    level,
                    TableMeta {
                        number,
                        size_bytes: words.get(2).map_or(100, |size| size.parse().expect("a size")),
                        entry_count: 1,
                        smallest: smallest.as_bytes().into(),
                        largest: largest.as_bytes().into(),
                        seqno_min: seqno,
                        seqno_max: seqno,
                    },
                );
            }
        }
        (levels, busy)
    }

    fn show(plan: Option<Plan>) -> String {
        plan.map_or("nothing".to_owned(), |plan| {
            let verb = if plan.is_move() { "move" } else { "merge" };
            format!("{verb} {:?} of level {} with {:?}", plan.upper, plan.level, plan.lower)
        })
    }

    #[test]
    fn what_is_due() {
        let table: String = [
            "0: 1 a-m",
            "0: 1 a-m, 2 c-z",
            "0: 1 a-c, 2 f-g; 1: 3 a-b 10, 4 d-e 10, 5 g-k 10",
            "0: 1 a-c, 2* f-g, 6 a-b, 7 c-d",
            "0: 1 a-c, 2 f-g; 1: 3* a-b 10",
            "1: 3 a-b 50, 4 d-e 50",
            "1: 3 a-b 50, 4 d-e 51",
            "1: 3 a-b 90, 4 d-e 90; 2: 5 a-a 50, 6 c-k 40",
            "1: 3 a-b 90, 4 d-e 90; 2: 5 a-a 50, 6* c-k 40",
            "1: 3 a-b 90, 4 d-e 90; 2: 5* a-a 50, 6* c-k 40",
            "0: 1 a-c, 2 f-g; 1: 3 a-b 900; 2: 4 k-z 10",
            "0: 1 a-c, 2 f-g, 6 a-b; 1: 3 m-n 101; 2: 4 k-z 10",
            "2: 3 a-b 1001",
            "3: 3 a-b 100000",
        ]
        .iter()
        .map(|text| {
            let (levels, busy) = parse(text);
            format!("{text}\n    {}\n", show(pick(&levels, &busy, &LIMITS)))
        })
        .collect();
        insta::assert_snapshot!(table);
    }

    #[test]
    fn at_rest_little_is_left_above_the_lowest_level() {
        for (text, wanted) in [
            ("0: 1 a-c", "nothing"),
            ("1: 1 a-c, 2 d-e", "nothing"),
            ("0: 1 a-c, 2 d-e", "merge [1, 2] of level 0 with []"),
            ("0: 1 a-c 20; 1: 2 a-b 100", "nothing"),
            ("0: 1 a-c 21; 1: 2 a-b 100", "merge [1] of level 0 with [2]"),
            ("0: 1 a-c 21; 1: 2* a-b 100", "nothing"),
            ("0: 1 a-c 10; 1: 2 a-b 20; 3: 3 a-b 200", "nothing"),
            ("0: 1 a-c 10; 1: 2 a-b 50; 3: 3 a-b 200", "move [2] of level 1 with []"),
            ("0: 1 a-c 10; 1: 2* a-b 50; 3: 3 a-b 200", "nothing"),
            ("0: 1 a-c 10; 2: 2 a-b 50, 4 c-d 40; 3: 3 a-b 200", "move [4] of level 2 with []"),
        ] {
            let (levels, busy) = parse(text);
            assert_eq!(show(pick_at_rest(&levels, &busy)), wanted, "{text}");
        }
    }

    #[test]
    fn fewer_tables_are_made_of_the_level_that_has_most() {
        for (text, wanted) in [
            ("0: 1 a-c", "nothing"),
            ("0: 1 a-c, 2 d-e; 1: 3 a-b", "merge [1, 2] of level 0 with [3]"),
            ("0: 1 a-c, 2 d-e; 1: 3 a-b, 4 c-d, 5 e-f", "merge [3, 4, 5] of level 1 with []"),
            ("0: 1* a-c, 2 d-e; 1: 3 a-b, 4 f-g; 2: 5 c-d", "merge [3, 4] of level 1 with [5]"),
            ("0: 1 a-c; 3: 3 a-b, 4 c-d", "nothing"),
        ] {
            let (levels, busy) = parse(text);
            assert_eq!(show(pick_fewer(&levels, &busy, &LIMITS)), wanted, "{text}");
        }
    }

    #[test]
    fn a_range_goes_down_a_level() {
        let (levels, busy) = parse("0: 1 a-c; 1: 3 a-b, 4 d-e; 2: 5 d-d");
        let all = |_: &TableMeta| true;
        let plan = |level| show(plan_range(&levels, &busy, level, all));
        assert_eq!(plan(0), "merge [1] of level 0 with [3]");
        assert_eq!(plan(1), "move [3] of level 1 with []");
        assert_eq!(plan(2), "move [5] of level 2 with []");
        assert_eq!(plan(3), "nothing");
        let in_place = |number| show(plan_in_place(&levels, &busy, 1, number));
        assert_eq!(in_place(4), "merge [] of level 0 with [4]");
        assert_eq!(in_place(5), "nothing");
        let of_d = |table: &TableMeta| table.covers(b"d");
        assert_eq!(show(plan_range(&levels, &busy, 1, of_d)), "merge [4] of level 1 with [5]");
        assert_eq!(plan_range(&levels, &busy, 0, of_d), None);
    }

    proptest! {
        #[test]
        fn a_plan_takes_all_that_overlaps_and_nothing_in_use(
            tables in prop::collection::vec((0..4usize, 0..20u8, 0..6u8, 1..300u64, 0..4u8), 0..20),
        ) {
            let (mut levels, mut busy) = (Levels::default(), BTreeSet::new());
            for (number, (level, start, len, size_bytes, in_use)) in (1..).zip(tables) {
                let mut more = levels.clone();
                more.insert(level, TableMeta {
                    number,
                    size_bytes,
                    entry_count: 1,
                    smallest: [start].into(),
                    largest: [start + len].into(),
                    seqno_min: number,
                    seqno_max: number,
                });
                if more.check().is_ok() {
                    levels = more;
                    if in_use == 0 {
                        busy.insert(number);
                    }
                }
            }
            if let Some(plan) = pick(&levels, &busy, &LIMITS) {
                let of = |number: FileNumber| levels.find(number).expect("a table of the version");
                prop_assert!(!plan.upper.is_empty());
                prop_assert!(plan.level < 3);
                prop_assert!(plan.inputs().all(|number| !busy.contains(&number)));
                let smallest = plan.upper.iter().map(|n| &of(*n).smallest).min().expect("one");
                let largest = plan.upper.iter().map(|n| &of(*n).largest).max().expect("one");
                let overlapping: Vec<_> = levels
                    .overlapping(plan.level + 1, smallest, largest)
                    .map(|table| table.number)
                    .collect();
                prop_assert_eq!(overlapping, plan.lower);
            }
        }
    }
}
