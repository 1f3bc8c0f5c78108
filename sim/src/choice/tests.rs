//! The promises of the choice stream and of the tape.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seawall_os::site::{FileClass, Operation, Scope, Site};

use super::*;

const WORLD: WorldId = WorldId::generation(0);

fn op(id: u32) -> Actor {
    Actor::new(WORLD, Who::Op(id))
}

fn word(index: usize) -> Label {
    Label::Word(["ok", "fail", "short"][index])
}

fn fault(choices: &Choices, actor: Actor, site: &str) -> usize {
    choices.choose(Stream::Faults, actor, choices.site(site), Odds::Uniform, 3, &word)
}

/// Some forty choices of every kind; what they were.
fn script(choices: &Choices) -> Vec<u64> {
    let mut chosen = Vec::new();
    for round in 0..5 {
        for id in 0..4 {
            let site = choices.site(format_args!("site/{}", round % 2));
            chosen.push(fault(choices, op(id), "commit/wal/write_at") as u64);
            chosen.push(choices.number(Stream::Workload, op(id), site, 3..=900));
            chosen.push(u64::from(choices.chance(Stream::Crash, op(id), site, 3)));
        }
    }
    chosen
}

#[test]
fn a_seed_answers_the_same_every_time_and_seeds_differ() {
    let runs: BTreeSet<Vec<u64>> = (0..20).map(|seed| script(&Choices::from_seed(seed))).collect();
    assert_eq!(runs.len(), 20);
    assert_eq!(script(&Choices::from_seed(7)), script(&Choices::from_seed(7)));
}

#[test]
fn the_tape_of_a_run_replays_it() {
    for seed in 0..50 {
        let first = Choices::from_seed(seed);
        let chosen = script(&first);
        let tape: Tape = first.tape().to_string().parse().expect("it was written by us");
        let replay = Choices::from_tape(&tape);
        assert_eq!(script(&replay), chosen);
        assert_eq!(replay.tape(), tape);
        assert_eq!(replay.unused(), []);
    }
}

#[test]
fn what_one_actor_draws_does_not_move_another() {
    let alone = Choices::from_seed(5);
    let beside = Choices::from_seed(5);
    let mut seen = Vec::new();
    for round in 0..100 {
        seen.push(fault(&alone, op(1), "here"));
        for _ in 0..round % 3 {
            fault(&beside, op(2), "here");
            beside.number(Stream::Workload, op(1), beside.site("there"), 0..=9);
        }
        assert_eq!(fault(&beside, op(1), "here"), seen[round]);
    }
    assert!(seen.contains(&0) && seen.contains(&1) && seen.contains(&2));
}

#[test]
fn the_default_base_takes_the_first_label() {
    let choices = Choices::from_tape(&Tape::default());
    assert!(script(&choices).iter().all(|chosen| [0, 3].contains(chosen)));
    assert_eq!(choices.tape(), Tape::default());
}

#[test]
fn an_override_changes_one_decision_and_none_that_follow() {
    let plain = Choices::from_seed(9);
    let expected: Vec<usize> = (0..40).map(|_| fault(&plain, op(1), "here")).collect();
    let mut tape = Tape::of_seed(9);
    let label = word((expected[10] + 1) % 3).to_string();
    let key = Key { stream: Stream::Faults, actor: op(1), site: "here".to_owned(), nth: 10 };
    tape.answers.push(Answer { key, label });
    let overridden = Choices::from_tape(&tape);
    let got: Vec<usize> = (0..40).map(|_| fault(&overridden, op(1), "here")).collect();
    let differ: Vec<usize> = (0..40).filter(|index| got[*index] != expected[*index]).collect();
    assert_eq!(differ, [10]);
}

#[test]
fn an_override_by_number_is_recorded_by_name() {
    let plain = Choices::from_seed(9);
    let expected: Vec<usize> = (0..40).map(|_| fault(&plain, op(1), "here")).collect();
    let place = text_hash(b"here") as u8;
    let label = (expected[10] + 1) as u16 % 3;
    let change = Override { stream: Stream::Faults, place, nth: 10, label };
    let overridden = Choices::from_seed(9).with_overrides(&[change]);
    let ask = |choices: &Choices| -> Vec<usize> {
        (0..40).map(|round| fault(choices, op(round % 2), "here")).collect()
    };
    let got = ask(&overridden);
    let expected = ask(&Choices::from_seed(9));
    let differ: Vec<usize> = (0..40).filter(|index| got[*index] != expected[*index]).collect();
    assert!(differ.is_empty() || differ == [10], "whoever asks, the tenth of that place");
    assert_eq!(got[10], usize::from(label));
    assert_eq!(ask(&Choices::from_tape(&overridden.tape())), got);
}

#[test]
fn an_answer_that_decides_nothing_is_reported_with_the_reason() {
    let tape: Tape = "seawall tape 1\n\
        answer faults g0/op1 here 0 = fail\n\
        answer faults g0/op1 here 1 = explode\n\
        answer faults g0/op2 here 0 = fail\n\
        answer workload g0/op1 here 0 = 1000\n"
        .parse()
        .expect("a tape");
    let choices = Choices::from_tape(&tape);
    assert_eq!(fault(&choices, op(1), "here"), 1);
    assert_eq!(fault(&choices, op(1), "here"), 0, "an unknown label is the default");
    assert_eq!(choices.number(Stream::Workload, op(1), choices.site("here"), 5..=10), 5);
    let reasons: Vec<(String, UnusedReason)> = choices
        .unused()
        .into_iter()
        .map(|unused| (unused.answer.key.to_string(), unused.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            ("faults g0/op1 here 1".to_owned(), UnusedReason::UnknownLabel),
            ("faults g0/op2 here 0".to_owned(), UnusedReason::NeverAsked),
            ("workload g0/op1 here 0".to_owned(), UnusedReason::UnknownLabel),
        ]
    );
    assert_eq!(choices.tape().answers, tape.answers[..1]);
}

#[test]
fn of_two_answers_to_one_key_the_first_counts() {
    let answer = |label: &str| Answer {
        key: Key { stream: Stream::Faults, actor: op(1), site: "here".to_owned(), nth: 0 },
        label: label.to_owned(),
    };
    let tape = Tape { answers: vec![answer("short"), answer("fail")], ..Tape::default() };
    let choices = Choices::from_tape(&tape);
    assert_eq!(fault(&choices, op(1), "here"), 2);
    assert_eq!(choices.unused()[0].reason, UnusedReason::Duplicate);
    let error = tape.to_string().parse::<Tape>().expect_err("a file may not hold both");
    assert_eq!(
        error.to_string(),
        "tape, line 4: `faults g0/op1 here 0` is answered in line 3 already"
    );
}

#[test]
fn odds_are_kept_roughly() {
    let choices = Choices::from_seed(1);
    let site = choices.site("here");
    let count = |odds: Odds<'_>| {
        let mut hits = [0; 3];
        for _ in 0..10_000 {
            hits[choices.choose(Stream::Crash, op(1), site, odds, 3, &word)] += 1;
        }
        hits
    };
    let near = |hits: [i32; 3], expected: [i32; 3]| {
        hits.iter().zip(expected).all(|(hit, expected)| (hit - expected).abs() < 250)
    };
    assert!(near(count(Odds::Uniform), [3333, 3333, 3333]));
    assert!(near(count(Odds::OneIn(10)), [9000, 500, 500]));
    assert!(near(count(Odds::Weights(&[1, 0, 3])), [2500, 0, 7500]));
    assert_eq!(count(Odds::Given(2)), [0, 0, 10_000]);
}

#[test]
fn a_number_covers_its_whole_range() {
    let choices = Choices::from_seed(1);
    let site = choices.site("here");
    let seen: BTreeSet<u64> =
        (0..200).map(|_| choices.number(Stream::Workload, op(1), site, 5..=9)).collect();
    assert_eq!(seen, (5..=9).collect());
    for _ in 0..100 {
        choices.number(Stream::Workload, op(1), site, 0..=u64::MAX);
    }
    assert_eq!(choices.number(Stream::Workload, op(1), site, 4..=4), 4);
}

#[test]
fn a_site_is_one_text_however_it_is_named() {
    let choices = Choices::from_seed(1);
    let site = Site {
        scope: Scope::new("commit"),
        class: FileClass::of_name("000001.wal"),
        operation: Operation::WriteAt,
    };
    let id = choices.vfs_site(site);
    assert_eq!(choices.vfs_site(site), id);
    assert_eq!(choices.site("commit/wal/write_at"), id);
    assert_eq!(choices.names().point(Scope::new("commit"), "wal/write_at"), id);
    assert_eq!(&*choices.names().text(choices.site("with space")), "with_space");
    assert_eq!(choices.site(""), SiteId::NONE);
}

#[test]
fn a_fork_can_be_dropped_or_renamed() {
    let text = |lines: &str| format!("seawall tape 1\nbase default\n{lines}");
    let mut tape: Tape = text(
        "answer crash g2/op1 here 0 = fork\n\
         answer faults g2.f0/open here 0 = fail\n\
         answer faults g2.f3/open here 0 = short\n\
         answer faults g2.f3.o1/open here 0 = fail\n\
         answer faults g2.f4/open here 0 = fail\n",
    )
    .parse()
    .expect("a tape");
    let fork = |number| WorldId::generation(2).fork(number);
    tape.retain_worlds(|world| !world.is_within(fork(4)));
    tape.rename_world(fork(3), fork(0));
    assert_eq!(
        tape.to_string(),
        text(
            "answer crash g2/op1 here 0 = fork\n\
             answer faults g2.f0/open here 0 = short\n\
             answer faults g2.f0.o1/open here 0 = fail\n",
        )
    );
}

#[test]
fn the_text_of_a_tape_is_this() {
    let text = "seawall tape 1\n\
        # The leader acknowledged too early.\n\
        system kv\n\
        commit 1a2b3c4\n\
        config personality=posix clients=3\n\
        base seed 0x2a\n\
        op put a 1\n\
        op put b two\\nlines\n\
        answer schedule g0/flush flush/mutex 3 = client-1\n\
        answer crash g0.f1/op1 commit/wal/write_at 0 = kept 1536\n";
    let tape: Tape = text.parse().expect("a tape");
    assert_eq!(tape.base, Base::Seed(42));
    assert_eq!(tape.operations[1], "put b two\nlines");
    assert_eq!(tape.answers[0].label, "client-1");
    assert_eq!(tape.to_string(), text);
}

#[test]
fn a_wrong_line_is_named_with_what_is_wrong() {
    let cases = [
        ("", "line 1: expected `seawall tape 1`"),
        ("hello\n", "line 1: expected `seawall tape 1`, found `hello`"),
        ("seawall tape 2\n", "line 1: version 2 is newer than this program's 1"),
        ("seawall tape 1\nfrob x\n", "line 2: `frob` begins no line of a tape"),
        ("seawall tape 1\nbase default\nbase default\n", "line 3: `base` stands in line 2 already"),
        (
            "seawall tape 1\nbase seed x\n",
            "line 2: expected `base default` or `base seed 0x..`, found `base seed x`",
        ),
        ("seawall tape 1\nop a\\b\n", "line 2: a `\\` is followed by `n`, `r` or another `\\`"),
        (
            "seawall tape 1\n\nanswer faults g0/op1 here = fail\n",
            "line 3: expected `answer <stream> <actor> <site> <nth> = <label>`",
        ),
        ("seawall tape 1\nanswer x g0/op1 here 0 = fail", "line 2: `x` is not a stream of choices"),
        (
            "seawall tape 1\nanswer faults g0 here 0 = fail",
            "line 2: `g0`: an actor is named like g2/op41, g2/open or g2.f3/flush",
        ),
        ("seawall tape 1\nanswer faults g0/op1 here -1 = fail", "line 2: `-1` is not a count"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Tape>().expect_err(text);
        assert_eq!(error.to_string(), format!("tape, {expected}"));
    }
    let error = Tape::parse(b"seawall tape 1\nop \xff\n").expect_err("not UTF-8");
    assert_eq!(error.to_string(), "tape, line 2: not UTF-8");
}

fn world() -> impl Strategy<Value = WorldId> {
    (any::<u32>(), prop::collection::vec(0..u32::MAX, 0..=4)).prop_map(|(generation, path)| {
        path.into_iter().fold(WorldId::generation(generation), WorldId::fork)
    })
}

fn key() -> impl Strategy<Value = Key> {
    let who = prop_oneof![
        Just(Who::Run),
        Just(Who::Open),
        Just(Who::Crash),
        any::<u32>().prop_map(Who::Op),
        any::<String>().prop_map(|name| Who::Task(TaskName::new(&name))),
    ];
    let stream = prop::sample::select(Stream::ALL.to_vec());
    (stream, world(), who, "[!-~]{1,12}", any::<u32>()).prop_map(
        |(stream, world, who, site, nth)| Key { stream, actor: Actor::new(world, who), site, nth },
    )
}

pub(crate) fn any_tape() -> impl Strategy<Value = Tape> {
    let answers = prop::collection::btree_map(key(), "(?s).{0,12}", 0..6);
    let base = prop_oneof![Just(Base::Default), any::<u64>().prop_map(Base::Seed)];
    let lines = prop::collection::vec("(?s).{0,12}", 0..3);
    let notes = prop::collection::vec("[^\r\n]{0,12}", 0..3);
    (notes, "(?s).{0,9}", "(?s).{0,9}", "(?s).{0,20}", lines, base, answers).prop_map(
        |(notes, system, commit, config, operations, base, answers)| Tape {
            notes,
            system,
            commit,
            config,
            operations,
            base,
            answers: answers.into_iter().map(|(key, label)| Answer { key, label }).collect(),
        },
    )
}

proptest! {
    #[test]
    fn a_tape_reads_back_as_it_was_written(tape in any_tape()) {
        let written = tape.to_string();
        let read: Tape = written.parse().map_err(|error: TapeError| {
            TestCaseError::fail(format!("{error}\n{written}"))
        })?;
        prop_assert_eq!(read, tape);
    }

    #[test]
    fn any_bytes_are_a_tape_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Tape::parse(&bytes);
    }

    #[test]
    fn a_damaged_tape_is_a_tape_or_an_error(
        tape in any_tape(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = tape.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Tape::parse(&bytes) {
            let again = Tape::parse(read.to_string().as_bytes());
            prop_assert_eq!(again, Ok(read));
        }
    }

    #[test]
    fn a_tape_of_any_answers_can_be_played(tape in any_tape()) {
        let choices = Choices::from_tape(&tape);
        script(&choices);
        prop_assert!(choices.unused().len() <= tape.answers.len());
    }
}

#[test]
fn a_loose_answer_fits_every_number_and_an_exact_one_goes_first() {
    let tape: Tape = "seawall tape 1\n\
        answer faults g0/op1 000003.wal[0..512) 0 = fail\n\
        answer faults g0/op1 *.wal[*..*) 0 = short\n\
        answer faults g0/op2 here * = fail\n"
        .parse()
        .expect("a tape");
    assert_eq!(tape.to_string().parse(), Ok(tape.clone()));
    let choices = Choices::from_tape(&tape);
    assert_eq!(fault(&choices, op(1), "000003.wal[0..512)"), 1);
    assert_eq!(fault(&choices, op(1), "000004.wal[1024..1536)"), 2);
    assert_eq!(fault(&choices, op(1), "000004.wal[1024..1536)"), 0, "it was asked there before");
    assert_eq!(fault(&choices, op(1), "000004.wal/size"), 0);
    assert_eq!([0, 1].map(|_| fault(&choices, op(2), "here")), [1, 1]);
    let recorded = choices.tape().answers;
    assert!(recorded.iter().all(|answer| !answer.to_string().contains('*')));
    assert!(choices.unused().is_empty());
}
