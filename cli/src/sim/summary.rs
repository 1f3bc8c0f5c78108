//! What a sweep did, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use seawall_sim::driver::Cut;
use seawall_sim::numbers::{clock, counted, grouped};
use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::totals::{LEDGER, Totals};
use crate::exit::Exit;

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    Violated,
    Nondeterministic,
    Budget,
    /// Nothing was found, but so little happened that this says nothing.
    Missed,
    Interrupted,
}

impl Verdict {
    pub(crate) fn exit(self) -> Exit {
        match self {
            Verdict::Ok => Exit::Fine,
            Verdict::Violated => Exit::Violated,
            Verdict::Nondeterministic => Exit::Nondeterminism,
            Verdict::Budget => Exit::NothingFinished,
            Verdict::Missed => Exit::Error,
            Verdict::Interrupted => Exit::Interrupted,
        }
    }
}

/// The result of `seawall sim run`. Scripts depend on the names and their types.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) verdict: Verdict,
    /// Seeds that ran to their end.
    pub(crate) seeds: u64,
    pub(crate) operations: u64,
    pub(crate) system_calls: u64,
    pub(crate) crashes: Crashes,
    pub(crate) faults: BTreeMap<String, u64>,
    /// Disks that were opened a second time, with damage; they are no states.
    pub(crate) opened_damaged: u64,
    pub(crate) states_checked: u64,
    pub(crate) seconds: f64,
    pub(crate) jobs: u64,
    pub(crate) states_per_second_per_core: f64,
    /// 16 hexadecimal digits.
    pub(crate) fingerprint: String,
    pub(crate) commit: String,
    pub(crate) profile: String,
    pub(crate) personality: String,
    pub(crate) version: String,
    pub(crate) failures: Vec<Failed>,
    /// Of a run with a ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ledger: Option<Totals>,
    /// With `--coverage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<Coverage>,
    /// Whether no seed ran a second time.
    #[serde(skip)]
    pub(crate) once: bool,
    /// Seeds that were asked for; none when only a time was.
    #[serde(skip)]
    pub(crate) planned: Option<u64>,
    /// What happened, in lines for people.
    #[serde(skip)]
    pub(crate) story: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Crashes {
    pub(crate) power: u64,
    pub(crate) kill: u64,
    pub(crate) inside_open: u64,
    pub(crate) after_failed_sync: u64,
    /// By what the store was at.
    pub(crate) at: BTreeMap<String, CrashesAt>,
}

/// Crashes of one scope.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CrashesAt {
    pub(crate) power: u64,
    pub(crate) kill: u64,
}

impl From<Cut> for CrashesAt {
    fn from(Cut { power, kill }: Cut) -> CrashesAt {
        CrashesAt { power, kill }
    }
}

/// One seed that failed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    /// `0x` and 16 digits: JSON numbers do not hold 64 bits everywhere.
    pub(crate) seed: String,
    pub(crate) property: String,
    pub(crate) tape: Option<PathBuf>,
    pub(crate) shrunk_operations: Option<u64>,
    pub(crate) blame: Option<String>,
    pub(crate) personalities: Vec<String>,
    /// What the block says besides, by its labels.
    pub(crate) facts: BTreeMap<String, String>,
    /// The events that explain it, a line each.
    pub(crate) events: Vec<String>,
    /// How many runs it took to make it small.
    pub(crate) runs: Option<u64>,
    /// The failure block that people read.
    #[serde(skip)]
    pub(crate) block: String,
}

/// The first line of a sweep, before there is anything to tell.
pub(crate) fn heading(planned: Option<u64>, profile: &str, personality: &str, jobs: u64) -> String {
    let seeds = match planned {
        Some(planned) => counted(planned, "seed", "seeds"),
        None => "seeds until the time is up".to_owned(),
    };
    let jobs = counted(jobs, "job", "jobs");
    format!("seawall sim: {seeds}, profile {profile}, personality {personality}, {jobs}")
}

/// Where the bar begins: one column for all runs, so that they can be read side by side.
pub(crate) const BAR_COLUMN: usize = 91;

/// The cells of the bar.
const BAR_CELLS: u64 = 8;

impl Summary {
    /// The share of the planned seeds that ran, in per cent.
    fn percent(&self) -> u64 {
        self.planned.and_then(|planned| (self.seeds * 100).checked_div(planned)).unwrap_or(100)
    }

    /// `[########] 100 %  00:41`.
    fn bar(&self) -> String {
        let percent = self.percent();
        let full = percent * BAR_CELLS / 100;
        let cells: String =
            (0..BAR_CELLS).map(|cell| if cell < full { '#' } else { '.' }).collect();
        let time = clock(Duration::from_secs_f64(self.seconds));
        format!("[{cells}] {percent:>3} %  {time}")
    }

    /// The last line, without its verdict.
    fn conclusion(&self) -> String {
        match self.verdict {
            Verdict::Ok => self.all_well(),
            Verdict::Violated => format!("{} of them failed", grouped(self.failures.len() as u64)),
            Verdict::Nondeterministic if self.failures.iter().any(|f| f.property == LEDGER) => {
                "a block did not give its line of the ledger again".to_owned()
            }
            Verdict::Nondeterministic => "a seed did not do the same thing twice".to_owned(),
            Verdict::Budget => "no seed finished in the time given".to_owned(),
            Verdict::Missed => {
                "nothing was found, but too little happened to find anything".to_owned()
            }
            Verdict::Interrupted => {
                format!("interrupted after {}, all legal", counted(self.seeds, "seed", "seeds"))
            }
        }
    }

    fn all_well(&self) -> String {
        let fingerprint = &self.fingerprint;
        let how = match &self.ledger {
            Some(_) if self.seeds == 0 => {
                return "the ledger has every one of these blocks already".to_owned();
            }
            Some(Totals { blocks_rechecked: 1.., .. }) => "every block gave its line again".into(),
            _ if self.once => format!("every seed ran once, fingerprint {fingerprint}"),
            _ => format!("every seed ran twice, same fingerprint {fingerprint}"),
        };
        format!("every recovered state legal; {how}")
    }

    /// The verdict in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Ok => "OK",
            Verdict::Violated => "FAILED",
            Verdict::Nondeterministic => "NONDETERMINISTIC",
            Verdict::Budget => "NOTHING FINISHED",
            Verdict::Missed => "TOO LITTLE",
            Verdict::Interrupted => "INTERRUPTED",
        }
    }
}

impl fmt::Display for Summary {
    /// The block of a sweep, up to where the verdict's word belongs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = heading(self.planned, &self.profile, &self.personality, self.jobs);
        writeln!(f, "{heading:<BAR_COLUMN$}{}", self.bar())?;
        writeln!(f, "{}", self.story)?;
        self.ledger.iter().try_for_each(|ledger| writeln!(f, "  {ledger}"))?;
        let conclusion = self.conclusion();
        write!(f, "  {conclusion:<width$}", width = BAR_COLUMN - 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(verdict: Verdict) -> Summary {
        Summary {
            verdict,
            seeds: 2000,
            operations: 1_900_000,
            system_calls: 11_200_000,
            crashes: Crashes {
                power: 31_066,
                kill: 17_144,
                inside_open: 9_402,
                after_failed_sync: 803,
                at: [("commit".to_owned(), CrashesAt { power: 7_001, kill: 4_002 })].into(),
            },
            faults: [("syncs_failed".to_owned(), 2_118), ("torn".to_owned(), 20_551)].into(),
            opened_damaged: 512,
            states_checked: 48_210,
            seconds: 41.3,
            jobs: 2,
            states_per_second_per_core: 583.7,
            fingerprint: "5d1f000000000000".to_owned(),
            commit: "1a2b3c4".to_owned(),
            profile: "default".to_owned(),
            personality: "posix".to_owned(),
            version: "0.1.0".to_owned(),
            failures: Vec::new(),
            ledger: None,
            coverage: None,
            once: false,
            planned: Some(2000),
            story: "  operations 1.9 M   system calls 11.2 M".to_owned(),
        }
    }

    #[test]
    fn a_passing_sweep_reads_like_this() {
        let text = format!("{}{}", summary(Verdict::Ok), summary(Verdict::Ok).word());
        let expected = "\
seawall sim: 2,000 seeds, profile default, personality posix, 2 jobs                       [########] 100 %  00:41
  operations 1.9 M   system calls 11.2 M
  every recovered state legal; every seed ran twice, same fingerprint 5d1f000000000000     OK";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_interrupted_sweep_says_how_far_it_came() {
        let summary = Summary { seeds: 740, ..summary(Verdict::Interrupted) };
        assert!(summary.bar().starts_with("[##......]  37 %"), "{}", summary.bar());
        assert!(summary.to_string().contains("interrupted after 740 seeds, all legal"));
    }

    #[test]
    fn the_names_in_json_are_those_that_scripts_read() {
        let failed = Failed {
            seed: "0x9e3779b97f4a7c15".to_owned(),
            property: "O1".to_owned(),
            tape: Some("target/sim/9e3779b97f4a7c15.tape".into()),
            shrunk_operations: Some(3),
            blame: Some("a sync".to_owned()),
            personalities: vec!["posix".to_owned()],
            facts: [("got".to_owned(), "none".to_owned())].into(),
            events: vec!["#1 crash".to_owned()],
            runs: Some(12),
            block: "FAIL".to_owned(),
        };
        let summary = Summary { failures: vec![failed], ..summary(Verdict::Violated) };
        let text = serde_json::to_string(&summary).expect("it serialises");
        assert_eq!(
            text,
            "{\"verdict\":\"violated\",\"seeds\":2000,\"operations\":1900000,\
             \"system_calls\":11200000,\
             \"crashes\":{\"power\":31066,\"kill\":17144,\"inside_open\":9402,\
             \"after_failed_sync\":803,\"at\":{\"commit\":{\"power\":7001,\"kill\":4002}}},\
             \"faults\":{\"syncs_failed\":2118,\"torn\":20551},\"opened_damaged\":512,\"states_checked\":48210,\
             \"seconds\":41.3,\"jobs\":2,\"states_per_second_per_core\":583.7,\
             \"fingerprint\":\"5d1f000000000000\",\"commit\":\"1a2b3c4\",\
             \"profile\":\"default\",\"personality\":\"posix\",\"version\":\"0.1.0\",\
             \"failures\":[{\"seed\":\"0x9e3779b97f4a7c15\",\"property\":\"O1\",\
             \"tape\":\"target/sim/9e3779b97f4a7c15.tape\",\"shrunk_operations\":3,\
             \"blame\":\"a sync\",\"personalities\":[\"posix\"],\"facts\":{\"got\":\"none\"},\
             \"events\":[\"#1 crash\"],\"runs\":12}]}"
        );
    }
}
