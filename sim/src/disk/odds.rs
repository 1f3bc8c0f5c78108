//! Decides by choices what survives a crash, with odds drawn anew for each crash.
//!
//! Bugs sit in the corners: all is lost but one sector, all names are kept and no data. Independent
//! coins hardly ever land there, so a crash first draws a [`Mode`] and then decides each unit with
//! the odds of that mode. What was decided stands on the tape unit by unit; the mode only makes it
//! likely.

use crate::choice::{Actor, Choices, Label, Odds, SiteId, Stream};

use super::check;
use super::piece::Stamp;
use super::rates::Counts;
use super::state::Disk;
use super::survival::{Decide, Outcome, Unit};
use crate::trace::Loss;

/// What kind of loss a crash tends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything is kept.
    Kept,
    /// Everything is lost.
    Lost,
    /// Even odds.
    Half,
    /// One in eight is lost.
    MostlyKept,
    /// One in eight is kept.
    MostlyLost,
    /// One thing is lost.
    OneLost,
    /// One thing is kept.
    OneKept,
    /// Names and sizes are kept, bytes lost.
    NamesKept,
    /// Bytes and sizes are kept, names lost.
    BytesKept,
    /// Sizes are lost or kept on their own, the rest is kept.
    SizesTorn,
    /// Everything up to some moment is kept, nothing after it.
    Prefix,
    /// Every outcome alike.
    Wild,
}

const MODES: [(Mode, &str, u32); 12] = [
    (Mode::Kept, "all-kept", 4),
    (Mode::Lost, "all-lost", 6),
    (Mode::Half, "half", 6),
    (Mode::MostlyKept, "mostly-kept", 4),
    (Mode::MostlyLost, "mostly-lost", 4),
    (Mode::OneLost, "one-lost", 6),
    (Mode::OneKept, "one-kept", 6),
    (Mode::NamesKept, "names-kept", 4),
    (Mode::BytesKept, "bytes-kept", 4),
    (Mode::SizesTorn, "sizes-torn", 2),
    (Mode::Prefix, "prefix", 4),
    (Mode::Wild, "wild", 4),
];

/// How likely a unit is to survive as it was.
#[derive(Clone, Copy)]
enum Tendency {
    Keep,
    /// The oldest state there is.
    Lose,
    /// Any state but the newest.
    Change,
    /// Kept with the first weight, changed with the second.
    Mixed(u32, u32),
    /// The state at this moment.
    At(Stamp),
    Alike,
}

/// Decides by choices.
pub(super) struct ByChoices<'a> {
    choices: &'a Choices,
    actor: Actor,
    mode: Mode,
    /// Which unit is the one, or which moment is the last.
    which: u64,
    asked: u64,
    weights: Vec<u32>,
    /// What was not kept as it was.
    pub(super) fate: Vec<Loss>,
    lost: Lost,
}

impl<'a> ByChoices<'a> {
    /// Draws the mode of a crash of `disk`.
    pub(super) fn new(choices: &'a Choices, actor: Actor, disk: &Disk) -> ByChoices<'a> {
        let weights = MODES.map(|(_, _, weight)| weight);
        let label = |index: usize| Label::Word(MODES[index].1);
        let site = choices.site("mode");
        let odds = Odds::Weights(&weights);
        let index = choices.choose(Stream::Survival, actor, site, odds, MODES.len(), &label);
        let mode = MODES[index].0;
        let range = match mode {
            Mode::OneLost | Mode::OneKept => Some(0..=disk.undecided().saturating_sub(1)),
            Mode::Prefix => Some(disk.oldest_pending()..=disk.issue()),
            _ => None,
        };
        let site = choices.site("mode/which");
        let which = range.map_or(0, |range| choices.number(Stream::Survival, actor, site, range));
        ByChoices {
            choices,
            actor,
            mode,
            which,
            asked: 0,
            weights: Vec::new(),
            fate: Vec::new(),
            lost: Lost::default(),
        }
    }

    fn tendency(&self, unit: &Unit<'_>) -> Tendency {
        let is_name = matches!(unit, Unit::Name { .. } | Unit::Names { .. });
        let is_size = matches!(unit, Unit::Size { .. });
        let is_the_one = self.asked == self.which;
        match self.mode {
            Mode::Kept => Tendency::Keep,
            Mode::Lost => Tendency::Lose,
            Mode::Half => Tendency::Mixed(1, 1),
            Mode::MostlyKept => Tendency::Mixed(7, 1),
            Mode::MostlyLost => Tendency::Mixed(1, 7),
            Mode::OneLost if is_the_one => Tendency::Change,
            Mode::OneLost => Tendency::Keep,
            Mode::OneKept if is_the_one => Tendency::Keep,
            Mode::OneKept => Tendency::Lose,
            Mode::NamesKept if is_name || is_size => Tendency::Keep,
            Mode::NamesKept => Tendency::Change,
            Mode::BytesKept if is_name => Tendency::Lose,
            Mode::BytesKept => Tendency::Keep,
            Mode::SizesTorn if is_size => Tendency::Alike,
            Mode::SizesTorn => Tendency::Mixed(7, 1),
            Mode::Prefix => Tendency::At(self.which),
            Mode::Wild => Tendency::Alike,
        }
    }

    /// Sets one weight for each outcome.
    fn weigh(&mut self, unit: &Unit<'_>, outcomes: &[Outcome], stamps: &[Stamp]) {
        let tendency = self.tendency(unit);
        let weights = &mut self.weights;
        weights.clear();
        weights.extend(outcomes.iter().map(|outcome| match outcome {
            Outcome::New => 0,
            Outcome::Durable | Outcome::Zeros => 4,
            Outcome::Version(_) | Outcome::Bytes(_) | Outcome::Stale(_) => 2,
            Outcome::Noise | Outcome::TornFront | Outcome::TornBack => 1,
        }));
        weights[0] = 0;
        let changed: u32 = weights.iter().sum();
        match tendency {
            Tendency::Keep => only(weights, 0),
            Tendency::Lose => only(weights, oldest(outcomes)),
            Tendency::Change => {}
            Tendency::Mixed(kept, lost) => {
                weights.iter_mut().for_each(|weight| *weight *= lost);
                weights[0] = changed * kept;
            }
            Tendency::At(moment) => {
                let at = stamps.iter().position(|stamp| *stamp <= moment);
                only(weights, at.unwrap_or(0));
            }
            Tendency::Alike => weights.fill(1),
        }
    }

    fn site(&self, unit: Unit<'_>, part: &str) -> SiteId {
        match unit {
            Unit::Bytes { file, from, to } => {
                self.choices.site(format_args!("{file}[{from}..{to}){part}"))
            }
            Unit::Limbo { file, from, to } => {
                self.choices.site(format_args!("{file}[{from}..{to})/limbo{part}"))
            }
            Unit::Hole { file, from, to } => {
                self.choices.site(format_args!("{file}[{from}..{to})/hole{part}"))
            }
            Unit::Size { file } => self.choices.site(format_args!("{file}/size{part}")),
            Unit::Room { file } => self.choices.site(format_args!("{file}/room{part}")),
            Unit::Name { name } => self.choices.site(format_args!("{name}/name{part}")),
            Unit::Names { of } => self.choices.site(format_args!("{of}/names{part}")),
        }
    }

    /// Counts what was decided otherwise than kept.
    pub(super) fn count(&self, counts: &mut Counts) {
        let lost = &self.lost;
        counts.units_lost += lost.units;
        counts.units_torn += lost.torn;
        counts.units_garbage += lost.garbage;
        counts.names_lost += lost.names;
        counts.sizes_lost += lost.sizes;
    }

    /// Whether the cache lets go of something that never reached the disk.
    pub(super) fn reverts(
        choices: &Choices,
        actor: Actor,
        unit: Unit<'_>,
        one_in: u32,
    ) -> Option<Loss> {
        let site = match unit {
            Unit::Name { name } => choices.site(format_args!("{name}/name/evict")),
            Unit::Limbo { file, from, to } => {
                choices.site(format_args!("{file}[{from}..{to})/evict"))
            }
            _ => return None,
        };
        let label = |index: usize| Label::Word(["cached", "old"][index]);
        let odds = Odds::OneIn(one_in);
        match choices.choose(Stream::Survival, actor, site, odds, 2, &label) {
            0 => None,
            index => Some(Loss::of(site, label(index))),
        }
    }
}

impl Disk {
    /// The disk after a power loss that `choices` decide, and what did not survive as it was.
    ///
    /// Of one actor, later losses have other answers: the choices count how often they were asked.
    pub fn power_loss(&self, choices: &Choices, actor: Actor) -> (Disk, Vec<Loss>) {
        let mut decide = ByChoices::new(choices, actor, self);
        let image = self.after_power_loss(&mut decide);
        check::contains_what_was_durable(self, &image);
        (image, decide.fate)
    }

    /// The disk after its process has ended, however it ended: nothing is lost, and what was pending
    /// still is.
    pub fn killed(&self) -> Disk {
        self.after_kill(&mut |_| false)
    }
}

fn only(weights: &mut [u32], index: usize) {
    weights.fill(0);
    weights[index] = 1;
}

fn oldest(outcomes: &[Outcome]) -> usize {
    let durable = |outcome: &Outcome| matches!(outcome, Outcome::Durable | Outcome::Zeros);
    outcomes.iter().position(durable).unwrap_or(0)
}

fn label_of(outcome: Outcome) -> Label {
    match outcome {
        Outcome::New => Label::Word("new"),
        Outcome::Version(count) => Label::Counted("version", count),
        Outcome::Bytes(size) => Label::Counted("size", size),
        Outcome::Durable => Label::Word("durable"),
        Outcome::Zeros => Label::Word("zeros"),
        Outcome::Stale(which) => Label::Counted("stale", which),
        Outcome::Noise => Label::Word("noise"),
        Outcome::TornFront => Label::Word("torn-front"),
        Outcome::TornBack => Label::Word("torn-back"),
    }
}

impl Decide for ByChoices<'_> {
    fn outcome(&mut self, unit: Unit<'_>, outcomes: &[Outcome], stamps: &[Stamp]) -> Outcome {
        self.weigh(&unit, outcomes, stamps);
        self.asked += 1;
        let site = self.site(unit, "");
        let odds = Odds::Weights(&self.weights);
        let label = |index: usize| label_of(outcomes[index]);
        let count = outcomes.len();
        let index = self.choices.choose(Stream::Survival, self.actor, site, odds, count, &label);
        if index != 0 {
            let lost = &stamps[..index.min(stamps.len().saturating_sub(1))];
            self.fate.push(Loss { stamps: Loss::span(lost), ..Loss::of(site, label(index)) });
            self.lost.add(&unit, outcomes[index]);
        }
        outcomes[index]
    }

    fn cut(&mut self, unit: Unit<'_>, len: u64) -> u64 {
        let site = self.site(unit, "/cut");
        let cut = self.choices.number(Stream::Survival, self.actor, site, 1..=len - 1);
        self.fate.push(Loss::of(site, Label::Number(cut)));
        cut
    }
}

/// How much a power loss took, by class.
#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    units: u64,
    torn: u64,
    garbage: u64,
    names: u64,
    sizes: u64,
}

impl Lost {
    fn add(&mut self, unit: &Unit<'_>, outcome: Outcome) {
        match unit {
            Unit::Name { .. } | Unit::Names { .. } => self.names += 1,
            Unit::Size { .. } => self.sizes += 1,
            _ => self.units += 1,
        }
        match outcome {
            Outcome::TornFront | Outcome::TornBack => self.torn += 1,
            Outcome::Stale(_) | Outcome::Noise => self.garbage += 1,
            _ => {}
        }
    }
}
