//! File numbers, drawn from a counter that is durable before the file is.
//!
//! The manifest holds a counter that no used number reaches. Numbers below it are handed out from
//! memory; when they run out an edit raises the counter by a block, so not every file costs an edit.

use seawall_os::sync::{Mutex, enter_scope};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::file_name::{FILE_NUMBER_MAX, FileNumber};
use crate::manifest::{Edit, ManifestWriter};

use super::core::Core;
use super::scope;

/// The counter that provides a block of numbers from `next` on.
pub(super) fn raised_counter(next: FileNumber, block: u64) -> Result<FileNumber> {
    let raised = next.saturating_add(block);
    if raised > FILE_NUMBER_MAX {
        return Err(Error::new(ErrorKind::Io, "all file numbers of this database are used up"));
    }
    Ok(raised)
}

/// The numbers at hand.
#[derive(Debug)]
pub(super) struct Numbers {
    range: Mutex<Range>,
}

#[derive(Debug)]
struct Range {
    next: FileNumber,
    /// The durable counter: `next` must stay below it.
    durable: FileNumber,
    /// Numbers of files that are being made or about to be removed: nothing names them, and they are
    /// no orphans.
    in_progress: Vec<FileNumber>,
}

impl Numbers {
    pub(super) fn new(next: FileNumber, durable: FileNumber) -> Numbers {
        Numbers { range: Mutex::new(Range { next, durable, in_progress: Vec::new() }) }
    }

    fn try_draw(&self) -> Option<FileNumber> {
        let mut range = self.range.lock();
        if range.next >= range.durable {
            return None;
        }
        let number = range.next;
        range.next += 1;
        range.in_progress.push(number);
        Some(number)
    }

    fn raise(&self, durable: FileNumber) {
        let mut range = self.range.lock();
        range.durable = range.durable.max(durable);
    }

    /// Nothing names the file any more, and it will be removed.
    pub(super) fn begin_removal(&self, number: FileNumber) {
        self.range.lock().in_progress.push(number);
    }

    /// The file is named by something, or is gone.
    pub(super) fn settle(&self, number: FileNumber) {
        self.range.lock().in_progress.retain(|other| *other != number);
    }

    /// The numbers of files that are being made or removed.
    pub(super) fn in_progress(&self) -> Vec<FileNumber> {
        self.range.lock().in_progress.clone()
    }
}

impl Core {
    /// The number of a new file, never used before. Takes the manifest's turn if need be.
    pub(super) fn draw_number(&self) -> Result<FileNumber> {
        loop {
            if let Some(number) = self.numbers.try_draw() {
                return Ok(number);
            }
            let mut manifest = self.manifest.take();
            self.provide_numbers(&mut manifest)?;
        }
    }

    /// As [`Core::draw_number`], for who holds the manifest's turn.
    pub(super) fn draw_number_under(&self, manifest: &mut ManifestWriter) -> Result<FileNumber> {
        loop {
            if let Some(number) = self.numbers.try_draw() {
                return Ok(number);
            }
            self.provide_numbers(manifest)?;
        }
    }

    fn provide_numbers(&self, manifest: &mut ManifestWriter) -> Result<()> {
        let counter = manifest.state().counter;
        if self.numbers.range.lock().next < counter {
            // Another task raised the counter while this one waited for the turn.
            self.numbers.raise(counter);
            return Ok(());
        }
        let raised = raised_counter(counter, self.options.file_number_block)?;
        let _scope = enter_scope(scope::NUMBERS);
        let edit = Edit { counter: raised, ..Edit::after(manifest.state()) };
        self.append_edit(manifest, &edit)?;
        self.numbers.raise(raised);
        Ok(())
    }
}
