//! Opening for reading alone: what is shown, who is kept out, and that nothing changes.
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

mod support;

use std::path::Path;
use std::sync::Arc;

use seawall::os::vfs::{MemFs, OpenMode, Vfs};
use seawall::{Db, Durability, ErrorKind, Options, ReadOnlyDb, Result};
use seawall_sim::disk::Disk;
use support::record::Record;
use support::world::{DIR, PowerLoss, empty_disk, killed, live, settle};

fn options() -> Options {
    Options { segment_bytes: 512, spare_segment: false, ..Options::default() }
}

fn open(vfs: &Arc<dyn Vfs>) -> Result<Db> {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options()).open()
}

fn look(vfs: &Arc<dyn Vfs>) -> Result<ReadOnlyDb> {
    Db::builder(DIR).vfs(Arc::clone(vfs)).options(options()).open_read_only()
}

fn keys(db: &ReadOnlyDb) -> Vec<String> {
    let key = |entry: Result<(seawall::Slice, seawall::Slice)>| {
        String::from_utf8(entry.expect("readable").0.to_vec()).expect("text")
    };
    db.iter().map(key).collect()
}

fn make_directory(vfs: &Arc<dyn Vfs>) {
    let dir = Path::new(DIR);
    vfs.create_dir(dir.parent().expect("it has one")).expect("free");
    vfs.create_dir(dir).expect("free");
}

/// The disk of a store with a table, killed with a commit that is not durable.
fn killed_store() -> Disk {
    let (_, disk) = live(empty_disk(), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let db = open(&vfs).expect("created");
        db.put("a", "1").expect("put");
        db.put("b", "2").expect("put");
        db.flush().expect("flushed");
        db.delete("a").expect("deleted");
        db.put_with("c", "3", Durability::Os).expect("put");
        settle();
    });
    killed(disk)
}

#[test]
fn a_read_only_open_only_reads() {
    let (calls, _) = live(killed_store(), |fs| {
        let record = Record::default();
        let vfs: Arc<dyn Vfs> = record.around(fs);
        let db = look(&vfs).expect("it opens");
        assert_eq!(keys(&db), ["b", "c"]);
        drop(db);
        record.take()
    });
    insta::assert_snapshot!(calls);
}

#[test]
fn everything_can_be_read_each_way() {
    live(killed_store(), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        let db = look(&vfs).expect("it opens");
        assert_eq!(db.get("b").expect("readable").as_deref(), Some(&b"2"[..]));
        assert_eq!(db.get_with("c", <[u8]>::len).expect("readable"), Some(1));
        assert!(!db.contains_key("a").expect("readable"));
        assert_eq!(db.range("b".."c").count(), 1);
        assert_eq!(db.prefix("c").rev().count(), 1);
        let mut cursor = db.cursor().expect("open");
        cursor.seek_last().expect("readable");
        assert_eq!(cursor.key(), Some(&b"c"[..]));
        assert_eq!((db.last_seqno(), db.recovery_report().last_seqno), (4, 4));
        assert_eq!(db.recovery_report().replayed_operations, 2);
    });
}

#[test]
fn verify_reads_it_all_and_changes_nothing() {
    let (calls, disk) = live(killed_store(), |fs| {
        let record = Record::default();
        let vfs: Arc<dyn Vfs> = record.around(fs);
        let db = look(&vfs).expect("it opens");
        record.take();
        let report = db.verify().expect("whole");
        assert_eq!((report.tables, report.entries, report.manifest_edits), (1, 2, 1));
        assert_eq!((report.log_segments, report.set_aside.len()), (1, 0), "{report:?}");
        record.take()
    });
    for word in ["sync", "write", "remove", "rename", "allocate", "create"] {
        assert!(!calls.contains(word), "{word} in {calls}");
    }
    live(killed(disk), |fs| {
        let table = Path::new(DIR).join("000003.sst");
        let vfs: Arc<dyn Vfs> = fs;
        let db = look(&vfs).expect("it opens");
        vfs.open(&table, OpenMode::ReadWrite).expect("there").write_at(&[0xff], 3).expect("room");
        let error = db.verify().expect_err("a block is damaged");
        assert_eq!((error.kind(), error.file()), (ErrorKind::Corruption, Some(&*table)));
    });
}

#[test]
fn what_it_showed_may_go_in_a_power_loss_and_what_an_open_returned_may_not() {
    let (_, disk) = live(killed_store(), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        assert_eq!(keys(&look(&vfs).expect("it opens")), ["b", "c"]);
    });
    live(PowerLoss::losing_all().of(disk), |fs| {
        let vfs: Arc<dyn Vfs> = fs;
        assert_eq!(keys(&look(&vfs).expect("it opens")), ["b"], "c was never durable");
    });
}

#[test]
fn readers_share_and_a_writer_is_alone() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let db = open(&vfs).expect("created");
    let error = look(&vfs).expect_err("it is open for writing");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Locked, true));
    db.put("a", "1").expect("put");
    db.close().expect("closed");
    let (one, other) = (look(&vfs).expect("free"), look(&vfs).expect("readers share"));
    let clone = one.clone();
    drop(one);
    drop(other);
    assert_eq!(open(&vfs).expect_err("a clone reads").kind(), ErrorKind::Locked);
    assert_eq!(keys(&clone), ["a"]);
    drop(clone);
    open(&vfs).expect("free");
}

#[test]
fn where_there_is_no_database_none_is_made() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    assert_eq!(look(&vfs).expect_err("nothing there").kind(), ErrorKind::NotFound);
    assert!(vfs.list(Path::new(DIR)).is_err(), "not even the directory");
    make_directory(&vfs);
    assert_eq!(look(&vfs).expect_err("nothing in it").kind(), ErrorKind::NotFound);
    assert_eq!(vfs.list(Path::new(DIR)).expect("there"), [""; 0]);
}

#[test]
fn a_copy_without_its_lock_file_is_read_as_it_is() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    let db = open(&vfs).expect("created");
    db.put("a", "1").expect("put");
    db.close().expect("closed");
    vfs.remove(&Path::new(DIR).join("LOCK")).expect("there");
    assert_eq!(keys(&look(&vfs).expect("it opens")), ["a"]);
    assert!(!vfs.list(Path::new(DIR)).expect("there").contains(&"LOCK".to_owned()));
}

#[test]
fn an_unfinished_creation_reads_as_empty_and_a_lost_current_is_damage() {
    let vfs: Arc<dyn Vfs> = Arc::new(MemFs::new());
    make_directory(&vfs);
    let manifest = Path::new(DIR).join("MANIFEST-000001");
    vfs.open(&manifest, OpenMode::CreateNew).expect("free");
    let db = look(&vfs).expect("it opens");
    assert_eq!((keys(&db).len(), db.last_seqno()), (0, 0));
    assert!(db.recovery_report().unfinished);
    assert!(db.recovery_report().to_string().contains("never finished being created"));
    drop(db);
    let db = open(&vfs).expect("it is created now");
    db.put("a", "1").expect("put");
    db.close().expect("closed");
    vfs.remove(&Path::new(DIR).join("CURRENT")).expect("there");
    assert_eq!(look(&vfs).expect_err("it held data").kind(), ErrorKind::Corruption);
}

#[test]
fn options_out_of_range_are_refused() {
    let options = Options { levels: 99, ..options() };
    let error = Db::builder(DIR).vfs(Arc::new(MemFs::new())).options(options).open_read_only();
    assert_eq!(error.expect_err("99 levels").kind(), ErrorKind::InvalidArgument);
}
