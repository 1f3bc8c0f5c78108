//! The examples run, and do what they say.
#![allow(clippy::disallowed_methods, reason = "examples stand for the programs of others")]

macro_rules! example {
    ($name:ident, $path:literal) => {
        #[path = $path]
        #[expect(dead_code, reason = "an example has a main")]
        #[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a user's program")]
        #[allow(clippy::disallowed_macros, reason = "it prints")]
        mod $name;
    };
}

example!(batch_and_snapshot, "../examples/batch_and_snapshot.rs");
example!(custom_vfs, "../examples/custom_vfs.rs");
example!(in_memory, "../examples/in_memory.rs");
example!(quickstart, "../examples/quickstart.rs");

#[test]
fn the_quickstart_finds_what_it_wrote_each_time() {
    let scratch = tempfile::tempdir().expect("a directory");
    let path = scratch.path().join("db");
    quickstart::run(&path).expect("a new database");
    quickstart::run(&path).expect("the same one");
}

#[test]
fn a_transfer_is_seen_whole_or_not_at_all() {
    batch_and_snapshot::run().expect("it runs");
}

#[test]
fn a_database_in_memory_is_there_as_long_as_its_files() {
    in_memory::run().expect("it runs");
}

#[test]
fn a_wrapper_sees_every_sync() {
    let [synced, unsynced, batched] = custom_vfs::run().expect("it runs");
    assert_eq!(synced, 100);
    assert!(unsynced <= 2, "{unsynced}: no commit waits for a sync");
    assert_eq!(batched, 1);
}
