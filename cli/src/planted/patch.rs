//! Planted bugs as files: `sim/planted/NN-name.patch`, a few header lines and a diff. Mistakes in the
//! oracle are files of the same kind in `sim/mutated`.
//!
//! ```text
//! # what: the table is not synced before its edit
//! # oracle: O5
//! # blame: write .. must be durable before .. no sync_data | the ack
//! # fast: yes
//! # redundant: the directory sync that follows covers it, because ..
//! # caught by: check::tests::a_batch_is_whole
//! --- a/src/tree/flush.rs
//! +++ b/src/tree/flush.rs
//! ```
//!
//! `what` says the mistake. `oracle` says which property is expected to catch it. `blame` says which words
//! the failure must blame it with: one of those between `|`, with anything where `..` stands. `fast` puts it into
//! the gate's cut. `redundant` proves that the change alone breaks nothing: it is swept all the same,
//! and being found is then the surprise. `caught by`, once for each, names tests that are to notice a
//! mistake in the oracle.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::Failure;

/// Where the planted bugs are, from the root of the workspace.
pub(crate) const FOLDER: &str = "sim/planted";

/// Where the mistakes in the oracle are.
pub(crate) const MUTATED: &str = "sim/mutated";

/// One planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// The file's name without `.patch`, such as `21-table-not-synced`.
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) what: String,
    pub(crate) oracle: Option<String>,
    pub(crate) blame: Option<String>,
    pub(crate) redundant: Option<String>,
    pub(crate) fast: bool,
    /// Tests of the simulator, one of which is to fail.
    pub(crate) caught_by: Vec<String>,
    /// The whole file.
    pub(crate) text: String,
}

impl Patch {
    /// Reads the header; the diff is left to git.
    ///
    /// # Errors
    /// A header line of an unknown kind, or no `what`.
    fn parse(id: String, path: PathBuf, text: String) -> anyhow::Result<Patch> {
        let header = text.lines().take_while(|line| !starts_diff(line));
        let (mut what, mut oracle, mut blame, mut redundant) = (None, None, None, None);
        let (mut fast, mut caught_by) = (false, Vec::new());
        for line in header.map(|line| line.trim_start_matches('#').trim()) {
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("what", value)) => what = Some(value.to_owned()),
                Some(("oracle", value)) => oracle = Some(value.to_owned()),
                Some(("blame", value)) => blame = Some(value.to_owned()),
                Some(("redundant", value)) => redundant = Some(value.to_owned()),
                Some(("fast", "yes")) => fast = true,
                Some(("fast", "no")) | None => {}
                Some(("caught by", value)) => caught_by.push(value.to_owned()),
                Some((name, _)) if name.contains(' ') => {}
                Some((name, value)) => {
                    return Err(malformed(&path, &format!("its header says `{name}: {value}`")));
                }
            }
        }
        let what = what.ok_or_else(|| malformed(&path, "its header has no line `# what: ..`"))?;
        Ok(Patch { id, path, what, oracle, blame, redundant, fast, caught_by, text })
    }

    /// Whether a failure is blamed on this mistake; `None` where nobody wrote down with which words.
    pub(crate) fn is_blamed_by(&self, sentence: &str) -> Option<bool> {
        let expected = self.blame.as_deref()?;
        Some(expected.split('|').any(|words| {
            let mut rest = sentence;
            words.split("..").map(str::trim).all(|piece| match rest.split_once(piece) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        }))
    }

    /// The number before the first dash of its name, if there is one.
    fn number(&self) -> Option<u32> {
        self.id.split('-').next().and_then(|number| number.parse().ok())
    }

    /// Whether `--only` means this one: the name, or its number.
    fn is_named(&self, only: &str) -> bool {
        self.id == only || (self.number().is_some() && self.number() == only.parse().ok())
    }
}

fn starts_diff(line: &str) -> bool {
    line.starts_with("diff ") || line.starts_with("--- ")
}

fn malformed(path: &Path, why: &str) -> anyhow::Error {
    Failure::error(
        format!("{}: {why}", path.display()),
        "before the diff write `# what: ..`, and if they hold `# oracle: O1`, `# blame: ..`, `# fast: yes` or \
         `# redundant: ..`",
    )
    .into()
}

/// The patches in a folder of `root`, by number.
///
/// # Errors
/// A folder or file that cannot be read; a malformed header.
pub(crate) fn all(root: &Path, folder: &str) -> anyhow::Result<Vec<Patch>> {
    let folder = root.join(folder);
    let listing =
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut patches = Vec::new();
    for entry in listing {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(id) = name.strip_suffix(".patch") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            patches.push(Patch::parse(id.to_owned(), path, text)?);
        }
    }
    patches.sort_by(|a, b| (a.number(), &a.id).cmp(&(b.number(), &b.id)));
    Ok(patches)
}

/// The patches that the command line asks for.
///
/// # Errors
/// There is none.
pub(crate) fn chosen(
    root: &Path,
    folder: &str,
    only: Option<&str>,
    gate: bool,
) -> anyhow::Result<Vec<Patch>> {
    let mut patches = all(root, folder)?;
    patches.retain(|patch| only.is_none_or(|only| patch.is_named(only)) && (!gate || patch.fast));
    if patches.is_empty() {
        return Err(Failure::error(
            format!("no such patch in {}", root.join(folder).display()),
            format!("look at the names there: `ls {}`", root.join(folder).display()),
        )
        .into());
    }
    Ok(patches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Patch> {
        Patch::parse("21-table-not-synced".to_owned(), "21.patch".into(), text.to_owned())
    }

    #[test]
    fn the_header_is_read_and_the_diff_left_alone() {
        let patch = parse(
            "# what: the table is not synced\n# oracle: O5\nredundant: see: there\n# fast: yes\n\
             # A remark.\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-what: no\n",
        )
        .expect("well formed");
        assert_eq!(patch.what, "the table is not synced");
        assert_eq!(patch.oracle.as_deref(), Some("O5"));
        assert_eq!(patch.redundant.as_deref(), Some("see: there"));
        assert!(patch.fast && patch.caught_by.is_empty());
        let mutated = parse("# what: a\n# caught by: a::b\n# caught by: tests/driver::c\n--- a\n");
        assert_eq!(mutated.expect("well formed").caught_by, ["a::b", "tests/driver::c"]);
    }

    #[test]
    fn a_blame_is_right_that_has_the_words_in_their_order() {
        let patch = parse("# what: a\n# blame: write .. before the ack | sync_dir lies\n--- a\n");
        let patch = patch.expect("well formed");
        for right in ["write a (#1) must come before the ack (#2)", "no sync_dir lies between"] {
            assert_eq!(patch.is_blamed_by(right), Some(true), "{right}");
        }
        assert_eq!(patch.is_blamed_by("before the ack comes write"), Some(false));
        assert_eq!(parse("# what: a\n").expect("well formed").is_blamed_by("x"), None);
    }

    #[test]
    fn a_header_that_says_nothing_or_something_unknown_is_refused() {
        let error = |text| parse(text).expect_err(text).to_string();
        assert!(error("--- a/x\n").contains("no line `# what"));
        assert!(error("# what: a\n# quick: yes\n--- a\n").contains("`quick: yes`"));
    }

    #[test]
    fn a_patch_is_named_by_its_number_or_its_whole_name() {
        let patch = parse("# what: a\n").expect("well formed");
        for name in ["21", "021", "21-table-not-synced"] {
            assert!(patch.is_named(name), "{name}");
        }
        for name in ["2", "table", ""] {
            assert!(!patch.is_named(name), "{name}");
        }
    }
}
