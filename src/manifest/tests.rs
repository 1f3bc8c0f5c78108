//! Snapshots and edits: what is written comes back, and other bytes are told as damage.

use std::path::Path;

use proptest::prelude::*;

use super::edit::Edit;
use super::state::State;
use crate::base::checksum::DatabaseId;
use crate::base::error::{Error, ErrorKind};
use crate::base::file_name::FILE_NUMBER_MAX;
use crate::base::key::SEQNO_MAX;
use crate::base::levels::{LEVELS_MAX, Levels};
use crate::base::log_position::LogPosition;
use crate::base::table_meta::TableMeta;

const FILE: &str = "MANIFEST-000007";
const OFFSET: u64 = 36;

fn any_key() -> impl Strategy<Value = Box<[u8]>> {
    prop::collection::vec(any::<u8>(), 0..20).prop_map(Vec::into_boxed_slice)
}

/// A table whose bounds make sense; its number is given later.
fn any_table() -> impl Strategy<Value = TableMeta> {
    let numbers = (any::<u64>(), 1..=u64::MAX, 1..=SEQNO_MAX, 1..=SEQNO_MAX);
    (numbers, any_key(), any_key()).prop_map(|((size_bytes, entry_count, a, b), one, two)| {
        let (smallest, largest) = if one < two { (one, two) } else { (two, one) };
        let (seqno_min, seqno_max) = (a.min(b), a.max(b));
        TableMeta { number: 0, size_bytes, entry_count, smallest, largest, seqno_min, seqno_max }
    })
}

fn any_tables() -> impl Strategy<Value = Vec<(usize, TableMeta)>> {
    prop::collection::vec((0..LEVELS_MAX, any_table()), 0..5)
}

/// Those of `tables` that can be together, numbered by multiples of `step`.
fn compatible(tables: Vec<(usize, TableMeta)>, step: u64) -> Levels<TableMeta> {
    let mut levels = Levels::default();
    for (number, (level, table)) in (1..).zip(tables) {
        let mut more = levels.clone();
        more.insert(level, TableMeta { number: number * step, ..table });
        if more.check().is_ok() {
            levels = more;
        }
    }
    levels
}

/// A state that may stand in a snapshot.
fn any_state() -> impl Strategy<Value = State> {
    let numbers = (any::<u64>(), 100..=FILE_NUMBER_MAX, 0..100u64, 0..100u64, any::<u64>());
    (numbers, any_tables(), 1..10u64).prop_map(|(numbers, tables, step)| {
        let (edit_number, counter, min_wal, segment, offset) = numbers;
        let tables = compatible(tables, step);
        let flushed_seqno = tables.iter().map(|(_, table)| table.seqno_max).max().unwrap_or(0);
        let log_synced = LogPosition { segment, offset };
        State { edit_number, counter, min_wal, log_synced, flushed_seqno, tables }
    })
}

/// An edit, whether it fits anything or not.
fn any_edit() -> impl Strategy<Value = Edit> {
    let removed = prop::collection::vec(prop_oneof![0..50u64, any::<u64>()], 0..4);
    (any::<[u64; 6]>(), any_tables(), any::<[u64; 5]>(), removed).prop_map(
        |(numbers, mut added, table_numbers, removed)| {
            let [number, counter, min_wal, segment, offset, flushed_seqno] = numbers;
            for ((_, table), number) in added.iter_mut().zip(table_numbers) {
                table.number = number;
            }
            let log_synced = LogPosition { segment, offset };
            Edit { number, counter, min_wal, log_synced, flushed_seqno, removed, added }
        },
    )
}

/// An edit that is likely to fit `state`.
fn edit_after(state: &State) -> impl Strategy<Value = Edit> + use<> {
    let (state, next) = (state.clone(), Edit::after(state));
    let numbers = prop::collection::vec(1..2 * FILE_NUMBER_MAX, 5);
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    (any_tables(), numbers, picks, any::<bool>()).prop_map(
        move |(mut added, numbers, picks, up)| {
            for ((_, table), number) in added.iter_mut().zip(numbers) {
                table.number = number % state.counter;
            }
            let flushed = added.iter().map(|(_, table)| table.seqno_max).max().unwrap_or(0);
            let flushed_seqno = if up { flushed } else { 0 };
            let mut tables: Vec<u64> = state.tables.iter().map(|(_, table)| table.number).collect();
            if tables.is_empty() {
                tables.push(3);
            }
            let removed = picks.iter().map(|pick| *pick.get(&tables)).collect();
            Edit { flushed_seqno, removed, added, ..next.clone() }
        },
    )
}

fn encoded_edit(edit: &Edit) -> Vec<u8> {
    let mut bytes = Vec::new();
    edit.encode(&mut bytes);
    bytes
}

fn encoded_state(state: &State, id: &DatabaseId) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.encode(id, &mut bytes);
    bytes
}

/// Damage names the file and a place in what was read.
fn judge_error(error: &Error, bytes: &[u8]) -> Result<(), TestCaseError> {
    prop_assert_eq!(error.file(), Some(Path::new(FILE)));
    if error.kind() == ErrorKind::FormatTooNew {
        prop_assert_ne!(&bytes[..4], 1u32.to_le_bytes());
        return Ok(());
    }
    prop_assert_eq!(error.kind(), ErrorKind::Corruption);
    let offset = error.offset().expect("known");
    prop_assert!((OFFSET..=OFFSET + bytes.len() as u64).contains(&offset));
    Ok(())
}

/// Bytes are an edit with one spelling, or damage.
fn judge_edit(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Edit::decode(bytes, 7, Path::new(FILE), OFFSET) {
        Ok(edit) => prop_assert_eq!(encoded_edit(&edit), bytes),
        Err(error) => judge_error(&error, bytes)?,
    }
    Ok(())
}

/// Bytes are a snapshot of a possible state with one spelling, or an error.
fn judge_state(bytes: &[u8]) -> Result<(), TestCaseError> {
    match State::decode(bytes, Path::new(FILE), OFFSET) {
        Ok(state) => {
            prop_assert_eq!(state.check(), Ok(()));
            let mut id = DatabaseId([0; 16]);
            id.0.copy_from_slice(&bytes[4..20]);
            prop_assert_eq!(encoded_state(&state, &id), bytes);
        }
        Err(error) => judge_error(&error, bytes)?,
    }
    Ok(())
}

/// Something done to bytes: other ones in place of some.
#[derive(Clone, Debug)]
struct Change {
    at: prop::sample::Index,
    len: usize,
    other: Vec<u8>,
}

impl Change {
    fn any() -> impl Strategy<Value = Change> {
        let other = prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xff)], 0..9);
        (any::<prop::sample::Index>(), 0..9usize, other).prop_map(|(at, len, other)| Change {
            at,
            len,
            other,
        })
    }

    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let from = self.at.index(bytes.len());
        let to = (from + self.len).min(bytes.len());
        bytes.splice(from..to, self.other.iter().copied());
        bytes
    }
}

proptest! {
    #[test]
    fn an_edit_comes_back_as_written(edit in any_edit()) {
        let bytes = encoded_edit(&edit);
        let read = Edit::decode(&bytes, edit.number, Path::new(FILE), OFFSET);
        prop_assert_eq!(read.expect("its own bytes"), edit);
    }

    #[test]
    fn a_changed_edit_is_another_edit_or_damage(edit in any_edit(), change in Change::any()) {
        judge_edit(&change.apply(encoded_edit(&edit)))?;
    }

    #[test]
    fn a_cut_edit_is_damage(edit in any_edit(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded_edit(&edit);
        let cut = &bytes[..cut.index(bytes.len())];
        let error = Edit::decode(cut, 7, Path::new(FILE), OFFSET).expect_err("bytes are missing");
        judge_error(&error, cut)?;
    }

    #[test]
    fn arbitrary_bytes_are_an_edit_or_damage(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judge_edit(&bytes)?;
    }

    #[test]
    fn a_snapshot_comes_back_as_written(state in any_state(), id: [u8; 16]) {
        prop_assert_eq!(state.check(), Ok(()));
        let bytes = encoded_state(&state, &DatabaseId(id));
        let read = State::decode(&bytes, Path::new(FILE), OFFSET);
        prop_assert_eq!(read.expect("its own bytes"), state);
    }

    #[test]
    fn a_changed_snapshot_is_a_possible_state_or_an_error(
        state in any_state(), change in Change::any()
    ) {
        judge_state(&change.apply(encoded_state(&state, &DatabaseId([7; 16]))))?;
    }

    #[test]
    fn a_cut_snapshot_is_damage(state in any_state(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded_state(&state, &DatabaseId([7; 16]));
        let cut = &bytes[..cut.index(bytes.len())];
        let error = State::decode(cut, Path::new(FILE), OFFSET).expect_err("bytes are missing");
        judge_error(&error, cut)?;
    }

    #[test]
    fn arbitrary_bytes_are_a_snapshot_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300), ours: bool
    ) {
        let mut bytes = bytes;
        if ours && bytes.len() >= 4 {
            bytes[..4].copy_from_slice(&1u32.to_le_bytes());
        }
        judge_state(&bytes)?;
    }

    #[test]
    fn an_edit_leads_to_a_possible_state_or_changes_nothing(
        (state, edit) in any_state().prop_flat_map(|state| {
            let edits = prop_oneof![8 => edit_after(&state).boxed(), 1 => any_edit().boxed()];
            (Just(state), edits)
        })
    ) {
        let mut next = state.clone();
        match next.apply(&edit) {
            Err(_) => prop_assert_eq!(next, state),
            Ok(()) => {
                prop_assert_eq!(next.check(), Ok(()));
                prop_assert_eq!(next.edit_number, state.edit_number + 1);
                prop_assert!(next.counter >= state.counter && next.min_wal >= state.min_wal);
                prop_assert!(next.flushed_seqno >= state.flushed_seqno);
                let count = state.tables.count() + edit.added.len() - edit.removed.len();
                prop_assert_eq!(next.tables.count(), count);
            }
        }
    }
}
