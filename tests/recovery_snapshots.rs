//! What an open makes of each kind of crash: its report, the state, and the files it leaves.
//!
//! Every story runs a store up to a chosen call, takes the disk as a kill or a power loss leaves it
//! there, and opens it. After each, the power goes once more: what the open returned must stay.

mod support;

use std::fmt::Write;
use std::sync::Arc;

use seawall::os::vfs::Vfs;
use seawall::{Db, Durability, Error, Options};
use seawall_sim::disk::Disk;
use support::script::{EIO, Script, What};
use support::world::{DIR, PowerLoss, empty_disk, killed, live, settle};

fn options() -> Options {
    Options { segment_bytes: 512, spare_segment: false, ..Options::default() }
}

fn rolling() -> Options {
    Options { manifest_roll_edits: 1, ..options() }
}

/// A store in a story, and what it was told.
struct Teller {
    db: Db,
    told: String,
}

impl Teller {
    fn note(&mut self, what: &str, answer: Result<u64, Error>) {
        // Writing to a String does not fail.
        let _ = match answer {
            Ok(0) => writeln!(self.told, "{what} -> ok"),
            Ok(seqno) => writeln!(self.told, "{what} -> ok {seqno}"),
            Err(error) => writeln!(self.told, "{what} -> {:?}", error.kind()),
        };
    }

    fn sync(&mut self, key: &str, value: &str) {
        let answer = self.db.put_with(key, value, Durability::Sync);
        self.note(&format!("put {} Sync", shown(key, value)), answer);
    }

    fn os(&mut self, key: &str, value: &str) {
        let answer = self.db.put_with(key, value, Durability::Os);
        self.note(&format!("put {} Os", shown(key, value)), answer);
    }

    /// Three puts that leave no room in the head for a fourth.
    fn fill(&mut self) {
        for key in ["fill1", "fill2", "fill3"] {
            self.os(key, &"v".repeat(64));
        }
    }

    fn flush(&mut self) {
        let answer = self.db.flush();
        self.note("flush", answer.map(|()| 0));
        settle();
    }
}

/// Runs a store on a disk, its calls subject to `script`. Returns what it was told and the disk.
fn told(
    disk: Disk,
    options: Options,
    script: Script,
    story: impl FnOnce(&mut Teller) + 'static,
) -> (String, Disk) {
    live(disk, move |fs| {
        let vfs: Arc<dyn Vfs> = script.around(fs);
        let opened = Db::builder(DIR).vfs(vfs).options(options).open();
        let Ok(db) = opened else {
            return format!("open -> {:?}\n", opened.expect_err("it is not open").kind());
        };
        settle();
        let mut teller = Teller { db, told: String::new() };
        story(&mut teller);
        teller.told
    })
}

fn at(site: &'static str, what: What) -> Script {
    Script::new().at(site, 0, what)
}

/// What an open finds and returns; the disk after it.
fn opened(disk: Disk) -> (String, Disk) {
    live(disk, |fs| {
        let mut text = format!("found: {}\n", files(&fs.disk()));
        let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
        let db = Db::builder(DIR).vfs(vfs).options(options()).open().expect("it opens");
        text.push_str(&db.recovery_report().to_string());
        let _ = writeln!(text, "state: {}", state(&db));
        let report = db.verify().expect("sound");
        assert!(report.orphans.is_empty(), "{report:?}");
        let _ = writeln!(text, "left: {}", files(&fs.disk()));
        text
    })
}

fn files(disk: &Disk) -> String {
    let files = disk.files(DIR).unwrap_or_default();
    // The exact size of a table is the table format's affair.
    let shown = |(name, size): (String, u64)| match size {
        1.. if name.ends_with(".sst") => name,
        size => format!("{name}({size})"),
    };
    let files = files.into_iter().filter(|(name, _)| name != "LOCK");
    files.map(shown).collect::<Vec<_>>().join(" ")
}

fn state(db: &Db) -> String {
    let entry = |entry: seawall::Result<(seawall::Slice, seawall::Slice)>| {
        let (key, value) = entry.expect("readable");
        shown(&String::from_utf8_lossy(&key), &String::from_utf8_lossy(&value))
    };
    let entries: Vec<String> = db.iter().map(entry).collect();
    if entries.is_empty() { "nothing".to_owned() } else { entries.join(" ") }
}

fn shown(key: &str, value: &str) -> String {
    if value.len() > 8 { format!("{key}=..") } else { format!("{key}={value}") }
}

/// The line of an open's text that tells the state.
fn state_line(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("state:")).expect("an open tells the state")
}

/// Opens what a crash left and tells the whole story, having checked that the state stays.
fn recovered(told: &str, disk: Disk) -> String {
    let (text, after) = opened(disk);
    let (again, _) = opened(PowerLoss::losing_all().of(killed(after)));
    assert_eq!(state_line(&text), state_line(&again), "what an open returned was taken back");
    format!("{told}--\n{text}")
}

#[test]
fn a_torn_last_frame_is_cut() {
    let (told, disk) = told(empty_disk(), options(), Script::new(), |store| {
        store.sync("a", "1");
        store.os("b", "2");
    });
    let torn = PowerLoss::losing_all()
        .but("000002.wal[0..512)", "torn-front")
        .but("000002.wal[0..512)/cut", "150");
    insta::assert_snapshot!(recovered(&told, torn.of(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    cut 000002.wal at byte 144: 5 bytes of a torn write
    removed MANIFEST-000001
    state: a=1
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn what_only_the_page_cache_held_goes_with_the_power() {
    let (told, disk) = told(empty_disk(), options(), Script::new(), |store| {
        store.sync("a", "1");
        store.os("b", "2");
        store.os("c", "3");
    });
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    put c=3 Os -> ok 3
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    removed MANIFEST-000001
    state: a=1
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_kill_keeps_what_was_written_and_the_open_logs_it_again() {
    let (told, disk) = told(empty_disk(), options(), Script::new(), |store| {
        store.sync("a", "1");
        store.os("b", "2");
        store.os("c", "3");
    });
    insta::assert_snapshot!(recovered(&told, killed(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    put c=3 Os -> ok 3
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 3 operations, logged 2 of them again
    last seqno 3
    removed MANIFEST-000001
    state: a=1 b=2 c=3
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

/// A store stopped right after a rotation has written its LINK.
fn stopped_after_link() -> (String, Disk) {
    let script = at("rotate/wal/write_at", What::StopsAfter);
    told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.fill();
        store.sync("b", "2");
        store.sync("c", "3");
    })
}

#[test]
fn a_link_that_was_never_synced_may_be_gone() {
    let (told, disk) = stopped_after_link();
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    put a=1 Sync -> ok 1
    put fill1=.. Os -> ok 2
    put fill2=.. Os -> ok 3
    put fill3=.. Os -> ok 4
    put b=2 Sync -> Io
    put c=3 Sync -> Stopped
    --
    found: 000002.wal(512) 000003.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 4 operations, logged 3 of them again
    last seqno 4
    ignored 000003.wal
    removed 000003.wal MANIFEST-000001
    state: a=1 fill1=.. fill2=.. fill3=..
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_link_that_was_never_synced_may_be_there() {
    let (told, disk) = stopped_after_link();
    insta::assert_snapshot!(recovered(&told, PowerLoss::keeping_all().of(disk)), @"
    put a=1 Sync -> ok 1
    put fill1=.. Os -> ok 2
    put fill2=.. Os -> ok 3
    put fill3=.. Os -> ok 4
    put b=2 Sync -> Io
    put c=3 Sync -> Stopped
    --
    found: 000002.wal(512) 000003.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal <- 000003.wal
    replayed 4 operations, logged 0 of them again
    last seqno 4
    removed 000003.wal MANIFEST-000001
    state: a=1 fill1=.. fill2=.. fill3=..
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

/// A store stopped in a roll of the manifest.
fn stopped_in_roll(what: What) -> (String, Disk) {
    told(empty_disk(), rolling(), at("roll/current/rename", what), |store| {
        store.sync("a", "1");
        store.flush();
        store.sync("b", "2");
    })
}

#[test]
fn a_roll_that_has_not_renamed_leaves_the_old_manifest_in_force() {
    let (told, disk) = stopped_in_roll(What::StopsBefore);
    insta::assert_snapshot!(recovered(&told, killed(disk)), @"
    put a=1 Sync -> ok 1
    flush -> ok
    put b=2 Sync -> Stopped
    --
    found: 000002.wal(512) 000003.sst CURRENT(94) CURRENT.tmp(94) MANIFEST-000001(224) MANIFEST-000004(128)
    manifest MANIFEST-000001 with 1 edit, 1 table
    log 000002.wal
    replayed 0 operations, logged 0 of them again
    last seqno 1
    removed CURRENT.tmp MANIFEST-000001 MANIFEST-000004
    state: a=1
    left: 000002.wal(512) 000003.sst 000036.wal(512) CURRENT(95) MANIFEST-000035(128)
    ");
}

#[test]
fn a_roll_whose_rename_is_lost_leaves_the_old_manifest_in_force() {
    let (told, disk) = stopped_in_roll(What::StopsAfter);
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    put a=1 Sync -> ok 1
    flush -> ok
    put b=2 Sync -> Stopped
    --
    found: 000002.wal(512) 000003.sst CURRENT(94) MANIFEST-000001(224) MANIFEST-000004(128)
    manifest MANIFEST-000001 with 1 edit, 1 table
    log 000002.wal
    replayed 0 operations, logged 0 of them again
    last seqno 1
    removed MANIFEST-000001 MANIFEST-000004
    state: a=1
    left: 000002.wal(512) 000003.sst 000036.wal(512) CURRENT(95) MANIFEST-000035(128)
    ");
}

#[test]
fn a_roll_whose_rename_survives_puts_the_new_manifest_in_force() {
    let (told, disk) = stopped_in_roll(What::StopsAfter);
    insta::assert_snapshot!(recovered(&told, PowerLoss::keeping_all().of(disk)), @"
    put a=1 Sync -> ok 1
    flush -> ok
    put b=2 Sync -> Stopped
    --
    found: 000002.wal(512) 000003.sst CURRENT(94) MANIFEST-000001(224) MANIFEST-000004(128)
    manifest MANIFEST-000004 with 0 edits, 1 table
    log 000002.wal
    replayed 0 operations, logged 0 of them again
    last seqno 1
    removed MANIFEST-000001 MANIFEST-000004
    state: a=1
    left: 000002.wal(512) 000003.sst 000036.wal(512) CURRENT(95) MANIFEST-000035(128)
    ");
}

#[test]
fn a_left_over_temporary_that_is_current_itself_is_not_written_to() {
    let (told, disk) = stopped_in_roll(What::StopsAfter);
    // The rename's target survives, and so does its source: two names of one file.
    let both = PowerLoss::keeping_all().but("CURRENT.tmp/name", "version 1");
    insta::assert_snapshot!(recovered(&told, both.of(disk)), @"
    put a=1 Sync -> ok 1
    flush -> ok
    put b=2 Sync -> Stopped
    --
    found: 000002.wal(512) 000003.sst CURRENT(94) CURRENT.tmp(94) MANIFEST-000001(224) MANIFEST-000004(128)
    manifest MANIFEST-000004 with 0 edits, 1 table
    log 000002.wal
    replayed 0 operations, logged 0 of them again
    last seqno 1
    removed CURRENT.tmp MANIFEST-000001 MANIFEST-000004
    state: a=1
    left: 000002.wal(512) 000003.sst 000036.wal(512) CURRENT(95) MANIFEST-000035(128)
    ");
}

#[test]
fn an_open_that_died_while_logging_again_is_repeated() {
    let (first, disk) = told(empty_disk(), options(), Script::new(), |store| {
        store.sync("a", "1");
        store.os("b", "2");
    });
    let script = at("relog/wal/sync_data", What::StopsBefore);
    let (second, disk) = told(killed(disk), options(), script, |_| {});
    insta::assert_snapshot!(recovered(&(first + &second), killed(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    open -> Io
    --
    found: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000001(120) MANIFEST-000035(120)
    manifest MANIFEST-000035 with 0 edits, 0 tables
    log 000002.wal
    replayed 2 operations, logged 1 of them again
    last seqno 2
    ignored 000036.wal
    removed 000036.wal MANIFEST-000001 MANIFEST-000035
    state: a=1 b=2
    left: 000002.wal(512) 000070.wal(512) CURRENT(95) MANIFEST-000069(120)
    ");
}

#[test]
fn an_open_that_died_before_its_link_was_durable_is_repeated_on_what_it_left() {
    let (first, disk) = told(empty_disk(), options(), Script::new(), |store| {
        store.sync("a", "1");
        store.os("b", "2");
    });
    let script = Script::new().at("relog/wal/sync_data", 1, What::StopsBefore);
    let (second, disk) = told(killed(disk), options(), script, |_| {});
    // The LINK survives without a sync: it counts, but nothing vouches for it.
    let kept = PowerLoss::keeping_all().of(disk);
    insta::assert_snapshot!(recovered(&(first + &second), kept), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    open -> Io
    --
    found: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000001(120) MANIFEST-000035(120)
    manifest MANIFEST-000035 with 0 edits, 0 tables
    log 000002.wal <- 000036.wal
    replayed 2 operations, logged 1 of them again
    last seqno 2
    removed 000036.wal MANIFEST-000001 MANIFEST-000035
    state: a=1 b=2
    left: 000002.wal(512) 000070.wal(512) CURRENT(95) MANIFEST-000069(120)
    ");
}

#[test]
fn an_open_that_died_in_its_roll_is_repeated() {
    let (first, disk) = told(empty_disk(), options(), Script::new(), |store| {
        store.sync("a", "1");
        store.os("b", "2");
    });
    let script = at("open/current/rename", What::StopsAfter);
    let (second, disk) = told(killed(disk), options(), script, |_| {});
    // The kill kept `b` for the first open only in memory, so it goes with the power.
    let lost = PowerLoss::losing_all().of(disk);
    insta::assert_snapshot!(recovered(&(first + &second), lost), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    open -> Io
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120) MANIFEST-000035(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    removed MANIFEST-000001 MANIFEST-000035
    state: a=1
    left: 000002.wal(512) 000037.wal(512) CURRENT(95) MANIFEST-000036(120)
    ");
}

#[test]
fn a_spare_is_swept_and_never_adopted() {
    let options = Options { spare_segment: true, ..options() };
    let (told, disk) = told(empty_disk(), options, Script::new(), |store| store.sync("a", "1"));
    insta::assert_snapshot!(recovered(&told, killed(disk)), @"
    put a=1 Sync -> ok 1
    --
    found: 000002.wal(512) 000003.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    ignored 000003.wal
    removed 000003.wal MANIFEST-000001
    state: a=1
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_table_whose_edit_was_not_written_goes_and_the_log_is_replayed() {
    let script = at("flush/manifest/write_at", What::StopsBefore);
    let (told, disk) = told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.os("b", "2");
        store.flush();
    });
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Os -> ok 2
    flush -> Stopped
    --
    found: 000002.wal(512) 000003.sst CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 2 operations, logged 1 of them again
    last seqno 2
    removed 000003.sst MANIFEST-000001
    state: a=1 b=2
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_torn_edit_is_cut_and_its_table_goes() {
    let script = at("flush/manifest/sync_data", What::StopsBefore);
    let (told, disk) = told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.flush();
    });
    let torn = PowerLoss::keeping_all()
        .but("MANIFEST-000001[0..512)", "torn-front")
        .but("MANIFEST-000001[0..512)/cut", "150");
    insta::assert_snapshot!(recovered(&told, torn.of(disk)), @"
    put a=1 Sync -> ok 1
    flush -> Stopped
    --
    found: 000002.wal(512) 000003.sst CURRENT(94) MANIFEST-000001(224)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    cut MANIFEST-000001 at byte 120: 17 bytes of a torn write
    removed 000003.sst MANIFEST-000001
    state: a=1
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_segment_below_the_oldest_needed_is_removed_by_the_next_open() {
    let script = at("gc/wal/remove", What::StopsBefore);
    let (told, disk) = told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.fill();
        store.sync("b", "2");
        store.flush();
    });
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    put a=1 Sync -> ok 1
    put fill1=.. Os -> ok 2
    put fill2=.. Os -> ok 3
    put fill3=.. Os -> ok 4
    put b=2 Sync -> ok 5
    flush -> ok
    --
    found: 000002.wal(512) 000003.wal(512) 000004.sst CURRENT(94) MANIFEST-000001(224)
    manifest MANIFEST-000001 with 1 edit, 1 table
    log 000003.wal
    replayed 0 operations, logged 0 of them again
    last seqno 5
    removed 000002.wal MANIFEST-000001
    state: a=1 b=2 fill1=.. fill2=.. fill3=..
    left: 000003.wal(512) 000004.sst 000036.wal(512) CURRENT(95) MANIFEST-000035(136)
    ");
}

#[test]
fn a_commit_whose_sync_failed_may_be_there_after_a_kill() {
    let script = Script::new().at("commit/wal/sync_data", 1, What::Fails(EIO));
    let (told, disk) = told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.sync("b", "2");
        store.sync("c", "3");
    });
    insta::assert_snapshot!(recovered(&told, killed(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Sync -> Io
    put c=3 Sync -> Stopped
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 2 operations, logged 1 of them again
    last seqno 2
    removed MANIFEST-000001
    state: a=1 b=2
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_commit_whose_sync_failed_may_be_gone_after_a_power_loss() {
    let script = Script::new().at("commit/wal/sync_data", 1, What::Fails(EIO));
    let (told, disk) = told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.sync("b", "2");
    });
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    put a=1 Sync -> ok 1
    put b=2 Sync -> Io
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    removed MANIFEST-000001
    state: a=1
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn a_new_database_survives_the_power_loss_right_after_it_was_created() {
    let (told, disk) = told(empty_disk(), options(), Script::new(), |_| {});
    insta::assert_snapshot!(recovered(&told, PowerLoss::losing_all().of(disk)), @"
    --
    found: 000002.wal(512) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 0 operations, logged 0 of them again
    last seqno 0
    removed 000002.wal MANIFEST-000001
    state: nothing
    left: 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}

#[test]
fn an_interrupted_creation_is_begun_anew() {
    let script = at("create/current/rename", What::StopsBefore);
    let (told, disk) = told(empty_disk(), options(), script, |_| {});
    insta::assert_snapshot!(recovered(&told, PowerLoss::keeping_all().of(disk)), @"
    open -> Io
    --
    found: 000002.wal(512) CURRENT.tmp(94) MANIFEST-000001(120)
    created a new database
    last seqno 0
    removed 000002.wal MANIFEST-000001
    state: nothing
    left: 000004.wal(512) CURRENT(94) MANIFEST-000003(120)
    ");
}

#[test]
fn a_table_that_is_not_whole_goes_at_once() {
    let script = at("flush/table/sync_all", What::StopsBefore);
    let (told, disk) = told(empty_disk(), options(), script, |store| {
        store.sync("a", "1");
        store.flush();
    });
    let only_its_name = PowerLoss::losing_all().but("000003.sst/name", "new");
    insta::assert_snapshot!(recovered(&told, only_its_name.of(disk)), @"
    put a=1 Sync -> ok 1
    flush -> Stopped
    --
    found: 000002.wal(512) 000003.sst(0) CURRENT(94) MANIFEST-000001(120)
    manifest MANIFEST-000001 with 0 edits, 0 tables
    log 000002.wal
    replayed 1 operation, logged 1 of them again
    last seqno 1
    removed 000003.sst MANIFEST-000001
    state: a=1
    left: 000002.wal(512) 000036.wal(512) CURRENT(95) MANIFEST-000035(120)
    ");
}
