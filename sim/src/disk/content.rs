//! The bytes of a file: a size and a row of shared pages.
//!
//! Copying a [`Content`] copies one pointer a page; a write to a page that someone else also holds
//! copies that page first. A missing page reads as zeros.
//!
//! Invariant: every byte at or beyond the size is zero, so growing a file never shows old bytes.

use std::sync::Arc;

/// The unit of sharing and of space accounting.
pub(super) const PAGE_BYTES: usize = 4096;

type Page = [u8; PAGE_BYTES];

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    size: u64,
    pages: Vec<Option<Arc<Page>>>,
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Copies bytes from `offset` until `buffer` is full or the content ends.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let mut done = 0;
        while done < count {
            let (page, at, len) = step(offset, done, count);
            let into = &mut buffer[done..done + len];
            match self.pages.get(page) {
                Some(Some(from)) => into.copy_from_slice(&from[at..at + len]),
                _ => into.fill(0),
            }
            done += len;
        }
        count
    }

    /// Behind the last byte that is not zero.
    pub(super) fn content_end(&self) -> u64 {
        let last = |page: &Option<Arc<Page>>| page.as_ref()?.iter().rposition(|byte| *byte != 0);
        let pages = self.pages.iter().enumerate().rev();
        let end = |(page, at)| (page * PAGE_BYTES + at + 1) as u64;
        pages.filter_map(|(page, bytes)| Some((page, last(bytes)?))).map(end).next().unwrap_or(0)
    }

    /// All bytes of `from..to` that lie below the size.
    pub(super) fn bytes(&self, from: u64, to: u64) -> Vec<u8> {
        let to = to.min(self.size);
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
        self.read(from, &mut bytes);
        bytes
    }

    /// Puts bytes at `offset`, growing the size if they end beyond it.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.size = self.size.max(offset + bytes.len() as u64);
        let mut done = 0;
        while done < bytes.len() {
            let (page, at, len) = step(offset, done, bytes.len());
            self.write_page(page, at, &bytes[done..done + len]);
            done += len;
        }
    }

    fn write_page(&mut self, page: usize, at: usize, bytes: &[u8]) {
        if page >= self.pages.len() {
            self.pages.resize(page + 1, None);
        }
        let slot = &mut self.pages[page];
        if let Ok(whole) = <&Page>::try_from(bytes) {
            match slot.as_mut().and_then(Arc::get_mut) {
                Some(own) => own.copy_from_slice(whole),
                None => *slot = Some(Arc::new(*whole)),
            }
            return;
        }
        let own = Arc::make_mut(slot.get_or_insert_with(|| Arc::new([0; PAGE_BYTES])));
        own[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes `from..to` zeros without changing the size.
    pub(super) fn zero(&mut self, from: u64, to: u64) {
        let mut at = from;
        let end = to.min(self.pages.len() as u64 * PAGE_BYTES as u64);
        while at < end {
            let (page, start, len) = step(at, 0, (end - at) as usize);
            if len == PAGE_BYTES {
                self.pages[page] = None;
            } else if let Some(shared) = &mut self.pages[page] {
                Arc::make_mut(shared)[start..start + len].fill(0);
            }
            at += len as u64;
        }
    }

    /// Cuts the content, or extends it with zeros.
    pub(super) fn set_size(&mut self, size: u64) {
        if size < self.size {
            self.zero(size, self.size);
            self.pages.truncate(page_count(size));
        }
        self.size = size;
    }

    /// How many pages of `from..to` hold bytes of their own.
    pub(super) fn pages_present(&self, from: usize, to: usize) -> u64 {
        let to = to.min(self.pages.len());
        let range = self.pages.get(from..to).unwrap_or(&[]);
        range.iter().filter(|page| page.is_some()).count() as u64
    }

    /// Whether both show the same bytes.
    pub(super) fn is_same_as(&self, other: &Content) -> bool {
        let page = |content: &Content, index: usize| content.pages.get(index).cloned().flatten();
        let is_same = |index| match (page(self, index), page(other, index)) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(&mine, &theirs) || mine == theirs,
            (Some(page), None) | (None, Some(page)) => page.iter().all(|byte| *byte == 0),
            (None, None) => true,
        };
        self.size == other.size && (0..self.pages.len().max(other.pages.len())).all(is_same)
    }

    pub(super) fn has_page(&self, page: usize) -> bool {
        matches!(self.pages.get(page), Some(Some(_)))
    }

    /// Flips bits of the byte at `offset`, which must lie below the size.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        let mut byte = [0];
        self.read(offset, &mut byte);
        self.write(offset, &[byte[0] ^ mask]);
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Content) -> bool {
        let count = self.pages.len().max(other.pages.len());
        self.size == other.size && (0..count).all(|page| self.same_page(other, page))
    }
}

impl Content {
    fn page(&self, page: usize) -> Option<&Arc<Page>> {
        self.pages.get(page).and_then(Option::as_ref)
    }

    fn same_page(&self, other: &Content, page: usize) -> bool {
        match (self.page(page), other.page(page)) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (Some(one), None) | (None, Some(one)) => one.iter().all(|byte| *byte == 0),
        }
    }
}

/// How many pages hold the first `size` bytes.
pub(super) fn page_count(size: u64) -> usize {
    size.div_ceil(PAGE_BYTES as u64) as usize
}

/// The page, the place in it and the length of the next piece of a transfer.
fn step(offset: u64, done: usize, count: usize) -> (usize, usize, usize) {
    let position = offset + done as u64;
    let page = (position / PAGE_BYTES as u64) as usize;
    let at = (position % PAGE_BYTES as u64) as usize;
    (page, at, (PAGE_BYTES - at).min(count - done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_reads_as_zeros() {
        let mut content = Content::default();
        content.write(10_000, b"end");
        assert_eq!(content.bytes(9_998, 20_000), b"\0\0end");
        assert_eq!(content.pages_present(0, 10), 1);
    }

    #[test]
    fn growing_after_a_cut_shows_zeros() {
        let mut content = Content::default();
        content.write(0, &[7; 9000]);
        content.set_size(5000);
        content.set_size(9000);
        assert_eq!(content.bytes(4999, 5002), [7, 0, 0]);
        assert_eq!(content.bytes(8190, 9000), [0; 810]);
    }

    #[test]
    fn a_copy_does_not_see_later_writes() {
        let mut content = Content::default();
        content.write(0, b"before");
        let copy = content.clone();
        content.write(0, b"after!");
        assert_eq!(copy.bytes(0, 6), b"before");
        assert_ne!(copy, content);
    }

    #[test]
    fn a_hole_equals_written_zeros() {
        let (mut hole, mut zeros) = (Content::default(), Content::default());
        hole.set_size(5000);
        zeros.write(0, &[0; 5000]);
        assert_eq!(hole, zeros);
    }
}
