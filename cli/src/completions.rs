//! `completions`: what a shell needs to complete our command line, made from it.

use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::console::Console;
use crate::exit::Exit;

/// The script is data whatever the form of the output.
pub(crate) fn print(console: &Console, shell: Shell) -> anyhow::Result<Exit> {
    // Into memory first: the generator takes a failed write for a bug.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "seawall", &mut script);
    let mut out = console.stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Fine)
}
