//! Which calls crash: the plan of a crash, its label, and its odds.

use seawall_os::site::Site;

use crate::choice::{Label, Names, SiteId, WorldId};

use super::effect::Effect;
use super::rates::{Counts, CrashRates};
use super::state::Disk;
use crate::trace::Loss;

/// What crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashKind {
    /// The machine: what is not durable is up to chance.
    Power,
    /// The process: what was written stays, and stays undecided.
    Kill,
    /// The process, and the machine before anyone has started again.
    KillThenPower,
}

/// When, in respect of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Nothing of it has happened.
    Before,
    /// A write is cut short, a sync is in progress.
    During,
    /// All of it has happened, but the caller does not know.
    After,
}

impl Moment {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Moment::Before => "before",
            Moment::During => "during",
            Moment::After => "after",
        }
    }
}

/// A crash about to happen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) ends: bool,
    pub(super) kind: CrashKind,
    pub(super) moment: Moment,
    pub(super) word: &'static str,
}

const fn plan(ends: bool, kind: CrashKind, moment: Moment, word: &'static str) -> Plan {
    Plan { ends, kind, moment, word }
}

/// Every plan, in the order of the labels after `none`.
const PLANS: [Plan; 18] = [
    plan(false, CrashKind::Power, Moment::Before, "fork-power-before"),
    plan(false, CrashKind::Power, Moment::During, "fork-power-during"),
    plan(false, CrashKind::Power, Moment::After, "fork-power-after"),
    plan(false, CrashKind::Kill, Moment::Before, "fork-kill-before"),
    plan(false, CrashKind::Kill, Moment::During, "fork-kill-during"),
    plan(false, CrashKind::Kill, Moment::After, "fork-kill-after"),
    plan(false, CrashKind::KillThenPower, Moment::Before, "fork-kill-power-before"),
    plan(false, CrashKind::KillThenPower, Moment::During, "fork-kill-power-during"),
    plan(false, CrashKind::KillThenPower, Moment::After, "fork-kill-power-after"),
    plan(true, CrashKind::Power, Moment::Before, "end-power-before"),
    plan(true, CrashKind::Power, Moment::During, "end-power-during"),
    plan(true, CrashKind::Power, Moment::After, "end-power-after"),
    plan(true, CrashKind::Kill, Moment::Before, "end-kill-before"),
    plan(true, CrashKind::Kill, Moment::During, "end-kill-during"),
    plan(true, CrashKind::Kill, Moment::After, "end-kill-after"),
    plan(true, CrashKind::KillThenPower, Moment::Before, "end-kill-power-before"),
    plan(true, CrashKind::KillThenPower, Moment::During, "end-kill-power-during"),
    plan(true, CrashKind::KillThenPower, Moment::After, "end-kill-power-after"),
];

/// A power loss at the end of a call, of which the run knows nothing.
pub(super) const POWER_AFTER: Plan = PLANS[2];

/// How many labels a crash choice has.
pub(super) const LABELS: usize = PLANS.len() + 1;

/// The label of an answer; the first is that nothing crashes.
pub(super) fn label(index: usize) -> Label {
    Label::Word(if index == 0 { "none" } else { PLANS[index - 1].word })
}

/// The plan behind an answer.
pub(super) fn plan_of(index: usize) -> Option<Plan> {
    index.checked_sub(1).map(|index| PLANS[index])
}

/// The weights of the labels for a kind of call.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrashOdds {
    pub(super) weights: [u32; LABELS],
    pub(super) possible: bool,
}

/// The weight of all labels together.
const WHOLE: f64 = (1u32 << 30) as f64;

impl CrashOdds {
    /// The odds of a call that changes the disk at a place where few calls are made, and an image can
    /// be left.
    pub(super) fn rare(rates: &CrashRates) -> CrashOdds {
        // Zero is never, and an image of every second call is enough.
        let more_often = (rates.fork_one_in / rates.rare_factor.max(1)).max(2);
        let fork_one_in = rates.fork_one_in.min(more_often);
        CrashOdds::new(&CrashRates { fork_one_in, ..*rates }, false, true)
    }

    /// The odds of a call that changes the disk, or of one that only looks; with or without forks.
    pub(super) fn new(rates: &CrashRates, quiet: bool, forks: bool) -> CrashOdds {
        let factor = match (quiet, rates.quiet_factor) {
            (false, _) => 1.0,
            (true, 0) => 0.0,
            (true, factor) => 1.0 / f64::from(factor),
        };
        let share = |one_in: u32| if one_in == 0 { 0.0 } else { factor / f64::from(one_in) };
        let fork = if forks { share(rates.fork_one_in) } else { 0.0 };
        let end = share(rates.end_one_in);
        let mut weights = [0; LABELS];
        for (index, plan) in PLANS.iter().enumerate() {
            let likely = if plan.ends { end } else { fork };
            let odds = likely * kind_share(rates, plan.kind) * moment_share(rates, plan.moment);
            weights[index + 1] = (odds * WHOLE) as u32;
        }
        let crash: u32 = weights.iter().sum();
        weights[0] = (WHOLE as u32).saturating_sub(crash);
        CrashOdds { weights, possible: crash > 0 }
    }
}

fn kind_share(rates: &CrashRates, kind: CrashKind) -> f64 {
    let power = f64::from(rates.power_percent.min(100)) / 100.0;
    let again = f64::from(rates.kill_power_percent.min(100)) / 100.0;
    match kind {
        CrashKind::Power => power,
        CrashKind::Kill => (1.0 - power) * (1.0 - again),
        CrashKind::KillThenPower => (1.0 - power) * again,
    }
}

fn moment_share(rates: &CrashRates, moment: Moment) -> f64 {
    let before = f64::from(rates.before_percent.min(100)) / 100.0;
    let during = (f64::from(rates.during_percent) / 100.0).min(1.0 - before);
    match moment {
        Moment::Before => before,
        Moment::During => during,
        Moment::After => 1.0 - before - during,
    }
}

/// The disk that a crash left, already decided and ready to be opened.
#[derive(Clone, Debug)]
pub struct Image {
    /// The disk.
    pub disk: Disk,
    /// What crashed.
    pub kind: CrashKind,
    /// When.
    pub moment: Moment,
    /// The world to open it as, when it was forked; the world that died, when it ended the run.
    pub world: WorldId,
    /// The call at which it happened.
    pub site: SiteId,
    /// The same, in its parts.
    pub call: Site,
    /// What became of that call's work.
    pub effect: Effect,
    /// The file that call was about.
    pub file: SiteId,
    /// The number of that call among those of its world, from one.
    pub call_number: u64,
    /// The number of the crash among the events of the run.
    pub event: u64,
    /// What the driver's mark was then.
    pub mark: u64,
    /// Whether a sync had failed before, in this world or an earlier one of the same disk.
    pub sync_failed: bool,
    /// Whether to look at it closely, whatever is drawn.
    pub closely: bool,
    /// What did not survive as it was: the name of the unit and what became of it.
    pub fate: Vec<Loss>,
}

impl Image {
    /// The call, as text: `commit/wal/write_at 000003.wal (#41, during)`.
    pub fn at(&self, names: &Names) -> String {
        let moment = self.moment.name();
        let (site, file) = (names.text(self.site), names.text(self.file));
        format!("{site} {file} (#{}, {moment})", self.event)
    }

    /// What did not survive as it was, a line each: `000003.wal[512..1024) version 2`.
    pub fn fate_lines(&self, names: &Names) -> Vec<String> {
        self.fate.iter().map(|loss| loss.text(names)).collect()
    }
}

/// Counts a crash and what it did.
pub(super) fn count(counts: &mut Counts, plan: &Plan) {
    *(if plan.ends { &mut counts.ends } else { &mut counts.forks }) += 1;
    *(match plan.kind {
        CrashKind::Power => &mut counts.power_losses,
        CrashKind::Kill => &mut counts.kills,
        CrashKind::KillThenPower => &mut counts.kills_then_power,
    }) += 1;
    *(match plan.moment {
        Moment::Before => &mut counts.before,
        Moment::During => &mut counts.during,
        Moment::After => &mut counts.after,
    }) += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_come_out_as_asked_for() {
        let rates = CrashRates { fork_one_in: 10, end_one_in: 100, ..CrashRates::default() };
        let share = |odds: CrashOdds, ends: bool| {
            let plans = PLANS.iter().zip(&odds.weights[1..]);
            let sum: u32 = plans.filter(|(plan, _)| plan.ends == ends).map(|(_, w)| w).sum();
            f64::from(sum) / WHOLE
        };
        let odds = CrashOdds::new(&rates, false, true);
        assert!((share(odds, false) - 0.1).abs() < 0.001);
        assert!((share(odds, true) - 0.01).abs() < 0.001);
        let rarely = CrashRates { rare_factor: 4, ..rates };
        assert!((share(CrashOdds::rare(&rarely), false) - 0.5).abs() < 0.001);
        assert!((share(CrashOdds::rare(&rates), false) - 0.1).abs() < 0.001);
        let odds = CrashOdds::new(&rates, true, false);
        assert_eq!(share(odds, false), 0.0);
        assert!((share(odds, true) - 0.01 / 8.0).abs() < 0.001);
    }

    #[test]
    fn every_label_reads_as_its_plan() {
        for plan in PLANS {
            let ends = if plan.ends { "end" } else { "fork" };
            let (kind, moment) = (format!("{:?}", plan.kind), format!("{:?}", plan.moment));
            let kind = kind.replace("KillThenPower", "kill-power").to_lowercase();
            assert_eq!(plan.word, format!("{ends}-{kind}-{}", moment.to_lowercase()));
        }
    }
}
