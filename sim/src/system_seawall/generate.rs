//! Operations that meet on few keys and sit on the edges of sizes.

use super::op::{Op, Order, Place};
use super::slots::SLOTS;
use crate::system::Draw;

/// The most changes in a batch.
const BATCH_MAX: u64 = 12;

pub(super) fn generate(draw: &Draw<'_>) -> Op {
    let writes = draw.knob("write_weight") as u32;
    // As many go as come: each that is held protects what a late one would miss.
    let snapshots = draw.knob("snapshot_weight") as u32;
    let kinds = [
        ("put", 16 * writes),
        ("del", 4 * writes),
        ("batch", 6 * writes),
        ("get", 24),
        ("scan", 12),
        ("snapshot", snapshots),
        ("snapshot-get", 5),
        ("snapshot-scan", 3),
        ("snapshot-drop", snapshots),
        ("hold", 2),
        ("drain", 2),
        ("compact", draw.knob("compact_weight") as u32),
        ("flush", 1),
        ("verify", 1),
        ("reopen", draw.knob("reopen_weight") as u32),
    ];
    match draw.word("kind", &kinds) {
        "put" => write(draw, vec![(key(draw), Some(len(draw)))], false),
        "del" => write(draw, vec![(key(draw), None)], false),
        "batch" => {
            let count = draw.below("count", BATCH_MAX + 1);
            write(draw, (0..count).map(|_| change(draw)).collect(), true)
        }
        "get" => Op::Get(place(draw)),
        "scan" => scan(draw),
        "snapshot" => Op::Snapshot(slot(draw)),
        "snapshot-get" => Op::SnapshotGet(slot(draw), place(draw)),
        "snapshot-scan" => {
            let (from, to) = span(draw);
            Op::SnapshotScan(slot(draw), from, to)
        }
        "snapshot-drop" => Op::SnapshotDrop(slot(draw)),
        "hold" => {
            let (from, to) = span(draw);
            Op::Hold(slot(draw), from, to)
        }
        "drain" => Op::Drain(slot(draw)),
        "compact" => {
            let (from, to) = span(draw);
            Op::Compact(from, to)
        }
        "flush" => Op::Flush,
        "reopen" => Op::Reopen,
        _ => Op::Verify,
    }
}

/// One put that is synced.
pub(super) fn durable_change(draw: &Draw<'_>) -> Op {
    Op::Write { changes: vec![(key(draw), Some(len(draw)))], sync: true, batch: false }
}

fn write(draw: &Draw<'_>, changes: Vec<(u16, Option<u32>)>, batch: bool) -> Op {
    let sync = draw.below("sync", 100) < draw.knob("sync_percent");
    Op::Write { changes, sync, batch }
}

fn key(draw: &Draw<'_>) -> u16 {
    draw.below("key", draw.knob("keys")) as u16
}

fn place(draw: &Draw<'_>) -> Place {
    Place { key: key(draw), behind: draw.chance("behind", 8) }
}

fn change(draw: &Draw<'_>) -> (u16, Option<u32>) {
    let key = key(draw);
    if draw.chance("deletes", 4) { (key, None) } else { (key, Some(len(draw))) }
}

fn scan(draw: &Draw<'_>) -> Op {
    let order = match draw.word("order", &[("forward", 2), ("reverse", 2), ("both", 1)]) {
        "forward" => Order::Forward,
        "reverse" => Order::Reverse,
        _ => Order::Both,
    };
    let (from, to) = span(draw);
    Op::Scan { order, from, to }
}

/// A range. One that ends before it begins is asked for now and then, and is empty.
fn span(draw: &Draw<'_>) -> (Option<Place>, Option<Place>) {
    let end = |open: bool| if open { None } else { Some(place(draw)) };
    let (from, to) = (draw.chance("from-start", 2), draw.chance("to-end", 2));
    (end(from), end(to))
}

fn slot(draw: &Draw<'_>) -> u8 {
    draw.below("slot", SLOTS) as u8
}

/// A value's length: small, or around what fills a block or a segment.
fn len(draw: &Draw<'_>) -> u32 {
    let big = draw.knob("big_weight") as u32;
    let around = |limit: u64| limit.saturating_sub(96) + draw.below("around", 128);
    let len = match draw.word("size", &[("small", 12), ("tiny", 3), ("block", big), ("log", big)]) {
        "small" => 8 + draw.below("length", 56),
        "tiny" => draw.below("length", 9),
        "block" => around(draw.knob("block_bytes")),
        _ => around(draw.knob("segment_bytes")),
    };
    len.min(1 << 20) as u32
}
