//! Which personalities of the disk admit a failure.
//!
//! A tape that fails says what a crash took, in the words of the personality it was recorded on: under
//! another one the disk may be asked other questions. So the tape is replayed as it is, and then with
//! answers that take about as much in the other's words: everything up to a moment, or a file's last
//! bytes. A personality that is not named may still admit the failure, in a way that was not tried.

use std::collections::BTreeSet;

use crate::choice::{Actor, Answer, Key, Stream, Tape};
use crate::config::Config;
use crate::disk::Personality;
use crate::driver::{Input, knobs, run};
use crate::system::{Property, System};

/// How many changes of names are kept, at most, before the moment of a crash that is tried.
const MOMENTS_MAX: usize = 24;

/// The names of the personalities under which a failing tape violates the same property, the strictest
/// first. It admits what any other does, so it is always among them.
pub fn admitting<S: System>(tape: &Tape, property: Property) -> Vec<&'static str> {
    let own = Personality::of_line(&tape.config);
    let admits = |personality: Personality| {
        let is_known = personality == Personality::POSIX || personality == own;
        is_known || tries::<S>(tape, personality).any(|tape| fails::<S>(tape, property))
    };
    let named = Personality::NAMED.into_iter();
    named.filter(|(_, personality)| admits(*personality)).map(|(name, _)| name).collect()
}

fn fails<S: System>(tape: Tape, property: Property) -> bool {
    let ran = run::<S>(&Input::Tape(Box::new(tape)));
    let failure = ran.ok().and_then(|ran| ran.failure);
    failure.is_some_and(|failure| failure.violation.property == property)
}

/// The tape on a disk of this personality: as it is, and with other losses.
fn tries<S: System>(tape: &Tape, personality: Personality) -> impl Iterator<Item = Tape> + use<S> {
    let config = Config::parse(&tape.config, &knobs::<S>()).ok().map(|mut config| {
        for (knob, number) in personality.numbers() {
            // Every run has these knobs.
            let _ = config.set(knob, number);
        }
        config.to_string()
    });
    let tape = config.map(|config| Tape { config, ..tape.clone() });
    tape.into_iter().flat_map(|tape| {
        let losses = losses::<S>(&tape);
        let varied = losses.into_iter().map({
            let tape = tape.clone();
            move |more| {
                let mut answers = tape.answers.clone();
                answers.extend(more);
                Tape { answers, ..tape.clone() }
            }
        });
        [tape].into_iter().chain(varied).collect::<Vec<_>>()
    })
}

/// Answers to what other personalities ask in the crashes that this tape decides.
fn losses<S: System>(tape: &Tape) -> Vec<Vec<Answer>> {
    let survival = || tape.answers.iter().filter(|it| it.key.stream == Stream::Survival);
    let crashes: BTreeSet<Actor> = survival().map(|answer| answer.key.actor).collect();
    let files = survival().filter_map(|answer| answer.key.site.split_once(['[', '/']));
    let files: BTreeSet<&str> = files.map(|(file, _)| file).collect();
    let directories = S::directories().iter().map(|path| path.rsplit('/').next().unwrap_or(path));
    let directories: Vec<_> = ["all", "/", "sim"].into_iter().chain(directories).collect();
    if crashes.is_empty() {
        return Vec::new();
    }
    let answer = |actor: &Actor, site: String, label: &str| Answer {
        key: Key { stream: Stream::Survival, actor: *actor, site, nth: 0 },
        label: label.to_owned(),
    };
    let bytes: Vec<_> = crashes
        .iter()
        .flat_map(|actor| files.iter().map(move |file| (actor, file)))
        .flat_map(|(actor, file)| {
            ["room", "size"].map(|part| answer(actor, format!("{file}/{part}"), "durable"))
        })
        .collect();
    let names = |label: &str| {
        let sites = crashes.iter().flat_map(|actor| directories.iter().map(move |it| (actor, it)));
        sites.map(|(actor, it)| answer(actor, format!("{it}/names"), label)).collect::<Vec<_>>()
    };
    let moments = (1..=MOMENTS_MAX).map(|count| format!("version {count}"));
    let moments: Vec<_> = moments.chain(["durable".to_owned(), "new".to_owned()]).collect();
    let with_bytes = moments.iter().map(|label| [names(label), bytes.clone()].concat());
    moments.iter().map(|label| names(label)).chain(with_bytes).collect()
}
