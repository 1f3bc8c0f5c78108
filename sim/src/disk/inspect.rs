//! Looking at a disk from outside, and damaging it: for oracles, tests and commands, not for stores.

use std::io;
use std::path::Path;

use crate::choice::fold;
use crate::trace::content_hash;

use super::directory::NodeId;
use super::errno::Errno;
use super::file::FileNode;
use super::personality::Personality;
use super::state::Disk;

impl Disk {
    /// The rules of survival it plays by.
    pub fn personality(&self) -> Personality {
        self.personality
    }

    /// Makes it play by other rules.
    pub fn set_personality(&mut self, personality: Personality) {
        self.personality = personality;
    }

    /// The files in a directory as programs see them, sorted, with their sizes.
    ///
    /// # Errors
    /// `NotFound` or `NotADirectory`.
    pub fn files(&self, directory: impl AsRef<Path>) -> io::Result<Vec<(String, u64)>> {
        let number = self.directory_at(directory.as_ref())?;
        let files = self.directory(number).live_entries().filter_map(|(name, node)| match node {
            NodeId::File(file) => Some((name.to_string(), self.file(file).live.size())),
            NodeId::Directory(_) => None,
        });
        Ok(files.collect())
    }

    /// How many files there are on the disk, and the bytes they hold as programs see them.
    pub fn extent(&self) -> (u64, u64) {
        (self.files.len() as u64, self.files.iter().map(|slot| slot.node.live.size()).sum())
    }

    /// All names in a directory as programs see them, sorted.
    ///
    /// # Errors
    /// `NotFound` or `NotADirectory`.
    pub fn names(&self, directory: impl AsRef<Path>) -> io::Result<Vec<String>> {
        let number = self.directory_at(directory.as_ref())?;
        Ok(self.directory(number).live_entries().map(|(name, _)| name.to_string()).collect())
    }

    /// The bytes of a file as programs see them.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory` or `IsADirectory`.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let file = self.file(self.file_at(path.as_ref())?);
        Ok(file.live.bytes(0, file.live.size()))
    }

    /// The bytes of a file as the last good sync made them durable, under the name programs see.
    ///
    /// # Errors
    /// As [`Disk::read`].
    pub fn read_durable(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let file = self.file(self.file_at(path.as_ref())?);
        Ok(file.durable.bytes(0, file.durable.size()))
    }

    /// Whether nothing is pending or in limbo: a power loss would change nothing that is seen.
    pub fn is_settled(&self) -> bool {
        self.files.iter().all(|slot| slot.node.is_settled())
            && self.directories.iter().all(|(_, directory)| directory.is_settled())
    }

    /// Turns a bit over, in what is durable and in what programs see.
    ///
    /// # Errors
    /// As [`Disk::read`]; `InvalidInput` for a byte beyond the end.
    pub fn flip_bit(&mut self, path: impl AsRef<Path>, byte: u64, bit: u8) -> io::Result<()> {
        self.damage(path.as_ref(), |file| {
            if byte >= file.live.size() || bit >= 8 {
                return Err(Errno::Invalid);
            }
            file.live.flip(byte, 1 << bit);
            if byte < file.durable.size() {
                file.durable.flip(byte, 1 << bit);
            }
            Ok(())
        })
    }

    /// Puts bytes into a file, in what is durable and in what programs see.
    ///
    /// # Errors
    /// As [`Disk::read`].
    pub fn overwrite(&mut self, path: impl AsRef<Path>, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.damage(path.as_ref(), |file| {
            file.live.write(at, bytes);
            file.durable.write(at, bytes);
            Ok(())
        })
    }

    /// Cuts a file, in what is durable and in what programs see.
    ///
    /// # Errors
    /// As [`Disk::read`]; `InvalidInput` for a length beyond the end.
    pub fn truncate_live(&mut self, path: impl AsRef<Path>, len: u64) -> io::Result<()> {
        self.damage(path.as_ref(), |file| {
            if len > file.live.size() {
                return Err(Errno::Invalid);
            }
            file.live.set_size(len);
            let durable = file.durable.size();
            file.durable.set_size(durable.min(len));
            Ok(())
        })
    }

    fn damage(
        &mut self,
        path: &Path,
        change: impl FnOnce(&mut FileNode) -> Result<(), Errno>,
    ) -> io::Result<()> {
        let number = self.file_at(path)?;
        let done = change(self.file_mut(number));
        self.recount();
        Ok(done?)
    }

    /// A hash of all that programs see: names and contents, not numbers nor history.
    pub fn content_hash(&self) -> u64 {
        self.directory_hash(super::state::ROOT)
    }

    fn directory_hash(&self, number: u32) -> u64 {
        self.directory(number).live_entries().fold(1, |state, (name, node)| {
            let state = fold(state, content_hash(name.as_bytes()));
            fold(
                state,
                match node {
                    NodeId::Directory(child) => self.directory_hash(child),
                    NodeId::File(file) => {
                        let content = &self.file(file).live;
                        content_hash(&content.bytes(0, content.size()))
                    }
                },
            )
        })
    }
}
