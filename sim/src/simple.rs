//! Simulation for storage code of a common shape, for a few lines of glue.
//!
//! A [`crate::system::System`] says everything about a store: its operations, its model, how several
//! tasks use it at once. Code that only appends records and reads them back need not: it implements
//! [`AppendLog`], three methods that it has anyway, and runs as [`Log`].
//!
//! ```
//! # use std::{io, sync::Arc};
//! # use seawall_os::{fs, vfs::Vfs};
//! # use seawall_sim::simple::{AppendLog, Log};
//! /// Numbers, rewritten as a whole each time.
//! struct Pages(Arc<dyn Vfs>, Vec<Vec<u8>>);
//!
//! impl AppendLog for Pages {
//!     fn open(vfs: Arc<dyn Vfs>) -> io::Result<Pages> {
//!         let bytes = fs::read_if_exists(&*vfs, "/pages")?.unwrap_or_default();
//!         let pages = bytes.split(|byte| *byte == b'\n').filter(|page| !page.is_empty());
//!         let pages = pages.map(<[u8]>::to_vec).collect();
//!         Ok(Pages(vfs, pages))
//!     }
//!     fn append(&mut self, record: &[u8]) -> io::Result<()> {
//!         let all = [&self.1[..], &[record.to_vec()]].concat();
//!         fs::write_atomic(&*self.0, "/pages", &all.join(&b'\n'))?;
//!         self.1 = all;
//!         Ok(())
//!     }
//!     fn records(&mut self) -> io::Result<Vec<Vec<u8>>> {
//!         Ok(self.1.clone())
//!     }
//! }
//!
//! seawall_sim::check::<Log<Pages>>().seeds(0..4).run();
//! ```

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use seawall_os::sync::Turn;
use seawall_os::vfs::Vfs;

use crate::config::{Config, Knob, knob};
use crate::system::{Answer, Difference, Draw, Opened, Probing, System};

/// A log whose appends are durable, in order, one at a time.
pub trait AppendLog: Sized + Send + 'static {
    /// Whether the log notices that bytes are not those it wrote. If so it is also opened on disks that
    /// are damaged, where it has to be right, or to fail with an error that names a file that is.
    ///
    /// This is held to the letter. A log that takes a damaged last record for one that a crash tore, and
    /// cuts it, loses without a word what was acknowledged; to be clean it has to know from elsewhere how
    /// far it was acknowledged. [`System::undone`] is there for stores that document such a limit.
    const NOTICES_DAMAGE: bool = false;

    /// Opens the log, making it if there is none, and recovers what a crash left.
    ///
    /// # Errors
    /// Legal only when a call of the file system failed.
    fn open(vfs: Arc<dyn Vfs>) -> io::Result<Self>;

    /// Appends one record, durably. Records hold no line breaks; they are never empty.
    ///
    /// # Errors
    /// Legal only when a call failed, now or earlier since the open. The record may be there or not,
    /// but what is appended after it with success comes after it.
    fn append(&mut self, record: &[u8]) -> io::Result<()>;

    /// Every record, oldest first.
    ///
    /// # Errors
    /// Legal only when a read failed.
    fn records(&mut self) -> io::Result<Vec<Vec<u8>>>;
}

/// An [`AppendLog`] as a system that can be simulated. Its tasks take turns at the log.
#[derive(Debug)]
pub struct Log<L>(PhantomData<fn() -> L>);

/// What is done to an [`AppendLog`]: `append 40`, a record of so many bytes, or `read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOp {
    /// Appends a record of so many bytes.
    Append(u32),
    /// Reads all records.
    Read,
}

/// An open [`AppendLog`].
pub struct OpenLog<L>(Arc<Turn<Inner<L>>>);

struct Inner<L> {
    log: L,
    /// How many records were recovered or appended with success.
    count: u64,
}

impl<L> Clone for OpenLog<L> {
    fn clone(&self) -> OpenLog<L> {
        OpenLog(Arc::clone(&self.0))
    }
}

impl<L> fmt::Debug for OpenLog<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenLog")
    }
}

impl fmt::Display for LogOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogOp::Append(bytes) => write!(f, "append {bytes}"),
            LogOp::Read => f.write_str("read"),
        }
    }
}

impl FromStr for LogOp {
    type Err = String;

    fn from_str(text: &str) -> Result<LogOp, String> {
        let bytes = match text.split_once(' ') {
            None if text == "read" => return Ok(LogOp::Read),
            Some(("append", bytes)) => bytes,
            _ => return Err(format!("{text:?} is neither `append N` nor `read`")),
        };
        bytes.parse().map(LogOp::Append).map_err(|error| format!("{bytes:?}: {error}"))
    }
}

/// The record that operation `id` appends: no two are alike.
fn record(id: u32, bytes: u32) -> Vec<u8> {
    let mut record = format!("record {id} ").into_bytes();
    let len = record.len().max(bytes as usize);
    record.resize(len, b'.');
    record
}

impl<L: AppendLog> System for Log<L> {
    const NAME: &'static str = "log";
    const NOTICES_DAMAGE: bool = L::NOTICES_DAMAGE;
    type Op = LogOp;
    type Model = Vec<(u32, u32)>;
    type Store = OpenLog<L>;
    type Seen = Vec<Vec<u8>>;

    fn knobs() -> &'static [Knob] {
        const KNOBS: [Knob; 1] = [knob("record_bytes", &[40, 20, 700, 5_000])];
        &KNOBS
    }

    fn generate(draw: &Draw<'_>) -> LogOp {
        match draw.word("kind", &[("append", 4), ("read", 1)]) {
            "append" => LogOp::Append(draw.below("bytes", draw.knob("record_bytes")) as u32),
            _ => LogOp::Read,
        }
    }

    fn width(op: &LogOp) -> u64 {
        u64::from(*op != LogOp::Read)
    }

    fn only_reads(op: &LogOp) -> bool {
        *op == LogOp::Read
    }

    fn open(vfs: Arc<dyn Vfs>, _: &Arc<Config>) -> Result<Opened<OpenLog<L>>, String> {
        let mut log = L::open(vfs).map_err(|error| error.to_string())?;
        let count = log.records().map_err(|error| error.to_string())?.len() as u64;
        let store = OpenLog(Arc::new(Turn::new(Inner { log, count })));
        Ok(Opened { store, position: count, report: format!("{count} records") })
    }

    fn apply(store: &OpenLog<L>, id: u32, op: &LogOp) -> Answer<Vec<Vec<u8>>> {
        let inner = &mut *store.0.take();
        match op {
            LogOp::Append(bytes) => match inner.log.append(&record(id, *bytes)) {
                Ok(()) => {
                    inner.count += 1;
                    Answer::Committed { at: inner.count, durable: true }
                }
                Err(error) => Answer::Failed(error.to_string()),
            },
            LogOp::Read => match inner.log.records() {
                Ok(seen) => Answer::Saw { at: inner.count, seen },
                Err(error) => Answer::Failed(error.to_string()),
            },
        }
    }

    fn probes(_: &Arc<Config>, _: Probing) -> Vec<LogOp> {
        vec![LogOp::Read]
    }

    fn model(_: &Arc<Config>) -> Vec<(u32, u32)> {
        Vec::new()
    }

    fn commit(model: &mut Vec<(u32, u32)>, id: u32, op: &LogOp) {
        if let LogOp::Append(bytes) = op {
            model.push((id, *bytes));
        }
    }

    fn allows(model: &Vec<(u32, u32)>, _: &LogOp, seen: &Vec<Vec<u8>>) -> Result<(), Difference> {
        for at in 0..model.len().max(seen.len()) {
            let expected = model.get(at).map(|(id, bytes)| record(*id, *bytes));
            if expected.as_ref() != seen.get(at) {
                return Err(Difference {
                    what: format!("record {}", at + 1),
                    expected: shown(expected.as_deref()),
                    got: shown(seen.get(at).map(Vec::as_slice)),
                });
            }
        }
        Ok(())
    }
}

/// A record as text, shortened.
fn shown(record: Option<&[u8]>) -> String {
    match record {
        None => "none".to_owned(),
        Some(bytes) => {
            let text = bytes.get(..24).unwrap_or(bytes).escape_ascii();
            format!("\"{text}\" ({} bytes)", bytes.len())
        }
    }
}
