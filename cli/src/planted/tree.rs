//! A copy of the source tree to plant bugs in.
//!
//! There is one copy and one build directory for all patches, beside each other in `target/planted`,
//! so that what a patch does not touch is compiled once. Before each patch the copy is made equal to
//! the tree again; only files that differ are written, and cargo sees just those as changed.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use super::patch::{FOLDER, MUTATED, Patch};
use crate::exit::Failure;

/// Where everything of `sim planted` lives, from the root of the workspace.
pub(crate) const SCRATCH: &str = "target/planted";

/// The tree and its copy.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    copy: PathBuf,
    /// Relative paths, sorted.
    files: BTreeSet<PathBuf>,
}

/// The root of the workspace around `start`: the nearest directory that holds `folder`.
pub(crate) fn root_from(start: &Path, folder: &str) -> anyhow::Result<PathBuf> {
    let found = start.ancestors().find(|directory| directory.join(folder).is_dir());
    found.map(Path::to_owned).ok_or_else(|| {
        Failure::error(
            format!("there is no {folder} in {} or above", start.display()),
            "run it in a clone of seawall: it builds the source, once for each patch",
        )
        .into()
    })
}

impl Tree {
    /// Finds the files that git knows or would add.
    pub(crate) fn of(root: &Path) -> anyhow::Result<Tree> {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output();
        let output = output.context("cannot run git")?;
        ensure!(output.status.success(), "git ls-files: {}", text_of(&output.stderr));
        let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
        let files = names.split_terminator('\0').map(PathBuf::from);
        // A file that was removed but not yet from the index is still listed.
        let files = files.filter(|file| root.join(file).is_file()).collect();
        Ok(Tree { root: root.to_owned(), copy: root.join(SCRATCH).join("tree"), files })
    }

    /// The copy's root.
    pub(crate) fn copy(&self) -> &Path {
        &self.copy
    }

    /// A number for the tree as it is, without the patches themselves: results that were measured on
    /// another tree are worth nothing.
    pub(crate) fn fingerprint(&self) -> anyhow::Result<u64> {
        let mut digest = Digest::new();
        let counts = |file: &&PathBuf| !file.starts_with(FOLDER) && !file.starts_with(MUTATED);
        for file in self.files.iter().filter(counts) {
            digest.add(file.as_os_str().as_encoded_bytes());
            digest.add(&self.read(file)?);
        }
        Ok(digest.0)
    }

    /// Makes the copy equal to the tree.
    pub(crate) fn reset(&self) -> anyhow::Result<()> {
        for file in &self.files {
            let content = self.read(file)?;
            let to = self.copy.join(file);
            if fs::read(&to).is_ok_and(|old| old == content) {
                continue;
            }
            let parent = to.parent().context("a file has a parent")?;
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&to, content))
                .with_context(|| format!("cannot write {}", to.display()))?;
        }
        self.remove_others(&self.copy)
    }

    /// Removes what is in the copy and not in the tree, such as a file that a patch made.
    fn remove_others(&self, directory: &Path) -> anyhow::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                self.remove_others(&path)?;
            } else if !self.files.contains(path.strip_prefix(&self.copy)?) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Applies a patch to the copy.
    ///
    /// # Errors
    /// It does not apply: the tree has moved on, and the patch must follow.
    pub(crate) fn apply(&self, patch: &Patch) -> anyhow::Result<()> {
        let mut git = Command::new("git")
            .args(["apply", "--whitespace=nowarn", "-"])
            .current_dir(&self.copy)
            // Inside a repository git silently skips paths outside the current directory's own.
            .env("GIT_CEILING_DIRECTORIES", self.copy.parent().unwrap_or(&self.copy))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run git")?;
        let Some(mut input) = git.stdin.take() else { bail!("git has no stdin") };
        // An early end of git shows in its status.
        let _ = input.write_all(patch.text.as_bytes());
        drop(input);
        let output = git.wait_with_output().context("cannot wait for git")?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::error(
            format!("{} no longer applies: {}", patch.path.display(), text_of(&output.stderr)),
            "make the same mistake in the present source and write its diff into the patch",
        )
        .into())
    }

    fn read(&self, file: &Path) -> anyhow::Result<Vec<u8>> {
        let path = self.root.join(file);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// A 64-bit FNV-1a: it names states of a tree, and guards against nobody.
#[derive(Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    fn new() -> Digest {
        Digest(0xcbf2_9ce4_8422_2325)
    }

    /// The digest of one text.
    pub(crate) fn of(bytes: &[u8]) -> u64 {
        let mut digest = Digest::new();
        digest.add(bytes);
        digest.0
    }

    fn add(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(diff: &str) -> Patch {
        Patch {
            id: "01-test".to_owned(),
            path: "sim/planted/01-test.patch".into(),
            what: "a test".to_owned(),
            oracle: None,
            blame: None,
            redundant: None,
            fast: false,
            caught_by: Vec::new(),
            text: format!("# what: a test\n{diff}"),
        }
    }

    fn tree_of(root: &Path, files: &[(&str, &str)]) -> Tree {
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, content).expect("a file");
        }
        let files = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
        Tree { root: root.to_owned(), copy: root.join(SCRATCH).join("tree"), files }
    }

    const DIFF: &str = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,2 @@\n one\n-two\n three\n\
                        --- /dev/null\n+++ b/src/new.rs\n@@ -0,0 +1 @@\n+new\n";

    #[test]
    fn a_patch_changes_the_copy_and_a_reset_takes_it_back() {
        let scratch = tempfile::tempdir().expect("a directory");
        let tree = tree_of(scratch.path(), &[("src/a.rs", "one\ntwo\nthree\n"), ("b", "b\n")]);
        tree.reset().expect("a copy");
        let untouched = fs::metadata(tree.copy.join("b")).and_then(|m| m.modified()).expect("b");
        tree.apply(&patch(DIFF)).expect("it applies");
        let changed = fs::read_to_string(tree.copy.join("src/a.rs")).expect("a.rs");
        assert_eq!(changed, "one\nthree\n");
        assert!(tree.copy.join("src/new.rs").is_file());

        tree.reset().expect("a reset");
        let restored = fs::read_to_string(tree.copy.join("src/a.rs")).expect("a.rs");
        assert_eq!(restored, "one\ntwo\nthree\n");
        assert!(!tree.copy.join("src/new.rs").exists());
        let still = fs::metadata(tree.copy.join("b")).and_then(|m| m.modified()).expect("b");
        assert_eq!(untouched, still, "what no patch touched is not compiled again");
    }

    #[test]
    fn a_patch_that_no_longer_applies_is_an_error_that_names_it() {
        let scratch = tempfile::tempdir().expect("a directory");
        let tree = tree_of(scratch.path(), &[("src/a.rs", "one\n2\nthree\n")]);
        tree.reset().expect("a copy");
        let error = tree.apply(&patch(DIFF)).expect_err("its context is gone").to_string();
        assert!(error.starts_with("sim/planted/01-test.patch no longer applies: "), "{error}");
    }

    #[test]
    fn the_fingerprint_follows_the_source_and_not_the_patches() {
        let scratch = tempfile::tempdir().expect("a directory");
        let files = [("src/a.rs", "one"), ("sim/planted/01.patch", "x")];
        let tree = tree_of(scratch.path(), &files);
        let before = tree.fingerprint().expect("readable");
        fs::write(scratch.path().join("sim/planted/01.patch"), "y").expect("a file");
        assert_eq!(tree.fingerprint().expect("readable"), before);
        fs::write(scratch.path().join("src/a.rs"), "two").expect("a file");
        assert_ne!(tree.fingerprint().expect("readable"), before);
    }
}
