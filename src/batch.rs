//! Writes that take effect together, and their bytes as the log holds them.
//!
//! ```text
//! batch      := operation*
//! operation  := keyspace varint | kind u8 | key bytes | value bytes    value only if kind is Put
//! bytes      := len varint | len bytes
//! ```
//!
//! A batch is encoded as it is filled, so that a commit copies its bytes once, into the log. How many
//! operations there are stands in the log's frame, not here.

use std::path::Path;

use crate::base::codec::{self, Cursor};
use crate::base::error::{Error, Result};
use crate::base::key::{DEFAULT_KEYSPACE, KeyspaceId, OperationSink, ValueKind};
use crate::base::limits::{self, KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// Operations that a commit makes visible and durable together, or not at all.
///
/// They take effect in the order in which they were added: the last one on a key wins.
///
/// Adding never fails. Limits are checked when the batch is committed; from the first violation on
/// nothing more is kept.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    bytes: Vec<u8>,
    operation_count: usize,
    violation: Option<Error>,
}

impl WriteBatch {
    /// A batch with no operations.
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Adds the operation that gives `key` the value `value`.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.add(ValueKind::Put, key.as_ref(), value.as_ref());
    }

    /// Adds the operation that removes `key`, whether it exists or not.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) {
        self.add(ValueKind::Delete, key.as_ref(), &[]);
    }

    /// How many operations were added.
    pub fn len(&self) -> usize {
        self.operation_count
    }

    /// Whether none were added.
    pub fn is_empty(&self) -> bool {
        self.operation_count == 0
    }

    /// The size of the batch in the log, in bytes, without the frame around it.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Removes all operations; what was allocated is kept for the next ones.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.operation_count = 0;
        self.violation = None;
    }

    /// The bytes for the log. Complete only if [`WriteBatch::check`] finds nothing.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.bytes
    }

    /// Fails with the first violation of a limit.
    pub(crate) fn check(&self) -> Result<()> {
        self.violation.clone().map_or(Ok(()), Err)
    }

    fn add(&mut self, kind: ValueKind, key: &[u8], value: &[u8]) {
        self.operation_count += 1;
        if self.violation.is_some() {
            return;
        }
        if let Err(error) = self.check_operation(key, value) {
            self.violation = Some(error);
            return;
        }
        self.bytes.reserve(OPERATION_OVERHEAD_MAX + key.len() + value.len());
        codec::put_varint(&mut self.bytes, u64::from(DEFAULT_KEYSPACE));
        self.bytes.push(kind as u8);
        codec::put_bytes(&mut self.bytes, key);
        if kind == ValueKind::Put {
            codec::put_bytes(&mut self.bytes, value);
        }
    }

    fn check_operation(&self, key: &[u8], value: &[u8]) -> Result<()> {
        limits::check_key(key)?;
        limits::check_value(value)?;
        limits::check_batch(self.bytes.len() + OPERATION_OVERHEAD_MAX + key.len() + value.len())
    }
}

/// The most that an operation takes beside its key and its value: a keyspace, a kind, two lengths.
const OPERATION_OVERHEAD_MAX: usize = 5 + 1 + 3 + 4;

/// One operation of a batch, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) kind: ValueKind,
    pub(crate) key: &'a [u8],
    /// Empty for a deletion.
    pub(crate) value: &'a [u8],
}

/// The operations in bytes that a [`WriteBatch`] encoded in this process, or several one after the
/// other. Bytes from disk go through [`decode_operations`] instead.
///
/// # Panics
/// The iterator does, on bytes that no batch encoded.
pub(crate) fn operations(encoded: &[u8]) -> Operations<'_> {
    Operations { rest: encoded }
}

/// See [`operations`].
#[derive(Clone, Debug)]
pub(crate) struct Operations<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Operations<'a> {
    type Item = Operation<'a>;

    #[inline]
    fn next(&mut self) -> Option<Operation<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let keyspace = self.varint() as KeyspaceId;
        let kind = ValueKind::from_byte(self.take(1)[0]).expect("a batch encodes a kind");
        let key = self.bytes();
        let value = if kind == ValueKind::Put { self.bytes() } else { &[] };
        Some(Operation { keyspace, kind, key, value })
    }
}

impl<'a> Operations<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn bytes(&mut self) -> &'a [u8] {
        let len = self.varint() as usize;
        self.take(len)
    }

    fn varint(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return value;
            }
            shift += 7;
        }
    }
}

/// Reads the `count` operations in `payload`, which stands at `offset` of `file`, and hands each to
/// `sink` in order.
///
/// # Errors
/// A corruption unless the payload is exactly that many whole operations within the limits; those
/// before the bad one have reached the sink. Errors of the sink end it as well.
pub(crate) fn decode_operations(
    payload: &[u8],
    count: u32,
    file: &Path,
    offset: u64,
    sink: &mut (impl OperationSink + ?Sized),
) -> Result<()> {
    let mut cursor = Cursor::new(payload, file, offset);
    for _ in 0..count {
        let operation = decode_operation(&mut cursor)?;
        let Operation { keyspace, kind, key, value } = operation;
        sink.operation(keyspace, kind, key, value)?;
    }
    cursor.ensure(cursor.is_empty(), "count of operations: bytes follow the last one")
}

fn decode_operation<'a>(cursor: &mut Cursor<'a>) -> Result<Operation<'a>> {
    let keyspace = cursor.varint32("keyspace")?;
    let byte = cursor.u8("kind of operation")?;
    let Some(kind) = ValueKind::from_byte(byte) else {
        return Err(cursor.error(format!("bad kind of operation {byte}")));
    };
    let key = cursor.bytes(KEY_BYTES_MAX, "key")?;
    let value = match kind {
        ValueKind::Put => cursor.bytes(VALUE_BYTES_MAX, "value")?,
        ValueKind::Delete => &[],
    };
    Ok(Operation { keyspace, kind, key, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ErrorKind;
    use proptest::prelude::*;

    /// Keeps what it is handed.
    #[derive(Default)]
    struct Kept(Vec<(KeyspaceId, ValueKind, Vec<u8>, Vec<u8>)>);

    impl OperationSink for Kept {
        fn operation(
            &mut self,
            keyspace: KeyspaceId,
            kind: ValueKind,
            key: &[u8],
            value: &[u8],
        ) -> Result<()> {
            self.0.push((keyspace, kind, key.to_vec(), value.to_vec()));
            Ok(())
        }
    }

    fn decode(payload: &[u8], count: usize) -> Result<Kept> {
        let mut kept = Kept::default();
        decode_operations(payload, count as u32, Path::new("000002.wal"), 64, &mut kept)?;
        Ok(kept)
    }

    fn any_batch() -> impl Strategy<Value = Vec<(Vec<u8>, Option<Vec<u8>>)>> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..200);
        prop::collection::vec((bytes(), prop::option::of(bytes())), 0..20)
    }

    fn filled(operations: &[(Vec<u8>, Option<Vec<u8>>)]) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for (key, value) in operations {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        batch
    }

    proptest! {
        #[test]
        fn operations_come_back_as_added(added in any_batch()) {
            let batch = filled(&added);
            prop_assert_eq!(batch.len(), added.len());
            batch.check().expect("within the limits");
            let kept = decode(batch.encoded(), batch.len()).expect("its own bytes");
            let trusted: Vec<_> = operations(batch.encoded())
                .map(|o| (o.keyspace, o.kind, o.key.to_vec(), o.value.to_vec()))
                .collect();
            prop_assert_eq!(&kept.0, &trusted);
            let wanted: Vec<_> = added
                .into_iter()
                .map(|(key, value)| match value {
                    Some(value) => (DEFAULT_KEYSPACE, ValueKind::Put, key, value),
                    None => (DEFAULT_KEYSPACE, ValueKind::Delete, key, Vec::new()),
                })
                .collect();
            prop_assert_eq!(kept.0, wanted);
        }

        #[test]
        fn a_count_that_is_not_exact_is_corruption(added in any_batch()) {
            let batch = filled(&added);
            let more = decode(batch.encoded(), batch.len() + 1);
            prop_assert_eq!(more.err().map(|e| e.kind()), Some(ErrorKind::Corruption));
            if let Some(fewer) = batch.len().checked_sub(1) {
                let fewer = decode(batch.encoded(), fewer);
                prop_assert_eq!(fewer.err().map(|e| e.kind()), Some(ErrorKind::Corruption));
            }
        }

        #[test]
        fn a_cut_payload_is_corruption(added in any_batch(), cut in any::<prop::sample::Index>()) {
            let batch = filled(&added);
            if batch.byte_len() > 0 {
                let cut = cut.index(batch.byte_len());
                prop_assert!(decode(&batch.encoded()[..cut], batch.len()).is_err());
            }
        }

        #[test]
        fn arbitrary_bytes_decode_or_are_corruption(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            count in 0usize..20,
        ) {
            if let Err(error) = decode(&bytes, count) {
                prop_assert_eq!(error.kind(), ErrorKind::Corruption);
                prop_assert!((64..=64 + bytes.len() as u64).contains(&error.offset().expect("known")));
            }
        }
    }

    #[test]
    fn a_corruption_names_file_and_offset() {
        let error = decode(&[0, 7, 0], 1).err().expect("there is no kind 7");
        assert_eq!(error.to_string(), "bad kind of operation 7: 000002.wal at byte 66");
    }

    #[test]
    fn the_first_violation_is_what_a_commit_is_told() {
        let mut batch = WriteBatch::new();
        batch.put("a", "1");
        batch.put(vec![0; KEY_BYTES_MAX + 1], "1");
        batch.put("b", vec![0; VALUE_BYTES_MAX + 1]);
        let error = batch.check().expect_err("the key is too long");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(error.to_string(), "a key of 65536 bytes is over the limit of 65535 bytes");
        assert_eq!(batch.len(), 3);
        batch.clear();
        batch.check().expect("a cleared batch has no violation");
        assert!(batch.is_empty());
    }

    #[test]
    fn a_batch_over_its_limit_is_refused() {
        let mut batch = WriteBatch::new();
        for key in 0..5u8 {
            batch.put([key], vec![0; VALUE_BYTES_MAX]);
        }
        let error = batch.check().expect_err("320 MiB are too much");
        assert!(error.to_string().starts_with("a batch of "), "{error}");
    }

    #[test]
    fn the_largest_key_and_value_are_within_the_limits() {
        let mut batch = WriteBatch::new();
        batch.put(vec![1; KEY_BYTES_MAX], vec![2; VALUE_BYTES_MAX]);
        batch.check().expect("at the limits");
        assert!(decode(batch.encoded(), 1).is_ok());
    }
}
