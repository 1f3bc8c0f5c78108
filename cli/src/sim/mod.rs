//! `seawall sim`: the simulator on our own store.

pub(crate) mod args;
mod failure;
mod keep;
mod list;
mod numbers;
mod replay;
mod run;
pub(crate) mod seeds;
mod summary;
mod tape;

use crate::console::Console;
use crate::exit::Exit;
use args::SimCommand;

pub(crate) fn run(console: &Console, command: &SimCommand) -> anyhow::Result<Exit> {
    match command {
        SimCommand::Run(arguments) => run::run(console, arguments),
        SimCommand::Replay(arguments) => replay::replay(console, arguments),
        SimCommand::Shrink { tape } => replay::shrink(console, tape),
        SimCommand::Keep(arguments) => keep::keep(console, arguments),
        SimCommand::Planted(arguments) => crate::planted::run(console, arguments),
        SimCommand::List => list::list(console),
    }
}
