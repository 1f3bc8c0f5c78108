//! What must hold of every image, or the simulator itself is wrong.
//!
//! - An image contains all that a completed sync covered.
//! - Where everything survives, it shows what programs saw.
//! - Where nothing survives, it shows the durable frontier.
//!
//! The first is written against the definition, not against the code that cuts images.

use super::directory::NodeId;
use super::file::FileNode;
use super::image::{Everything, Nothing};
use super::state::Disk;
use super::survival::size_is_possible;

/// Panics unless `image`, cut from `disk` by a power loss, contains all that was durable.
pub(super) fn contains_what_was_durable(disk: &Disk, image: &Disk) {
    for (number, directory) in &disk.directories {
        if !image.has_directory(*number) {
            continue; // No name that survived leads to it.
        }
        for slot in &directory.slots {
            let found = image.directory(*number).live(&slot.name);
            let possible = slot.values().any(|value| value == found);
            let moved = matches!(slot.durable, Some(NodeId::Directory(_)));
            assert!(
                possible || moved,
                "simulator bug: the name {} in {} leads to {found:?}, never one of {:?}",
                slot.name,
                directory.name,
                slot.values().collect::<Vec<_>>()
            );
        }
    }
    for slot in &image.files {
        assert_eq!(slot.handles, 0, "simulator bug: {} is open after a crash", slot.node.name);
        file_contains_what_was_durable(disk.file(slot.number), &slot.node);
    }
}

fn file_contains_what_was_durable(before: &FileNode, after: &FileNode) {
    let (name, size) = (&before.name, after.live.size());
    assert!(size_is_possible(before, size), "simulator bug: {name} has the size {size}");
    assert!(after.is_settled(), "simulator bug: {name} is undecided after a power loss");
    if before.is_settled() {
        assert!(before.durable == after.live, "simulator bug: {name} changed without a write");
        return;
    }
    let end = size.min(before.durable.size());
    let (mut allowed, found) = (before.durable.bytes(0, end), after.live.bytes(0, end));
    let limbo = before.limbo.pieces.iter().map(|limbo| &limbo.piece);
    for piece in limbo.chain(&before.pending) {
        let (from, to) = (piece.offset.min(end) as usize, piece.end().min(end) as usize);
        allowed[from..to].copy_from_slice(&found[from..to]);
    }
    if allowed != found {
        let at = allowed.iter().zip(&found).position(|(allowed, found)| allowed != found);
        panic!("simulator bug: byte {at:?} of {name} was durable and never written again");
    }
}

/// Panics unless the two extreme images of `disk` are what programs saw and what is durable.
pub(super) fn extremes_are_right(disk: &Disk) {
    let kept = disk.after_power_loss(&mut Everything);
    let seen = disk.after_kill(&mut |_| false);
    for (number, directory) in &seen.directories {
        let after = kept.has_directory(*number).then(|| kept.directory(*number));
        for (name, node) in directory.live_entries() {
            let Some(after) = after else { continue };
            assert_eq!(after.live(name), Some(node), "simulator bug: {name}, with all kept");
        }
    }
    for slot in &kept.files {
        let same = slot.node.live == disk.file(slot.number).live;
        assert!(
            same,
            "simulator bug: {} differs from what was seen, with all kept",
            slot.node.name
        );
    }
    let lost = disk.after_power_loss(&mut Nothing);
    for slot in &lost.files {
        let same = slot.node.live == disk.file(slot.number).durable;
        assert!(same, "simulator bug: {} is not the durable frontier", slot.node.name);
    }
    for (number, directory) in &lost.directories {
        for before in &disk.directory(*number).slots {
            let found = directory.live(&before.name);
            let moved = matches!(before.durable, Some(NodeId::Directory(_)));
            assert!(found == before.durable || moved, "simulator bug: the name {}", before.name);
        }
    }
}
