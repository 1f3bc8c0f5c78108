//! The command line, as clap reads it. What stands here is what `--help` shows, so nothing stands
//! here that does not work.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::console::{Console, Format};
use crate::sim::args::SimCommand;

/// Names the database where `--db` does not.
pub(crate) const DB_VARIABLE: &str = "SEAWALL_DB";

/// Where the database is unless `--db` or `SEAWALL_DB` says otherwise.
pub(crate) const DEFAULT_DB: &str = "seawall-db";

const AFTER_HELP: &str = "\
Exit codes: 0 fine, 1 error, 2 usage, 3 no such key, 4 damage found, 5 locked by another process,
6 written by a newer version, 10 property violated, 11 the simulator was not deterministic,
12 nothing finished in the time given, 13 a planted bug or a mistake in the oracle was missed,
70 a bug in seawall, 130 interrupted. A reader that goes away (`seawall scan | head`) ends a command
quietly with 0.";

/// An embedded key-value store on the command line, and the simulator that storms it
#[derive(Debug, Parser)]
#[command(name = "seawall", disable_version_flag = true, after_help = AFTER_HELP)]
#[command(arg_required_else_help = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,

    /// Print the version and the commit it was built from
    #[arg(long, short = 'V', required = true)]
    pub(crate) version: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The directory of the database; `put`, `batch`, `import` and `bench` make it if it is missing
    #[arg(long, global = true, env = DB_VARIABLE, default_value = DEFAULT_DB, value_name = "DIR")]
    pub(crate) db: PathBuf,

    /// The form of the data on stdout
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORM")]
    pub(crate) output: Format,

    /// Keys and values are hexadecimal, on the command line and in the output
    #[arg(long, global = true)]
    pub(crate) hex: bool,

    /// Only data, errors and the acknowledgements of `import`
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say what happens on the way
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

impl Global {
    pub(crate) fn console(&self) -> Console {
        Console { format: self.output, hex: self.hex, quiet: self.quiet, verbose: self.verbose }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a value under a key; durable when the command ends
    Put(Put),
    /// Print the value of a key: its bytes as they are, and a newline
    Get {
        /// The key
        key: OsString,
    },
    /// Remove a key; durable when the command ends, and fine if there was none
    Del {
        /// The key
        key: OsString,
    },
    /// Write and remove keys, all of them or none; durable when the command ends
    #[command(after_help = BATCH_HELP)]
    Batch {
        /// The file to read; `-` is stdin
        file: PathBuf,
    },
    /// Print keys and values in the order of the keys' bytes
    Scan(Scan),
    /// Print how many keys there are
    Count,
    /// Write lines of `{"key": .., "value": ..}`, in batches, each durable when acknowledged
    Import(Import),
    /// Write all keys and values as lines of `{"key": .., "value": ..}`, of one moment
    Export(Export),
    /// Print what the files of a database hold, without opening it for writing
    #[command(subcommand)]
    Inspect(Inspect),
    /// Look after a database
    #[command(subcommand)]
    Admin(Admin),
    /// Measure operations a second and latencies, in a directory of their own
    Bench(Bench),
    /// Print what a shell needs to complete the command line
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Storms on the store: simulated crashes, failing syncs, torn writes
    #[command(subcommand)]
    Sim(SimCommand),
}

const COMPLETIONS_HELP: &str = "\
For bash: seawall completions bash > ~/.local/share/bash-completion/completions/seawall
For zsh, to a folder of $fpath: seawall completions zsh > FOLDER/_seawall
For fish: seawall completions fish > ~/.config/fish/completions/seawall.fish";

#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The key
    pub(crate) key: OsString,
    /// The value; `-` reads it from stdin and `@FILE` from a file, as they are also with `--hex`.
    /// Before one that is also an option, such as `-v`, write `--`
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: OsString,
}

const BATCH_HELP: &str = "\
A line is {\"key\": .., \"value\": ..} or {\"key\": .., \"delete\": true}, in the form of `import`. Of two lines
with the same key the later one counts. A malformed line ends the command, and nothing is written.";

const SCAN_HELP: &str = "\
Text is a line `key TAB value`: the bytes as they are, but for a backslash, which is written \\\\, and
control characters, which are written \\t, \\n, \\r or \\xNN, so that a line is always one entry. JSON is one
object a line, as `import` reads.";

#[derive(Debug, Args)]
#[command(after_help = SCAN_HELP)]
pub(crate) struct Scan {
    /// The first key to print
    #[arg(long, value_name = "KEY")]
    pub(crate) start: Option<OsString>,
    /// Stop before this key
    #[arg(long, value_name = "KEY")]
    pub(crate) end: Option<OsString>,
    /// Only keys that begin with this
    #[arg(long, value_name = "BYTES")]
    pub(crate) prefix: Option<OsString>,
    /// At most that many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// The largest key first
    #[arg(long)]
    pub(crate) reverse: bool,
    /// Without the values
    #[arg(long)]
    pub(crate) keys_only: bool,
}

const IMPORT_HELP: &str = "\
A key or value that is not UTF-8 is written {\"b64\": \"..\"}. After each batch a line
`acknowledged N` on stderr says that the first N entries are durable. From a pipe a batch ends also
when nothing more comes for 100 ms. A malformed line ends the import; what came before it is written
and stays.";

#[derive(Debug, Args)]
#[command(after_help = IMPORT_HELP)]
pub(crate) struct Import {
    /// Lines to a batch, at most
    #[arg(long, value_name = "N", default_value = "1000")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) batch: u32,
    /// The file to read; `-` is stdin
    pub(crate) file: PathBuf,
}

const EXPORT_HELP: &str = "\
The lines are those that `import` reads, with --hex on both sides or on neither. A file that is
there already is not overwritten.";

#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub(crate) struct Export {
    /// The file to make; `-` is stdout
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// CURRENT, the manifest's snapshot and each edit
    Manifest,
    /// The log's segments and their frames
    Wal {
        /// Only this file of the database, such as 000003.wal
        file: Option<String>,
    },
    /// The tables of each level: sizes, entries, keys and sequence numbers
    Levels,
    /// What a table's file consists of
    Sst(Sst),
    /// How a key is read, layer by layer: ranges, filters, blocks, and where the value comes from
    #[command(after_help = KEY_HELP)]
    Key {
        /// The key
        key: OsString,
    },
    /// Sums over the manifest, the ends of all tables and the log
    Stats,
}

const KEY_HELP: &str = "\
A key that is missing or deleted is an answer too: it ends with 0. Unlike the other parts of `inspect`
it needs that nobody has the database open for writing.";

const SST_HELP: &str = "\
Damage in a part that is looked at ends with 4 and names file and offset; `check` looks at all.";

#[derive(Debug, Args)]
#[command(after_help = SST_HELP)]
pub(crate) struct Sst {
    /// A table of the database, such as 000003.sst, or the path of any table
    pub(crate) file: PathBuf,
    /// Only this part; without it all but the blocks
    #[arg(value_enum)]
    pub(crate) part: Option<SstPart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SstPart {
    /// Each data block, read and counted
    Blocks,
    /// Each data block as the index describes it
    Index,
    /// The filter
    Filter,
    /// Counts, sequence numbers and keys of all entries
    Props,
    /// Read everything and check every checksum and the order of the entries
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Read everything and check every checksum and invariant
    Verify,
    /// Write what only the log holds to tables
    Flush,
    /// Flush, and merge all tables with keys in a range: what was deleted or overwritten goes
    Compact(Compact),
    /// Write all that can be proved good in a damaged database into a new one, and report the rest
    #[command(after_help = SALVAGE_HELP)]
    Salvage {
        /// The directory of the new database; made if missing, and refused if it holds anything
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Compact {
    /// The first key of the range; without it all keys from the first on
    #[arg(long, value_name = "KEY")]
    pub(crate) start: Option<OsString>,
    /// The key before which the range ends; without it all keys up to the last
    #[arg(long, value_name = "KEY")]
    pub(crate) end: Option<OsString>,
}

const SALVAGE_HELP: &str = "\
The damaged database is only read. Ends with 0 when all of it was salvaged, and with 4 when something is
lost or may be: the report says which file and where, and, if that is known, between which keys an
older value may have come back, or a deleted one.";

const BENCH_HELP: &str = "\
Keys are `bench/` and one of N numbers, drawn at random; values are bytes that do not compress. Reads,
scans and both halves of `mixed` find all N keys there: they are written and flushed before it begins.
The keys stay; --existing finds them again, and measures in any database that is there. Ctrl-C ends a
measurement and shows what it has.";

#[derive(Debug, Args)]
#[command(after_help = BENCH_HELP)]
pub(crate) struct Bench {
    /// What is done
    #[arg(value_enum)]
    pub(crate) what: Workload,
    /// How many operations, of all threads together, and how many keys to draw from
    #[arg(long, value_name = "N", default_value = "100000")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) ops: u64,
    /// The length of each value
    #[arg(long, value_name = "B", default_value = "100")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=seawall::VALUE_BYTES_MAX as i64))]
    pub(crate) value_bytes: u32,
    /// What a write waits for: until it survives a power loss, or only a killed process
    #[arg(long, value_enum, default_value = "sync")]
    pub(crate) durability: WaitFor,
    /// How many do it at once
    #[arg(long, value_name = "T", default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// Measure in the database that is there, and write the keys into it
    #[arg(long)]
    pub(crate) existing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Put values under random keys
    Write,
    /// Get random keys
    Read,
    /// Read 100 entries from a random key on
    Scan,
    /// Put and get, by turns of a coin
    Mixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitFor {
    Sync,
    Os,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in ["seawall --db d --hex get 00", "seawall get 00 --hex --db d"] {
            let arguments = Arguments::try_parse_from(line.split(' ')).expect(line);
            assert!(arguments.global.hex && arguments.global.db.as_os_str() == "d");
        }
    }
}
