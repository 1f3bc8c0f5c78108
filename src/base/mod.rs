//! Values and codecs that every layer above shares. Nothing here does I/O.

pub(crate) mod checksum;
pub(crate) mod codec;
pub(crate) mod damage;
pub(crate) mod error;
pub(crate) mod file_name;
pub(crate) mod key;
pub(crate) mod levels;
pub(crate) mod limits;
pub(crate) mod log_position;
pub(crate) mod range;
pub(crate) mod slice;
pub(crate) mod table_meta;
