//! The judgement of a log, on segments written as the store writes them and then damaged.

use std::path::Path;
use std::sync::Arc;

use seawall_os::vfs::{MemFs, OpenMode, Vfs};

use super::{Chain, SegmentFile, WalWriter, create_segment, judge};
use crate::base::checksum::DatabaseId;
use crate::base::error::{ErrorKind, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::log_position::LogPosition;
use crate::log::read_whole;

const ID: DatabaseId = DatabaseId([9; 16]);
const NOTHING: LogPosition = LogPosition { segment: 0, offset: 0 };

/// A log under construction, in memory.
struct Log {
    vfs: Arc<MemFs>,
    writer: WalWriter,
}

fn dir() -> &'static Path {
    Path::new("/db")
}

impl Log {
    /// One segment, number 2, with a synced root LINK.
    fn new() -> Log {
        let vfs = Arc::new(MemFs::new());
        vfs.create_dir(dir()).expect("made");
        let segment = create_segment(&*vfs, dir(), ID, 2, 1024, || Ok(())).expect("made");
        let mut writer = WalWriter::new(segment, 0);
        writer.append_link(LogPosition::default(), 0, 0).expect("written");
        writer.sync().expect("synced");
        Log { vfs, writer }
    }

    fn put(&mut self, payload: &[u8]) -> LogPosition {
        let start = self.writer.end();
        self.writer.append_group(std::iter::once(payload), 1).expect("written");
        start
    }

    fn sync(&mut self) {
        self.writer.sync().expect("synced");
    }

    fn rotate(&mut self, number: FileNumber) {
        let next = create_segment(&*self.vfs, dir(), ID, number, 1024, || Ok(())).expect("made");
        self.writer.rotate(next, 0).expect("rotated");
    }

    /// Flips a bit of the byte at `place`.
    fn damage(&self, place: LogPosition) {
        let path = dir().join(FileName::Wal(place.segment).to_string());
        let file = self.vfs.open(&path, OpenMode::ReadWrite).expect("opened");
        let mut byte = [0];
        file.read_at(&mut byte, place.offset).expect("read");
        file.write_at(&[byte[0] ^ 1], place.offset).expect("written");
    }

    fn files(&self) -> Vec<SegmentFile> {
        let names = self.vfs.list(dir()).expect("listed");
        names.iter().filter_map(|name| self.file(name)).collect()
    }

    fn file(&self, name: &str) -> Option<SegmentFile> {
        let Some(FileName::Wal(number)) = FileName::parse(name) else { return None };
        let path = dir().join(name);
        let file = self.vfs.open(&path, OpenMode::ReadOnly).expect("opened");
        let bytes = read_whole(&*file, &path).expect("read");
        Some(SegmentFile { log: crate::log::LogFile { id: ID, number, path }, bytes })
    }
}

fn payloads(chain: &Chain<'_>) -> Vec<Vec<u8>> {
    let frames = chain.segments.iter().flat_map(|segment| &segment.frames);
    let data = frames.filter(|frame| frame.head.kind.has_operations());
    data.map(|frame| frame.payload.to_vec()).collect()
}

fn tail(chain: &Chain<'_>) -> Vec<Vec<u8>> {
    chain.tail.iter().map(|frame| frame.payload.to_vec()).collect()
}

#[track_caller]
fn assert_corruption(judged: Result<Chain<'_>>, at: LogPosition) {
    let error = judged.expect_err("damage is reported");
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
    let name = FileName::Wal(at.segment).to_string();
    assert_eq!(error.file(), Some(dir().join(name).as_path()), "{error}");
    assert_eq!(error.offset(), Some(at.offset), "{error}");
}

#[test]
fn an_undamaged_log_reads_as_it_was_written() {
    let mut log = Log::new();
    log.put(b"a");
    log.sync();
    log.rotate(5);
    log.put(b"b");
    log.sync();
    log.put(b"c");
    let files = log.files();
    let chain = judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect("sound");
    assert_eq!(payloads(&chain), [b"a", b"b", b"c"]);
    assert_eq!((chain.segments.len(), chain.last_seqno(), chain.cut.len()), (2, 3, 0));
    // The third group's `synced_upto` vouches for the LINK and the second group.
    assert!(chain.head_proven);
    assert_eq!(tail(&chain), [b"c"]);
    assert_eq!((chain.proven.at.segment, chain.proven.last_seqno), (5, 2));
}

#[test]
fn a_bad_frame_beyond_everything_proven_is_cut_and_told() {
    let mut log = Log::new();
    log.put(b"a");
    log.sync();
    log.put(b"b");
    let torn = log.put(b"c");
    log.damage(torn);
    let files = log.files();
    let chain =
        judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect("a torn tail is no damage");
    assert_eq!(payloads(&chain), [b"a", b"b"]);
    let (at, bytes) = chain.cut[0];
    assert_eq!(at, torn);
    assert!(bytes > 0);
}

#[test]
fn a_bad_frame_before_a_proven_position_is_damage() {
    let mut log = Log::new();
    let bad = log.put(b"a");
    log.sync();
    log.put(b"b");
    log.damage(bad);
    let files = log.files();
    assert_corruption(judge(&files, 2, NOTHING, &dir().join("000002.wal")), bad);
}

#[test]
fn the_manifest_can_prove_what_no_frame_does() {
    let mut log = Log::new();
    log.put(b"a");
    let bad = log.put(b"b");
    log.sync();
    let vouched = log.writer.synced();
    log.damage(bad);
    let files = log.files();
    assert_eq!(
        judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect("looks torn").last_seqno(),
        1
    );
    assert_corruption(judge(&files, 2, vouched, &dir().join("000002.wal")), bad);
}

#[test]
fn damage_in_a_segment_that_has_a_successor_is_never_a_torn_tail() {
    let mut log = Log::new();
    let bad = log.put(b"a");
    log.rotate(5);
    log.damage(bad);
    let files = log.files();
    assert_corruption(judge(&files, 2, NOTHING, &dir().join("000002.wal")), bad);
}

#[test]
fn an_unproven_link_is_not_built_on() {
    let mut log = Log::new();
    log.put(b"a");
    log.sync();
    let end = log.writer.end();
    log.rotate(5);
    log.put(b"b");
    let files = log.files();
    let chain = judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect("sound");
    assert!(!chain.head_proven);
    assert_eq!(tail(&chain), [b"b"]);
    // What is logged again hangs on the predecessor, as if the head had never been.
    assert_eq!((chain.proven.at.segment, chain.proven.at.offset), (2, end.offset));
}

#[test]
fn a_segment_without_link_counts_for_nothing_unless_it_vouches() {
    let mut log = Log::new();
    log.put(b"a");
    log.rotate(5);
    let link = LogPosition { segment: 5, offset: 0 };
    log.put(b"b");
    log.damage(link);
    let files = log.files();
    let chain = judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect("ignored");
    assert_eq!(payloads(&chain), [b"a"]);
    assert_eq!(chain.cut.len(), 1, "what it held is told");
    assert_eq!(chain.cut[0].0, link);

    log.sync();
    log.put(b"c");
    let files = log.files();
    assert_corruption(judge(&files, 2, NOTHING, &dir().join("000002.wal")), link);
}

#[test]
fn a_missing_predecessor_is_damage() {
    let mut log = Log::new();
    log.put(b"a");
    log.rotate(5);
    log.vfs.remove(&dir().join("000002.wal")).expect("removed");
    let files = log.files();
    let link = LogPosition { segment: 5, offset: 0 };
    assert_corruption(judge(&files, 2, NOTHING, &dir().join("000002.wal")), link);
    judge(&files, 3, NOTHING, &dir().join("000002.wal"))
        .expect("not missed once the manifest needs it no more");
}

#[test]
fn a_log_without_any_link_is_damage() {
    let log = Log::new();
    log.damage(LogPosition { segment: 2, offset: 0 });
    let files = log.files();
    let error = judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect_err("nothing left");
    assert_eq!(error.kind(), ErrorKind::Corruption);
}

#[test]
fn a_segment_shorter_than_it_was_made_is_damaged() {
    let mut log = Log::new();
    log.put(b"a");
    log.sync();
    let mut files = log.files();
    files[0].bytes.truncate(96);
    let cut = LogPosition { segment: 2, offset: 96 };
    assert_corruption(judge(&files, 2, NOTHING, &dir().join("000002.wal")), cut);
}

#[test]
fn a_log_without_any_link_names_what_holds_something_else() {
    let log = Log::new();
    log.damage(LogPosition { segment: 2, offset: 0 });
    let (files, oldest) = (log.files(), dir().join("000002.wal"));
    assert_corruption(judge(&files, 2, NOTHING, &oldest), LogPosition { segment: 2, offset: 0 });
}

#[test]
fn a_log_without_any_link_names_the_segments_that_hold_nothing() {
    let log = Log::new();
    let mut files = log.files();
    files[0].bytes.fill(0);
    let error = judge(&files, 2, NOTHING, &dir().join("000002.wal")).expect_err("it is damage");
    assert!(error.to_string().contains("000002.wal holds nothing"), "{error}");
}
