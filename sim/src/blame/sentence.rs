//! The missing barrier, in words.

use crate::choice::Who;
use crate::trace::{Event, Outcome};

use super::effect::{Effect, is_sync, operation, told};
use super::moment::is_answer;
use super::story::{Done, LosingCrash, Story};

/// A sentence, and the numbers of the events in it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) cited: Vec<u64>,
}

/// The syncs of a thing between its change and what relied on it.
#[derive(Default)]
struct Syncs {
    failed: Option<u64>,
    /// That succeeded after one had failed.
    believed: Option<u64>,
    /// That succeeded, and had begun before the change.
    early: Option<u64>,
}

/// `create 000003.wal (#180) must be durable before the ack of op 41 (#212); no sync_dir lies between`
pub(super) fn missing_barrier(
    story: &Story,
    crash: &LosingCrash,
    effects: &[Effect],
    relied: Option<Done>,
) -> Told {
    let mut cited: Vec<u64> =
        effects.iter().flat_map(|effect| &effect.call).map(|c| c.number).collect();
    cited.push(crash.number);
    let lost: Vec<String> = effects.iter().map(|effect| effect.told(story)).collect();
    let lost = joined(&lost);
    let first = effects.iter().flat_map(|effect| &effect.call).map(|call| call.number).min();
    let in_order = relied.filter(|relied| first.is_none_or(|first| first < relied.number));
    let Some(relied) = in_order else {
        let text = format!(
            "{lost} did not survive the crash (#{}), and nothing copes with that",
            crash.number
        );
        return Told { text, cited };
    };
    cited.push(relied.number);
    let relied_told = relied_told(story, &relied);
    for effect in effects {
        let syncs = Syncs::between(story, effect, relied.number);
        let barrier = effect.barrier(story);
        let text = match syncs {
            Syncs { failed: Some(failed), believed: Some(believed), .. } => {
                cited.extend([failed, believed]);
                believed_told(&barrier, failed, &lost, believed, Some(&relied_told))
            }
            Syncs { failed: Some(failed), .. } if is_heeded(story, failed) => {
                cited.push(failed);
                format!(
                    "{lost} must be durable before {relied_told}; the {barrier} between them failed \
                     (#{failed}), and no other lies between"
                )
            }
            Syncs { failed: Some(failed), .. } => {
                cited.push(failed);
                format!(
                    "{lost} must be durable before {relied_told}; the {barrier} between them failed \
                     (#{failed}), which was not heeded"
                )
            }
            Syncs { early: Some(early), .. } => {
                cited.push(early);
                format!(
                    "{lost} must be durable before {relied_told}; the {barrier} that ended between them \
                     (#{early}) had begun before, and no other lies between"
                )
            }
            _ => continue,
        };
        return Told { text, cited };
    }
    let mut barriers: Vec<String> = effects.iter().map(|effect| effect.barrier(story)).collect();
    barriers.dedup();
    let (barriers, lie) =
        (barriers.join(" and no "), if barriers.len() == 1 { "lies" } else { "lie" });
    let text = format!("{lost} must be durable before {relied_told}; no {barriers} {lie} between");
    Told { text, cited }
}

/// A sync that failed, was tried again, and was believed: without a crash, for the cache may show what
/// the disk has.
pub(super) fn sync_believed(story: &Story, failed: &Done) -> Option<Told> {
    let Event::Call { site, file, touch: of, .. } = failed.event else { return None };
    let of_name = is_sync(story, &failed.event, true);
    let again = |done: &Done| {
        let Event::Call { outcome: Outcome::Ok(_), touch, .. } = done.event else { return false };
        done.number > failed.number && touch.node == of.node && is_sync(story, &done.event, of_name)
    };
    if !of_name && !is_sync(story, &failed.event, false) {
        return None;
    }
    let believed = story.on_the_way().find(again).map(|done| done.number);
    let barrier = format!("{} {}", operation(&story.text(site)), story.text(file));
    if let Some(ack) = ack_of(story, failed).filter(|ack| believed.is_none_or(|at| ack.number < at))
    {
        let (number, relied) = (failed.number, relied_told(story, &ack));
        let text = format!(
            "what {barrier} (#{number}) was to cover must be durable before {relied}; that sync failed, which \
             was not heeded"
        );
        return Some(Told { text, cited: vec![number, ack.number] });
    }
    let believed = believed?;
    let relied = story.on_the_way().find(|done| done.number > believed && is_answer(done));
    let (lost, relied_text) =
        ("what it was to cover", relied.map(|done| relied_told(story, &done)));
    let text = believed_told(&barrier, failed.number, lost, believed, relied_text.as_deref());
    let mut cited = vec![failed.number, believed];
    cited.extend(relied.map(|done| done.number));
    Some(Told { text, cited })
}

/// Whether the operation that made a call which failed has failed too.
fn is_heeded(story: &Story, number: u64) -> bool {
    let call = story.on_the_way().find(|done| done.number == number);
    let answer = call.and_then(|call| answer_of(story, &call));
    answer.is_some_and(|done| matches!(done.event, Event::Answer { ok: false, .. }))
}

/// The success that the operation was told of which made a call.
fn ack_of(story: &Story, call: &Done) -> Option<Done> {
    answer_of(story, call).filter(|done| matches!(done.event, Event::Answer { ok: true, .. }))
}

/// The answer of the operation that made a call.
fn answer_of(story: &Story, call: &Done) -> Option<Done> {
    let Who::Op(id) = call.actor.who else { return None };
    let is_it =
        |done: &Done| matches!(done.event, Event::Answer { operation, .. } if operation == id);
    story.on_the_way().find(|done| done.number > call.number && is_it(done))
}

/// A change that the kernel failed to write back by itself, and that nobody asked for before it was relied
/// on: no crash is needed, for the cache shows what the disk has.
pub(super) fn never_asked(story: &Story, change: &Done) -> Option<Told> {
    let Event::Call { file, touch: of, .. } = change.event else { return None };
    let after = || story.on_the_way().filter(|done| done.number > change.number);
    let relied = after().find(is_answer)?;
    let asked = after().take_while(|done| done.number < relied.number).any(|done| {
        let Event::Call { touch, .. } = done.event else { return false };
        touch.node == of.node && is_sync(story, &done.event, false)
    });
    let text = format!(
        "{} must be durable before {}; no sync_data {} lies between, and writing it back has failed",
        told(story, change),
        relied_told(story, &relied),
        story.text(file),
    );
    (!asked).then(|| Told { text, cited: vec![change.number, relied.number] })
}

fn believed_told(
    barrier: &str,
    failed: u64,
    lost: &str,
    again: u64,
    relied: Option<&str>,
) -> String {
    let believed =
        relied.map_or("was believed".to_owned(), |relied| format!("{relied} believed it"));
    format!(
        "a sync that failed is not repeated by a later one that succeeds: {barrier} failed (#{failed}) \
         and gave up {lost}; the next one (#{again}) had nothing left to do and succeeded, and {believed}"
    )
}

impl Syncs {
    fn between(story: &Story, effect: &Effect, until: u64) -> Syncs {
        let mut syncs = Syncs::default();
        let Some(call) = &effect.call else { return syncs };
        let Event::Call { touch: changed, .. } = call.event else { return syncs };
        let between = |done: &Done| call.number < done.number && done.number < until;
        for done in story.on_the_way().filter(between) {
            let Event::Call { outcome, touch, .. } = done.event else { continue };
            if touch.node != changed.node || !is_sync(story, &done.event, effect.is_name()) {
                continue;
            }
            match outcome {
                Outcome::Err(_) => syncs.failed = Some(done.number),
                Outcome::Ok(_) if syncs.failed.is_some() => {
                    syncs.believed.get_or_insert(done.number);
                }
                Outcome::Ok(_) => syncs.early = Some(done.number),
            }
        }
        syncs
    }
}

/// What relied on it: an acknowledgement, the return of an open, or a later change.
fn relied_told(story: &Story, done: &Done) -> String {
    let number = done.number;
    match done.event {
        Event::Answer { operation, .. } => format!("the ack of op {operation} (#{number})"),
        Event::Recovery { .. } => format!("the return of open (#{number})"),
        _ => told(story, done),
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => "what it took".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}
