//! The command line of `seawall sim`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use seawall_sim::disk::Personality;
use seawall_sim::driver::PROFILES;

use super::seeds::{self, SeedRange};

/// The disks there are.
pub(crate) const PERSONALITIES: [&str; 4] = ["posix", "ext4", "xfs", "btrfs"];

/// The most operations a seed can be given: more is no storm but a long wait.
const OPERATIONS_MAX: i64 = 1_000_000;

#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Run seeds until one violates a property
    Run(Run),
    /// Run one recorded failure again
    Replay(Replay),
    /// Make a recorded failure smaller
    Shrink {
        /// The tape
        tape: PathBuf,
    },
    /// Make a tape a fuzzer's input, or what a fuzzer found a tape
    Convert(Convert),
    /// Keep a recorded failure for good, in corpus/tapes/
    Keep(Keep),
    /// Plant known bugs one by one and see that each is found
    Planted(Planted),
    /// Make mistakes in the oracle one by one and see that a test notices each
    Mutated(Mutated),
    /// Print the profiles, the classes of faults and the sites of system calls
    List,
}

const RUN_HELP: &str = "\
Exit codes: 0 every recovered state was legal, 10 a property was violated or a seed did not end, 11 a
seed did not do the same thing twice, 12 no seed finished in the time given, 130 interrupted. The tape
of a failure goes to target/sim/ if there is a directory target here, and to seawall-sim/ otherwise.

With --ledger the seeds run in blocks of 1,000, and a finished block is one line of the file: what ran,
at which commit, and what came of it. Blocks that the file has of this commit and profile are not run
again, so a run that was interrupted goes on where it was; --time begins no further block. The build
has to be of a commit as it is, without changes. With --recheck the file stays as it is: blocks of this
commit run again, and exit code 11 says that one does not give its line, in anything but the CPU time.";

#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub(crate) struct Run {
    /// One seed: a number, 0x.. or a 40-digit git hash (its first 16 digits)
    #[arg(long, value_name = "SEED", value_parser = seeds::seed, conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// Seeds from A up to but not B [default: 0..2000, and without end with --time]
    #[arg(long, value_name = "A..B", value_parser = seeds::range)]
    pub(crate) seeds: Option<SeedRange>,
    /// Start no further seed after this long: 30s, 10m, 2h
    #[arg(long, value_name = "TIME", value_parser = seeds::duration)]
    pub(crate) time: Option<Duration>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// What the seeds draw their configuration from
    #[arg(long, value_name = "NAME", default_value = PROFILES[0].name)]
    #[arg(value_parser = PossibleValuesParser::new(PROFILES.map(|profile| profile.name)))]
    pub(crate) profile: String,
    /// Whose file system it is: what a power loss may leave
    #[arg(long, value_name = "NAME", default_value = "posix", value_parser = PERSONALITIES)]
    pub(crate) personality: String,
    /// Operations of each seed, all its clients and generations together [default: drawn]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=OPERATIONS_MAX))]
    pub(crate) ops: Option<u32>,
    /// How long a seed may take; one that takes longer is a failure
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = seeds::duration)]
    pub(crate) seed_time: Duration,
    /// Run each seed once [default: a second time too, from its tape, to see that it is the same]
    #[arg(long)]
    pub(crate) once: bool,
    /// Run whole blocks of 1,000 seeds and append a line for each to this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ops", "personality", "keep_going"])]
    pub(crate) ledger: Option<PathBuf>,
    /// Run N blocks of the ledger again, drawn by --seed [default: by the commit]
    #[arg(long, value_name = "N", requires = "ledger", conflicts_with_all = ["seeds", "once"])]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) recheck: Option<u64>,
    /// Go on after a failure and report them all
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Print in how many seeds each fault struck, and where crashes struck and what came of them
    #[arg(long, conflicts_with = "ledger")]
    pub(crate) coverage: bool,
    /// Which of its processes this is
    #[arg(long, hide = true, value_enum, default_value = "parent")]
    pub(crate) role: Role,
}

/// The processes of a `sim run`; `supervise` says why there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Parent,
    Sweep,
    Alone,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The tape
    pub(crate) tape: PathBuf,
    /// Show the log up to event number K
    #[arg(long, value_name = "K")]
    pub(crate) until: Option<u64>,
    /// The last events before the failure, or all of them
    #[arg(long, value_enum, default_value = "short")]
    pub(crate) log: Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    Short,
    Full,
}

const CONVERT_HELP: &str = "\
What begins with `seawall tape` is a tape and becomes an input of `cargo fuzz run recovery`, from which
it comes back as it was. Anything else is an input and becomes a tape: if it changes decisions by number
it is run, and the tape names what was decided.";

#[derive(Debug, Args)]
#[command(after_help = CONVERT_HELP)]
pub(crate) struct Convert {
    /// The tape or input
    #[arg(value_name = "TAPE|INPUT")]
    pub(crate) file: PathBuf,
    /// Where the result goes [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// The tape
    pub(crate) tape: PathBuf,
    /// The story of the bug, in a line
    #[arg(short = 'm', long = "message", value_name = "WHY")]
    pub(crate) why: String,
}

const PLANTED_HELP: &str = "\
Each patch of sim/planted/ is applied to a copy of the tree in target/planted, which is built and
swept over seeds 0..2000 and 1000000..1002000 until the first failure. Exit code 13: one was missed.

--page writes what was found into the table of that page, without times; rows of patches that were not
measured now stay as they are.";

const MUTATED_HELP: &str = "\
Each patch of sim/mutated/ is a mistake in the simulated disk, in the model or in a check. It is applied
to a copy of the tree in target/planted, and the tests of the simulator that its header names are run:
one has to fail. The first patch is a canary, which even a careless test notices; before it they all run
without a patch and have to pass. Exit code 13: a mistake was not noticed.";

#[derive(Debug, Args)]
#[command(after_help = PLANTED_HELP)]
pub(crate) struct Planted {
    /// Only the patch with this number or name
    #[arg(long, value_name = "ID")]
    pub(crate) only: Option<String>,
    /// Threads of each sweep [default: one a core]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Keep the rows that an earlier run of the same tree and patch has finished
    #[arg(long)]
    pub(crate) resume: bool,
    /// Only the patches marked `# fast: yes`, and only the first range
    #[arg(long)]
    pub(crate) gate: bool,
    /// Write the rows into the table of this page
    #[arg(long, value_name = "FILE", conflicts_with = "gate")]
    pub(crate) page: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = MUTATED_HELP)]
pub(crate) struct Mutated {
    /// Only the patch with this number or name
    #[arg(long, value_name = "ID")]
    pub(crate) only: Option<String>,
}

impl Run {
    /// What a seed needs on the command line, besides its number, to be the same run again.
    pub(crate) fn flags(&self) -> String {
        let profile = &self.profile;
        let named = if self.is_drawn() { String::new() } else { format!(" --profile {profile}") };
        let ops = self.ops.map(|ops| format!(" --ops {ops}")).unwrap_or_default();
        match &*self.personality {
            "posix" => named + &ops,
            other => format!("{named}{ops} --personality {other}"),
        }
    }

    /// What is set, whatever the seeds draw.
    pub(crate) fn knobs(&self) -> Vec<(String, u64)> {
        let profile = PROFILES.iter().find(|profile| profile.name == self.profile);
        let set = profile.map_or(&[][..], |profile| profile.knobs);
        let set = set.iter().map(|(knob, number)| ((*knob).to_owned(), *number));
        let ops = self.ops.map(|ops| ("operations".to_owned(), u64::from(ops)));
        let personality = Personality::named(&self.personality).unwrap_or_default();
        // What is strict is what every configuration says that says nothing.
        let cells = personality.numbers().filter(|(_, number)| *number != 0);
        let cells = cells.map(|(knob, number)| (knob.to_owned(), number));
        set.chain(ops).chain(cells).collect()
    }

    /// Whether no profile sets what seeds draw.
    pub(crate) fn is_drawn(&self) -> bool {
        self.profile == PROFILES[0].name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_personality_has_a_name_here() {
        assert_eq!(Personality::NAMED.map(|(name, _)| name), PERSONALITIES);
    }
}
