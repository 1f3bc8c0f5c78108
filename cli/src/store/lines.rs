//! Lines of input as they arrive, read on a thread of their own.
//!
//! A producer that waits for its acknowledgement before it writes more must get it, so whatever a
//! read brings is handed on at once, up to its last line end. And a read that waits for input must
//! not keep Ctrl-C waiting, hence the thread. Who makes lines one now and then, and does not wait,
//! must not find the last of them unwritten for as long: a pause is told too.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::interrupt;

/// How much one read may bring.
const READ_BYTES: usize = 256 * 1024;

/// The longest line: the largest key and value with every byte written as `\u00XX`, and some more.
const LINE_BYTES_MAX: usize = 6 * (seawall::KEY_BYTES_MAX + seawall::VALUE_BYTES_MAX) + 4096;

/// How often a wait for input looks for Ctrl-C.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A wait is a pause after so many looks.
const LOOKS_TO_A_PAUSE: u32 = 2;

/// Whole lines, the last of the input perhaps without its line end.
pub(crate) type Chunk = Vec<u8>;

/// What came, or did not.
pub(crate) enum Next {
    Chunk(Chunk),
    /// Nothing, for a moment. More may come.
    Pause,
    End,
    Interrupted,
}

/// The input, cut at line ends.
pub(crate) struct Lines {
    chunks: Receiver<io::Result<Chunk>>,
}

impl Lines {
    /// Starts reading.
    pub(crate) fn of(input: impl Read + Send + 'static) -> Lines {
        let (sender, chunks) = sync_channel(4);
        thread::spawn(move || {
            if let Err(error) = forward(input, &sender) {
                // Nobody listens any more only when the import has ended.
                let _ = sender.send(Err(error));
            }
        });
        Lines { chunks }
    }

    /// Waits for more input, but not long.
    ///
    /// # Errors
    /// Those of the input; `InvalidData` for a line that is too long.
    pub(crate) fn next(&self) -> io::Result<Next> {
        for _ in 0..LOOKS_TO_A_PAUSE {
            if interrupt::asked() {
                return Ok(Next::Interrupted);
            }
            match self.chunks.recv_timeout(LOOK_EVERY) {
                Ok(chunk) => return chunk.map(Next::Chunk),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Next::End),
            }
        }
        Ok(Next::Pause)
    }
}

/// Hands whole lines on until the input ends or nobody listens.
fn forward(mut input: impl Read, to: &SyncSender<io::Result<Chunk>>) -> io::Result<()> {
    let mut pending: Vec<u8> = Vec::new();
    loop {
        let old = pending.len();
        pending.resize(old + READ_BYTES, 0);
        let count = read_some(&mut input, &mut pending[old..])?;
        pending.truncate(old + count);
        if count == 0 {
            if !pending.is_empty() {
                let _ = to.send(Ok(pending));
            }
            return Ok(());
        }
        if let Some(end) = pending[old..].iter().rposition(|byte| *byte == b'\n') {
            let rest = pending.split_off(old + end + 1);
            if to.send(Ok(std::mem::replace(&mut pending, rest))).is_err() {
                return Ok(());
            }
        } else if pending.len() > LINE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
        }
    }
}

/// One read that brought something, or 0 at the end.
fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings its parts one read at a time.
    struct Parts(Vec<&'static [u8]>);

    impl Read for Parts {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0);
            buffer[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    fn chunks(parts: &[&'static [u8]]) -> Vec<String> {
        let (sender, receiver) = sync_channel(100);
        forward(Parts(parts.to_vec()), &sender).expect("readable");
        drop(sender);
        receiver.iter().map(|c| String::from_utf8_lossy(&c.expect("lines")).into_owned()).collect()
    }

    #[test]
    fn lines_are_handed_on_as_soon_as_they_are_whole() {
        assert_eq!(chunks(&[b"a\nb\nc", b"c\n", b"d"]), ["a\nb\n", "cc\n", "d"]);
        assert_eq!(chunks(&[b"a", b"b", b"\n"]), ["ab\n"]);
        assert!(chunks(&[]).is_empty());
    }
}
