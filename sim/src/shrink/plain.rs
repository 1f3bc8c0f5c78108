//! Plainer operations, crashes and settings: the same failure with smaller numbers in it.

use super::Shrinker;
use crate::choice::Stream;
use crate::config::{Config, Knob};
use crate::driver::knobs;
use crate::system::System;

/// Of more operations no number is touched: they are not understood anyway.
const OPERATIONS_MAX: usize = 16;

/// The words of an operation's line before what its system says: id, generation, client.
const OWN_WORDS: usize = 3;

/// Knobs that other passes make small.
const SHAPE: [&str; 3] = ["clients", "generations", "operations"];

impl<S: System> Shrinker<S> {
    /// Makes everything plainer that is left.
    pub(super) fn plain(&mut self) {
        self.plainer_crashes();
        self.smaller_numbers();
        self.calmer_settings();
    }

    /// Lets a kill with a power loss behind it be a power loss, and what strikes within a call strike
    /// beside it.
    fn plainer_crashes(&mut self) {
        for at in 0..self.best.answers.len() {
            for (from, to) in [("kill-power", "power"), ("during", "before"), ("during", "after")] {
                let Some(answer) = self.best.answers.get(at) else { return };
                if answer.key.stream != Stream::Crash || !answer.label.contains(from) {
                    continue;
                }
                let mut candidate = self.best.clone();
                candidate.answers[at].label = answer.label.replace(from, to);
                self.attempt(candidate);
            }
        }
    }

    /// Makes the numbers in operations smaller: sizes of values, keys, counts.
    fn smaller_numbers(&mut self) {
        if self.best.operations.len() > OPERATIONS_MAX {
            return;
        }
        for at in 0..self.best.operations.len() {
            let mut nth = 0;
            while let Some(value) = self.number_at(at, nth) {
                let smaller = [0, 1, value / 2].into_iter().filter(|smaller| *smaller < value);
                let took = { smaller }.any(|smaller| self.put_number(at, nth, smaller));
                // A half that will do may be halved again.
                nth += usize::from(!took);
            }
        }
    }

    fn number_at(&self, at: usize, nth: usize) -> Option<u64> {
        let line = self.best.operations.get(at)?;
        let (from, to) = number_in(line, nth)?;
        line[from..to].parse().ok()
    }

    fn put_number(&mut self, at: usize, nth: usize, value: u64) -> bool {
        let mut candidate = self.best.clone();
        let Some(line) = candidate.operations.get_mut(at) else { return false };
        let Some((from, to)) = number_in(line, nth) else { return false };
        line.replace_range(from..to, &value.to_string());
        self.attempt(candidate)
    }

    /// Gives drawn knobs their calmest value, many at once where that will do.
    fn calmer_settings(&mut self) {
        let all = knobs::<S>();
        let all: Vec<&Knob> = all
            .iter()
            .flat_map(|knobs| knobs.iter())
            .filter(|knob| knob.is_drawn && !SHAPE.contains(&knob.name))
            .collect();
        let mut size = all.len();
        while size > 0 && !self.is_spent() {
            for some in all.chunks(size) {
                self.calm(some);
            }
            size /= 2;
        }
    }

    fn calm(&mut self, some: &[&Knob]) {
        let Ok(config) = Config::parse(&self.best.config, &knobs::<S>()) else { return };
        let restless = some.iter().filter(|knob| config.get(knob.name) != knob.values[0]);
        let calmest: Vec<_> = restless.map(|knob| (knob.name, knob.values[0])).collect();
        if !calmest.is_empty() {
            let candidate = self.with_knobs(&calmest);
            self.attempt(candidate);
        }
    }
}

/// Where the number of this index stands in what a system says of its operation.
fn number_in(line: &str, nth: usize) -> Option<(usize, usize)> {
    let mut start = 0;
    for _ in 0..OWN_WORDS {
        start += line.get(start..)?.find(' ')? + 1;
    }
    let is_digit = |at: usize| line.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let is_first = |at: &usize| is_digit(*at) && (*at == start || !is_digit(at - 1));
    let from = (start..line.len()).filter(is_first).nth(nth)?;
    let to = (from..line.len()).find(|at| !is_digit(*at)).unwrap_or(line.len());
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_an_operation_are_those_behind_its_client() {
        let line = "167 g0 c0 batch 0=x 1=46 sync";
        let numbers: Vec<_> = (0..9)
            .map_while(|nth| number_in(line, nth))
            .map(|(from, to)| &line[from..to])
            .collect();
        assert_eq!(numbers, ["0", "1", "46"]);
        assert_eq!(number_in("3 g0 c1 flush", 0), None);
        assert_eq!(number_in("3 g0", 0), None);
    }
}
