//! The binary `seawall`: the store on the command line, and its simulator.
//!
//! `args` says what can be asked and `exit` what the answers mean; `store`, `inspect`, `bench`, `sim`,
//! `planted` and `mutated` hold the commands. Each returns how it ended, or an error that `exit` turns into a code
//! and the advice what to do next.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the binary runs on the machine, not in the simulator"
)]

mod args;
mod bench;
mod bytes;
mod completions;
mod console;
mod damage;
mod exit;
mod hint;
mod inspect;
mod interrupt;
mod mutated;
mod panics;
mod planted;
mod sim;
mod store;
mod version;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Admin, Arguments, Command, Global};
use console::Console;
use exit::{Exit, Failure};
use sim::args::{Role, SimCommand};

/// The simulator makes and drops millions of small things a second; this is faster at that than the
/// system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    panics::install();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help is no error, and clap knows where each belongs; a closed pipe is nobody's fault.
        Err(answer) => {
            return match answer.print() {
                _ if answer.use_stderr() => Exit::Usage,
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    let Failure { exit, what, next, .. } = Failure::of(&error.into(), "seawall");
                    let _ = writeln!(std::io::stderr(), "seawall: {what}\n  next: {next}");
                    exit
                }
                _ => Exit::Fine,
            }
            .into();
        }
    };
    let console = arguments.global.console();
    run(&console, arguments).into()
}

/// Runs the command and tells the person why, if it failed.
fn run(console: &Console, arguments: Arguments) -> Exit {
    let Arguments { global, command, .. } = arguments;
    let result = match command {
        None => print_version(console),
        Some(command) => dispatch(console, &global, command),
    };
    result.unwrap_or_else(|error| {
        if exit::reader_went_away(&error) {
            return Exit::Fine;
        }
        let failure = Failure::of(&error, &hint::seawall(console, &global.db));
        console.failure(&failure);
        failure.exit
    })
}

fn dispatch(console: &Console, global: &Global, command: Command) -> anyhow::Result<Exit> {
    let db = &*global.db;
    match command {
        Command::Put(put) => store::point::put(console, db, &put),
        Command::Get { key } => store::point::get(console, db, &key),
        Command::Del { key } => store::point::del(console, db, &key),
        Command::Batch { file } => store::batch::batch(console, db, &file),
        Command::Scan(scan) => store::scan::scan(console, db, &scan),
        Command::Count => store::scan::count(console, db),
        Command::Import(import) => store::import::import(console, db, &import),
        Command::Export(export) => store::export::export(console, db, &export),
        Command::Inspect(what) => inspect::inspect(console, db, &what),
        Command::Admin(Admin::Verify) => store::verify::verify(console, db),
        Command::Admin(Admin::Flush) => store::tend::flush(console, db),
        Command::Admin(Admin::Salvage { to }) => store::salvage::salvage(console, db, &to),
        Command::Admin(Admin::Compact(range)) => store::tend::compact(console, db, &range),
        Command::Bench(arguments) => bench::bench(console, db, &arguments),
        Command::Completions { shell } => completions::print(console, shell),
        Command::Sim(command) => simulate(console, &command),
    }
}

fn simulate(console: &Console, command: &SimCommand) -> anyhow::Result<Exit> {
    match command {
        SimCommand::Run(arguments) => match arguments.role {
            Role::Parent => sim::supervise::run(console, arguments),
            Role::Sweep => match &arguments.ledger {
                Some(file) => sim::ledger::run(console, arguments, file),
                None => sim::run::run(console, arguments),
            },
            Role::Alone => sim::supervise::run_alone(arguments),
        },
        SimCommand::Replay(arguments) => sim::replay::replay(console, arguments),
        SimCommand::Shrink { tape } => sim::replay::shrink(console, tape),
        SimCommand::Convert(arguments) => sim::convert::convert(console, arguments),
        SimCommand::Keep(arguments) => sim::keep::keep(console, arguments),
        SimCommand::Planted(arguments) => planted::run(console, arguments),
        SimCommand::Mutated(arguments) => mutated::run(console, arguments),
        SimCommand::List => sim::list::list(console),
    }
}

fn print_version(console: &Console) -> anyhow::Result<Exit> {
    if console.json() {
        console.data_json(&version::of_this_build())?;
    } else {
        console.data(version::line())?;
    }
    Ok(Exit::Fine)
}
