//! What a key, a value and a batch may measure.

use super::error::{Error, ErrorKind, Result};

/// The longest key, in bytes. The shortest is 0: the empty key is a key like any other, and sorts
/// first.
pub const KEY_BYTES_MAX: usize = 64 * 1024 - 1;

/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most bytes of a batch, keys and values and their lengths counted.
pub const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Fails when a key is over the limit.
pub(crate) fn check_key(key: &[u8]) -> Result<()> {
    check("key", key.len(), KEY_BYTES_MAX)
}

/// Fails when a value is over the limit.
pub(crate) fn check_value(value: &[u8]) -> Result<()> {
    check("value", value.len(), VALUE_BYTES_MAX)
}

/// Fails when a batch of that many bytes is over the limit.
pub(crate) fn check_batch(len: usize) -> Result<()> {
    check("batch", len, BATCH_BYTES_MAX)
}

fn check(what: &str, len: usize, max: usize) -> Result<()> {
    if len <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("a {what} of {len} bytes is over the limit of {max} bytes"),
    ))
}
