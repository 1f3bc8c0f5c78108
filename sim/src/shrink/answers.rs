//! Fewer answers, and plainer ones.

use super::{Shrinker, WHOLE};
use crate::choice::Stream;
use crate::system::System;

impl<S: System> Shrinker<S> {
    /// Lets what is lost in part be lost as a whole.
    pub(super) fn lose_wholly(&mut self) {
        for at in 0..self.best.answers.len() {
            let Some(answer) = self.best.answers.get(at) else { return };
            let torn = answer.key.stream == Stream::Survival && !WHOLE.contains(&&*answer.label);
            if !torn || answer.key.site.ends_with("/cut") {
                continue;
            }
            for label in WHOLE {
                let mut candidate = self.best.clone();
                candidate.answers[at].label = label.to_owned();
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }

    /// Leaves out ranges of the answers of a stream, large ones first.
    pub(super) fn drop_answers(&mut self, stream: Stream) {
        let mut size = self.indices(stream).len();
        while size > 0 && !self.is_spent() {
            let mut at = 0;
            loop {
                let indices = self.indices(stream);
                let Some(range) = indices.get(at..(at + size).min(indices.len())) else { break };
                if range.is_empty() {
                    break;
                }
                let mut candidate = self.best.clone();
                for index in range.iter().rev() {
                    candidate.answers.remove(*index);
                }
                if !self.attempt(candidate) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Where the answers of a stream stand.
    fn indices(&self, stream: Stream) -> Vec<usize> {
        let answers = self.best.answers.iter().enumerate();
        answers.filter(|(_, answer)| answer.key.stream == stream).map(|(index, _)| index).collect()
    }
}
