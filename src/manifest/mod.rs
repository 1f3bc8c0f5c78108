//! The manifest: which tables and log segments make up the database, as a log of edits.
//!
//! `CURRENT` names the manifest that counts. A manifest begins with a SNAPSHOT frame, the whole
//! [`State`], and goes on with EDIT frames, each one change, written and synced one at a time. Any
//! valid frame after a bad one is therefore damage; a bad frame at the very end is an edit that a
//! crash tore, and it never took effect.
//!
//! Invariant: nothing an edit refers to is less durable than the edit.

mod current;
mod edit;
mod lost_current;
mod reader;
mod state;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use current::{Current, read_current, switch_current};
pub(crate) use edit::Edit;
pub(crate) use lost_current::{evidence, refuse_data};
pub(crate) use reader::{ManifestContent, read_manifest};
pub(crate) use state::State;
pub(crate) use writer::ManifestWriter;
