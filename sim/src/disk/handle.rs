//! Open files and locks.

use std::fmt;
use std::io;
use std::rc::Rc;

use seawall_os::site::{FileClass, Operation};
use seawall_os::vfs::{File, FileLock, OpenMode};

use super::crash::Moment;
use super::errno::Errno;
use super::file::SECTOR_BYTES;
use super::world::{Call, InWrite, World};
use crate::choice::SiteId;
use crate::sched::OneThread;
use crate::trace::content_hash;

/// An open file of a simulated disk.
pub(super) struct SimFile {
    world: OneThread<Rc<World>>,
    number: u32,
    mode: OpenMode,
    class: FileClass,
    /// The name it was opened by.
    name: SiteId,
}

impl SimFile {
    pub(super) fn new(
        world: Rc<World>,
        number: u32,
        mode: OpenMode,
        class: FileClass,
        name: SiteId,
    ) -> SimFile {
        SimFile { world: OneThread::new(world), number, mode, class, name }
    }

    fn begin(&self, operation: Operation, offset: u64, length: u64) -> Result<Call, Errno> {
        self.world.begin(operation, self.class, self.name, offset, length)
    }

    fn may_write(&self, otherwise: Errno) -> Result<(), Errno> {
        if self.mode == OpenMode::ReadOnly { Err(otherwise) } else { self.world.may_write() }
    }

    fn write(&self, call: &mut Call, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        if bytes.is_empty() {
            return Ok(());
        }
        check_offset(offset)?;
        self.may_write(Errno::BadDescriptor)?;
        check_offset(offset.saturating_add(bytes.len() as u64))?;
        if let Some(errno) = self.write_fault(call) {
            let done = self.world.prefix(call, bytes.len() as u64) as usize;
            self.put(call, &bytes[..done], offset)?;
            return Err(errno);
        }
        self.write_whole(call, bytes, offset)?;
        self.world.write_back(call, self.number);
        Ok(())
    }

    /// Writes in one piece or in two, between which others may run.
    fn write_whole(&self, call: &mut Call, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        let file = self.number;
        let half = halfway(bytes.len() as u64, offset);
        if half == 0 {
            self.world.crash_at(call, Moment::During, Some(&InWrite { file, offset, bytes }))?;
            return self.put(call, bytes, offset);
        }
        let (front, back) = bytes.split_at(half as usize);
        self.put(call, front, offset)?;
        self.world.pause(call)?;
        let offset = offset + half;
        let rest = InWrite { file, offset, bytes: back };
        self.world.crash_at(call, Moment::During, Some(&rest))?;
        self.put(call, back, offset)
    }

    fn write_fault(&self, call: &Call) -> Option<Errno> {
        let (world, faults) = (&self.world, &self.world.faults);
        if world.fault(call, faults.write_eio_one_in, "eio") {
            world.state().counts.write_eio += 1;
            return Some(Errno::Io);
        }
        if world.fault(call, faults.write_full_one_in, "enospc") {
            world.state().counts.write_full += 1;
            return Some(Errno::NoSpace);
        }
        None
    }

    fn put(&self, call: &mut Call, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        let mut state = self.world.state();
        call.touch.change(self.number, state.disk.issue());
        let result = state.disk.write(self.number, offset, bytes);
        drop(state);
        self.world.note_room(call, &result);
        result
    }

    fn set_size(&self, call: &mut Call, len: u64) -> Result<(), Errno> {
        check_offset(len)?;
        self.may_write(Errno::Invalid)?;
        let (world, faults) = (&self.world, &self.world.faults);
        if world.fault(call, faults.write_eio_one_in, "eio") {
            world.state().counts.write_eio += 1;
            return Err(Errno::Io);
        }
        let disk = &mut world.state().disk;
        call.touch.change(self.number, disk.issue());
        disk.set_len(self.number, len)
    }

    fn reserve(&self, call: &mut Call, len: u64) -> Result<(), Errno> {
        if len == 0 {
            return Ok(());
        }
        check_offset(len)?;
        self.may_write(Errno::BadDescriptor)?;
        let (world, faults) = (&self.world, &self.world.faults);
        if world.fault(call, faults.allocate_full_one_in, "enospc") {
            world.state().counts.allocate_full += 1;
            return Err(Errno::NoSpace);
        }
        let mut state = world.state();
        call.touch.change(self.number, state.disk.issue());
        let result = state.disk.allocate(self.number, len);
        drop(state);
        self.world.note_room(call, &result);
        result
    }

    /// A sync is an interval: it covers what was there when it was issued, and others may go on
    /// before it completes.
    fn sync(&self, operation: Operation) -> io::Result<()> {
        let mut call = self.begin(operation, 0, 0)?;
        let result = self.sync_interval(&mut call);
        if result.is_err() && self.world.is_dead() {
            return Err(Errno::Io.into());
        }
        self.world.finish(call, result, |()| 0)
    }

    fn sync_interval(&self, call: &mut Call) -> Result<(), Errno> {
        let world = &self.world;
        let issued = world.state().disk.issue();
        call.touch.change(self.number, issued);
        world.pause(call)?;
        world.crash_at(call, Moment::During, None)?;
        world.is_mounted_to_write()?;
        if let Some(errno) = world.sync_fault(call) {
            world.fail_sync(call, self.number, issued);
            return Err(errno);
        }
        let state = &mut *world.state();
        state.disk.complete_sync(self.number, issued);
        if state.take_untold(self.number) {
            state.counts.told_late += 1;
            return Err(Errno::Io);
        }
        state.counts.syncs += 1;
        Ok(())
    }
}

/// Linux's offsets are signed.
fn check_offset(offset: u64) -> Result<(), Errno> {
    if i64::try_from(offset).is_ok() { Ok(()) } else { Err(Errno::Invalid) }
}

/// Where a write that crosses sectors is interrupted: at the sector boundary nearest its middle, or
/// zero when it is done at one go.
fn halfway(len: u64, offset: u64) -> u64 {
    let middle = (offset.saturating_add(len / 2) / SECTOR_BYTES) * SECTOR_BYTES;
    middle.saturating_sub(offset)
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut call = self.begin(Operation::ReadAt, offset, buffer.len() as u64)?;
        let world = &self.world;
        let end = offset.saturating_add(buffer.len() as u64);
        if !buffer.is_empty() && check_offset(end).is_err() {
            return world.finish(call, Err(Errno::Invalid), |_: &usize| 0);
        }
        if world.fault(&call, world.faults.read_eio_one_in, "eio") {
            world.state().counts.read_eio += 1;
            return world.finish(call, Err(Errno::Io), |_: &usize| 0);
        }
        world.evict(&call);
        world.decay(&call, self.number, offset, buffer.len() as u64);
        let count = world.state().disk.file(self.number).live.read(offset, buffer);
        world.note_read(self.number, offset, count as u64);
        call.content = content_hash(&buffer[..count]);
        world.finish(call, Ok(count), |count| *count as u64)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut call = self.begin(Operation::WriteAt, offset, bytes.len() as u64)?;
        call.content = content_hash(bytes);
        let result = self.write(&mut call, bytes, offset);
        if result.is_err() && self.world.is_dead() {
            return Err(Errno::Io.into());
        }
        self.world.finish(call, result, |()| 0)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut call = self.begin(Operation::SetLen, 0, len)?;
        let result = self.set_size(&mut call, len);
        self.world.finish(call, result, |()| 0)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut call = self.begin(Operation::Allocate, 0, len)?;
        let result = self.reserve(&mut call, len);
        self.world.finish(call, result, |()| 0)
    }

    fn len(&self) -> io::Result<u64> {
        let call = self.begin(Operation::Len, 0, 0)?;
        let size = self.world.state().disk.file(self.number).live.size();
        self.world.finish(call, Ok(size), |size| *size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(Operation::SyncData)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(Operation::SyncAll)
    }
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimFile({})", self.number)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        // While a panic unwinds the state may be out of reach or half changed, and nobody needs it.
        if !std::thread::panicking() {
            self.world.state().disk.close_handle(self.number);
        }
    }
}

/// A lock on a file of a simulated disk; it dies with its world.
pub(super) struct SimLock {
    pub(super) world: OneThread<Rc<World>>,
    pub(super) file: u32,
}

impl FileLock for SimLock {}

impl fmt::Debug for SimLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimLock({})", self.file)
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let state = &mut *self.world.state();
        if let Some(at) = state.locks.iter().position(|held| held.file == self.file) {
            state.locks[at].holders -= 1;
            if state.locks[at].holders == 0 {
                state.locks.remove(at);
            }
        }
        state.disk.close_handle(self.file);
    }
}
