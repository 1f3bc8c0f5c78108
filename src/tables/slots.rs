//! How many tables may be open at once. Each open table has a slot; there are so many and no more.
//!
//! A memtable takes the slot of its table when it is frozen, so a flush never lacks one, and leaves a
//! few to compactions, which are what gives slots back. A compaction that finds few slots writes fewer
//! and larger tables; one is enough. So compactions can go on when commits cannot, unless readers hold
//! on to tables that were merged away: nobody waits for those, commits fail.

use std::sync::Arc;

use seawall_os::sync::{AtomicUsize, Ordering, panicking};

use super::Released;
use crate::base::error::{Error, ErrorKind, Result};

/// See the module.
#[derive(Debug)]
pub(crate) struct Slots {
    taken: AtomicUsize,
    max: usize,
    /// How many of them memtables leave to compactions.
    kept: usize,
    told: Arc<dyn Released>,
}

/// Permits one table to be open. Given back when the last clone is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
}

impl Slots {
    /// `max` slots, the last `kept` of them for compactions. `told` hears of it when one comes free
    /// that somebody may have lacked.
    pub(crate) fn new(max: usize, kept: usize, told: Arc<dyn Released>) -> Arc<Slots> {
        assert!(max > kept, "{kept} of {max} slots are kept");
        Arc::new(Slots { taken: AtomicUsize::new(0), max, kept, told })
    }

    /// A slot for a table that the version has, or for the first output of a compaction.
    ///
    /// # Errors
    /// `TooManyTables` when none is left.
    pub(crate) fn take(self: &Arc<Slots>) -> Result<Arc<Slot>> {
        self.take_below(self.max).ok_or_else(|| self.too_many())
    }

    /// A slot for the table that a memtable will become, if there is one for it.
    pub(crate) fn take_for_memtable(self: &Arc<Slots>) -> Option<Arc<Slot>> {
        self.take_below(self.max - self.kept)
    }

    /// A slot for one more output of a compaction of `inputs` tables that has `outputs`. While there
    /// are few slots, a compaction leaves at most half as many tables as it found.
    pub(crate) fn take_for_output(
        self: &Arc<Slots>,
        inputs: usize,
        outputs: usize,
    ) -> Option<Arc<Slot>> {
        let many = self.take_below((self.max - self.kept) / 2);
        many.or_else(|| (outputs < inputs / 2).then(|| self.take_below(self.max)).flatten())
    }

    fn take_below(self: &Arc<Slots>, bound: usize) -> Option<Arc<Slot>> {
        let mut taken = self.taken();
        while taken < bound {
            let order = (Ordering::AcqRel, Ordering::Acquire);
            match self.taken.compare_exchange(taken, taken + 1, order.0, order.1) {
                Ok(_) => return Some(Arc::new(Slot { slots: Arc::clone(self) })),
                Err(now) => taken = now,
            }
        }
        None
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Whether none is left, not even for a compaction.
    pub(crate) fn is_full(&self) -> bool {
        self.taken() >= self.max
    }

    /// Fails when a memtable would get none.
    pub(crate) fn check_memtable(&self) -> Result<()> {
        if self.taken() >= self.max - self.kept { Err(self.too_many()) } else { Ok(()) }
    }

    fn too_many(&self) -> Error {
        Error::new(
            ErrorKind::TooManyTables,
            format!(
                "no more tables may be open: open_tables_max is {}, and a table that was merged away \
                 stays open as long as an iterator reads it",
                self.max
            ),
        )
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let before = self.slots.taken.fetch_sub(1, Ordering::AcqRel);
        if before >= self.slots.max - self.slots.kept && !panicking() {
            self.slots.told.slot_came_free();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::file_name::FileNumber;

    /// Counts what it was told.
    #[derive(Debug, Default)]
    struct Told(AtomicUsize);

    impl Released for Told {
        fn released(&self, _: FileNumber) {}

        fn slot_came_free(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn memtables_leave_slots_to_compactions_and_compactions_make_fewer_tables_of_many() {
        let told = Arc::new(Told::default());
        let slots = Slots::new(10, 2, Arc::clone(&told) as Arc<dyn Released>);
        // As many outputs as a compaction likes, up to the half.
        let mut held: Vec<_> = (0..4).map_while(|_| slots.take_for_output(1, 9)).collect();
        assert_eq!(held.len(), 4);
        assert!(slots.take_for_output(6, 3).is_none());
        held.extend(slots.take_for_output(6, 2));
        held.extend(std::iter::from_fn(|| slots.take_for_memtable()));
        assert_eq!(slots.taken(), 8);
        assert_eq!(slots.check_memtable().expect_err("all").kind(), ErrorKind::TooManyTables);
        held.push(slots.take().expect("kept"));
        held.push(slots.take().expect("kept"));
        assert!(slots.is_full() && slots.take().is_err());
        let shared = held.pop();
        drop(shared.clone());
        assert!(slots.is_full());
        drop(shared);
        held.truncate(7);
        assert_eq!(told.0.load(Ordering::Relaxed), 3, "from 10, 9 and 8 on");
        slots.check_memtable().expect("one is free");
    }
}
