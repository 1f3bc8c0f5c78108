//! Fewer worlds: the crash that shows the failure, and as little before it as can be.

use super::Shrinker;
use crate::choice::{Answer, Stream, Tape, WorldId};
use crate::config::Config;
use crate::driver::knobs;
use crate::system::System;

impl<S: System> Shrinker<S> {
    /// Leaves out every image but those on the way to the failure.
    pub(super) fn isolate(&mut self) {
        let Ok(world) = self.failure.world.parse::<WorldId>() else { return };
        let mut candidate = self.best.clone();
        let line = WorldId::generation(world.main_line());
        candidate.answers.retain(|answer| {
            let at = answer.key.actor.world;
            !is_fork(answer) || at.is_within(line)
        });
        let mut path = Vec::new();
        let mut at = world;
        while let Some(parent) = at.parent() {
            path.push(at.number());
            at = parent;
        }
        for number in path.into_iter().rev() {
            keep_fork(&mut candidate, at, number);
            at = at.fork(0);
        }
        if world.depth() == 0 {
            candidate.answers.retain(|answer| !is_fork(answer));
        }
        if candidate != self.best {
            self.attempt(candidate);
        }
    }

    /// Leaves out images between the main line and the failing one: the outer crash becomes the inner.
    pub(super) fn collapse(&mut self) {
        while let Ok(world) = self.failure.world.parse::<WorldId>() {
            let Some(parent) = world.parent().filter(|parent| parent.depth() > 0) else { return };
            let mut candidate = self.best.clone();
            let inner = candidate.answers.iter().find(|answer| forks_in(answer, parent));
            let Some(label) = inner.map(|answer| answer.label.clone()) else { return };
            let outer = parent.parent().expect("it is no world of the main line");
            if let Some(answer) = candidate.answers.iter_mut().find(|it| forks_in(it, outer)) {
                answer.label = label;
            }
            candidate.rename_world(world, parent);
            if !self.attempt(candidate) {
                return;
            }
        }
    }

    /// Lets crashes strike at earlier calls of the same kind, which need fewer operations.
    pub(super) fn crash_earlier(&mut self) {
        for at in 0..self.best.answers.len() {
            let Some(answer) = self.best.answers.get(at) else { return };
            if answer.key.stream != Stream::Crash {
                continue;
            }
            let nth = answer.key.nth;
            for earlier in [0, nth / 2, nth.saturating_sub(1)] {
                if earlier >= nth {
                    continue;
                }
                let mut candidate = self.best.clone();
                candidate.answers[at].key.nth = earlier;
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }

    /// Leaves out generations: those after the failing one, and those in which no client works.
    pub(super) fn fewer_generations(&mut self) {
        let Ok(failing) = self.failure.world.parse::<WorldId>() else { return };
        for count in [failing.main_line(), failing.main_line() + 1] {
            if u64::from(count) < self.knob("generations") && count > 0 {
                let candidate = self.with_knob("generations", u64::from(count));
                if self.attempt(candidate) {
                    break;
                }
            }
        }
        let mut generation = 0;
        while u64::from(generation) < self.knob("generations") && self.knob("generations") > 1 {
            let idle = !self.best.operations.iter().any(|line| generation_of(line) == generation);
            let candidate = self.without_generation(generation);
            if !(idle && self.attempt(candidate)) {
                generation += 1;
            }
        }
    }

    /// Lets one client do what several did.
    pub(super) fn fewer_clients(&mut self) {
        let clients = self.knob("clients");
        for fewer in 1..clients {
            let mut candidate = self.with_knob("clients", fewer);
            for line in &mut candidate.operations {
                *line = with_word(line, 2, |client| client % fewer);
            }
            if self.attempt(candidate) {
                return;
            }
        }
    }

    fn config(&self) -> Config {
        let config = Config::parse(&self.best.config, &knobs::<S>());
        config.expect("the tape was run, so its configuration can be read")
    }

    fn knob(&self, name: &str) -> u64 {
        self.config().get(name)
    }

    fn with_knob(&self, name: &str, value: u64) -> Tape {
        self.with_knobs(&[(name, value)])
    }

    pub(super) fn with_knobs(&self, knobs: &[(&str, u64)]) -> Tape {
        let mut config = self.config();
        for (name, value) in knobs {
            config.set(name, *value).expect("every run has the driver's knobs");
        }
        Tape { config: config.to_string(), ..self.best.clone() }
    }

    /// The tape without a generation; those after it move up.
    fn without_generation(&self, generation: u32) -> Tape {
        let count = self.knob("generations");
        let mut tape = self.with_knob("generations", count - 1);
        for line in &mut tape.operations {
            *line = with_word(line, 1, |of| of - u64::from(of > u64::from(generation)));
        }
        tape.retain_worlds(|world| world.main_line() != generation);
        for after in generation + 1..=count as u32 {
            tape.rename_world(WorldId::generation(after), WorldId::generation(after - 1));
        }
        tape
    }
}

/// The generation of `41 g2 c1 put 7 40 sync`.
fn generation_of(line: &str) -> u32 {
    let word = line.split(' ').nth(1).and_then(|word| word.strip_prefix('g'));
    word.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// An operation's line with the number of its word `g2` or `c1` changed.
fn with_word(line: &str, at: usize, change: impl Fn(u64) -> u64) -> String {
    let mut words: Vec<String> = line.splitn(4, ' ').map(str::to_owned).collect();
    if let Some(word) = words.get_mut(at)
        && let Ok(number) = word[1..].parse()
    {
        *word = format!("{}{}", &word[..1], change(number));
    }
    words.join(" ")
}

fn is_fork(answer: &Answer) -> bool {
    answer.key.stream == Stream::Crash && answer.label.starts_with("fork-")
}

fn forks_in(answer: &Answer, world: WorldId) -> bool {
    is_fork(answer) && answer.key.actor.world == world
}

/// Keeps only the image `number` of those forked in `world`, and gives it number 0.
fn keep_fork(tape: &mut Tape, world: WorldId, number: u32) {
    let mut seen = 0;
    tape.answers.retain(|answer| {
        if !forks_in(answer, world) {
            return true;
        }
        seen += 1;
        seen - 1 == number
    });
    tape.rename_world(world.fork(number), world.fork(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_moves_to_another_generation_or_client() {
        assert_eq!(generation_of("41 g2 c1 put 7 40 sync"), 2);
        assert_eq!(with_word("41 g2 c1 put 7 40 sync", 1, |g| g - 1), "41 g1 c1 put 7 40 sync");
        assert_eq!(with_word("41 g2 c1 flush", 2, |_| 0), "41 g2 c0 flush");
    }
}
