//! How answers follow when operations are left out: files have become shorter, have smaller numbers,
//! and tasks come by less often.

use crate::choice::{Answer, EVERY, Stream, Tape, loosened};

/// What becomes of a tape's answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vary {
    /// What fails or is lost may be any sector of any file of its kind.
    Places,
    /// As `Places`, and bytes that a crash takes are lost in this way.
    Lost(&'static str),
    /// As `Places`, whenever it is asked.
    Times,
}

impl Vary {
    pub(super) const ALL: &[Vary] =
        &[Vary::Places, Vary::Lost("durable"), Vary::Lost("zeros"), Vary::Times];

    /// For candidates that are many, or hardly hopeful.
    pub(super) const FEW: &[Vary] = &[Vary::Places];

    /// The tape with its answers changed; none if that changes nothing.
    pub(super) fn applied(self, tape: &Tape) -> Option<Tape> {
        let mut varied = tape.clone();
        varied.answers.iter_mut().for_each(|answer| self.apply(answer));
        (varied.answers != tape.answers).then_some(varied)
    }

    fn apply(self, answer: &mut Answer) {
        if matches!(answer.key.stream, Stream::Faults | Stream::Survival) {
            answer.key.site = loosened(&answer.key.site);
        }
        match self {
            Vary::Places => {}
            Vary::Lost(label) if is_of_bytes(answer) => label.clone_into(&mut answer.label),
            Vary::Lost(_) => {}
            Vary::Times => answer.key.nth = EVERY,
        }
    }
}

/// Whether an answer says what became of bytes that were written.
fn is_of_bytes(answer: &Answer) -> bool {
    let site = &answer.key.site;
    let whole = site.ends_with(')') || site.ends_with("/limbo") || site.ends_with("/hole");
    answer.key.stream == Stream::Survival && whole
}
