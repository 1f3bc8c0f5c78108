//! The scheduler's promises, each shown on a toy of a dozen lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use seawall_os::site::Scope;
use seawall_os::sync::{
    AtomicU64, Condvar, JoinHandle, Mutex, Ordering, TaskLocal, Time, Turn, enter_scope, now,
    sleep, spawn, yield_point,
};

use super::*;
use crate::choice::{Choices, Tape, TaskName, UnusedReason, Who, WorldId};
use crate::trace::{Event, Keep, Trace};

/// What a toy leaves behind.
struct Ran {
    end: RunEnd,
    fingerprint: u64,
    tape: Tape,
    steps: u64,
    choices: Choices,
    lines: Vec<String>,
}

fn run(tape: &Tape, strategy: Strategy, toy: impl FnOnce(Scheduler, Trace) + 'static) -> Ran {
    let choices = Choices::from_tape(tape);
    let trace = Trace::new(choices.names(), Keep::Last(1000));
    let options = SchedOptions { strategy, step_budget: 5_000, ..SchedOptions::default() };
    let sched = Scheduler::new(&choices, WorldId::generation(0), &trace, options);
    let (inner, sink) = (sched.clone(), trace.clone());
    let end = sched.run(move || toy(inner, sink));
    let tape = choices.tape();
    let (fingerprint, steps, lines) = (trace.fingerprint(), sched.steps(), trace.lines());
    Ran { end, fingerprint, tape, steps, choices, lines }
}

fn run_seed(seed: u64, toy: impl FnOnce(Scheduler, Trace) + 'static) -> Ran {
    run(&Tape::of_seed(seed), Strategy::Uniform { one_in: 3 }, toy)
}

/// Two clients add to a counter without a lock, a third reads; every step enters the trace.
fn busy(_: Scheduler, trace: Trace) {
    let trace = Arc::new(OneThread::new(trace));
    let counter = Arc::new(AtomicU64::new(0));
    let client = |id: u64| {
        let (trace, counter) = (Arc::clone(&trace), Arc::clone(&counter));
        move || {
            for _ in 0..5 {
                let seen = counter.load(Ordering::Relaxed);
                yield_point("between");
                counter.store(seen + id, Ordering::Relaxed);
                trace.event(Event::Recovery { content: seen, ok: true });
            }
        }
    };
    let clients = [1, 10, 100].map(|id| spawn(&format!("client-{id}"), client(id)));
    join_all(clients);
    trace.event(Event::Recovery { content: counter.load(Ordering::Relaxed), ok: true });
}

#[test]
fn a_seed_gives_one_run_and_its_tape_replays_it() {
    let mut fingerprints = std::collections::BTreeSet::new();
    for seed in 0..100 {
        for strategy in strategies() {
            let first = run(&Tape::of_seed(seed), strategy, busy);
            assert_eq!(first.end, RunEnd::Finished);
            let again = run(&Tape::of_seed(seed), strategy, busy);
            assert_eq!(again.fingerprint, first.fingerprint, "seed {seed} under {strategy}");
            let written = first.tape.to_string();
            let read: Tape = written.parse().expect("a tape that was written can be read");
            assert_eq!(read, first.tape);
            let replayed = run(&read, Strategy::default(), busy);
            assert_eq!(replayed.fingerprint, first.fingerprint, "tape of {seed} under {strategy}");
            assert_eq!(replayed.tape, first.tape);
            assert_eq!(replayed.choices.unused(), []);
            assert_eq!(replayed.steps, first.steps);
            fingerprints.insert(first.fingerprint);
        }
    }
    assert!(fingerprints.len() > 150, "only {} different runs", fingerprints.len());
}

fn join_all<T>(tasks: impl IntoIterator<Item = JoinHandle<T>>) {
    for task in tasks {
        task.join().expect("no task panics");
    }
}

fn strategies() -> [Strategy; 4] {
    [
        Strategy::Uniform { one_in: 1 },
        Strategy::Uniform { one_in: 5 },
        Strategy::Pct { changes: 3, horizon: 64 },
        Strategy::Pauses { one_in: 3, pause_in: 8, points: 20 },
    ]
}

#[test]
fn every_strategy_finds_a_race_of_several_switches() {
    let racy = |_: Scheduler, _: Trace| {
        let counter = Arc::new(AtomicU64::new(0));
        let tasks = ["one", "two"].map(|name| {
            let counter = Arc::clone(&counter);
            spawn(name, move || {
                for _ in 0..3 {
                    let seen = counter.load(Ordering::Relaxed);
                    counter.store(seen + 1, Ordering::Relaxed);
                }
            })
        });
        join_all(tasks);
        assert!(counter.load(Ordering::Relaxed) > 3, "half of the additions are lost");
    };
    for strategy in strategies() {
        let found = (0..300).map(|seed| run(&Tape::of_seed(seed), strategy, racy));
        let found = found.into_iter().find(|ran| ran.end != RunEnd::Finished);
        let found = found.unwrap_or_else(|| panic!("{strategy} finds nothing in 300 seeds"));
        let replayed = run(&found.tape, Strategy::default(), racy);
        assert_eq!(replayed.end, found.end, "{strategy}");
        assert_eq!(replayed.fingerprint, found.fingerprint, "{strategy}");
    }
}

#[test]
fn a_task_that_spins_without_yielding_ends_under_every_strategy() {
    let spin = |_: Scheduler, _: Trace| {
        let flag = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&flag);
        spawn("setter", move || theirs.store(1, Ordering::Relaxed));
        while flag.load(Ordering::Relaxed) == 0 {}
    };
    for strategy in strategies() {
        for seed in 0..20 {
            assert_eq!(run(&Tape::of_seed(seed), strategy, spin).end, RunEnd::Finished);
        }
    }
}

#[test]
fn a_deadline_can_come_early_by_choice() {
    let busy_while_another_sleeps = |_: Scheduler, trace: Trace| {
        let sleeper = spawn("sleeper", || sleep(Duration::from_secs(10)));
        for _ in 0..50 {
            yield_point("busy");
        }
        let content = u64::from(now() > Time::default() + Duration::from_secs(1));
        trace.event(Event::Recovery { content, ok: true });
        sleeper.join().expect("it does not panic");
    };
    let late = |seed, early_in| {
        let choices = Choices::from_seed(seed);
        let trace = Trace::new(choices.names(), Keep::Last(1000));
        let options = SchedOptions { early_in, ..SchedOptions::default() };
        let sched = Scheduler::new(&choices, WorldId::generation(0), &trace, options);
        let (inner, sink) = (sched.clone(), trace.clone());
        assert_eq!(sched.run(move || busy_while_another_sleeps(inner, sink)), RunEnd::Finished);
        (choices.tape().to_string().contains("= late"), trace.fingerprint())
    };
    assert!((0..20).any(|seed| late(seed, 32).0));
    assert!((0..20).all(|seed| !late(seed, 0).0));
    assert_eq!(late(3, 32), late(3, 32));
}

#[test]
fn an_answer_that_fits_no_choice_is_reported() {
    let mut tape = run_seed(1, busy).tape;
    tape.answers[0].label = "nobody".to_owned();
    let ran = run(&tape, Strategy::default(), busy);
    let unused = ran.choices.unused();
    assert_eq!(unused[0].reason, UnusedReason::UnknownLabel);
    assert_eq!(unused[0].answer, tape.answers[0]);
}

#[test]
fn a_race_is_found_and_its_tape_replays() {
    let racy = |_: Scheduler, _: Trace| {
        let counter = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&counter);
        let add = |counter: &AtomicU64| {
            let seen = counter.load(Ordering::Relaxed);
            counter.store(seen + 1, Ordering::Relaxed);
        };
        let other = spawn("other", move || add(&theirs));
        add(&counter);
        other.join().expect("it does not panic");
        assert_eq!(counter.load(Ordering::Relaxed), 2, "an addition is lost");
    };
    let found = (0..50).map(|seed| run_seed(seed, racy)).find(|ran| ran.end != RunEnd::Finished);
    let found = found.expect("50 seeds find the race");
    let RunEnd::Panicked { task, message, location } = &found.end else {
        panic!("{}", found.end);
    };
    assert_eq!(*task, TaskName::new("main"));
    assert!(message.contains("an addition is lost"), "{message}");
    assert!(location.contains("tests.rs"), "{location}");
    let replayed = run(&found.tape, Strategy::default(), racy);
    assert_eq!(replayed.end, found.end);
    assert_eq!(replayed.fingerprint, found.fingerprint);
    // By default nothing is switched that need not be.
    assert_eq!(run(&Tape::default(), Strategy::default(), racy).end, RunEnd::Finished);
}

#[test]
fn a_lost_wakeup_is_a_deadlock() {
    let careless = |_: Scheduler, _: Trace| {
        let shared = Arc::new((AtomicU64::new(0), Mutex::new(()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let setter = spawn("setter", move || {
            // The flag is set outside the lock, so the waiter can miss the notification.
            theirs.0.store(1, Ordering::Relaxed);
            theirs.2.notify_all();
        });
        let _scope = enter_scope(Scope::new("consume"));
        if shared.0.load(Ordering::Relaxed) == 0 {
            let mut guard = shared.1.lock();
            let mut waited = false;
            shared.2.wait_while(&mut guard, |()| !std::mem::replace(&mut waited, true));
        }
        setter.join().expect("it does not panic");
    };
    let ends: Vec<RunEnd> = (0..50).map(|seed| run_seed(seed, careless).end).collect();
    assert!(ends.contains(&RunEnd::Finished), "some seeds are lucky");
    let lost = ends.iter().find(|end| **end != RunEnd::Finished).expect("some seeds are not");
    let expected = "deadlock\n  main (g0/main) at consume/wait, waits on #";
    assert!(lost.to_string().starts_with(expected), "{lost}");
}

#[test]
fn turns_taken_in_opposite_order_are_a_deadlock_with_both_positions() {
    let opposite = |_: Scheduler, _: Trace| {
        let turns = Arc::new((Turn::new(()), Turn::new(())));
        let theirs = Arc::clone(&turns);
        let other = spawn("flush", move || {
            let _scope = enter_scope(Scope::new("flush"));
            let _second = theirs.1.take();
            let _first = theirs.0.take();
        });
        {
            let _scope = enter_scope(Scope::new("commit"));
            let _first = turns.0.take();
            let _second = turns.1.take();
        }
        other.join().expect("it does not panic");
    };
    let end = (0..50).map(|seed| run_seed(seed, opposite).end).find(|end| *end != RunEnd::Finished);
    let Some(RunEnd::Deadlock(positions)) = end else { panic!("no deadlock within 50 seeds") };
    let mut places: Vec<String> =
        positions.iter().map(|position| position.place.to_string()).collect();
    places.sort();
    assert_eq!(places, ["commit/turn", "flush/turn"]);
    assert!(positions.iter().all(|position| position.waits_on.is_some()));
}

#[test]
fn a_livelock_runs_into_the_step_budget() {
    let polite = |_: Scheduler, _: Trace| {
        let flag = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&flag);
        spawn("never", move || theirs.load(Ordering::Relaxed)).join().expect("it ends");
        while flag.load(Ordering::Relaxed) == 0 {
            yield_point("still waiting");
        }
    };
    let ran = run_seed(3, polite);
    let RunEnd::BudgetExceeded(positions) = ran.end else { panic!("{}", ran.end) };
    assert_eq!(positions.len(), 1);
    assert_eq!(positions[0].task, TaskName::new("main"));
    assert_eq!(ran.steps, 5_001);
}

#[test]
fn a_loop_that_only_looks_at_the_clock_ends() {
    let ran = run_seed(1, |_, _| {
        let end = now() + Duration::from_micros(100);
        while now() < end {}
    });
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn a_spinning_task_lets_the_others_run_by_default() {
    let spin = |_: Scheduler, _: Trace| {
        let flag = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&flag);
        spawn("setter", move || theirs.store(1, Ordering::Relaxed));
        while flag.load(Ordering::Relaxed) == 0 {
            yield_point("spin");
        }
    };
    assert_eq!(run(&Tape::default(), Strategy::default(), spin).end, RunEnd::Finished);
}

#[test]
fn a_panic_is_reported_and_the_other_tasks_are_left_as_they_are() {
    struct Loud(Arc<AtomicU32>);
    impl Drop for Loud {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let drops = Arc::new(AtomicU32::new(0));
    let inner = Arc::clone(&drops);
    let abandoned = stack_counts().abandoned;
    let ran = run_seed(1, move |_, _| {
        let _left = Loud(Arc::clone(&inner));
        let bad = spawn("bad", move || {
            let _unwound = Loud(inner);
            panic!("the number is {}", 42);
        });
        let _ = bad.join();
    });
    let RunEnd::Panicked { task, message, .. } = ran.end else { panic!("{}", ran.end) };
    assert_eq!((task, message.as_str()), (TaskName::new("bad"), "the number is 42"));
    assert_eq!(drops.load(Relaxed), 1, "the task that panicked was unwound, main was not");
    assert_eq!(stack_counts().abandoned, abandoned + 1);
}

#[test]
fn stop_ends_the_run_at_once() {
    let reached = Arc::new(AtomicU32::new(0));
    let inner = Arc::clone(&reached);
    let ran = run_seed(1, move |sched, _| {
        let sched = OneThread::new(sched);
        let stopper = spawn("stopper", move || {
            sched.stop();
        });
        let _: Result<(), _> = stopper.join();
        inner.store(1, Relaxed);
    });
    assert_eq!(ran.end, RunEnd::Stopped);
    assert_eq!(reached.load(Relaxed), 0);
}

#[test]
fn join_returns_what_the_task_returned() {
    let ran = run_seed(9, |_, _| {
        let tasks = [1, 2, 3].map(|number| spawn("same-name", move || number * 10));
        let numbers = tasks.map(|task| task.join().expect("no task panics"));
        assert_eq!(numbers, [10, 20, 30]);
    });
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn a_wait_with_a_deadline_ends_when_nobody_else_can_run() {
    let ran = run_seed(1, |sched, _| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let before = sched.time();
        let mut guard = mutex.lock();
        assert!(condvar.wait_while_for(&mut guard, |()| true, Duration::from_secs(3600)));
        assert!(sched.time() >= before + Duration::from_secs(3600));
    });
    assert_eq!(ran.end, RunEnd::Finished);
    assert!(ran.steps < 20, "time jumps: {} steps", ran.steps);
}

#[test]
fn a_notification_before_the_deadline_wins() {
    let ran = run_seed(1, |_, _| {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&shared);
        spawn("setter", move || {
            sleep(Duration::from_millis(1));
            *theirs.0.lock() = true;
            theirs.1.notify_one();
        });
        let mut ready = shared.0.lock();
        assert!(!shared.1.wait_while_for(&mut ready, |ready| !*ready, Duration::from_secs(1)));
    });
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn time_jumps_past_a_deadline_that_nobody_waits_for_any_more() {
    let ran = run_seed(1, |sched, _| {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let setter = spawn("setter", move || {
            *theirs.0.lock() = true;
            theirs.1.notify_one();
        });
        let mut ready = shared.0.lock();
        shared.1.wait_while_for(&mut ready, |ready| !*ready, Duration::from_secs(1));
        drop(ready);
        setter.join().expect("it does not panic");
        sleep(Duration::from_secs(3600));
        assert!(sched.time() >= Time::default() + Duration::from_secs(3600));
    });
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let inner = Arc::clone(&order);
    let ran = run_seed(5, move |_, _| {
        let sleepers = [30, 10, 20].map(|millis| {
            let order = Arc::clone(&inner);
            spawn("sleeper", move || {
                sleep(Duration::from_millis(millis));
                order.lock().push(millis);
            })
        });
        join_all(sleepers);
    });
    assert_eq!(ran.end, RunEnd::Finished);
    assert_eq!(*order.lock(), [10, 20, 30]);
}

#[test]
fn which_waiter_a_notification_wakes_is_a_choice() {
    let first = |seed| {
        let woken = Arc::new(Mutex::new(Vec::new()));
        let inner = Arc::clone(&woken);
        let ran = run(&Tape::of_seed(seed), Strategy::Uniform { one_in: 0 }, move |_, _| {
            let shared = Arc::new((Mutex::new(0), Condvar::new()));
            let waiters = [0, 1, 2].map(|id| {
                let (shared, woken) = (Arc::clone(&shared), Arc::clone(&inner));
                spawn("waiter", move || {
                    let mut permits = shared.0.lock();
                    shared.1.wait_while(&mut permits, |permits| *permits == 0);
                    *permits -= 1;
                    drop(permits);
                    woken.lock().push(id);
                })
            });
            sleep(Duration::from_secs(1));
            for _ in 0..3 {
                *shared.0.lock() += 1;
                shared.1.notify_one();
                sleep(Duration::from_secs(1));
            }
            join_all(waiters);
        });
        assert_eq!(ran.end, RunEnd::Finished);
        woken.lock()[0]
    };
    let firsts: std::collections::BTreeSet<i32> = (0..30).map(first).collect();
    assert_eq!(firsts.len(), 3, "each of three waiters is woken first under some seed");
}

#[test]
fn scope_and_locals_travel_with_the_task() {
    static LOCAL: TaskLocal<std::cell::Cell<u32>> =
        TaskLocal::new("test-local", || std::cell::Cell::new(0));
    let ran = run(&Tape::of_seed(2), Strategy::Uniform { one_in: 1 }, |_, _| {
        let worker = |name: &'static str, value: u32| {
            spawn(name, move || {
                let _scope = enter_scope(Scope::new(name));
                LOCAL.with(|local| local.set(value));
                for _ in 0..10 {
                    yield_point("travel");
                    assert_eq!(LOCAL.with(std::cell::Cell::get), value);
                    assert_eq!(seawall_os::sync::current_scope().name(), name);
                }
            })
        };
        let workers = [worker("one", 1), worker("two", 2)];
        join_all(workers);
    });
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn an_actor_is_whom_the_task_says_it_acts_as() {
    let ran = run_seed(1, |sched, trace| {
        assert_eq!(sched.current_actor().to_string(), "g0/main");
        sched.set_who(Who::Op(7));
        trace.event(Event::Recovery { content: 1, ok: true });
        let other = spawn("other", || yield_point("here"));
        other.join().expect("it does not panic");
        assert_eq!(sched.current_who(), Who::Op(7));
    });
    assert_eq!(ran.end, RunEnd::Finished);
    assert!(ran.lines[0].contains("g0/op7"), "{:?}", ran.lines);
}

#[test]
fn a_task_has_room_for_deep_calls() {
    fn deep(levels: u32) -> u32 {
        let frame = std::hint::black_box([1_u8; 4096]);
        if levels == 0 { 0 } else { u32::from(frame[7]) + deep(levels - 1) }
    }
    let ran = run_seed(1, |_, _| assert_eq!(deep(80), 80));
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn a_panic_that_the_task_catches_is_no_finding() {
    let ran = run_seed(1, |_, _| {
        assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
        yield_point("after");
    });
    assert_eq!(ran.end, RunEnd::Finished);
}

#[test]
fn ten_thousand_worlds_use_the_same_few_stacks() {
    let before = stack_counts();
    for seed in 0..10_000 {
        let choices = Choices::from_seed(seed);
        let trace = Trace::new(choices.names(), Keep::Last(8));
        let world = WorldId::generation(0);
        let sched = Scheduler::new(&choices, world, &trace, SchedOptions::default());
        let end = sched.run(|| {
            let tasks = ["flush", "compact"].map(|name| spawn(name, || yield_point("work")));
            join_all(tasks);
        });
        assert_eq!(end, RunEnd::Finished);
    }
    let after = stack_counts();
    assert!(after.made <= before.made + 3, "{after:?}");
    assert_eq!(after.abandoned, before.abandoned);
}

#[test]
fn a_world_can_run_again_and_its_time_goes_on() {
    let choices = Choices::from_seed(1);
    let trace = Trace::new(choices.names(), Keep::Last(8));
    let options = SchedOptions { start: Time(500), ..SchedOptions::default() };
    let sched = Scheduler::new(&choices, WorldId::generation(0), &trace, options);
    assert_eq!(sched.run(|| sleep(Duration::from_secs(1))), RunEnd::Finished);
    let after = sched.time();
    assert!(after > Time(500) + Duration::from_secs(1));
    assert_eq!(sched.run(move || assert!(now() > after)), RunEnd::Finished);
}

#[test]
fn worlds_do_not_nest() {
    let ran = run_seed(1, |_, _| {
        let _ = run_seed(2, |_, _| {});
    });
    assert!(ran.end.to_string().contains("worlds do not nest"), "{}", ran.end);
}
