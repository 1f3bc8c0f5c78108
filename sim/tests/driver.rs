//! The driver, on a toy store: right it is never blamed, wrong it is always found out.

mod toy;

use seawall_sim::check::Property;
use seawall_sim::disk::{Appended, Personality, Tear};
use seawall_sim::driver::{Input, Ran, run};
use seawall_sim::explore::admitting;
use seawall_sim::fuzz::{records, storm};
use seawall_sim::shrink::shrink;
use toy::{Toy, bug};

fn ran<const BUG: u8>(seed: u64) -> Ran {
    run::<Toy<BUG>>(&Input::Seed(seed)).expect("a seed always makes a run")
}

/// What some seeds find, up to the first that finds what is `wanted`.
fn found<const BUG: u8>(seeds: u64, wanted: fn(Property) -> bool) -> Vec<Property> {
    let mut found = Vec::new();
    for seed in 0..seeds {
        let failure = ran::<BUG>(seed).failure;
        found.extend(failure.map(|failure| failure.violation.property));
        if found.last().is_some_and(|property| wanted(*property)) {
            break;
        }
    }
    found
}

#[test]
fn a_correct_store_is_never_blamed() {
    for seed in 0..200 {
        if let Some(failure) = ran::<{ bug::NONE }>(seed).failure {
            panic!(
                "seed {seed} in {}:\n{}\n{}",
                failure.world,
                failure.violation,
                failure.tail.join("\n")
            );
        }
    }
}

#[test]
fn a_store_that_syncs_more_often_than_it_must_is_never_blamed() {
    for seed in 0..60 {
        let failure = ran::<{ bug::SYNCS_TWICE }>(seed).failure;
        assert!(failure.is_none(), "seed {seed}: {}", failure.expect("it is there").violation);
    }
}

macro_rules! finds {
    ($($name:ident: $bug:ident within $seeds:literal, as $($property:ident)|+;)*) => { $(
        #[test]
        fn $name() {
            let wanted = |property| matches!(property, $(Property::$property)|+);
            let found = found::<{ bug::$bug }>($seeds, wanted);
            assert!(found.last().is_some_and(|property| wanted(*property)), "found {found:?}");
        }
    )* };
}

finds! {
    a_missing_sync_is_found: NO_SYNC within 20, as Prefix | AfterError;
    a_missing_sync_of_the_directory_is_found: NO_DIR_SYNC within 20, as Prefix | AfterError | Settled;
    an_acknowledgement_before_the_sync_is_found: LATE_SYNC within 20, as Prefix | AfterError;
    a_batch_in_several_records_is_found: SPLIT_BATCH within 20, as Whole;
    a_retried_sync_is_found: RETRIED_SYNC within 200, as AfterError;
    a_change_seen_before_it_is_durable_is_found: SHOWN_EARLY within 50, as Linear | Prefix;
    writes_after_a_failed_one_are_found: NO_POISON within 50, as Linear | AfterError;
    appending_behind_a_torn_tail_is_found: APPEND_TO_TAIL within 50, as AfterError | Prefix | Settled;
    a_race_for_a_position_is_found: RACE within 20, as Linear;
    a_read_that_fails_because_a_write_did_is_found: GRUDGE within 50, as Progress;
    a_change_that_fails_for_nothing_is_found: RELAPSE within 50, as Progress;
    a_rename_before_the_sync_is_found: NO_SYNC_BEFORE_RENAME within 50, as Opens | Settled;
}

#[test]
fn a_run_and_the_replay_of_its_tape_are_the_same() {
    for seed in 0..20 {
        let first = ran::<{ bug::LATE_SYNC }>(seed);
        let again = run::<Toy<{ bug::LATE_SYNC }>>(&Input::Tape(Box::new(first.tape.clone())));
        let again = again.expect("a recorded tape can be read");
        assert_eq!(first.fingerprint, again.fingerprint, "seed {seed}");
        // Not assert_eq: a tape is long.
        assert!(first.tape == again.tape, "seed {seed}");
    }
}

#[test]
fn a_failure_is_made_small() {
    let mut sizes = Vec::new();
    for seed in 0..60 {
        let ran = ran::<{ bug::LATE_SYNC }>(seed);
        if ran.failure.is_none() {
            continue;
        }
        let shrunk = shrink::<Toy<{ bug::LATE_SYNC }>>(&ran.tape, 1_000).expect("it fails");
        let operations = shrunk.after.operations;
        assert!(operations <= 3, "seed {seed}: {shrunk}\n{}", shrunk.tape);
        sizes.push(operations);
    }
    assert!(sizes.len() >= 20, "{} of 60 seeds fail", sizes.len());
}

#[test]
#[should_panic(expected = "O1: what was acknowledged survives")]
fn the_canary_fails_with_the_failure_block() {
    seawall_sim::check::<Toy<{ bug::NO_SYNC }>>().seeds(0..20).run();
}

#[test]
fn the_control_does_not() {
    seawall_sim::check::<Toy<{ bug::NONE }>>().seeds(1_000..1_040).run();
}

#[test]
fn bytes_decide_a_run_and_its_tape_is_the_same_run() {
    let mut tapes = std::collections::BTreeSet::new();
    for seed in 0..20u64 {
        let byte = |at: u64| ((seed * 1_000 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8;
        let mut bytes = Vec::new();
        for at in (0..30 * 8).step_by(8) {
            let draws: Vec<u8> = (at..at + 8).map(byte).collect();
            records::push(&mut bytes, b'o', &draws);
            records::push(
                &mut bytes,
                b'x',
                &[byte(at), byte(at + 1), byte(at) % 4, 0, byte(at + 2)],
            );
        }
        let ran = storm::<Toy<{ bug::LATE_SYNC }>>(&bytes).expect("it is not much");
        let again = run::<Toy<{ bug::LATE_SYNC }>>(&Input::Tape(Box::new(ran.tape.clone())));
        assert_eq!(again.expect("readable").fingerprint, ran.fingerprint, "{seed}");
        tapes.insert(ran.tape.to_string());
    }
    assert_eq!(tapes.len(), 20, "other bytes are another run");
}

#[test]
fn without_overrides_everything_is_calm() {
    let ran = storm::<Toy<{ bug::NONE }>>(b"o\no\no\n").expect("it is not much");
    assert!(ran.failure.is_none());
    assert!(ran.tape.answers.is_empty(), "{}", ran.tape);
    assert_eq!(ran.tape.operations.len(), 3, "{}", ran.tape);
    assert!(storm::<Toy<{ bug::NONE }>>(b"").is_none(), "nothing is said");
    assert!(storm::<Toy<{ bug::NONE }>>(&b"o\n".repeat(129)).is_none(), "too much is");
}

/// Bytes that no sync covered hold garbage only on the strictest disk, and only there a store that does
/// not look at its checksums reads some. (With it a torn record is seen; see [`bug::NO_CHECKSUM`].)
#[test]
fn a_kinder_disk_finds_less() {
    let on = |personality| {
        let check = || {
            let toy = seawall_sim::check::<Toy<{ bug::NO_CHECKSUM }>>().seeds(0..60).operations(60);
            toy.personality(personality).run();
        };
        std::panic::catch_unwind(check)
            .err()
            .map(|panic| *panic.downcast::<String>().expect("text"))
    };
    let strict = on(Personality::POSIX).expect("garbage passes for a record");
    assert!(strict.contains("personalities posix") && strict.contains("fs_appended=0"), "{strict}");
    let (tear, appended) = (Tear::Sector, Appended::DataOrZeros);
    let kinder = Personality { tear, appended, ..Personality::POSIX };
    assert_eq!(on(kinder), None);
    for (name, personality) in &Personality::NAMED[1..] {
        assert_eq!(on(*personality), None, "{name}");
    }
}

#[test]
fn a_world_that_does_not_end_is_made_small_without_waiting_millions_of_steps_each_time() {
    let failing = (0..20).map(ran::<{ bug::SPINS }>).find(|ran| ran.failure.is_some());
    let failing = failing.expect("operation 20 is reached");
    assert!(failing.counts.steps > 1_000_000, "{}", failing.counts.steps);
    let shrunk = shrink::<Toy<{ bug::SPINS }>>(&failing.tape, 2_000).expect("it fails");
    assert_eq!(shrunk.failure.violation.property, Property::Progress);
    assert_eq!((shrunk.after.operations, shrunk.after.faults), (1, 0), "{}", shrunk.tape);
    assert!(shrunk.tape.config.contains(" steps_k=100 "), "{}", shrunk.tape.config);
}

/// What a failure of a toy is admitted by, once it is small.
fn admitted<const BUG: u8>(property: fn(Property) -> bool) -> Vec<&'static str> {
    let failing = (0..20).map(ran::<BUG>).find(|ran| {
        ran.failure.as_ref().is_some_and(|failure| property(failure.violation.property))
    });
    let shrunk = shrink::<Toy<BUG>>(&failing.expect("it is found").tape, 400).expect("it fails");
    admitting::<Toy<BUG>>(&shrunk.tape, shrunk.failure.violation.property)
}

/// On every other file system the sync of the log's bytes makes its name durable.
#[test]
fn a_failure_names_the_personalities_that_admit_it() {
    let lost = |property| matches!(property, Property::Prefix);
    assert_eq!(admitted::<{ bug::NO_DIR_SYNC }>(lost), ["posix"]);
    assert_eq!(admitted::<{ bug::NO_SYNC }>(lost), ["posix", "ext4", "xfs", "btrfs"]);
}

#[test]
#[should_panic(expected = "no answer of the tape is asked for any more")]
fn a_tape_that_decides_nothing_is_no_passing_test() {
    let ran = (0..).map(ran::<{ bug::NO_SYNC }>).find(|ran| ran.failure.is_some());
    let shrunk = shrink::<Toy<{ bug::NO_SYNC }>>(&ran.expect("it is found").tape, 1_000);
    let mut tape = shrunk.expect("it fails").tape;
    assert!(!tape.answers.is_empty());
    tape.answers.iter_mut().for_each(|answer| "elsewhere".clone_into(&mut answer.key.site));
    seawall_sim::check::<Toy<{ bug::NONE }>>().tape(&tape.to_string());
}
