//! Which build this is: version, commit, and whether the tree had changes then.

use serde::Serialize;

/// What `seawall --version` says; scripts depend on the names.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    pub(crate) version: &'static str,
    pub(crate) commit: &'static str,
    pub(crate) clean: bool,
}

/// This build.
pub(crate) const fn of_this_build() -> Version {
    Version {
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("SEAWALL_COMMIT"),
        clean: matches!(env!("SEAWALL_TREE").as_bytes(), b"clean"),
    }
}

/// One line for people.
pub(crate) fn line() -> String {
    format!("seawall {}, commit {}", of_this_build().version, commit_and_tree())
}

/// `1a2b3c4 (clean)`: the commit as git abbreviates it, and whether that is all there was.
pub(crate) fn commit_and_tree() -> String {
    let commit = of_this_build().commit;
    format!("{} ({})", commit.get(..7).unwrap_or(commit), env!("SEAWALL_TREE"))
}
