//! The toy's one file.

use std::io;
use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{File, OpenMode, Vfs};

use super::{FRESH, LOG, bug, log_path};

const HEADER_BYTES: u64 = 16;
const RECORD_BYTES: usize = 28;

/// A record, as read.
pub(crate) struct Record {
    pub(crate) id: u32,
    pub(crate) keys: Vec<u8>,
}

/// The log, open for appending.
pub(crate) struct Log {
    file: Arc<dyn File>,
    nonce: u64,
    end: u64,
    position: u64,
    failed: bool,
    /// Whether a commit still waits for its sync.
    unsynced: bool,
    bug: u8,
}

impl Log {
    /// Writes `records` to a new file and puts it in the place of the old one.
    pub(crate) fn replace(vfs: &dyn Vfs, records: &[Record], bug: u8) -> io::Result<Log> {
        match vfs.remove(Path::new(FRESH)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = vfs.open(Path::new(FRESH), OpenMode::CreateNew)?;
        let mut nonce = [0; 8];
        vfs.entropy(&mut nonce)?;
        let nonce = u64::from_le_bytes(nonce);
        let mut log = Log {
            file,
            nonce,
            end: HEADER_BYTES,
            position: 0,
            failed: false,
            unsynced: false,
            bug,
        };
        let header = [nonce, checksum(nonce, 0, &[])].map(u64::to_le_bytes).concat();
        log.file.write_at(&header, 0)?;
        for record in records {
            log.write(record.id, &record.keys)?;
        }
        if bug != bug::NO_SYNC_BEFORE_RENAME {
            log.file.sync_data()?;
        }
        vfs.rename(Path::new(FRESH), log_path())?;
        if bug != bug::NO_DIR_SYNC {
            vfs.sync_dir(Path::new("/"))?;
        }
        Ok(log)
    }

    /// Whether it takes no more, because of an earlier failure.
    pub(crate) fn has_stopped(&self) -> bool {
        self.failed
    }

    /// The position that the next change takes first.
    pub(crate) fn next_position(&self) -> u64 {
        self.position + 1
    }

    /// Forgets what was written from `first` on. Wrong, and meant to be.
    pub(crate) fn rewind(&mut self, first: u64) {
        self.position = first - 1;
    }

    /// Appends one change, as one record.
    pub(crate) fn append(&mut self, id: u32, keys: &[u8], sync: bool) -> io::Result<()> {
        if self.bug == bug::RELAPSE && std::mem::take(&mut self.failed) {
            return Err(io::Error::other("not yet"));
        }
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        let appended = self.append_inner(id, keys, sync);
        self.failed = appended.is_err() && self.bug != bug::NO_POISON;
        appended
    }

    fn append_inner(&mut self, id: u32, keys: &[u8], sync: bool) -> io::Result<()> {
        if self.bug == bug::LATE_SYNC && std::mem::take(&mut self.unsynced) {
            self.file.sync_data()?;
        }
        if self.bug == bug::SPLIT_BATCH {
            keys.chunks(1).try_for_each(|key| self.write(id, key))?;
        } else {
            self.write(id, keys)?;
        }
        match self.bug {
            _ if !sync => Ok(()),
            bug::NO_SYNC => Ok(()),
            bug::LATE_SYNC => {
                self.unsynced = true;
                Ok(())
            }
            bug::SYNCS_TWICE => self.file.sync_data().and_then(|()| self.file.sync_all()),
            bug::IGNORED_SYNC => self.file.sync_data().or(Ok(())),
            bug::RETRIED_SYNC => self.file.sync_data().or_else(|_| self.file.sync_data()),
            _ => self.file.sync_data(),
        }
    }

    fn write(&mut self, id: u32, keys: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(keys.len() + 12);
        body.extend_from_slice(&self.next_position().to_le_bytes());
        body.extend_from_slice(&id.to_le_bytes());
        body.extend_from_slice(keys);
        let mut record = Vec::with_capacity(RECORD_BYTES + keys.len());
        record.extend_from_slice(&(keys.len() as u32).to_le_bytes());
        record.extend_from_slice(&0_u32.to_le_bytes());
        record.extend_from_slice(&body[..12]);
        record.extend_from_slice(&checksum(self.nonce, self.end, &body).to_le_bytes());
        record.extend_from_slice(keys);
        let at = self.end;
        self.end += record.len() as u64;
        self.position += keys.len() as u64;
        self.file.write_at(&record, at)
    }
}

/// The records of the log up to the first that is not whole; none when there is no log.
pub(crate) fn read(vfs: &dyn Vfs, bug: u8) -> io::Result<Vec<Record>> {
    Ok(scan(vfs, bug)?.map_or(Vec::new(), |scan| scan.records))
}

/// The old log, to go on appending to it. Wrong: behind a torn record nothing is found again.
pub(crate) fn tail_of_old(vfs: &dyn Vfs, bug: u8) -> io::Result<Option<Log>> {
    if bug != bug::APPEND_TO_TAIL {
        return Ok(None);
    }
    let Some(scan) = scan(vfs, bug)? else {
        return Ok(None);
    };
    let file = vfs.open(log_path(), OpenMode::ReadWrite)?;
    file.sync_data()?;
    let position = scan.records.iter().map(|record| record.keys.len() as u64).sum();
    let (nonce, end) = (scan.nonce, file.len()?);
    Ok(Some(Log { file, nonce, end, position, failed: false, unsynced: false, bug }))
}

struct Scan {
    nonce: u64,
    records: Vec<Record>,
}

fn scan(vfs: &dyn Vfs, bug: u8) -> io::Result<Option<Scan>> {
    let file = match vfs.open(Path::new(LOG), OpenMode::ReadOnly) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = vec![0; file.len()? as usize];
    let len = file.read_at(&mut bytes, 0)?;
    bytes.truncate(len);
    let word = |at: usize| {
        bytes.get(at..at + 8).map(|word| u64::from_le_bytes(word.try_into().expect("8 bytes")))
    };
    let nonce = match (word(0), word(8)) {
        (Some(nonce), Some(sum)) if sum == checksum(nonce, 0, &[]) => nonce,
        _ => return Err(io::Error::other("the log has no header")),
    };
    let (mut records, mut at, mut position) = (Vec::new(), HEADER_BYTES as usize, 1);
    while let Some(record) = parse(&bytes, at, nonce, position, bug) {
        at += RECORD_BYTES + record.keys.len();
        position += record.keys.len() as u64;
        records.push(record);
    }
    Ok(Some(Scan { nonce, records }))
}

fn parse(bytes: &[u8], at: usize, nonce: u64, position: u64, bug: u8) -> Option<Record> {
    let head = bytes.get(at..at + RECORD_BYTES)?;
    let count = u32::from_le_bytes(head[..4].try_into().expect("4 bytes")) as usize;
    let keys = bytes.get(at + RECORD_BYTES..(at + RECORD_BYTES).checked_add(count)?)?;
    let body = [&head[8..20], keys].concat();
    let sum = u64::from_le_bytes(head[20..].try_into().expect("8 bytes"));
    let checked = sum == checksum(nonce, at as u64, &body) || bug == bug::NO_CHECKSUM;
    let whole = count > 0 && head[8..16] == position.to_le_bytes() && checked;
    let id = u32::from_le_bytes(head[16..20].try_into().expect("4 bytes"));
    whole.then(|| Record { id, keys: keys.to_vec() })
}

/// FNV-1a over the file's number, the place and the bytes.
fn checksum(nonce: u64, at: u64, bytes: &[u8]) -> u64 {
    let head = nonce.to_le_bytes().into_iter().chain(at.to_le_bytes());
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    head.chain(bytes.iter().copied()).fold(0xcbf2_9ce4_8422_2325, step)
}
