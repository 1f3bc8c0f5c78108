//! Histories as text, and what may be recovered after them.
//!
//! `+1 a=1` issues operation 1, `-1 @1!` acknowledges it durably at position 1, `-1 @1` less than
//! durably, `-1 err` fails it; `+5 a?` reads, `-5 @1 a=1` says what was seen, and `-5 earlier @1 a=1`
//! what a read at a point fixed before saw.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::*;
use crate::config::Config;
use crate::system::{Answer, Difference, Draw, Opened, Probing, System};

/// A store that exists on paper only.
struct Paper;

type Entries = BTreeMap<String, String>;

/// `a=1,b=2` sets keys at consecutive positions, `?` reads everything.
#[derive(Clone, Debug)]
enum PaperOp {
    Set(Vec<(String, String)>),
    Read,
}

impl fmt::Display for PaperOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PaperOp::Read => f.write_str("?"),
            PaperOp::Set(pairs) => {
                let words: Vec<_> =
                    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

impl FromStr for PaperOp {
    type Err = String;

    fn from_str(text: &str) -> Result<PaperOp, String> {
        if text == "?" {
            return Ok(PaperOp::Read);
        }
        let pair = |word: &str| {
            let (key, value) =
                word.split_once('=').ok_or_else(|| format!("{word:?} is no pair"))?;
            Ok((key.to_owned(), value.to_owned()))
        };
        text.split(',').map(pair).collect::<Result<_, String>>().map(PaperOp::Set)
    }
}

impl System for Paper {
    const NAME: &'static str = "paper";
    type Op = PaperOp;
    type Model = Entries;
    type Store = ();
    type Seen = Entries;

    fn generate(_: &Draw<'_>) -> PaperOp {
        PaperOp::Read
    }

    fn width(op: &PaperOp) -> u64 {
        match op {
            PaperOp::Set(pairs) => pairs.len() as u64,
            PaperOp::Read => 0,
        }
    }

    fn open(_: Arc<dyn seawall_os::vfs::Vfs>, _: &Arc<Config>) -> Result<Opened<()>, String> {
        Err("it exists on paper only".to_owned())
    }

    fn apply((): &(), _: u32, _: &PaperOp) -> Answer<Entries> {
        Answer::Done
    }

    fn probes(_: &Arc<Config>, _: Probing) -> Vec<PaperOp> {
        vec![PaperOp::Read]
    }

    fn model(_: &Arc<Config>) -> Entries {
        Entries::new()
    }

    fn commit(model: &mut Entries, _: u32, op: &PaperOp) {
        if let PaperOp::Set(pairs) = op {
            model.extend(pairs.iter().cloned());
        }
    }

    fn allows(model: &Entries, _: &PaperOp, seen: &Entries) -> Result<(), Difference> {
        if model == seen {
            return Ok(());
        }
        Err(Difference {
            what: "all".to_owned(),
            expected: format!("{model:?}"),
            got: format!("{seen:?}"),
        })
    }
}

/// The ledger of a history.
fn ledger(history: &str) -> Ledger<Paper> {
    let mut ledger = Ledger::new(1);
    let mut tickets = BTreeMap::new();
    for event in history.split(';').map(str::trim) {
        let (head, rest) = event.split_once(' ').expect("an event has two words");
        let id: u32 = head[1..].parse().expect("an operation's id");
        if head.starts_with('+') {
            let op = rest.parse().expect("an operation");
            tickets.insert(id, ledger.issue(id, op));
        } else {
            ledger.returned(tickets[&id], answer(rest));
        }
    }
    ledger
}

fn answer(text: &str) -> Answer<Entries> {
    if let Some(read) = text.strip_prefix("earlier ") {
        let Answer::Saw { at, seen } = answer(read) else { panic!("{read:?} is no read") };
        return Answer::SawEarlier { at, seen };
    }
    let Some(text) = text.strip_prefix('@') else {
        return match text {
            "synced" => Answer::Durable,
            why => Answer::Failed(why.to_owned()),
        };
    };
    match text.split_once(' ') {
        Some((at, seen)) => Answer::Saw { at: at.parse().expect("a position"), seen: state(seen) },
        None => Answer::Committed {
            at: text.trim_end_matches('!').parse().expect("a position"),
            durable: text.ends_with('!'),
        },
    }
}

fn state(text: &str) -> Entries {
    match text.parse() {
        Ok(PaperOp::Set(pairs)) => pairs.into_iter().collect(),
        _ => Entries::new(),
    }
}

fn timeline(history: &str) -> Result<Arc<Timeline<Paper>>, Violation> {
    Timeline::new(0, Arc::new(Entries::new()), ledger(history)).map(Arc::new)
}

/// Judges `state` at `position`, found after `fall` at the end of `history`.
fn recover(history: &str, fall: Fall, position: u64, found: &str) -> Result<(), Property> {
    let ledger = ledger(history);
    let mark = ledger.now();
    let timeline = timeline(history).expect("the history itself is legal");
    let promise = Promise::at(&timeline, mark, fall, false);
    let probe =
        Probe { op: PaperOp::Read, answer: Answer::Saw { at: position, seen: state(found) } };
    check_recovered(&promise, position, &[probe]).map(drop).map_err(|violation| violation.property)
}

fn live(history: &str) -> Result<(), Property> {
    let checked = timeline(history).and_then(|timeline| check_live(&timeline));
    checked.map(drop).map_err(|violation| violation.property)
}

const TWO: &str = "+1 a=1; -1 @1!; +2 b=2; -2 @2";

#[test]
fn what_was_acknowledged_durably_survives_power() {
    assert_eq!(recover(TWO, Fall::Power, 2, "a=1,b=2"), Ok(()));
    assert_eq!(recover(TWO, Fall::Power, 1, "a=1"), Ok(()), "an unsynced suffix may go");
    assert_eq!(recover(TWO, Fall::Power, 0, "?"), Err(Property::Prefix));
}

#[test]
fn whatever_was_acknowledged_survives_a_kill() {
    assert_eq!(recover(TWO, Fall::Kill, 2, "a=1,b=2"), Ok(()));
    assert_eq!(recover(TWO, Fall::Kill, 1, "a=1"), Err(Property::Prefix));
}

#[test]
fn recovered_state_is_a_prefix_without_holes() {
    assert_eq!(recover(TWO, Fall::Power, 2, "b=2"), Err(Property::Prefix));
    assert_eq!(recover(TWO, Fall::Power, 2, "a=1"), Err(Property::Prefix));
    assert_eq!(recover(TWO, Fall::Power, 3, "a=1,b=2"), Err(Property::Prefix), "from nowhere");
}

#[test]
fn a_batch_is_whole() {
    let history = "+1 a=1,b=2; -1 @2!; +2 c=3,d=4";
    assert_eq!(recover(history, Fall::Power, 4, "a=1,b=2,c=3,d=4"), Ok(()));
    assert_eq!(recover(history, Fall::Power, 2, "a=1,b=2"), Ok(()));
    assert_eq!(recover(history, Fall::Power, 3, "a=1,b=2,c=3"), Err(Property::Prefix));
    let history = "+1 a=1; -1 @1!; +2 c=3,d=4; -2 @3";
    assert_eq!(recover(history, Fall::Power, 2, "a=1,c=3"), Err(Property::Whole));
}

#[test]
fn a_change_in_flight_or_failed_may_have_happened() {
    let history = "+1 a=1; -1 @1!; +2 b=2; -2 err; +3 c=3";
    for found in [(1, "a=1"), (2, "a=1,b=2"), (2, "a=1,c=3"), (3, "a=1,b=2,c=3")] {
        assert_eq!(recover(history, Fall::Kill, found.0, found.1), Ok(()), "{found:?}");
    }
    assert_eq!(recover(history, Fall::Kill, 2, "a=1"), Err(Property::AfterError));
    assert_eq!(recover(history, Fall::Kill, 3, "a=1,b=2"), Err(Property::AfterError));
}

#[test]
fn real_time_orders_changes_of_unknown_fate() {
    // 2 failed before 3 was issued, so at the same key 3 is the later one.
    let history = "+1 a=1; -1 @1!; +2 a=2; -2 err; +3 a=3";
    assert_eq!(recover(history, Fall::Kill, 3, "a=3"), Ok(()));
    assert_eq!(recover(history, Fall::Kill, 3, "a=2"), Err(Property::AfterError));
    // Side by side either may be first.
    let history = "+1 a=1; -1 @1!; +2 a=2; +3 a=3";
    assert_eq!(recover(history, Fall::Kill, 3, "a=3"), Ok(()));
    assert_eq!(recover(history, Fall::Kill, 3, "a=2"), Ok(()));
}

#[test]
fn a_change_of_unknown_fate_fills_the_gap_before_an_acknowledged_one() {
    let history = "+1 a=1; +2 b=2; -2 @2";
    assert_eq!(recover(history, Fall::Kill, 2, "a=1,b=2"), Ok(()));
    assert_eq!(recover(history, Fall::Kill, 2, "b=2"), Err(Property::Prefix));
    assert_eq!(recover(history, Fall::Power, 1, "a=1"), Ok(()));
    assert_eq!(recover(history, Fall::Power, 1, "b=2"), Err(Property::Prefix));
}

#[test]
fn nothing_issued_after_the_image_was_cut_is_in_it() {
    let history = "+1 a=1; -1 @1; +2 b=2; -2 @2!";
    let timeline = timeline(history).expect("a legal history");
    let promise = Promise::at(&timeline, 3, Fall::Kill, false);
    let probe = Probe { op: PaperOp::Read, answer: Answer::Saw { at: 2, seen: state("a=1,b=2") } };
    let judged = check_recovered(&promise, 2, &[probe]).map(drop);
    assert_eq!(judged.map_err(|violation| violation.property), Err(Property::Prefix));
}

#[test]
fn what_an_open_returned_is_never_taken_back() {
    let base = Arc::new(state("a=1"));
    let timeline = Arc::new(Timeline::new(4, base, Ledger::<Paper>::new(1)).expect("legal"));
    let promise = Promise::at(&timeline, 1, Fall::Power, false);
    let judged = check_recovered(&promise, 3, &[]).map(drop);
    assert_eq!(judged.map_err(|violation| violation.property), Err(Property::Settled));
}

#[test]
fn what_an_open_recovered_is_promised_from_then_on() {
    let timeline = timeline(TWO).expect("a legal history");
    let promise = Promise::at(&timeline, 5, Fall::Power, false);
    let found = |promise: &Promise<Paper>| {
        let answer = Answer::Saw { at: 1, seen: state("a=1") };
        check_recovered(promise, 1, &[Probe { op: PaperOp::Read, answer }]).map(drop)
    };
    assert!(found(&promise).is_ok(), "the second change was never synced");
    let judged = found(&promise.settled_at(2));
    assert_eq!(judged.map_err(|violation| violation.property), Err(Property::Settled));
}

#[test]
fn after_a_failed_sync_only_the_durable_part_is_promised() {
    let timeline = timeline(TWO).expect("a legal history");
    let promise = Promise::at(&timeline, 5, Fall::Kill, true);
    let probe =
        |at, found| Probe { op: PaperOp::Read, answer: Answer::Saw { at, seen: state(found) } };
    assert!(check_recovered(&promise, 1, &[probe(1, "a=1")]).is_ok());
    let judged = check_recovered(&promise, 0, &[probe(0, "?")]).map(drop);
    assert_eq!(judged.map_err(|violation| violation.property), Err(Property::AfterError));
}

#[test]
fn a_flush_makes_durable_what_was_acknowledged_before_it() {
    let history = "+1 a=1; -1 @1; +2 ?; +3 b=2; -3 @2; -2 synced";
    assert_eq!(recover(history, Fall::Power, 1, "a=1"), Ok(()));
    assert_eq!(recover(history, Fall::Power, 0, "?"), Err(Property::Prefix));
}

#[test]
fn a_read_sees_the_state_at_its_position() {
    assert_eq!(live("+1 a=1; -1 @1; +2 ?; -2 @1 a=1"), Ok(()));
    assert_eq!(live("+1 a=1; -1 @1; +2 ?; -2 @1 a=2"), Err(Property::Linear));
    assert_eq!(live("+1 a=1; -1 @1; +2 ?; -2 @0 ?"), Err(Property::Linear), "too old");
    assert_eq!(live("+1 a=1; +2 ?; -2 @0 ?; -1 @1"), Ok(()), "side by side");
    assert_eq!(live("+1 a=1; +2 ?; -2 @1 a=1; -1 @1"), Ok(()), "side by side");
    assert_eq!(live("+2 ?; -2 @1 a=1; +1 a=1; -1 @1"), Err(Property::Linear), "from the future");
    assert_eq!(live("+1 a=1,b=2; +2 ?; -2 @1 a=1; -1 @2"), Err(Property::Linear), "half a batch");
}

#[test]
fn a_read_at_an_earlier_point_sees_the_state_there() {
    let history = "+1 a=1; -1 @1; +2 a=2; -2 @2; +3 ?; -3 earlier";
    assert_eq!(live(&format!("{history} @1 a=1")), Ok(()), "older than what is acknowledged");
    assert_eq!(live(&format!("{history} @1 a=2")), Err(Property::Repeatable));
    assert_eq!(live(&format!("{history} @2 a=1")), Err(Property::Repeatable));
}

#[test]
fn a_failed_change_is_not_visible_but_one_that_never_returned_may_be() {
    assert_eq!(live("+1 a=1; -1 err; +2 ?; -2 @1 a=1"), Err(Property::Linear));
    assert_eq!(live("+1 a=1; +2 ?; -2 @1 a=1"), Ok(()));
}

#[test]
fn reads_promise_what_they_saw() {
    let history = "+1 a=1; +2 ?; -2 @1 a=1; -1 @1!";
    let timeline = timeline(history).expect("a legal history");
    assert_eq!(timeline.durable_at(3), 0);
    assert_eq!(timeline.durable_at(4), 1);
}

#[test]
fn positions_are_unique_gapless_and_in_real_time_order() {
    assert_eq!(live("+1 a=1; -1 @1; +2 b=1; -2 @1"), Err(Property::Linear));
    assert_eq!(live("+1 a=1; -1 @2; +2 b=1; -2 @1"), Err(Property::Linear));
    assert_eq!(live("+1 a=1; -1 @2"), Err(Property::Linear));
    assert_eq!(live("+1 a=1; +2 b=2; -2 @2"), Ok(()));
}

#[test]
fn a_search_that_is_given_up_is_told() {
    let told = |history: &str| timeline(history).and_then(|timeline| check_live(&timeline));
    assert_eq!(told("+1 a=1; +2 b=2; -2 @2"), Ok(0));
    // An odd gap, which changes of width two never fill, however they are ordered.
    let mut history: String = (1..=20).map(|n| format!("+{n} a={n},b={n}; ")).collect();
    history.push_str("+21 c=1; -21 @10");
    assert_eq!(told(&history), Ok(1));
}

#[test]
fn long_histories_are_judged_from_kept_models() {
    let count = 100;
    let history: Vec<_> = (1..=count).map(|n| format!("+{n} a={n}; -{n} @{n}")).collect();
    let history = history.join("; ");
    for position in [1, 15, 16, 17, 63, 100] {
        assert_eq!(recover(&history, Fall::Power, position, &format!("a={position}")), Ok(()));
        let wrong = recover(&history, Fall::Power, position, "a=0");
        assert_eq!(wrong, Err(Property::Prefix));
    }
}

// What must not be flagged.

#[test]
fn a_suffix_that_was_not_synced_may_go_with_the_power() {
    let history = "+1 a=1; -1 @1!; +2 b=2; -2 @2; +3 c=3; -3 @3";
    for (position, found) in [(1, "a=1"), (2, "a=1,b=2"), (3, "a=1,b=2,c=3")] {
        assert_eq!(recover(history, Fall::Power, position, found), Ok(()));
    }
}

#[test]
fn a_change_that_failed_may_turn_up_later_or_never() {
    let history = "+1 a=1; -1 @1!; +2 b=2; -2 err; +3 ?; -3 @1 a=1";
    assert_eq!(live(history), Ok(()));
    for fall in [Fall::None, Fall::Kill, Fall::Power] {
        assert_eq!(recover(history, fall, 2, "a=1,b=2"), Ok(()));
        assert_eq!(recover(history, fall, 1, "a=1"), Ok(()));
    }
}

#[test]
fn changes_may_be_refused_for_good_after_one_that_failed() {
    let history = "+1 a=1; -1 @1!; +2 b=2; -2 err; +3 c=3; -3 err; +4 d=4; -4 err; +5 ?; -5 @1 a=1";
    assert_eq!(live(history), Ok(()));
    assert_eq!(recover(history, Fall::Power, 1, "a=1"), Ok(()));
}

#[test]
fn a_change_under_way_may_be_cut_from_the_end() {
    let history = "+1 a=1; -1 @1!; +2 b=2,c=3";
    assert_eq!(recover(history, Fall::Kill, 1, "a=1"), Ok(()));
    assert_eq!(recover(history, Fall::Kill, 3, "a=1,b=2,c=3"), Ok(()));
}

#[test]
fn what_damage_has_undone_may_be_missing_and_nothing_before_it() {
    let history = "+1 a=1; -1 @1!; +2 b=2; -2 @2!; +3 c=3; -3 @3!";
    let timeline = timeline(history).expect("a legal history");
    let found = |position, found: &str| {
        let promise = Promise::at(&timeline, 7, Fall::Power, false).undone_to(2);
        let probe =
            Probe { op: PaperOp::Read, answer: Answer::Saw { at: position, seen: state(found) } };
        let judged = check_recovered(&promise, position, &[probe]).map(drop);
        judged.map_err(|violation| violation.property)
    };
    assert_eq!(found(3, "a=1,b=2,c=3"), Ok(()));
    assert_eq!(found(2, "a=1,b=2"), Ok(()));
    assert_eq!(found(1, "a=1"), Err(Property::Prefix));
    assert_eq!(found(2, "a=1,b=1"), Err(Property::Prefix), "never a wrong value");
}
