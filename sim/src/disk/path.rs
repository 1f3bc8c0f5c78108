//! From a path to a place: a directory and a name in it.

use std::path::Path;

use super::directory::NodeId;
use super::errno::Errno;
use super::state::{Disk, ROOT};

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// Where a path leads: a name, which may be free, in a directory that exists.
///
/// The name is empty when the path names the directory itself: `/`, `.` or one that ends in `..`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) directory: u32,
    pub(super) name: &'a str,
    /// The path ends in a slash, so it can only mean a directory.
    pub(super) slash: bool,
}

impl Disk {
    /// Follows all of `path` but its last name.
    pub(super) fn place<'a>(&self, path: &'a Path) -> Result<Place<'a>, Errno> {
        let text = path.to_str().ok_or(Errno::Invalid)?;
        let start = match text.as_bytes().first() {
            None => return Err(Errno::NotFound),
            Some(b'/') => ROOT,
            Some(_) => self.working,
        };
        let trimmed = text.trim_end_matches('/');
        let slash = trimmed.len() != text.len();
        let (parents, name) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
        let directory = self.walk(start, parents)?;
        if name.len() > NAME_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        Ok(match name {
            "" | "." => Place { directory, name: "", slash },
            ".." => Place { directory: self.directory(directory).parent, name: "", slash },
            name => Place { directory, name, slash },
        })
    }

    fn walk(&self, start: u32, path: &str) -> Result<u32, Errno> {
        let mut at = start;
        for name in path.split('/') {
            at = match name {
                "" | "." => at,
                ".." => self.directory(at).parent,
                name => match self.directory(at).live(name) {
                    Some(NodeId::Directory(next)) => next,
                    Some(NodeId::File(_)) => return Err(Errno::NotADirectory),
                    None => return Err(Errno::NotFound),
                },
            };
        }
        Ok(at)
    }

    /// The file or directory at `path`.
    pub(super) fn node_at(&self, path: &Path) -> Result<NodeId, Errno> {
        let place = self.place(path)?;
        match self.look_up(&place) {
            None => Err(Errno::NotFound),
            Some(NodeId::File(_)) if place.slash => Err(Errno::NotADirectory),
            Some(node) => Ok(node),
        }
    }

    pub(super) fn file_at(&self, path: &Path) -> Result<u32, Errno> {
        match self.node_at(path)? {
            NodeId::File(number) => Ok(number),
            NodeId::Directory(_) => Err(Errno::IsADirectory),
        }
    }

    pub(super) fn directory_at(&self, path: &Path) -> Result<u32, Errno> {
        match self.node_at(path)? {
            NodeId::Directory(number) => Ok(number),
            NodeId::File(_) => Err(Errno::NotADirectory),
        }
    }
}
