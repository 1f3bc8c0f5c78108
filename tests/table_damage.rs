//! A damaged table below level 0: whoever meets the damage is told file and offset, nobody is told a
//! wrong value, and a compaction that meets it changes nothing.
//!
//! A tiny database has two tables that a compaction would merge. Each bit of the one in level 1 is
//! turned over, once before the database is opened and once while it is open.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use seawall::os::vfs::{OpenMode, Vfs};
use seawall::{Db, Error, ErrorKind, Options, Range, inspect};
use seawall_sim::disk::{Disk, SimFs};
use support::world::{DIR, empty_disk, killed, live, settle};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// Small blocks, and no compaction but what a test asks for.
fn options() -> Options {
    Options { segment_bytes: 512, spare_segment: false, block_bytes: 64, ..Options::default() }
}

fn open(fs: &Arc<SimFs>, options: Options) -> Result<Db, Error> {
    let vfs: Arc<dyn Vfs> = Arc::clone(fs) as Arc<dyn Vfs>;
    Db::builder(DIR).vfs(vfs).options(options).open()
}

fn path(file: &str) -> String {
    format!("{DIR}/{file}")
}

/// A database that was closed, and what is to be known of it.
#[derive(Clone)]
struct Sound {
    disk: Disk,
    state: State,
    /// The table in level 1.
    table: String,
    size_bytes: u64,
}

impl Sound {
    fn build() -> Sound {
        let (state, disk) = live(empty_disk(), |fs| {
            let db = open(&fs, options()).expect("created");
            for number in 0..8u8 {
                db.put(key(number), format!("value {number}, the first")).expect("put");
            }
            db.compact_range::<&str>(..).expect("compacted");
            db.put(key(2), "another value").expect("put");
            db.delete(key(5)).expect("deleted");
            db.put(key(9), "a new one").expect("put");
            db.flush().expect("flushed");
            settle();
            let state = collect(db.iter()).expect("readable");
            db.close().expect("closed");
            state
        });
        let disk = killed(disk);
        let fs = SimFs::calm(disk.clone());
        let tables = inspect::manifest(&*fs, Path::new(DIR)).expect("sound").state.tables;
        let levels: Vec<usize> = tables.iter().map(|table| table.level).collect();
        assert_eq!(levels, [0, 1]);
        let (table, size_bytes) = (format!("{:06}.sst", tables[1].number), tables[1].size_bytes);
        Sound { disk, state, table, size_bytes }
    }

    fn bits(&self) -> impl Iterator<Item = (u64, u8)> + use<> {
        (0..self.size_bytes).flat_map(|byte| (0..8).map(move |bit| (byte, bit)))
    }

    /// The disk with other bytes in the table of level 1.
    fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> Disk {
        let mut bytes = self.disk.read(path(&self.table)).expect("there");
        change(&mut bytes);
        let fs = SimFs::calm(self.disk.clone());
        let file = Path::new(DIR).join(&self.table);
        let file = fs.open(&file, OpenMode::ReadWrite).expect("there");
        file.set_len(bytes.len() as u64).expect("cut");
        file.write_at(&bytes, 0).expect("written");
        file.sync_all().expect("synced");
        killed(fs.disk())
    }

    fn without_table(&self) -> Disk {
        let fs = SimFs::calm(self.disk.clone());
        fs.remove(&Path::new(DIR).join(&self.table)).expect("there");
        fs.sync_dir(Path::new(DIR)).expect("synced");
        killed(fs.disk())
    }

    /// An error says that this table is damaged, and where.
    fn judge(&self, error: &Error) {
        assert_eq!(error.kind(), ErrorKind::Corruption, "{error:?}");
        assert_eq!(error.file(), Some(Path::new(&path(&self.table))), "{error:?}");
        let offset = error.offset().expect("an offset");
        assert!(offset <= self.size_bytes, "{error:?}");
    }

    /// Every read returns what is right or says what is wrong; how many said so.
    fn check_reads(&self, db: &Db) -> u32 {
        let mut found = 0;
        for number in 0..11 {
            match db.get(key(number)) {
                Ok(value) => {
                    let value = value.map(|value| value.to_vec());
                    assert_eq!(value.as_ref(), self.state.get(key(number).as_bytes()));
                }
                Err(error) => {
                    self.judge(&error);
                    found += 1;
                }
            }
        }
        let forward: Vec<_> = self.state.clone().into_iter().collect();
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        found += self.check_scan(db.iter(), &forward);
        found + self.check_scan(db.iter().rev(), &backward)
    }

    /// What comes before an error is right, and only an error ends it early.
    fn check_scan(
        &self,
        scan: impl Iterator<Item = seawall::Result<(seawall::Slice, seawall::Slice)>>,
        wanted: &[(Vec<u8>, Vec<u8>)],
    ) -> u32 {
        let (mut got, mut failed) = (Vec::new(), 0);
        for entry in scan {
            assert_eq!(failed, 0, "after an error it ends");
            match entry {
                Ok((key, value)) => got.push((key.to_vec(), value.to_vec())),
                Err(error) => {
                    self.judge(&error);
                    failed = 1;
                }
            }
        }
        assert!(wanted.starts_with(&got), "{got:?}");
        assert!(failed == 1 || got.len() == wanted.len(), "an end without an error: {got:?}");
        failed
    }
}

fn key(number: u8) -> String {
    format!("key {number}")
}

fn collect(range: Range) -> Result<State, Error> {
    range.map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

fn tables(fs: &SimFs) -> Vec<String> {
    let names = fs.list(Path::new(DIR)).expect("listed");
    names.into_iter().filter(|name| name.ends_with(".sst")).collect()
}

/// A compaction either fails and leaves the tables and the store as they were, or it reads all and
/// what it makes is right. Returns whether it failed.
fn compact(sound: &Sound, fs: &SimFs, db: &Db) -> bool {
    let (tables_before, levels_before) = (tables(fs), db.stats().levels);
    let compacted = db.compact_range::<&str>(..);
    settle();
    let Err(error) = compacted else {
        assert_eq!(sound.check_reads(db), 0, "what was made of a damaged table is damaged");
        db.verify().expect("sound");
        return false;
    };
    sound.judge(&error);
    assert_eq!((tables(fs), db.stats().levels), (tables_before, levels_before));
    assert_eq!(db.stats().stopped, None);
    assert!(sound.check_reads(db) > 0, "the damage is where it was");
    // Nothing is in doubt: the store goes on.
    db.put("later", "works").expect("put");
    assert_eq!(db.get("later").expect("in memory").expect("there"), b"works");
    true
}

#[test]
fn every_bit_that_turned_before_an_open_is_found_there_or_by_whoever_reads_it() {
    let sound = Sound::build();
    let (mut refused, mut found) = (0, 0);
    for (byte, bit) in sound.bits() {
        let mut disk = sound.disk.clone();
        disk.flip_bit(path(&sound.table), byte, bit).expect("there");
        let sound = sound.clone();
        let (opened, _) = live(disk, move |fs| match open(&fs, options()) {
            Err(error) => {
                sound.judge(&error);
                false
            }
            Ok(db) => {
                assert!(sound.check_reads(&db) > 0, "byte {byte} bit {bit}");
                sound.judge(&db.verify().expect_err("a bit is wrong"));
                assert!(compact(&sound, &fs, &db), "byte {byte} bit {bit}");
                true
            }
        });
        *if opened { &mut found } else { &mut refused } += 1;
    }
    assert!(refused > 500 && found > 500, "{refused} refused, {found} found later");
}

#[test]
fn every_bit_that_turns_under_an_open_database_is_found_or_does_not_matter() {
    let sound = Sound::build();
    let (mut failed, mut harmless) = (0, 0);
    for (byte, bit) in sound.bits() {
        let (disk, sound) = (sound.disk.clone(), sound.clone());
        let (compaction_failed, _) = live(disk, move |fs| {
            let db = open(&fs, options()).expect("sound");
            flip(&fs, &sound.table, byte, bit);
            let found = sound.check_reads(&db);
            sound.judge(&db.verify().expect_err("a bit is wrong"));
            let failed = compact(&sound, &fs, &db);
            assert_eq!(found > 0, failed, "byte {byte} bit {bit}: reads and a merge differ");
            if failed {
                // Right again, as after a read that failed for once.
                flip(&fs, &sound.table, byte, bit);
                db.compact_range::<&str>(..).expect("compacted");
                db.delete("later").expect("deleted");
                assert_eq!(sound.check_reads(&db), 0);
            }
            failed
        });
        *if compaction_failed { &mut failed } else { &mut harmless } += 1;
    }
    assert!(failed > 500 && harmless > 500, "{failed} failed, {harmless} were harmless");
}

fn flip(fs: &SimFs, file: &str, byte: u64, bit: u8) {
    let file = fs.open(&Path::new(DIR).join(file), OpenMode::ReadWrite).expect("there");
    let mut is = [0];
    file.read_at(&mut is, byte).expect("read");
    file.write_at(&[is[0] ^ 1 << bit], byte).expect("written");
}

#[test]
fn a_background_compaction_that_meets_damage_stops_writes_and_says_why() {
    let sound = Sound::build();
    let mut disk = sound.disk.clone();
    disk.flip_bit(path(&sound.table), 3, 0).expect("there");
    let sound_inside = sound.clone();
    let (_, after) = live(disk, move |fs| {
        let sound = sound_inside;
        let before = tables(&fs);
        let db = open(&fs, Options { level0_tables: 1, ..options() }).expect("it opens");
        settle();
        let error = db.put("more", "refused").expect_err("writes have stopped");
        assert_eq!(error.kind(), ErrorKind::Stopped);
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.contains(&sound.table), "{cause}");
        let error = db.compact_range::<&str>(..).expect_err("writes have stopped");
        assert_eq!(error.kind(), ErrorKind::Stopped);
        assert!(sound.check_reads(&db) > 0, "reads go on");
        assert_eq!(tables(&fs), before, "what it had written is gone");
    });
    // The bit turns back, and nothing was lost.
    let mut disk = killed(after);
    disk.flip_bit(path(&sound.table), 3, 0).expect("there");
    live(disk, move |fs| {
        let db = open(&fs, Options { level0_tables: 1, ..options() }).expect("it opens");
        settle();
        assert_eq!(sound.check_reads(&db), 0);
        assert_eq!(db.stats().levels[0].tables, 0, "the compaction was made up for");
        assert!(db.verify().expect("sound").orphans.is_empty());
    });
}

/// Opens, and expects to be refused with nothing changed.
#[track_caller]
fn refused(disk: &Disk) -> Error {
    let (error, after) = live(disk.clone(), |fs| open(&fs, options()).err());
    assert_eq!(after.content_hash(), disk.content_hash(), "a refused open changed the files");
    error.expect("it is refused")
}

/// The table with its format raised and its footer's checksum made right for that.
fn of_format(bytes: &mut [u8], format: u32) {
    use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};
    let offset = bytes.len() - 88;
    let footer = &mut bytes[offset..];
    footer[76..80].copy_from_slice(&format.to_le_bytes());
    // The id and the number stand first in it.
    let key = [&footer[..24], &(offset as u64).to_le_bytes()].concat();
    let covered = [&footer[..64], &footer[72..]].concat();
    let checksum = xxh3_64_with_seed(&covered, xxh3_64(&key));
    footer[64..72].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn a_table_of_a_newer_format_is_told_from_a_damaged_one() {
    let sound = Sound::build();
    assert_eq!(sound.with(|bytes| of_format(bytes, 1)).content_hash(), sound.disk.content_hash());
    let error = refused(&sound.with(|bytes| of_format(bytes, 2)));
    assert_eq!(error.kind(), ErrorKind::FormatTooNew, "{error}");
    assert_eq!(error.file(), Some(Path::new(&path(&sound.table))));
    assert!(error.to_string().contains("has format 2, this program reads up to 1"), "{error}");
    // No program ever wrote this one.
    sound.judge(&refused(&sound.with(|bytes| of_format(bytes, 0))));
}

#[test]
fn what_is_no_table_or_not_this_one_is_refused_in_words() {
    let sound = Sound::build();
    let size = sound.size_bytes;
    let own = sound.disk.read(path(&sound.table)).expect("there");
    let level0 = tables(&SimFs::calm(sound.disk.clone())).pop().expect("two");
    let other = sound.disk.read(path(&level0)).expect("there");
    let cases: [(Disk, String); 6] = [
        (
            sound.with(|bytes| bytes[size as usize - 8..].copy_from_slice(b"sea.cabl")),
            format!("the file does not end as a table does: {{}} at byte {size}"),
        ),
        (
            sound.with(|bytes| bytes.truncate(size as usize - 1)),
            format!(
                "the table has {} bytes instead of {size}: {{}} at byte {}",
                size - 1,
                size - 1
            ),
        ),
        (
            sound.with(|bytes| bytes.push(0)),
            format!("the table has {} bytes instead of {size}: {{}} at byte {size}", size + 1),
        ),
        (
            sound.with(Vec::clear),
            format!("the table has 0 bytes instead of {size}: {{}} at byte 0"),
        ),
        (
            sound.with(|bytes| {
                let end = own.len().min(other.len());
                *bytes = vec![0; own.len() - end];
                bytes.extend_from_slice(&other[other.len() - end..]);
            }),
            "footer checksum".to_owned(),
        ),
        (sound.without_table(), "a table that the manifest names is missing: {}".to_owned()),
    ];
    for (disk, wanted) in cases {
        let (error, wanted) = (refused(&disk), wanted.replace("{}", &path(&sound.table)));
        assert_eq!(error.kind(), ErrorKind::Corruption);
        assert!(error.to_string().contains(&wanted), "{error} is not {wanted}");
        assert_eq!(error.file(), Some(Path::new(&path(&sound.table))), "{error}");
    }
}
