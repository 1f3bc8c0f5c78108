//! Tells the program which commit it was built from, and whether the tree had changes.
#![allow(clippy::disallowed_methods, reason = "it runs on the machine that builds")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Not these: builds write them, and none is made of them.
const LEDGERS: &str = ":(top,exclude)corpus/ledger";

fn main() {
    let commit = git(&["rev-parse", "HEAD"]);
    let changes = git(&["status", "--porcelain", "--untracked-files=no", "--", ":/", LEDGERS]);
    let tree = match changes.as_deref() {
        Some("") => "clean",
        Some(_) => "changed",
        None => "no repository",
    };
    println!("cargo:rustc-env=SEAWALL_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo:rustc-env=SEAWALL_TREE={tree}");
    // A path that does not exist would make every build run this again.
    let manifests = ["Cargo.toml", "../Cargo.toml", "../os/Cargo.toml", "../sim/Cargo.toml"];
    let sources = ["build.rs", "src", "../src", "../os/src", "../sim/src", "../Cargo.lock"];
    let heads = [git_path("HEAD"), git_path("packed-refs"), head_ref()];
    let watched = sources.iter().chain(&manifests).map(PathBuf::from);
    for path in watched.chain(heads.into_iter().flatten()).filter(|path| path.exists()) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

/// What a commit on the present branch changes: the file of the branch or, while the branch is among
/// the packed ones and has none, the folder in which the commit makes it.
fn head_ref() -> Option<PathBuf> {
    let path = git_path(&git(&["symbolic-ref", "-q", "HEAD"])?)?;
    path.ancestors().find(|path| path.exists()).map(Path::to_owned)
}

/// Where git keeps a file of its own.
fn git_path(name: &str) -> Option<PathBuf> {
    git(&["rev-parse", "--git-path", name]).map(PathBuf::from)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
