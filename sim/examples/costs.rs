//! What the simulator's innermost steps cost on this machine: a choice, an event, a switch, a world.
//!
//! `cargo run --release -p seawall-sim --example costs`
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use seawall_os::site::{FileClass, Operation, Scope, Site};
use seawall_os::sync::{spawn, yield_point};
use seawall_sim::choice::{
    Actor, Choices, Label, Odds, SiteId, Stream, Tape, TaskName, Who, WorldId,
};
use seawall_sim::sched::{RunEnd, SchedOptions, Scheduler, Strategy};
use seawall_sim::trace::{Event, Keep, Outcome, Touch, Trace};

const WORLD: WorldId = WorldId::generation(0);

fn main() {
    choices("choice, seed, one in 8", &Choices::from_seed(1), Odds::OneIn(8));
    choices("choice, seed, uniform", &Choices::from_seed(1), Odds::Uniform);
    choices("choice, default", &Choices::from_tape(&Tape::default()), Odds::Uniform);
    choices("choice, replayed from a tape", &Choices::from_tape(&recorded()), Odds::Uniform);
    two_actors();
    new_actors();
    vfs_site();
    events();
    points("point, one task", 1, Strategy::Uniform { one_in: 8 });
    points("point, three tasks, one in 1000", 3, Strategy::Uniform { one_in: 1000 });
    points("point, three tasks, one in 8", 3, Strategy::Uniform { one_in: 8 });
    points("point, three tasks, always", 3, Strategy::Uniform { one_in: 1 });
    worlds();
}

/// Prints what one of `count` rounds takes: the best of five tries.
fn measure(what: &str, count: u64, mut all: impl FnMut(u64)) {
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            all(count);
            start.elapsed().as_nanos() as f64 / count as f64
        })
        .fold(f64::INFINITY, f64::min);
    println!("{what:<34} {best:>9.1} ns");
}

fn actor(name: &str) -> Actor {
    Actor::new(WORLD, Who::Task(TaskName::new(name)))
}

fn word(index: usize) -> Label {
    Label::Word(if index == 0 { "ok" } else { "fail" })
}

fn recorded() -> Tape {
    let choices = Choices::from_seed(1);
    let (site, flush) = (choices.site("commit/wal/sync_data"), actor("flush"));
    for _ in 0..1_000_000 {
        choices.choose(Stream::Faults, flush, site, Odds::Uniform, 2, &word);
    }
    choices.tape()
}

fn choices(what: &str, choices: &Choices, odds: Odds<'_>) {
    let (site, flush) = (choices.site("commit/wal/sync_data"), actor("flush"));
    measure(what, 200_000, |count| {
        for _ in 0..count {
            black_box(choices.choose(Stream::Faults, flush, site, odds, 2, &word));
        }
    });
}

fn two_actors() {
    let choices = Choices::from_seed(1);
    let site = choices.site("commit/mutex");
    let actors = [actor("flush"), actor("compact")];
    measure("choice, two actors by turns", 1_000_000, |count| {
        for round in 0..count {
            let actor = actors[(round & 1) as usize];
            black_box(choices.choose(Stream::Schedule, actor, site, Odds::OneIn(50), 2, &word));
        }
    });
}

fn new_actors() {
    measure("choice, an actor's first", 100_000, |count| {
        for _ in 0..count / 200 {
            let choices = Choices::from_seed(1);
            let site = choices.site("commit/mutex");
            for id in 0..200 {
                let actor = Actor::new(WORLD, Who::Op(id));
                black_box(choices.choose(Stream::Schedule, actor, site, Odds::OneIn(50), 2, &word));
            }
        }
    });
}

fn vfs_site() {
    let choices = Choices::from_seed(1);
    let site = Site {
        scope: Scope::new("commit"),
        class: FileClass::of_name("000001.wal"),
        operation: Operation::WriteAt,
    };
    measure("the id of a call's site", 1_000_000, |count| {
        for _ in 0..count {
            black_box(choices.vfs_site(black_box(site)));
        }
    });
    measure("the id of a point", 1_000_000, |count| {
        for _ in 0..count {
            black_box(choices.names().point(black_box(Scope::new("commit")), "mutex"));
        }
    });
}

fn events() {
    let choices = Choices::from_seed(1);
    let (site, file) = (choices.site("commit/wal/write_at"), choices.site("000001.wal"));
    let trace = Trace::new(choices.names(), Keep::Last(256));
    measure("event", 1_000_000, |count| {
        for offset in 0..count {
            let outcome = Outcome::Ok(0);
            trace.event(Event::Call {
                site,
                file,
                from: SiteId::NONE,
                offset,
                length: 128,
                content: 7,
                outcome,
                touch: Touch::NOTHING,
            });
        }
    });
    black_box((trace.fingerprint(), SiteId::NONE));
}

fn sched(choices: &Choices, strategy: Strategy) -> Scheduler {
    let trace = Trace::new(choices.names(), Keep::Last(256));
    let options = SchedOptions { strategy, step_budget: u64::MAX, ..SchedOptions::default() };
    Scheduler::new(choices, WORLD, &trace, options)
}

fn points(what: &str, tasks: u64, strategy: Strategy) {
    let site = Site {
        scope: Scope::new("commit"),
        class: FileClass::of_name("000001.wal"),
        operation: Operation::WriteAt,
    };
    measure(what, 300_000, |count| {
        let choices = Choices::from_seed(1);
        let sched = sched(&choices, strategy);
        let handles: Vec<_> =
            (0..tasks).map(|_| seawall_sim::sched::OneThread::new(sched.clone())).collect();
        let end = sched.run(move || {
            for handle in handles {
                spawn("task", move || {
                    for _ in 0..count / tasks {
                        handle.switch_vfs(site);
                    }
                });
            }
        });
        assert_eq!(end, RunEnd::Finished);
    });
}

fn worlds() {
    let mut seed = 0;
    measure("run and world of 3 tasks", 20_000, |count| {
        for _ in 0..count {
            seed += 1;
            let choices = Choices::from_seed(seed);
            let sched = sched(&choices, Strategy::default());
            three_tasks(&sched);
        }
    });
    let choices = Choices::from_tape(&Tape::default());
    measure("world of 3 tasks, default base", 20_000, |count| {
        for _ in 0..count {
            three_tasks(&sched(&choices, Strategy::default()));
        }
    });
}

fn three_tasks(sched: &Scheduler) {
    let end = sched.run(|| {
        for name in ["flush", "compact"] {
            spawn(name, || yield_point("work"));
        }
    });
    assert_eq!(end, RunEnd::Finished);
}
