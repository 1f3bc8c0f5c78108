//! Seawall itself as a [`System`]: the only place of the simulator that knows the store.

mod audit;
mod damage;
pub mod fuzz;
mod gate;
mod generate;
mod keys;
mod model;
mod op;
mod reopen;
mod slots;
mod value;

use std::ops::Bound;
use std::sync::Arc;

use seawall::{Db, Durability, Error, ErrorKind, Options, Range, Slice, WriteBatch};
use seawall_os::vfs::Vfs;

pub use model::{Model, Seen};
pub use op::{Op, Order, Place};

use crate::config::{Config, Knob, knob};
use crate::system::{Answer, Closed, Complaint, Difference, Draw, Opened, Probing, System, Undone};
use keys::Keys;
use reopen::Current;
use slots::Slots;
use value::Value;

/// The store of this repository.
#[derive(Debug)]
pub struct Seawall;

/// About how many keys are looked around at in a close look.
const AROUND_MAX: u16 = 6;

/// Where the database lies on the simulated disk.
const DIRECTORY: &str = "/db";

const KNOBS: &[Knob] = &[
    knob("keys", &[12, 4, 24, 64]),
    knob("key_shape", &[0, 1, 2]),
    knob("write_weight", &[4, 2, 8]),
    knob("sync_percent", &[50, 0, 10, 30, 90, 100]),
    knob("big_weight", &[0, 0, 1, 3, 12]),
    knob("memtable_entries", &[8, 4, 6, 16, 64]),
    knob("memtable_bytes", &[16_384, 65_536]),
    knob("levels", &[3, 2, 4, 7]),
    knob("level0_tables", &[2, 1, 2, 4]),
    knob("level0_stall", &[3, 1, 2, 6]),
    knob("level1_bytes", &[2_048, 512, 8_192]),
    knob("level_multiplier", &[2, 2, 4]),
    knob("table_bytes", &[512, 128, 2_048]),
    knob("compaction_threads", &[1, 2]),
    knob("frozen_memtables", &[2, 1, 3]),
    knob("segment_bytes", &[4_096, 512, 1_024, 16_384]),
    knob("spare_segment", &[1, 0, 1]),
    knob("roll_edits", &[3, 2, 4, 12, 40]),
    knob("block_bytes", &[256, 64, 4_096]),
    knob("open_tables", &[1_000, 16, 8]),
    knob("block_cache_bytes", &[65_536, 0, 600]),
    knob("idle_mark_us", &[100_000, 50]),
    // Whether each open is preceded by one that only reads.
    knob("read_only", &[0, 0, 0, 1]),
    knob("log_segments", &[8, 1, 1, 1, 3]),
    knob("file_number_block", &[32, 1, 4]),
    // Operations that most runs do now and then, and some often.
    knob("snapshot_weight", &[4, 1, 12]),
    knob("compact_weight", &[1, 1, 10]),
    knob("reopen_weight", &[1, 0, 12]),
    knob("idle_merge_us", &[500_000, 50]),
];

/// An open database and the keys that operations speak of.
#[derive(Clone, Debug)]
pub struct Store {
    current: Arc<Current>,
    keys: Arc<Keys>,
    slots: Arc<Slots>,
}

impl Store {
    fn db(&self) -> Db {
        self.current.db()
    }
}

impl System for Seawall {
    const NAME: &'static str = "seawall";
    const NOTICES_DAMAGE: bool = true;
    type Op = Op;
    type Model = Model;
    type Store = Store;
    type Seen = Seen;

    fn knobs() -> &'static [Knob] {
        KNOBS
    }

    fn admits(config: &Config) -> Result<(), String> {
        options(config).check().map_err(|error| error.to_string())
    }

    fn milestones() -> &'static [(&'static str, &'static str)] {
        &[
            ("flushes", "flush/table/sync_all"),
            ("compactions", "compact/table/sync_all"),
            ("manifest_rolls", "roll/manifest/sync_all"),
            ("log_rotations", "rotate/wal/write_at"),
            ("log_trims", "trim/manifest/sync_data"),
        ]
    }

    fn directories() -> &'static [&'static str] {
        &[DIRECTORY]
    }

    fn files() -> &'static [&'static str] {
        &["/db/LOCK"]
    }

    fn generate(draw: &Draw<'_>) -> Op {
        generate::generate(draw)
    }

    fn durable_change(draw: &Draw<'_>) -> Option<Op> {
        Some(generate::durable_change(draw))
    }

    fn width(op: &Op) -> u64 {
        match op {
            Op::Write { changes, .. } => changes.len() as u64,
            _ => 0,
        }
    }

    fn only_reads(op: &Op) -> bool {
        matches!(op, Op::Get(_) | Op::Scan { .. })
    }

    fn has_stopped(store: &Store) -> bool {
        store.current.is_gone() || store.db().stats().stopped.is_some()
    }

    fn open(vfs: Arc<dyn Vfs>, config: &Arc<Config>) -> Result<Opened<Store>, String> {
        let looked = match config.get("read_only") {
            0 => None,
            _ => reopen::look(&vfs, config).map_err(|error| text_of(&error))?,
        };
        let (db, gate) = reopen::open(&vfs, config).map_err(|error| text_of(&error))?;
        if let Some(looked) = looked {
            looked.is_as(&db)?;
        }
        let (position, report) = (db.last_seqno(), db.recovery_report().to_string());
        let keys = Arc::new(Keys::of(config));
        let slots = Arc::default();
        let current = Arc::new(Current::new(db, gate, vfs, Arc::clone(config)));
        Ok(Opened { store: Store { current, keys, slots }, position, report })
    }

    fn apply(store: &Store, id: u32, op: &Op) -> Answer<Seen> {
        if !Self::only_reads(op) {
            store.current.note_change();
        }
        if let Err(complaint) = store.current.nothing_came_late() {
            return Answer::Wrong(complaint);
        }
        match op {
            Op::Write { changes, sync, batch } => write(store, id, changes, *sync, *batch),
            Op::Get(place) => match store.db().get_with_seqno(store.keys.bytes_of(*place)) {
                Ok((value, at)) => Answer::Saw { at, seen: Seen::Value(value) },
                Err(error) => failed(store, &error),
            },
            Op::Scan { order, from, to } => scan(store, *order, *from, *to),
            Op::Snapshot(slot) => slots::take_snapshot(store, *slot),
            Op::SnapshotGet(slot, place) => slots::get(store, *slot, *place),
            Op::SnapshotScan(slot, from, to) => slots::scan(store, *slot, *from, *to),
            Op::SnapshotDrop(slot) => slots::drop_snapshot(store, *slot),
            Op::Hold(slot, from, to) => slots::hold(store, *slot, *from, *to),
            Op::Drain(slot) => slots::drain(store, *slot),
            Op::Compact(from, to) => match store.db().compact_range(span(store, *from, *to)) {
                Ok(()) => Answer::Durable,
                Err(error) => failed(store, &error),
            },
            Op::Flush => match store.db().flush() {
                Ok(()) => Answer::Durable,
                Err(error) => failed(store, &error),
            },
            Op::Verify => match store.db().verify() {
                Ok(_) => Answer::Done,
                Err(error) => match audit::complaint(&store.db(), &error) {
                    Complaint::Failed(_) => failed(store, &error),
                    complaint => Answer::Wrong(complaint),
                },
            },
            Op::Reopen => reopen::reopen(store),
        }
    }

    fn close(store: Store) -> Result<Closed, String> {
        if store.current.is_gone() {
            return Ok(Closed::Dropped);
        }
        store.db().close().map_err(|error| text_of(&error))?;
        Ok(Closed::Cleanly)
    }

    fn probes(config: &Arc<Config>, probing: Probing) -> Vec<Op> {
        let keys = Keys::of(config).count() as u16;
        let scan = |order, from, to| Op::Scan { order, from, to };
        let mut probes = vec![scan(Order::Forward, None, None), scan(Order::Reverse, None, None)];
        probes.extend((0..keys).map(|key| Op::Get(Place { key, behind: false })));
        if probing == Probing::Around {
            probes.push(scan(Order::Both, None, None));
            let stride = usize::from(keys / AROUND_MAX).max(1);
            for key in (0..keys).step_by(stride) {
                let [at, behind] = [false, true].map(|behind| Some(Place { key, behind }));
                probes.push(Op::Get(Place { key, behind: true }));
                probes.push(scan(Order::Forward, at, behind));
                probes.push(scan(Order::Reverse, None, at));
                probes.push(scan(Order::Both, behind, None));
            }
        }
        probes
    }

    fn upkeep() -> Vec<Op> {
        vec![Op::Flush, Op::Compact(None, None)]
    }

    fn undone(before: &dyn Vfs, after: &dyn Vfs) -> Option<Undone> {
        damage::undone(before, after)
    }

    fn audit(store: &Store, vfs: &Arc<dyn Vfs>) -> Result<(), Complaint> {
        store.current.nothing_came_late()?;
        if store.current.is_gone() { Ok(()) } else { audit::audit(store, &**vfs) }
    }

    fn model(config: &Arc<Config>) -> Model {
        Model::new(Arc::new(Keys::of(config)))
    }

    fn commit(model: &mut Model, id: u32, op: &Op) {
        model.commit(id, op);
    }

    fn allows(model: &Model, op: &Op, seen: &Seen) -> Result<(), Difference> {
        model.allows(op, seen)
    }
}

fn options(config: &Config) -> Options {
    let size = |name| usize::try_from(config.get(name)).unwrap_or(usize::MAX);
    Options {
        memtable_bytes: size("memtable_bytes"),
        memtable_entries_max: size("memtable_entries"),
        frozen_memtables_max: size("frozen_memtables"),
        segment_bytes: config.get("segment_bytes"),
        spare_segment: config.get("spare_segment") != 0,
        manifest_roll_edits: config.get("roll_edits"),
        block_bytes: size("block_bytes"),
        open_tables_max: size("open_tables"),
        block_cache_bytes: config.get("block_cache_bytes"),
        levels: size("levels"),
        level0_tables: size("level0_tables"),
        level0_slow_tables: size("level0_tables") + (size("level0_stall") / 2).max(1),
        level0_stall_tables: size("level0_tables") + size("level0_stall"),
        level1_bytes: config.get("level1_bytes"),
        level_multiplier: config.get("level_multiplier"),
        table_bytes: config.get("table_bytes"),
        compaction_threads: size("compaction_threads"),
        log_segments_max: size("log_segments"),
        file_number_block: config.get("file_number_block"),
        idle_mark: std::time::Duration::from_micros(config.get("idle_mark_us")),
        idle_merge: std::time::Duration::from_micros(config.get("idle_merge_us")),
        ..Options::default()
    }
}

fn write(
    store: &Store,
    id: u32,
    changes: &[(u16, Option<u32>)],
    sync: bool,
    as_batch: bool,
) -> Answer<Seen> {
    let durability = if sync { Durability::Sync } else { Durability::Os };
    let bytes = |place: usize, len: u32| Value { op: id, place: place as u16, len }.bytes();
    let written = match changes {
        [(key, Some(len))] if !as_batch => {
            store.db().put_with(store.keys.get(*key), bytes(0, *len), durability)
        }
        [(key, None)] if !as_batch => store.db().delete_with(store.keys.get(*key), durability),
        _ => {
            let mut batch = WriteBatch::new();
            for (place, (key, len)) in changes.iter().enumerate() {
                match len {
                    Some(len) => batch.put(store.keys.get(*key), bytes(place, *len)),
                    None => batch.delete(store.keys.get(*key)),
                }
            }
            store.db().commit_with(batch, durability)
        }
    };
    match written {
        // An empty batch writes nothing and promises nothing.
        Ok(_) if changes.is_empty() => Answer::Done,
        Ok(at) => Answer::Committed { at, durable: sync },
        Err(error) => failed(store, &error),
    }
}

/// The bounds of a range of places.
fn span(store: &Store, from: Option<Place>, to: Option<Place>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let bytes = |place| store.keys.bytes_of(place);
    let start = from.map_or(Bound::Unbounded, |place| Bound::Included(bytes(place)));
    let end = to.map_or(Bound::Unbounded, |place| Bound::Excluded(bytes(place)));
    (start, end)
}

fn scan(store: &Store, order: Order, from: Option<Place>, to: Option<Place>) -> Answer<Seen> {
    let range = store.db().range(span(store, from, to));
    let at = range.seqno();
    match entries_of(range, order) {
        Ok(entries) => Answer::Saw { at, seen: Seen::Entries(entries) },
        Err(error) => failed(store, &error),
    }
}

/// Everything in a range, in order of the keys whichever way it is read.
fn entries_of(mut range: Range, order: Order) -> Result<Vec<(Slice, Slice)>, Error> {
    match order {
        Order::Forward => range.collect(),
        Order::Reverse => {
            let mut entries = range.rev().collect::<Result<Vec<_>, _>>()?;
            entries.reverse();
            Ok(entries)
        }
        Order::Both => from_both_ends(&mut range),
    }
}

/// Reads one from the front and one from the back in turn.
fn from_both_ends(range: &mut Range) -> Result<Vec<(Slice, Slice)>, Error> {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    while let Some(first) = range.next() {
        front.push(first?);
        if let Some(last) = range.next_back() {
            back.push(last?);
        }
    }
    back.reverse();
    front.append(&mut back);
    Ok(front)
}

/// What an error means: nothing wrong with the disk may surface as damage.
fn failed(store: &Store, error: &Error) -> Answer<Seen> {
    match error.kind() {
        ErrorKind::Closed if store.current.may_be_closed() => Answer::Refused(text_of(error)),
        ErrorKind::InvalidArgument | ErrorKind::TooLarge | ErrorKind::TooManyTables => {
            Answer::Refused(text_of(error))
        }
        ErrorKind::Corruption | ErrorKind::FormatTooNew => {
            Answer::Wrong(Complaint::Wrong(crate::system::Property::Damage, text_of(error)))
        }
        _ => Answer::Failed(text_of(error)),
    }
}

fn text_of(error: &Error) -> String {
    format!("{:?}: {error}", error.kind())
}
