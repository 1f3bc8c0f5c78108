//! Immutable tables: sorted entries in one file, written once and never changed.
//!
//! ```text
//! builder ── block_builder          entries in, file out
//! reader  ── filter, guide, block_cache
//!                                   file in, entries out: get, verify
//! iter, dump, parts, explain        walks; a text for people; a table taken apart for tools; one read
//! good_blocks, damage               what is left of a damaged table, and what is wrong with it
//! ```
//!
//! The layout of the file stands in [`mod@format`], that of a block in [`block_builder`].

mod block;
mod block_builder;
mod block_cache;
mod block_cursor;
mod builder;
mod compression;
mod damage;
mod dump;
mod explain;
mod filter;
mod format;
mod good_blocks;
mod guide;
mod index;
mod iter;
mod parts;
mod properties;
mod reader;
#[cfg(test)]
mod tests;

pub(crate) use block_cache::{BlockCache, CacheCounts, Caching};
pub(crate) use builder::{TableBuilder, TableOptions};
pub(crate) use damage::{Expected, find_damage};
pub(crate) use dump::dump;
pub use explain::BlockRead;
pub(crate) use explain::{TableRead, explain};
pub(crate) use filter::KeyHash;
pub(crate) use good_blocks::{GoodBlocks, Step};
pub(crate) use iter::TableCursor;
pub use parts::{BlockContents, BlockInfo, FilterInfo, PartInfo, PropertiesInfo, TableParts};
pub(crate) use parts::{block_contents, parts};
pub(crate) use reader::{ReadCounts, Table, Wholeness, looks_whole, written_for};
