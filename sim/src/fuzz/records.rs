//! Bytes as records, so that a byte that comes or goes hurts the record it is in and no other.
//!
//! ```text
//! o 41 g2 c1 put 7 40 sync\n     a record ends with a line feed
//! x ..\n                         one within a record is written \n, a backslash \\
//! ```

/// The end of a record.
const END: u8 = b'\n';
/// What stands before a byte that would mean something else.
const ESCAPE: u8 = b'\\';

/// The records of any bytes. What follows the last end is a record too, if it is not empty.
pub fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            END => records.push(std::mem::take(&mut record)),
            ESCAPE => record.extend(rest.next().map(|byte| if byte == b'n' { END } else { byte })),
            byte => record.push(byte),
        }
    }
    if !record.is_empty() {
        records.push(record);
    }
    records
}

/// Appends a record: a byte for its kind, and what it says.
pub fn push(to: &mut Vec<u8>, kind: u8, what: &[u8]) {
    for byte in std::iter::once(kind).chain(what.iter().copied()) {
        match byte {
            END => to.extend_from_slice(&[ESCAPE, b'n']),
            ESCAPE => to.extend_from_slice(&[ESCAPE, ESCAPE]),
            byte => to.push(byte),
        }
    }
    to.push(END);
}

/// A number of a record, the low byte first; bytes that are not there are zero.
pub fn number(record: &[u8], at: usize, len: usize) -> u64 {
    let bytes = record.iter().skip(at).take(len.min(8)).enumerate();
    bytes.fold(0, |number, (place, byte)| number | u64::from(*byte) << (8 * place))
}
