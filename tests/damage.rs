//! No damage to any file gives a wrong value, loses what is vouched for without a word, or panics.
//!
//! Two tiny databases are damaged in every way one can count: each bit of each file turned over, each
//! file cut to each length. One was closed cleanly, so everything in it is vouched for but the zeros
//! after the log's end. The other was killed: what its log holds beyond the last vouched position
//! looks like a torn write when it is damaged, and may be cut, if the report says so.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use seawall::os::vfs::{OpenMode, Vfs};
use seawall::{Cut, Db, Durability, Error, ErrorKind, Options, RecoveryReport, inspect};
use seawall_sim::disk::{Disk, SimFs};
use support::world::{DIR, empty_disk, killed, live, settle};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

fn options() -> Options {
    Options { segment_bytes: 512, spare_segment: false, ..Options::default() }
}

fn path(name: &str) -> String {
    format!("{DIR}/{name}")
}

fn open(fs: &Arc<SimFs>) -> Result<Db, Error> {
    let vfs: Arc<dyn Vfs> = Arc::clone(fs) as Arc<dyn Vfs>;
    Db::builder(DIR).vfs(vfs).options(options()).open()
}

/// A database without damage, and all that is to be known of it.
#[derive(Clone)]
struct Sound {
    disk: Disk,
    /// What it holds after each commit, by seqno.
    states: BTreeMap<u64, State>,
    /// How far anything vouches for each segment.
    vouched: Vouched,
    /// How far something outside of the segment does.
    vouched_from_outside: Vouched,
    /// Where the frames of each log file and manifest end.
    frame_ends: BTreeMap<String, Vec<u64>>,
}

impl Sound {
    /// A database that has a table, two segments and some edits.
    fn build(end: impl FnOnce(&mut Writer) + 'static) -> Sound {
        let (states, disk) = live(empty_disk(), |fs| {
            let db = open(&fs).expect("created");
            let mut writer = Writer { db: Some(db), states: BTreeMap::from([(0, State::new())]) };
            writer.put("apple", "red", Durability::Sync);
            writer.put("banana", "yellow", Durability::Os);
            writer.delete("apple");
            writer.db().flush().expect("flushed");
            settle();
            writer.put("cherry", &"dark red ".repeat(20), Durability::Sync);
            writer.put("banana", "brown", Durability::Sync);
            end(&mut writer);
            writer.states
        });
        let disk = killed(disk);
        let (vouched, vouched_from_outside) = (vouched(&disk, true), vouched(&disk, false));
        let frame_ends = frame_ends(&disk);
        Sound { disk, states, vouched, vouched_from_outside, frame_ends }
    }

    fn closed() -> Sound {
        Sound::build(|writer| {
            let db = writer.db.take().expect("it is open");
            db.close().expect("closed");
        })
    }

    fn killed() -> Sound {
        Sound::build(|writer| {
            writer.put("date", "brown", Durability::Sync);
            writer.put("elder", "black", Durability::Os);
            writer.batch(&[("fig", Some("green")), ("banana", None)]);
        })
    }

    /// Killed when nothing vouched for the head yet, not even for its LINK.
    fn just_rotated() -> Sound {
        Sound::build(|writer| {
            writer.put("date", &"brown ".repeat(50), Durability::Os);
            writer.put("elder", "black", Durability::Os);
        })
    }

    fn last_state(&self) -> &State {
        self.states.values().next_back().expect("there is a first state")
    }

    /// The files, but for the lock, which holds nothing.
    fn files(&self) -> Vec<(String, u64)> {
        let files = self.disk.files(DIR).expect("the directory is there");
        files.into_iter().filter(|(name, _)| name != "LOCK").collect()
    }
}

/// What is vouched for.
#[derive(Clone)]
struct Vouched {
    /// By segment, in bytes.
    upto: BTreeMap<String, u64>,
    /// The last seqno.
    seqno: u64,
}

struct Writer {
    db: Option<Db>,
    states: BTreeMap<u64, State>,
}

impl Writer {
    fn db(&self) -> &Db {
        self.db.as_ref().expect("it is open")
    }

    fn put(&mut self, key: &str, value: &str, durability: Durability) {
        let seqno = self.db().put_with(key, value, durability).expect("put");
        self.after(seqno, &[(key, Some(value))]);
    }

    fn delete(&mut self, key: &str) {
        let seqno = self.db().delete_with(key, Durability::Os).expect("deleted");
        self.after(seqno, &[(key, None)]);
    }

    fn batch(&mut self, changes: &[(&str, Option<&str>)]) {
        let mut batch = self.db().batch();
        for (key, value) in changes {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        let seqno = self.db().commit_with(batch, Durability::Os).expect("committed");
        self.after(seqno, changes);
    }

    fn after(&mut self, seqno: u64, changes: &[(&str, Option<&str>)]) {
        let mut state = self.states.values().next_back().expect("the first is there").clone();
        for (key, value) in changes {
            match value {
                Some(value) => state.insert(key.as_bytes().to_vec(), value.as_bytes().to_vec()),
                None => state.remove(key.as_bytes()),
            };
        }
        self.states.insert(seqno, state);
    }
}

/// How far each segment is vouched for, read from the files.
fn vouched(disk: &Disk, by_itself: bool) -> Vouched {
    let fs = SimFs::calm(disk.clone());
    let wal = inspect::wal(&*fs, Path::new(DIR), None).expect("sound");
    let state = inspect::manifest(&*fs, Path::new(DIR)).expect("sound").state;
    let mut upto = BTreeMap::new();
    let mut raise = |segment: u64, to: u64| {
        let at: &mut u64 = upto.entry(format!("{segment:06}.wal")).or_default();
        *at = to.max(*at);
    };
    raise(state.synced_segment, state.synced_offset);
    for segment in &wal.segments {
        let number = segment.file.trim_end_matches(".wal").parse().expect("a number");
        for frame in &segment.frames {
            raise(number, if by_itself { frame.synced_upto } else { 0 });
            frame.follows.into_iter().for_each(|(previous, end)| raise(previous, end));
        }
    }
    let mut seqno = state.flushed_seqno;
    for segment in &wal.segments {
        let upto = upto[&segment.file];
        for frame in segment.frames.iter().filter(|frame| frame.offset < upto && frame.count > 0) {
            seqno = seqno.max(frame.first_seqno + u64::from(frame.count) - 1);
        }
    }
    Vouched { upto, seqno }
}

/// Where the frames of each log file and manifest end, from the lengths in their headers.
fn frame_ends(disk: &Disk) -> BTreeMap<String, Vec<u64>> {
    let files = disk.files(DIR).expect("the directory is there").into_iter().map(|(file, _)| file);
    let logs = files.filter(|file| file.ends_with(".wal") || file.starts_with("MANIFEST"));
    let ends = |file: String| {
        let bytes = disk.read(path(&file)).expect("it is there");
        let mut ends = vec![];
        let mut at = 0;
        while let Some(header) = bytes.get(at..at + 36).filter(|header| header[32] != 0) {
            let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
            at += (36 + len as usize).next_multiple_of(8);
            ends.push(at as u64);
        }
        (file, ends)
    };
    logs.map(ends).collect()
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip { byte: u64, bit: u8 },
    Cut { len: u64 },
}

impl Damage {
    fn all(size: u64) -> impl Iterator<Item = Damage> {
        let flips = (0..size).flat_map(|byte| (0..8).map(move |bit| Damage::Flip { byte, bit }));
        flips.chain((0..size).map(|len| Damage::Cut { len }))
    }

    fn apply(self, disk: &mut Disk, file: &str) {
        match self {
            Damage::Flip { byte, bit } => disk.flip_bit(path(file), byte, bit),
            Damage::Cut { len } => disk.truncate_live(path(file), len),
        }
        .expect("the file is as long as it was");
    }

    /// The first byte that is not as it was.
    fn at(self) -> u64 {
        match self {
            Damage::Flip { byte, .. } => byte,
            Damage::Cut { len } => len,
        }
    }
}

/// What became of a database that was opened, read and verified.
enum Outcome {
    Read {
        state: State,
        report: Box<RecoveryReport>,
    },
    /// It opened, but a read or the verification failed.
    Found(Error),
    Refused(Error),
}

fn examine(disk: Disk) -> (Outcome, Disk) {
    live(disk, |fs| match open(&fs) {
        Ok(db) => read_all(&db).unwrap_or_else(Outcome::Found),
        Err(error) => Outcome::Refused(error),
    })
}

fn read_all(db: &Db) -> Result<Outcome, Error> {
    let state = scan(db)?;
    for key in ["apple", "banana", "cherry", "date", "elder", "fig", "nothing"] {
        let got = db.get(key)?.map(|value| value.to_vec());
        assert_eq!(got.as_ref(), state.get(key.as_bytes()), "a get and a scan differ on {key}");
    }
    db.verify()?;
    Ok(Outcome::Read { state, report: Box::new(db.recovery_report().clone()) })
}

fn scan(db: &Db) -> Result<State, Error> {
    db.iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
}

/// What is wrong with how a damaged database was read, if anything.
fn judge(sound: &Sound, file: &str, damage: Damage, outcome: &Outcome) -> Result<(), String> {
    let (state, report) = match outcome {
        Outcome::Refused(error) | Outcome::Found(error) => return judge_error(error),
        Outcome::Read { state, report } => (state, report),
    };
    if let Damage::Cut { len } = damage
        && file.ends_with(".wal")
        && len >= sound.frame_ends[file][0]
    {
        return Err("a segment that is shorter than its LINK says was read".to_owned());
    }
    if state != sound.last_state() {
        let vouched = match damage {
            Damage::Flip { .. } => &sound.vouched,
            // What vouches for a place stands behind it, so a file that is cut has lost its own.
            Damage::Cut { .. } => &sound.vouched_from_outside,
        };
        if vouched.upto.get(file).is_none_or(|upto| damage.at() < *upto) {
            return Err(format!("a wrong state: {state:?}"));
        }
        let prefix = sound.states.get(&report.last_seqno) == Some(state);
        if !prefix || report.last_seqno < vouched.seqno {
            return Err(format!("no prefix, or too short: {state:?}\n{report}"));
        }
    }
    judge_report(sound, file, damage, &report.cut)
}

fn judge_error(error: &Error) -> Result<(), String> {
    let place = (error.file().is_some_and(|file| file.starts_with(DIR)), error.offset());
    match (error.kind(), place) {
        (ErrorKind::Corruption, (true, Some(_))) => Ok(()),
        _ => Err(format!("an error without kind, file or offset: {error:?}")),
    }
}

/// Where bytes that count were damaged and no error was given, the report says what was cut.
fn judge_report(sound: &Sound, file: &str, damage: Damage, cuts: &[Cut]) -> Result<(), String> {
    let ends =
        sound.frame_ends.get(file).ok_or("damage to a file without frames went unnoticed")?;
    let counts = ends.last().is_some_and(|end| damage.at() < *end);
    let named = cuts.iter().any(|cut| {
        cut.file == file
            && match damage {
                Damage::Flip { byte, .. } => (cut.offset..cut.offset + cut.bytes).contains(&byte),
                Damage::Cut { len } => cut.offset < len && cut.offset + cut.bytes <= len,
            }
    });
    // A file that ends between two frames shows no trace of what followed. A segment knows better:
    // its LINK says how long it was made.
    let traceless = |len: u64| len == 0 || (!file.ends_with(".wal") && ends.contains(&len));
    match damage {
        _ if !counts || named => Ok(()),
        Damage::Cut { len } if traceless(len) => Ok(()),
        _ => Err(format!("the report does not name what was cut: {cuts:?}")),
    }
}

/// Does everything that can be done to the files that `wanted` names, and judges what comes of it.
#[track_caller]
fn withstands(sound: &Sound, wanted: impl Fn(&str) -> bool) {
    let (mut tried, mut found, mut wrong) = (0, 0, Vec::new());
    for (file, size) in sound.files().into_iter().filter(|(file, _)| wanted(file)) {
        for damage in Damage::all(size) {
            let mut disk = sound.disk.clone();
            damage.apply(&mut disk, &file);
            let before = disk.content_hash();
            let (outcome, after) = examine(disk);
            tried += 1;
            let mut verdict = judge(sound, &file, damage, &outcome);
            found += u32::from(!matches!(outcome, Outcome::Read { .. }));
            let changed = after.content_hash() != before;
            if matches!(outcome, Outcome::Refused(_)) && changed && verdict.is_ok() {
                verdict = Err("an open that failed changed the files".to_owned());
            }
            if let Err(what) = verdict {
                wrong.push(format!("{file} {damage:?}: {what}"));
            }
        }
    }
    let shown = wrong.len().min(12);
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong[..shown].join("\n"));
    assert!(found > 100, "{found} of {tried} were found: too little was tried");
}

#[test]
fn damage_to_the_log_of_a_closed_database_is_found() {
    withstands(&Sound::closed(), |file| file.ends_with(".wal"));
}

#[test]
fn damage_to_the_manifest_and_to_current_of_a_closed_database_is_found() {
    withstands(&Sound::closed(), |file| file.starts_with("MANIFEST") || file == "CURRENT");
}

#[test]
fn damage_to_a_table_of_a_closed_database_is_found() {
    withstands(&Sound::closed(), |file| file.ends_with(".sst"));
}

#[test]
fn damage_to_the_log_of_a_killed_database_is_found_or_cut() {
    let sound = Sound::killed();
    let last = *sound.states.keys().next_back().expect("there are states");
    assert!(sound.vouched.seqno < last, "there must be something that nothing vouches for");
    withstands(&sound, |file| file.ends_with(".wal"));
}

#[test]
fn damage_to_a_segment_that_nothing_vouches_for_is_found_or_cut() {
    let sound = Sound::just_rotated();
    let head = sound.frame_ends.keys().rfind(|file| file.ends_with(".wal")).expect("a head");
    assert_eq!(sound.vouched.upto[head], 0, "{head} must not be vouched for");
    withstands(&sound, |file| file.ends_with(".wal"));
}

#[test]
fn damage_to_the_manifest_and_to_current_of_a_killed_database_is_found() {
    withstands(&Sound::killed(), |file| file.starts_with("MANIFEST") || file == "CURRENT");
}

#[test]
fn damage_to_a_table_of_a_killed_database_is_found() {
    withstands(&Sound::killed(), |file| file.ends_with(".sst"));
}

/// The disk after its files were changed, durably.
fn changed(disk: &Disk, change: impl FnOnce(&SimFs)) -> Disk {
    let fs = SimFs::calm(disk.clone());
    change(&fs);
    fs.sync_dir(Path::new(DIR)).expect("synced");
    killed(fs.disk())
}

fn remove(disk: &Disk, file: &str) -> Disk {
    changed(disk, |fs| fs.remove(Path::new(&path(file))).expect("it is there"))
}

fn add(disk: &Disk, file: &str, bytes: &[u8]) -> Disk {
    changed(disk, |fs| {
        let file = fs.open(Path::new(&path(file)), OpenMode::CreateNew).expect("it is new");
        file.write_at(bytes, 0).expect("written");
        file.sync_all().expect("synced");
    })
}

/// Opens, and expects to be refused for corruption with nothing changed.
#[track_caller]
fn refused(disk: &Disk) -> Error {
    let (outcome, after) = examine(disk.clone());
    assert_eq!(after.content_hash(), disk.content_hash(), "a refused open changed the files");
    match outcome {
        Outcome::Refused(error) if error.kind() == ErrorKind::Corruption => error,
        Outcome::Refused(error) | Outcome::Found(error) => panic!("another error: {error:?}"),
        Outcome::Read { report, .. } => panic!("it opens: {report}"),
    }
}

#[track_caller]
fn accepted(sound: &Sound, disk: &Disk) -> (RecoveryReport, Disk) {
    let (outcome, after) = examine(disk.clone());
    match outcome {
        Outcome::Read { state, report } => {
            assert_eq!(state, *sound.last_state());
            (*report, after)
        }
        Outcome::Refused(error) | Outcome::Found(error) => panic!("it does not open: {error}"),
    }
}

#[test]
fn a_missing_current_beside_data_is_an_error_that_names_the_data() {
    for sound in [Sound::closed(), Sound::killed()] {
        let error = refused(&remove(&sound.disk, "CURRENT"));
        let file = error.file().expect("evidence").to_owned();
        assert!(file.starts_with(DIR) && error.to_string().contains("CURRENT"), "{error}");
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let sound = Sound::closed();
    for (file, _) in sound.files().iter().filter(|(file, _)| file != "CURRENT") {
        let error = refused(&remove(&sound.disk, file));
        let stem = file.trim_end_matches(".wal").trim_start_matches('0');
        assert!(error.file().is_some(), "{file}: {error}");
        assert!(error.to_string().contains(stem), "{file} is not named: {error}");
    }
}

#[test]
fn a_log_without_any_segment_is_an_error_that_names_a_file() {
    let sound = Sound::closed();
    let segments = sound.files().into_iter().filter(|(file, _)| file.ends_with(".wal"));
    let none = segments.fold(sound.disk.clone(), |disk, (file, _)| remove(&disk, &file));
    let error = refused(&none);
    assert!(error.file().is_some(), "{error}");
}

#[test]
fn a_file_of_another_size_is_damaged_where_its_size_is_known() {
    let sound = Sound::closed();
    for (file, size) in sound.files() {
        let longer = changed(&sound.disk, |fs| {
            let file = fs.open(Path::new(&path(&file)), OpenMode::ReadWrite).expect("there");
            file.write_at(b"more", size).expect("written");
            file.sync_all().expect("synced");
        });
        if file.ends_with(".sst") || file == "CURRENT" {
            let error = refused(&longer);
            assert_eq!(error.file(), Some(Path::new(&path(&file))), "{error}");
        } else {
            // Logs grow, so what follows the last frame looks like a torn write.
            let (report, _) = accepted(&sound, &longer);
            let head = sound.vouched.upto.keys().next_back() == Some(&file);
            let tells = report.cut.iter().any(|cut| cut.file == file && cut.bytes > 0);
            assert!(tells || (file.ends_with(".wal") && !head), "{file}: {report}");
        }
    }
}

#[test]
fn files_that_are_not_ours_are_left_alone() {
    let sound = Sound::closed();
    let strangers =
        ["notes.txt", "000002.log", "0000009.wal", "MANIFEST", "000007.sst.bak", "lock"];
    let disk = strangers.iter().fold(sound.disk.clone(), |disk, name| add(&disk, name, b"theirs"));
    let disk = changed(&disk, |fs| {
        fs.create_dir(Path::new(&path("backup"))).expect("made");
    });
    let (report, after) = accepted(&sound, &disk);
    for name in strangers {
        assert_eq!(after.read(path(name)).expect("still there"), b"theirs");
        assert!(report.to_string().split_whitespace().all(|word| word != name), "{report}");
    }
    assert!(after.names(DIR).expect("there").contains(&"backup".to_owned()));
}

/// The files of another database that hold or name data, from another directory of the same disk. An
/// interrupted creation leaves files of another id too, but without data, and those may go.
fn strangers_files() -> Vec<(String, Vec<u8>)> {
    let (files, _) = live(empty_disk(), |fs| {
        // The first id drawn in a world is always the same; the second is another.
        drop(open(&fs).expect("created"));
        let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
        let options = Options { manifest_roll_edits: 1, ..options() };
        let builder = Db::builder("/data/other").vfs(vfs).options(options);
        let db = builder.open().expect("created");
        for _ in 0..5 {
            db.put("theirs", [b'x'; 100]).expect("put");
        }
        db.flush().expect("flushed");
        db.put("theirs", "too").expect("put");
        db.close().expect("closed");
        // The open takes numbers that the first database has not.
        let db = builder.open().expect("opened");
        db.put("theirs", "more").expect("put");
        drop(db);
        let wal = inspect::wal(&*fs, Path::new("/data/other"), None).expect("sound");
        let empty = wal.segments.into_iter().filter(|segment| {
            !segment.frames.iter().any(|frame| ["DATA", "RELOG"].contains(&frame.kind))
        });
        let empty: Vec<String> = empty.map(|segment| segment.file).collect();
        let disk = fs.disk();
        let files = disk.files("/data/other").expect("there");
        let read = |name: String| {
            let bytes = disk.read(format!("/data/other/{name}")).expect("there");
            (name, bytes)
        };
        files
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| name != "LOCK" && !empty.contains(name))
            .map(read)
            .collect()
    });
    files
}

#[test]
fn another_databases_files_are_set_aside_and_never_removed() {
    let sound = Sound::closed();
    let ours: Vec<String> = sound.files().into_iter().map(|(file, _)| file).collect();
    let mut tried = Vec::new();
    for (file, bytes) in strangers_files() {
        if ours.contains(&file) {
            continue;
        }
        let (report, after) = accepted(&sound, &add(&sound.disk, &file, &bytes));
        let aside = format!("{file}.damaged");
        assert_eq!(report.set_aside, [file.as_str()], "{report}");
        assert_eq!(after.read(path(&aside)).expect("set aside"), bytes);
        // The next open does not touch it again.
        let (report, again) = accepted(&sound, &killed(after));
        assert!(report.set_aside.is_empty() && !report.removed.contains(&aside), "{report}");
        assert_eq!(again.read(path(&aside)).expect("set aside"), bytes);
        tried.push(file);
    }
    for kind in [".wal", ".sst", "MANIFEST"] {
        assert!(tried.iter().any(|file| file.contains(kind)), "no {kind} among {tried:?}");
    }
}

#[test]
fn another_databases_segment_below_the_oldest_of_ours_is_set_aside_too() {
    let (_, disk) = live(empty_disk(), |fs| {
        let db = open(&fs).expect("created");
        for _ in 0..5 {
            db.put("ours", [b'x'; 100]).expect("put");
        }
        db.flush().expect("flushed");
        db.close().expect("closed");
    });
    let disk = killed(disk);
    let (_, theirs) = live(empty_disk(), |fs| {
        let vfs: Arc<dyn Vfs> = Arc::clone(&fs) as Arc<dyn Vfs>;
        drop(open(&fs).expect("created"));
        let other = Db::builder("/data/other").vfs(vfs).options(options()).open().expect("created");
        other.put("theirs", "precious").expect("put");
    });
    let bytes = theirs.read("/data/other/000002.wal").expect("their first segment");
    let (outcome, after) = examine(add(&disk, "000002.wal", &bytes));
    let Outcome::Read { report, .. } = outcome else { panic!("it opens") };
    assert_eq!(report.set_aside, ["000002.wal"], "{report}");
    assert_eq!(after.read(path("000002.wal.damaged")).expect("set aside"), bytes);
}

#[test]
fn another_databases_table_in_place_of_ours_is_damage() {
    let sound = Sound::closed();
    let is_table = |(file, _): &&(String, Vec<u8>)| file.ends_with(".sst");
    let files = strangers_files();
    let (_, theirs) = files.iter().find(is_table).expect("they have one");
    let ours = sound.files().into_iter().map(|(file, _)| file).find(|file| file.ends_with(".sst"));
    let ours = ours.expect("we have one");
    let error = refused(&add(&remove(&sound.disk, &ours), &ours, theirs));
    assert_eq!(error.file(), Some(Path::new(&path(&ours))), "{error}");
}

#[test]
fn verify_finds_every_bit_that_changes_under_an_open_database() {
    let sound = Sound::closed();
    let (wrong, _) = live(sound.disk.clone(), move |fs| {
        let db = open(&fs).expect("opened");
        db.put("late", "put").expect("put");
        let names = fs.list(Path::new(DIR)).expect("listed");
        let mut wrong = Vec::new();
        for name in names.into_iter().filter(|name| name != "LOCK") {
            let ends = frame_ends(&fs.disk());
            let file = fs.open(Path::new(&path(&name)), OpenMode::ReadWrite).expect("there");
            let size = file.len().expect("known");
            let counts = ends.get(&name).and_then(|ends| ends.last().copied()).unwrap_or(size);
            for (byte, bit) in (0..counts).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
                let mut is = [0];
                file.read_at(&mut is, byte).expect("read");
                file.write_at(&[is[0] ^ 1 << bit], byte).expect("written");
                match db.verify() {
                    Err(error) if judge_error(&error).is_ok() => {}
                    other => wrong.push(format!("{name} byte {byte} bit {bit}: {other:?}")),
                }
                file.write_at(&is, byte).expect("written");
            }
        }
        db.verify().expect("all is as it was");
        wrong
    });
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}
