//! The promises of inputs: tapes come back as they were, and a byte changes one thing.

use proptest::prelude::*;

use super::records::{push, split};
use super::*;
use crate::choice::tests::any_tape;
use crate::choice::{Choices, Stream};
use crate::system_seawall::Seawall;
use crate::workload;

fn any_override() -> impl Strategy<Value = Override> {
    let streams = [Stream::Schedule, Stream::Faults, Stream::Crash, Stream::Survival];
    (prop::sample::select(streams.to_vec()), any::<u8>(), any::<(u16, u16)>())
        .prop_map(|(stream, place, (nth, label))| Override { stream, place, nth, label })
}

/// Operations of the store, and any configuration text and answers.
fn any_input() -> impl Strategy<Value = Input> {
    let overrides = prop::collection::vec(any_override(), 0..8);
    (any_tape(), any::<u64>(), 0..12usize, overrides).prop_map(|(tape, seed, count, overrides)| {
        let choices = Choices::from_seed(seed);
        let config = Config::draw(&choices, &driver::knobs::<Seawall>());
        let drawn = workload::generate::<Seawall>(&choices, &config);
        let operations = drawn.iter().take(count).map(ToString::to_string).collect();
        Input { tape: Tape { operations, ..tape }, overrides }
    })
}

/// Bytes as a fuzzer comes to them: records of every kind, and what is none.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(b"ooookkbcansmxxxx?".to_vec());
    let record = (kind, prop::collection::vec(any::<u8>(), 0..12));
    let records = prop::collection::vec(record, 0..24).prop_map(|records| {
        let mut bytes = Vec::new();
        records.iter().for_each(|(kind, what)| push(&mut bytes, *kind, what));
        bytes
    });
    prop_oneof![records, prop::collection::vec(any::<u8>(), 0..200)]
}

/// Any value of a knob makes a run in which nothing is wrong, or none.
#[test]
fn settings_that_the_store_refuses_are_no_failure() {
    let knobs = driver::knobs::<Seawall>();
    let mut refused = Vec::new();
    for knob in knobs.iter().copied().flatten().filter(|knob| !knob.name.starts_with("fs_")) {
        for value in [0, 1, 3] {
            let tape = Tape {
                config: format!("operations=4 generations=1 {}={value}", knob.name),
                operations: vec!["op 1 g0 c0 put 1 8 sync".to_owned()],
                ..Tape::default()
            };
            match run::<Seawall>(&driver::Input::Tape(Box::new(tape))) {
                Ok(ran) => {
                    assert!(ran.failure.is_none(), "{}={value}: {:?}", knob.name, ran.failure)
                }
                Err(_) => refused.push(knob.name),
            }
        }
    }
    refused.dedup();
    assert!(refused.contains(&"open_tables") && refused.contains(&"levels"), "{refused:?}");
}

proptest! {
    #[test]
    fn a_tape_becomes_an_input_and_comes_back_as_it_was(input in any_input()) {
        let bytes = input.to_bytes::<Seawall>().expect("it can be held");
        prop_assert_eq!(Input::from_bytes::<Seawall>(&bytes), input);
    }

    #[test]
    fn any_bytes_are_an_input_and_it_comes_back_as_it_was(bytes in any_bytes()) {
        let input = Input::from_bytes::<Seawall>(&bytes);
        let again = input.to_bytes::<Seawall>().expect("it was read from bytes");
        prop_assert_eq!(Input::from_bytes::<Seawall>(&again), input);
    }

    #[test]
    fn a_byte_changes_one_operation_or_one_decision(
        kinds in prop::collection::vec(any::<bool>(), 2..20),
        draws in prop::collection::vec(any::<u8>(), 200),
        at in any::<prop::sample::Index>(),
        byte in 128..=255u8,
    ) {
        let mut bytes = Vec::new();
        for (kind, draws) in kinds.iter().zip(draws.chunks(7)) {
            push(&mut bytes, if *kind { b'o' } else { b'x' }, draws);
        }
        let before = Input::from_bytes::<Seawall>(&bytes);
        // Not the kind of a record, and not what holds records together.
        let inside = |at: usize| at > 0 && !b"\n\\".contains(&bytes[at]) && !b"\n\\".contains(&bytes[at - 1]);
        let places: Vec<usize> = (0..bytes.len()).filter(|at| inside(*at)).collect();
        bytes[places[at.index(places.len())]] = byte;
        let after = Input::from_bytes::<Seawall>(&bytes);
        let operations = before.tape.operations.iter().zip(&after.tape.operations);
        let overrides = before.overrides.iter().zip(&after.overrides);
        let changed = operations.filter(|(before, after)| before != after).count()
            + overrides.filter(|(before, after)| before != after).count();
        prop_assert!(changed <= 1, "{:?} and {:?}", before, after);
        prop_assert_eq!(before.overrides.len(), after.overrides.len());
        prop_assert_eq!(before.tape.operations.len(), after.tape.operations.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_tape_of_an_input_is_the_same_run(bytes in any_bytes()) {
        let input = Input::from_bytes::<Seawall>(&bytes);
        let ran = storm::<Seawall>(&bytes);
        prop_assume!(ran.is_some(), "it is of another system, too large, or says nothing");
        let ran = ran.expect("just looked at");
        prop_assert!(ran.failure.is_none(), "{:#?}", ran.failure);
        let tape = input.into_tape::<Seawall>().expect("it can be run");
        let again = run::<Seawall>(&driver::Input::Tape(Box::new(tape.clone()))).expect("a tape");
        prop_assert_eq!(again.fingerprint, ran.fingerprint);
        let held = Input { tape, overrides: Vec::new() };
        let bytes = held.to_bytes::<Seawall>().expect("a run was recorded");
        prop_assert_eq!(Input::from_bytes::<Seawall>(&bytes), held);
    }
}

#[test]
fn a_byte_that_comes_or_goes_hurts_one_record() {
    let mut bytes = Vec::new();
    [&b"one"[..], b"t\nwo\\", b"three"].iter().for_each(|what| push(&mut bytes, b'a', what));
    assert_eq!(split(&bytes), [&b"aone"[..], b"at\nwo\\", b"athree"]);
    assert_eq!(bytes, b"aone\nat\\nwo\\\\\nathree\n");
    bytes.remove(2);
    assert_eq!(split(&bytes), [&b"aoe"[..], b"at\nwo\\", b"athree"]);
    bytes.insert(0, b'?');
    bytes.truncate(bytes.len() - 1);
    assert_eq!(split(&bytes), [&b"?aoe"[..], b"at\nwo\\", b"athree"]);
}
