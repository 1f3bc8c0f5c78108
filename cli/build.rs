//! Tells the program which commit it was built from, and whether the tree had changes.
#![allow(clippy::disallowed_methods, reason = "it runs on the machine that builds")]

use std::path::Path;
use std::process::Command;

fn main() {
    let commit = git(&["rev-parse", "HEAD"]);
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let tree = match changes.as_deref() {
        Some("") => "clean",
        Some(_) => "changed",
        None => "no repository",
    };
    println!("cargo:rustc-env=SEAWALL_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo:rustc-env=SEAWALL_TREE={tree}");
    // A path that does not exist would make every build run this again.
    let sources = ["build.rs", "src", "../src", "../os/src", "../sim/src", "../Cargo.lock"];
    let heads = [git(&["rev-parse", "--git-path", "HEAD"]), head_ref()];
    let watched = sources.iter().map(|s| (*s).to_owned()).chain(heads.into_iter().flatten());
    for path in watched.filter(|path| Path::new(path).exists()) {
        println!("cargo:rerun-if-changed={path}");
    }
}

/// The file that a commit on the present branch changes.
fn head_ref() -> Option<String> {
    let name = git(&["symbolic-ref", "-q", "HEAD"])?;
    git(&["rev-parse", "--git-path", &name])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
