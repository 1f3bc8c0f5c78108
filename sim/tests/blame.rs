//! Blame, on the toy in its wrong ways: the sentence names the barrier that was taken out.

mod toy;

use seawall_sim::blame::{Blame, blame};
use seawall_sim::choice::{Answer, Stream};
use seawall_sim::driver::{Input, run};
use seawall_sim::shrink::shrink;
use toy::{Toy, bug};

/// What the first seeds that fail are blamed on.
fn blamed<const BUG: u8>(seeds: u64, wanted: usize) -> Vec<Blame> {
    let failing = (0..seeds).filter_map(|seed| {
        let ran = run::<Toy<BUG>>(&Input::Seed(seed)).expect("a seed always makes a run");
        ran.failure.map(|_| ran.tape)
    });
    let blame_of = |tape| {
        let shrunk = shrink::<Toy<BUG>>(&tape, 1_000).expect("it fails");
        let blame = blame::<Toy<BUG>>(&shrunk.tape).expect("it fails");
        if std::env::var_os("SHOW").is_some() {
            println!("{}\n{}\n{}\n", blame.sentence, blame.events.join("\n"), shrunk.tape);
        }
        blame
    };
    failing.take(wanted).map(blame_of).collect()
}

#[test]
fn a_tape_that_does_not_fail_is_blamed_on_nobody() {
    let ran = run::<Toy<{ bug::NONE }>>(&Input::Seed(0)).expect("a seed always makes a run");
    let blame = blame::<Toy<{ bug::NONE }>>(&ran.tape);
    assert_eq!(blame, Err("the tape does not fail".to_owned()));
}

#[test]
fn what_takes_a_fault_is_not_said_to_take_none() {
    let mut with_faults = 0;
    for seed in 0..60 {
        let ran =
            run::<Toy<{ bug::NO_SYNC }>>(&Input::Seed(seed)).expect("a seed always makes a run");
        if ran.failure.is_none() {
            continue;
        }
        let tape = shrink::<Toy<{ bug::NO_SYNC }>>(&ran.tape, 300).expect("it fails").tape;
        if tape.answers.iter().any(|answer| answer.key.stream == Stream::Faults) {
            let blame = blame::<Toy<{ bug::NO_SYNC }>>(&tape).expect("it fails");
            assert!(!blame.sentence.contains("no fault"), "{}\n{tape}", blame.sentence);
            with_faults += 1;
        }
    }
    assert!(with_faults > 0, "no failure takes a fault");
}

/// Without a crash: what a failed sync has given up was relied on before it, and the sentence says so.
#[test]
fn what_a_failed_sync_gave_up_is_told_as_the_barrier_before_it() {
    type Wrong = Toy<{ bug::NO_SYNC_BEFORE_RENAME }>;
    let mut without_crash = 0;
    for seed in 0..400 {
        let ran = run::<Wrong>(&Input::Seed(seed)).expect("a seed always makes a run");
        if ran.failure.is_none() {
            continue;
        }
        let tape = shrink::<Wrong>(&ran.tape, 300).expect("it fails").tape;
        let is_lost = |answer: &Answer| answer.key.stream == Stream::Survival;
        let is_given_up = |answer: &Answer| answer.label == "clean-old";
        if tape.answers.iter().any(is_lost) || !tape.answers.iter().any(is_given_up) {
            continue;
        }
        let blame = blame::<Wrong>(&tape).expect("it fails");
        assert!(
            blame.sentence.contains("no sync_data toy.tmp lies between"),
            "{}\n{tape}",
            blame.sentence
        );
        without_crash += 1;
    }
    assert!(without_crash > 0, "no seed fails so");
}

macro_rules! blames {
    ($($name:ident: $bug:ident, $($words:literal)|+;)*) => { $(
        #[test]
        fn $name() {
            let all = blamed::<{ bug::$bug }>(400, 5);
            assert!(!all.is_empty(), "no seed fails");
            let right = all.iter().filter(|blame| {
                let says = |words: &str| {
                    let mut rest = blame.sentence.as_str();
                    words.split(" .. ").all(|piece| {
                        let found = rest.split_once(piece).map(|(_, after)| rest = after);
                        found.is_some()
                    })
                };
                $(says($words))||+
            });
            let right = right.count();
            let sentences: Vec<_> = all.iter().map(|blame| &blame.sentence).collect();
            assert!(right * 10 >= all.len() * 9, "{sentences:#?}");
        }
    )* };
}

// Where the kernel's own write-back has failed, the file is spoken of by the name it bears by then.
blames! {
    a_missing_sync_is_named: NO_SYNC, "no sync_data toy.tmp lies between";
    a_missing_sync_of_the_directory_is_named: NO_DIR_SYNC, "no sync_dir lies between";
    an_acknowledgement_before_the_sync_is_named: LATE_SYNC,
        "no sync_data toy.tmp lies between" | "no sync_data toy.log lies between";
    a_sync_that_was_believed_is_named: RETRIED_SYNC, "is not repeated by a later one";
    a_sync_whose_failure_is_ignored_is_named: IGNORED_SYNC, "before the ack of op .. not heeded";
    a_rename_before_the_sync_is_named: NO_SYNC_BEFORE_RENAME,
        "must be durable before rename toy.tmp to toy.log .. no sync_data toy.tmp lies between"
        | "must be durable before the return of open .. no sync_data toy.tmp lies between";
    a_race_needs_no_crash: RACE, "no crash needed: a switch";
}
