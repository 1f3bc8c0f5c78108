//! The whole state of a simulated disk, as a value: files and directories by number, names apart.
//!
//! A clone shares everything with the original until one of them changes it. All methods here are
//! calls that succeed or fail at once, without choices; what may go wrong in between belongs to
//! [`super::SimFs`], what a crash leaves to [`super::image`].

use std::path::Path;
use std::sync::Arc;

use super::content::{Content, PAGE_BYTES};
use super::directory::{Directory, NodeId, Value};
use super::errno::Errno;
use super::file::{FailedFate, FileNode};
use super::path::Place;
use super::personality::{Personality, RenameOver};
use super::piece::Stamp;

/// The number of the root directory.
pub(super) const ROOT: u32 = 0;

/// The largest file, in bytes.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 34;

/// How many contents of earlier files are remembered.
const STALE_MAX: usize = 16;

/// A simulated disk: a value, cheap to copy.
///
/// It holds what is durable, what programs see, and every change between the two, so any crash can
/// be cut from a copy without running anything again.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Sorted by number.
    pub(super) files: Vec<FileSlot>,
    /// Sorted by number; the root is the first.
    pub(super) directories: Vec<(u32, Arc<Directory>)>,
    /// Where relative paths start.
    pub(super) working: u32,
    next_node: u32,
    /// Of the next change; zero is before all of them.
    stamp: Stamp,
    /// The room of the disk, and how much of it others leave.
    whole_pages: u64,
    capacity_pages: u64,
    used_pages: u64,
    pub(super) personality: Personality,
    /// Whether a sync ever failed since the last power loss.
    pub(super) sync_failed: bool,
    /// The files of which the cache may let go of something, sorted: there may be thousands of others.
    pub(super) may_revert: Vec<u32>,
    pub(super) keeps_earlier: bool,
    /// What earlier files held, the latest last: what may turn up in bytes no sync ever covered.
    pub(super) stale: Arc<Vec<Content>>,
}

/// A file and how many open handles it has.
#[derive(Clone, Debug)]
pub(super) struct FileSlot {
    pub(super) number: u32,
    pub(super) handles: u32,
    pub(super) node: Arc<FileNode>,
}

impl Disk {
    /// The working directory of every simulated process.
    pub const WORKING_DIRECTORY: &'static str = "/sim";

    /// An empty disk with room for `capacity_bytes` of file contents.
    ///
    /// It has a root and a working directory, both durable.
    pub fn new(capacity_bytes: u64) -> Disk {
        let root = Directory::new(Arc::from("/"), ROOT);
        let mut disk = Disk {
            files: Vec::new(),
            directories: vec![(ROOT, Arc::new(root))],
            working: ROOT,
            next_node: ROOT + 1,
            stamp: 1,
            whole_pages: capacity_bytes / PAGE_BYTES as u64,
            capacity_pages: capacity_bytes / PAGE_BYTES as u64,
            used_pages: 0,
            personality: Personality::POSIX,
            sync_failed: false,
            may_revert: Vec::new(),
            keeps_earlier: false,
            stale: Arc::default(),
        };
        disk.working = disk.durable_directory(ROOT, "sim");
        disk
    }

    /// Makes a directory and all its missing parents, durable at once.
    ///
    /// # Errors
    /// `NotADirectory` when part of the path is a file.
    pub fn make_durable_dir(&mut self, path: impl AsRef<Path>) -> std::io::Result<()> {
        let text = path.as_ref().to_str().ok_or(Errno::Invalid)?;
        self.durable_path(text)?;
        Ok(())
    }

    /// The directory at `text`, made durable with all its missing parents.
    fn durable_path(&mut self, text: &str) -> Result<u32, Errno> {
        let mut at = if text.starts_with('/') { ROOT } else { self.working };
        for name in text.split('/').filter(|name| !name.is_empty() && *name != ".") {
            at = match self.directory(at).live(name) {
                Some(NodeId::Directory(next)) => next,
                Some(NodeId::File(_)) => return Err(Errno::NotADirectory),
                None => self.durable_directory(at, name),
            };
        }
        Ok(at)
    }

    /// Makes an empty file, durable at once like the directories that lead to it.
    ///
    /// # Errors
    /// `NotADirectory` when part of the path is a file.
    ///
    /// # Panics
    /// When the name is taken, or there is none.
    pub fn make_durable_file(&mut self, path: impl AsRef<Path>) -> std::io::Result<()> {
        let text = path.as_ref().to_str().ok_or(Errno::Invalid)?;
        let (parent, name) = text.rsplit_once('/').map_or(("", text), |(parent, name)| {
            (if parent.is_empty() { "/" } else { parent }, name)
        });
        let at = self.durable_path(parent)?;
        assert!(self.directory(at).live(name).is_none(), "{text} is there already");
        let number = self.next_number();
        let name = self.directory_mut(at).set_durable(name, Some(NodeId::File(number)));
        self.files.push(FileSlot { number, handles: 0, node: Arc::new(FileNode::new(name)) });
        Ok(())
    }

    fn durable_directory(&mut self, parent: u32, name: &str) -> u32 {
        let number = self.next_number();
        let name = self.directory_mut(parent).set_durable(name, Some(NodeId::Directory(number)));
        self.directories.push((number, Arc::new(Directory::new(name, parent))));
        number
    }

    fn next_number(&mut self) -> u32 {
        let number = self.next_node;
        self.next_node += 1;
        number
    }

    /// How many files and directories were ever made on this disk.
    pub(super) fn node_count(&self) -> u64 {
        u64::from(self.next_node)
    }

    /// The counter that a sync issued now takes: it covers every change made before.
    pub(super) fn issue(&self) -> Stamp {
        self.stamp
    }

    fn next_stamp(&mut self) -> Stamp {
        self.stamp += 1;
        self.stamp - 1
    }

    /// Bytes free for new contents.
    pub fn free_bytes(&self) -> u64 {
        self.free_pages() * PAGE_BYTES as u64
    }

    fn free_pages(&self) -> u64 {
        self.capacity_pages.saturating_sub(self.used_pages)
    }

    /// Others leave the disk: it has all of its room again.
    pub(super) fn give_room(&mut self) {
        self.capacity_pages = self.whole_pages;
    }

    /// Changes the room on the disk; what is there stays.
    pub fn set_capacity(&mut self, capacity_bytes: u64) {
        self.capacity_pages = capacity_bytes / PAGE_BYTES as u64;
    }

    // Nodes by number.

    fn file_index(&self, number: u32) -> usize {
        let found = self.files.binary_search_by_key(&number, |slot| slot.number);
        found.expect("a file lives as long as a name or a handle leads to it")
    }

    pub(super) fn file(&self, number: u32) -> &FileNode {
        &self.files[self.file_index(number)].node
    }

    pub(super) fn has_file(&self, number: u32) -> bool {
        self.files.binary_search_by_key(&number, |slot| slot.number).is_ok()
    }

    pub(super) fn file_mut(&mut self, number: u32) -> &mut FileNode {
        let index = self.file_index(number);
        Arc::make_mut(&mut self.files[index].node)
    }

    pub(super) fn directory(&self, number: u32) -> &Directory {
        let found = self.directories.binary_search_by_key(&number, |(number, _)| *number);
        &self.directories[found.expect("a directory lives as long as a name leads to it")].1
    }

    pub(super) fn has_directory(&self, number: u32) -> bool {
        self.directories.binary_search_by_key(&number, |(number, _)| *number).is_ok()
    }

    pub(super) fn directory_mut(&mut self, number: u32) -> &mut Directory {
        let found = self.directories.binary_search_by_key(&number, |(number, _)| *number);
        let index = found.expect("a directory lives as long as a name leads to it");
        Arc::make_mut(&mut self.directories[index].1)
    }

    pub(super) fn look_up(&self, place: &Place<'_>) -> Value {
        match place.name {
            "" => Some(NodeId::Directory(place.directory)),
            name => self.directory(place.directory).live(name),
        }
    }

    // Names.

    /// Makes an empty file under a free name.
    pub(super) fn create_file(&mut self, place: &Place<'_>) -> u32 {
        let (number, stamp) = (self.next_number(), self.next_stamp());
        let directory = self.directory_mut(place.directory);
        let name = directory.set(stamp, place.name, Some(NodeId::File(number)));
        let node = Arc::new(FileNode::new(name));
        self.files.push(FileSlot { number, handles: 0, node });
        number
    }

    pub(super) fn create_directory(&mut self, place: &Place<'_>) {
        let (number, stamp) = (self.next_number(), self.next_stamp());
        let directory = self.directory_mut(place.directory);
        let name = directory.set(stamp, place.name, Some(NodeId::Directory(number)));
        self.directories.push((number, Arc::new(Directory::new(name, place.directory))));
    }

    /// Takes a file's name away.
    pub(super) fn remove_file(&mut self, place: &Place<'_>, number: u32) {
        let stamp = self.next_stamp();
        self.directory_mut(place.directory).set(stamp, place.name, None);
        self.free_unreachable(&[NodeId::File(number)]);
    }

    /// Gives what is at `from` the name at `to`; both halves bear one stamp.
    pub(super) fn rename(&mut self, from: &Place<'_>, to: &Place<'_>) -> Result<(), Errno> {
        let moved = self.look_up(from).ok_or(Errno::NotFound)?;
        let replaced = self.look_up(to);
        if replaced == Some(moved) {
            return Ok(());
        }
        if let Some(NodeId::Directory(number)) = replaced
            && self.lies_within(from.directory, number)
        {
            return Err(Errno::NotEmpty);
        }
        self.may_replace(moved, replaced, to)?;
        let stamp = self.next_stamp();
        let flushes = self.personality.rename_over == RenameOver::FlushesData;
        let target = self.directory_mut(to.directory);
        let name = match (moved, replaced) {
            (NodeId::File(_), Some(_)) if flushes => {
                target.set_flushing(stamp, to.name, Some(moved))
            }
            _ => target.set(stamp, to.name, Some(moved)),
        };
        self.directory_mut(from.directory).set(stamp, from.name, None);
        match moved {
            NodeId::File(number) => self.file_mut(number).name = name,
            NodeId::Directory(number) => {
                let directory = self.directory_mut(number);
                directory.name = name;
                directory.parent = to.directory;
            }
        }
        self.free_unreachable(replaced.as_slice());
        Ok(())
    }

    fn may_replace(&self, moved: NodeId, replaced: Value, to: &Place<'_>) -> Result<(), Errno> {
        if let NodeId::Directory(number) = moved
            && self.lies_within(to.directory, number)
        {
            return Err(Errno::Invalid);
        }
        match (moved, replaced) {
            (NodeId::File(_), Some(NodeId::Directory(_))) => Err(Errno::IsADirectory),
            (NodeId::Directory(_), Some(NodeId::File(_))) => Err(Errno::NotADirectory),
            (_, Some(NodeId::Directory(number)))
                if self.directory(number).live_entries().next().is_some() =>
            {
                Err(Errno::NotEmpty)
            }
            _ => Ok(()),
        }
    }

    fn lies_within(&self, mut directory: u32, ancestor: u32) -> bool {
        while directory != ancestor && directory != ROOT {
            directory = self.directory(directory).parent;
        }
        directory == ancestor
    }

    // Contents.

    /// Writes bytes; where room ends, a prefix and `NoSpace`.
    pub(super) fn write(&mut self, number: u32, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let len = bytes.len() as u64;
        if offset.checked_add(len).is_none_or(|end| end > FILE_BYTES_MAX) {
            return Err(Errno::FileTooLarge);
        }
        let (free, stamp, index) = (self.free_pages(), self.next_stamp(), self.file_index(number));
        let file = Arc::make_mut(&mut self.files[index].node);
        let needed = file.pages_needed(offset, len);
        if needed <= free {
            file.write(stamp, offset, bytes);
            self.used_pages += needed;
            return Ok(());
        }
        let fits = file.room_ends(offset, len, free) - offset;
        file.write(stamp, offset, &bytes[..fits as usize]);
        self.used_pages += free;
        Err(Errno::NoSpace)
    }

    pub(super) fn set_len(&mut self, number: u32, len: u64) -> Result<(), Errno> {
        if len > FILE_BYTES_MAX {
            return Err(Errno::FileTooLarge);
        }
        let (stamp, index) = (self.next_stamp(), self.file_index(number));
        if len < self.file(number).live.size() {
            self.remember(number);
        }
        let file = Arc::make_mut(&mut self.files[index].node);
        let before = file.pages_used();
        file.set_size(stamp, len);
        self.used_pages -= before - file.pages_used();
        Ok(())
    }

    pub(super) fn allocate(&mut self, number: u32, len: u64) -> Result<(), Errno> {
        if len > FILE_BYTES_MAX {
            return Err(Errno::FileTooLarge);
        }
        let (free, stamp, index) = (self.free_pages(), self.next_stamp(), self.file_index(number));
        let file = Arc::make_mut(&mut self.files[index].node);
        let needed = file.pages_to_reserve(len);
        if needed > free {
            return Err(Errno::NoSpace);
        }
        file.reserve(stamp, len);
        self.used_pages += needed;
        Ok(())
    }

    /// Keeps for every file what its last sync replaced, so that media may go back to it.
    pub(crate) fn keep_earlier(&mut self) {
        self.keeps_earlier = true;
    }

    /// Whether a write-back of the file has failed of which nobody was told; from now on somebody was.
    pub(super) fn take_untold(&mut self, number: u32) -> bool {
        self.file(number).untold && std::mem::take(&mut self.file_mut(number).untold)
    }

    /// A sync of the file, issued at `issued`, has failed; `decide` says what became of each sector, and of
    /// the size.
    pub(super) fn fail_sync(
        &mut self,
        number: u32,
        issued: Stamp,
        decide: &mut dyn FnMut(Option<u64>) -> FailedFate,
    ) {
        self.file_mut(number).fail_sync(issued, decide);
        if let Err(index) = self.may_revert.binary_search(&number) {
            self.may_revert.insert(index, number);
        }
    }

    // Handles and the end of files.

    pub(super) fn open_handle(&mut self, number: u32) {
        let index = self.file_index(number);
        self.files[index].handles += 1;
    }

    pub(super) fn close_handle(&mut self, number: u32) {
        let index = self.file_index(number);
        self.files[index].handles -= 1;
        if self.files[index].handles == 0 {
            self.free_unreachable(&[NodeId::File(number)]);
        }
    }

    /// Frees those of `nodes` to which no name and no handle leads, whatever a crash may leave.
    pub(super) fn free_unreachable(&mut self, nodes: &[NodeId]) {
        for node in nodes {
            if let NodeId::File(number) = *node
                && let Ok(index) = self.files.binary_search_by_key(&number, |slot| slot.number)
                && self.files[index].handles == 0
                && !self.is_named(*node)
            {
                self.used_pages -= self.files[index].node.pages_used();
                self.remember(number);
                self.files.remove(index);
            }
        }
    }

    fn is_named(&self, node: NodeId) -> bool {
        let mut slots = self.directories.iter().flat_map(|(_, directory)| &directory.slots);
        slots.any(|slot| slot.live == Some(node) || slot.values().any(|value| value == Some(node)))
    }

    /// Keeps what a file held as bytes that may turn up in others.
    pub(super) fn remember(&mut self, number: u32) {
        let content = &self.file(number).live;
        if content.size() == 0 {
            return;
        }
        let content = content.clone();
        let stale = Arc::make_mut(&mut self.stale);
        if stale.len() == STALE_MAX {
            stale.remove(0);
        }
        stale.push(content);
    }

    /// Counts the pages again, after a crash.
    pub(super) fn recount(&mut self) {
        self.used_pages = self.files.iter().map(|slot| slot.node.pages_used()).sum();
    }

    /// Panics unless the pages kept count of are the pages there are.
    pub(super) fn check_space(&self) {
        let counted: u64 = self.files.iter().map(|slot| slot.node.pages_used()).sum();
        assert_eq!(counted, self.used_pages, "simulator bug: pages in use, counted and kept");
    }
}
