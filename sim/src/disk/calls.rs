//! The calls themselves: names, opening, locks. What is done to an open file is in
//! [`super::handle`].

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::site::{FileClass, Operation};
use seawall_os::vfs::{File, FileLock, LockMode, OpenMode, Vfs};

use super::directory::NodeId;
use super::errno::Errno;
use super::handle::{SimFile, SimLock};
use super::path::Place;
use super::sim_fs::SimFs;
use super::state::Disk;
use super::world::{Call, HeldLock, World};
use crate::choice::{SiteId, Stream};
use crate::sched::OneThread;

/// The last name in a path, for the site and the trace.
fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("/")
}

impl SimFs {
    fn begin_named(&self, operation: Operation, class: Class, path: &Path) -> Result<Call, Errno> {
        let name = name_of(path);
        let class = match class {
            Class::OfName => FileClass::of_name(name),
            Class::Directory => FileClass::DIRECTORY,
        };
        let file = self.world.choices.site(name);
        self.world.begin(operation, class, file, 0, 0)
    }

    fn lock_number(&self, path: &Path, mode: LockMode, call: &mut Call) -> Result<u32, Errno> {
        let exclusive = mode == LockMode::Exclusive;
        let found = found_file(&self.world.state().disk, path, exclusive)?;
        let number = match found {
            Found::File(number) if !exclusive => number,
            Found::File(number) => self.world.may_change().map(|()| number)?,
            Found::Free(place) => self.world.create(call, &place)?,
        };
        let state = &mut *self.world.state();
        match state.locks.iter_mut().find(|held| held.file == number) {
            Some(held) if exclusive || held.exclusive => return Err(Errno::WouldBlock),
            Some(held) => held.holders += 1,
            None => state.locks.push(HeldLock { file: number, exclusive, holders: 1 }),
        }
        state.disk.open_handle(number);
        Ok(number)
    }
}

/// Where the class of a call's file comes from.
enum Class {
    OfName,
    Directory,
}

/// What a path that may be free leads to.
enum Found<'a> {
    File(u32),
    Free(Place<'a>),
}

/// `creates` says that the file is opened to be made, where a slash at the end is never good.
fn found_file<'a>(disk: &Disk, path: &'a Path, creates: bool) -> Result<Found<'a>, Errno> {
    let place = disk.place(path)?;
    match disk.look_up(&place) {
        Some(NodeId::Directory(_)) => Err(Errno::IsADirectory),
        Some(NodeId::File(_)) if place.slash && !creates => Err(Errno::NotADirectory),
        _ if place.slash => Err(Errno::IsADirectory),
        Some(NodeId::File(number)) => Ok(Found::File(number)),
        None => Ok(Found::Free(place)),
    }
}

impl World {
    /// Makes a file, unless a fault strikes.
    fn create(&self, call: &mut Call, place: &Place<'_>) -> Result<u32, Errno> {
        self.room_for_a_name(call)?;
        self.change_names(call, place.directory, |disk| Ok(disk.create_file(place)))
    }

    fn open(&self, call: &mut Call, path: &Path, mode: OpenMode) -> Result<u32, Errno> {
        let place = self.state().disk.place(path)?;
        let found = self.state().disk.look_up(&place);
        let number = match (mode, found) {
            (OpenMode::CreateNew, _) if place.slash => return Err(Errno::IsADirectory),
            (OpenMode::CreateNew, Some(_)) => return Err(Errno::Exists),
            (OpenMode::CreateNew, None) => self.create(call, &place)?,
            (_, None) => return Err(Errno::NotFound),
            (_, Some(NodeId::Directory(_))) => return Err(Errno::IsADirectory),
            (_, Some(NodeId::File(_))) if place.slash => return Err(Errno::NotADirectory),
            (OpenMode::ReadOnly, Some(NodeId::File(number))) => number,
            (_, Some(NodeId::File(number))) => self.may_change().map(|()| number)?,
        };
        self.state().disk.open_handle(number);
        Ok(number)
    }

    fn remove(&self, call: &mut Call, path: &Path) -> Result<(), Errno> {
        let place = self.state().disk.place(path)?;
        let found = self.state().disk.look_up(&place);
        match found {
            None => Err(Errno::NotFound),
            Some(NodeId::Directory(_)) => Err(Errno::IsADirectory),
            Some(NodeId::File(_)) if place.slash => Err(Errno::NotADirectory),
            Some(NodeId::File(number)) => {
                self.may_change()?;
                self.change_names(call, place.directory, |disk| {
                    disk.remove_file(&place, number);
                    Ok(())
                })
            }
        }
    }

    fn rename(&self, call: &mut Call, from: &Path, to: &Path) -> Result<(), Errno> {
        let (from, to) = {
            let disk = &self.state().disk;
            (disk.place(from)?, disk.place(to)?)
        };
        if from.name.is_empty() || to.name.is_empty() {
            return Err(Errno::Busy);
        }
        let moved = self.state().disk.look_up(&from).ok_or(Errno::NotFound)?;
        if matches!(moved, NodeId::File(_)) && (from.slash || to.slash) {
            return Err(Errno::NotADirectory);
        }
        self.room_for_a_name(call)?;
        call.from = self.choices.site(from.name);
        self.change_names(call, to.directory, |disk| disk.rename(&from, &to))
    }

    fn create_dir(&self, call: &mut Call, path: &Path) -> Result<(), Errno> {
        let place = self.state().disk.place(path)?;
        if self.state().disk.look_up(&place).is_some() {
            return Err(Errno::Exists);
        }
        self.room_for_a_name(call)?;
        self.change_names(call, place.directory, |disk| {
            disk.create_directory(&place);
            Ok(())
        })
    }

    /// A sync is an interval: it covers what was there when it was issued, and others may go on
    /// before it completes.
    fn sync_dir(&self, call: &mut Call, path: &Path) -> Result<(), Errno> {
        let (number, issued) = {
            let disk = &self.state().disk;
            (disk.directory_at(path)?, disk.issue())
        };
        call.touch.change(number, issued);
        self.pause(call)?;
        self.crash_at(call, super::crash::Moment::During, None)?;
        self.is_mounted_to_write()?;
        self.may_remount(call)?;
        if self.fault(call, self.faults.sync_dir_eio_one_in, "eio") {
            let state = &mut *self.state();
            state.counts.sync_dir_eio += 1;
            state.disk.sync_failed = true;
            if state.disk.has_directory(number) {
                let mut fates = self.fates(call, state.disk.personality().failed_sync);
                let directory = state.disk.directory_mut(number);
                directory.fail_sync(issued, &mut |name| {
                    fates(self.choices.site(format_args!("{name}/name")))
                });
            }
            return Err(Errno::Io);
        }
        let state = &mut *self.state();
        state.counts.dir_syncs += 1;
        state.disk.complete_sync_dir(number, issued);
        Ok(())
    }
}

impl Vfs for SimFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut call = self.begin_named(Operation::CreateDir, Class::Directory, path)?;
        let result = self.world.create_dir(&mut call, path);
        self.world.finish(call, result, |()| 0)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut call = self.begin_named(Operation::Open, Class::OfName, path)?;
        let (class, name) = (call.site.class, call.file);
        let result = self.world.open(&mut call, path, mode);
        // The handle comes first: if the call crashes after all, dropping it closes the file.
        let world = Rc::clone(&self.world);
        let opened = result.map(|number| SimFile::new(world, number, mode, class, name));
        let file = self.world.finish(call, opened, |_| 0)?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut call = self.begin_named(Operation::Rename, Class::OfName, to)?;
        let result = self.world.rename(&mut call, from, to);
        self.world.finish(call, result, |()| 0)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut call = self.begin_named(Operation::Remove, Class::OfName, path)?;
        let result = self.world.remove(&mut call, path);
        self.world.finish(call, result, |()| 0)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let call = self.begin_named(Operation::List, Class::Directory, path)?;
        self.world.evict(&call);
        let listed = {
            let disk = &self.world.state().disk;
            disk.directory_at(path).map(|number| {
                let entries = disk.directory(number).live_entries();
                entries.map(|(name, _)| name.to_string()).collect::<Vec<_>>()
            })
        };
        self.world.finish(call, listed, |names| names.len() as u64)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut call = self.begin_named(Operation::SyncDir, Class::Directory, path)?;
        let result = self.world.sync_dir(&mut call, path);
        if result.is_err() && self.world.is_dead() {
            return Err(Errno::Io.into());
        }
        self.world.finish(call, result, |()| 0)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Arc<dyn FileLock>> {
        let mut call = self.begin_named(Operation::Lock, Class::OfName, path)?;
        let locked = self.lock_number(path, mode, &mut call);
        let world = Rc::clone(&self.world);
        let locked = locked.map(|file| SimLock { world: OneThread::new(world), file });
        let lock = self.world.finish(call, locked, |_| 0)?;
        Ok(Arc::new(lock))
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        let call = self.begin_named(Operation::Size, Class::OfName, path)?;
        let size = {
            let disk = &self.world.state().disk;
            disk.file_at(path).map(|number| disk.file(number).live.size())
        };
        self.world.finish(call, size, |size| *size)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        let call = self.begin_named(Operation::FreeSpace, Class::Directory, path)?;
        let free = {
            let disk = &self.world.state().disk;
            disk.node_at(path).map(|_| disk.free_bytes())
        };
        self.world.finish(call, free, |free| *free)
    }

    fn entropy(&self, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        let none = FileClass::NONE;
        let call = self.world.begin(Operation::Entropy, none, SiteId::NONE, 0, length)?;
        for chunk in buffer.chunks_mut(8) {
            let range = 0..=u64::MAX;
            let number = self.world.choices.number(Stream::Workload, call.actor, call.id, range);
            // Where a tape says nothing every choice is zero; two creations must still differ.
            let number = number.wrapping_add(self.world.state().disk.node_count());
            chunk.copy_from_slice(&number.to_le_bytes()[..chunk.len()]);
        }
        self.world.finish(call, Ok(()), |()| 0)
    }
}
