//! The tree of names of a [`MemFs`](super::MemFs), and the files without their names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path};
use std::sync::Arc;

use rustix::io::Errno;

use crate::sync::Mutex;
use crate::vfs::LockMode;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// A place in the tree. The root is a directory.
pub(super) enum Node {
    Directory(Directory),
    File(Arc<Inode>),
}

/// Ordered by the names' bytes.
pub(super) type Directory = BTreeMap<OsString, Node>;

/// A file without its name: it lives as long as it has one or is open.
#[derive(Default)]
pub(super) struct Inode {
    pub(super) content: Mutex<Vec<u8>>,
    pub(super) holders: Mutex<Holders>,
}

/// Who holds the lock on a file.
#[derive(Default)]
pub(super) struct Holders {
    exclusive: bool,
    shared: usize,
}

impl Default for Node {
    fn default() -> Node {
        Node::Directory(Directory::new())
    }
}

impl Node {
    pub(super) fn directory(&self) -> Result<&Directory, Errno> {
        match self {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err(Errno::NOTDIR),
        }
    }

    /// The node at `path`, seen from the root.
    pub(super) fn at(&self, path: &Path) -> Result<&Node, Errno> {
        self.node(&self.names(path)?)
    }

    /// The directory that holds, or would hold, the node at `path`, and its name there. `None` for the
    /// root, which no directory holds.
    pub(super) fn parent(
        &mut self,
        path: &Path,
    ) -> Result<Option<(&mut Directory, OsString)>, Errno> {
        let names = self.names(path)?;
        self.parent_of(&names)
    }

    /// Gives the node at `from` the name `to`, replacing a file or an empty directory there.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Errno> {
        self.parent(from)?.ok_or(Errno::BUSY)?;
        self.parent(to)?.ok_or(Errno::BUSY)?;
        let (from, to) = (self.names(from)?, self.names(to)?);
        let source = self.node(&from)?;
        if from == to {
            return Ok(());
        }
        if to.starts_with(&from) {
            return Err(Errno::INVAL);
        }
        if from.starts_with(&to) {
            return Err(Errno::NOTEMPTY);
        }
        if let Ok(target) = self.node(&to) {
            may_replace(source, target)?;
        }
        // Neither name lies below the other now, so each step leaves the other's path valid.
        let moved = self.parent_of(&from)?.and_then(|(parent, name)| parent.remove(&name));
        if let (Some(moved), Some((parent, name))) = (moved, self.parent_of(&to)?) {
            parent.insert(name, moved);
        }
        Ok(())
    }

    fn directory_mut(&mut self) -> Result<&mut Directory, Errno> {
        match self {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err(Errno::NOTDIR),
        }
    }

    /// What lies below this node under `names`, one directory each.
    fn node(&self, names: &[OsString]) -> Result<&Node, Errno> {
        names.iter().try_fold(self, |node, name| node.directory()?.get(name).ok_or(Errno::NOENT))
    }

    /// The names from the root to `path`, with `..` followed as far as it exists.
    fn names(&self, path: &Path) -> Result<Vec<OsString>, Errno> {
        if path.as_os_str().is_empty() {
            return Err(Errno::NOENT);
        }
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) if name.len() > NAME_BYTES_MAX => {
                    return Err(Errno::NAMETOOLONG);
                }
                Component::Normal(name) => names.push(name.to_owned()),
                Component::ParentDir => {
                    self.node(&names)?.directory()?;
                    names.pop();
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        Ok(names)
    }

    /// [`Node::parent`] by the names from the root.
    fn parent_of(
        &mut self,
        names: &[OsString],
    ) -> Result<Option<(&mut Directory, OsString)>, Errno> {
        let Some((last, before)) = names.split_last() else {
            return Ok(None);
        };
        let parent = before
            .iter()
            .try_fold(self, |node, name| node.directory_mut()?.get_mut(name).ok_or(Errno::NOENT))?;
        Ok(Some((parent.directory_mut()?, last.clone())))
    }
}

/// Whether a rename may put `source` where `target` is.
fn may_replace(source: &Node, target: &Node) -> Result<(), Errno> {
    match (source, target) {
        (Node::File(_), Node::File(_)) => Ok(()),
        (Node::File(_), Node::Directory(_)) => Err(Errno::ISDIR),
        (Node::Directory(_), Node::File(_)) => Err(Errno::NOTDIR),
        (Node::Directory(_), Node::Directory(held)) if held.is_empty() => Ok(()),
        (Node::Directory(_), Node::Directory(_)) => Err(Errno::NOTEMPTY),
    }
}

impl Holders {
    pub(super) fn add(&mut self, mode: LockMode) -> Result<(), Errno> {
        match mode {
            LockMode::Exclusive if !self.exclusive && self.shared == 0 => self.exclusive = true,
            LockMode::Shared if !self.exclusive => self.shared += 1,
            LockMode::Exclusive | LockMode::Shared => return Err(Errno::WOULDBLOCK),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, mode: LockMode) {
        match mode {
            LockMode::Exclusive => self.exclusive = false,
            LockMode::Shared => self.shared -= 1,
        }
    }
}
