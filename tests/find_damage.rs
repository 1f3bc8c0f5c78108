//! All damage is listed, wherever it is and whether the database opens or not; a sound one has none.
//!
//! The measure is what an open and a verify say: they end at the first damage.

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use seawall::os::vfs::MemFs;
use seawall::{Builder, Damage, Db, Error, ErrorKind, Options};
use support::harm::{DIR, Files, any_harm, apply, files_of, with_files};

fn builder(vfs: Arc<MemFs>) -> Builder {
    let options = Options {
        segment_bytes: 512,
        block_bytes: 64,
        spare_segment: false,
        idle_merge: Duration::from_secs(3600),
        ..Options::default()
    };
    Db::builder(DIR).vfs(vfs).options(options)
}

/// Three tables of several blocks on two levels, and a log.
fn sound(close: bool) -> Files {
    let vfs = Arc::new(MemFs::new());
    let db = builder(Arc::clone(&vfs)).open().expect("created");
    for round in 0..3 {
        for key in 0..8 {
            let value = format!("{key}{round}").repeat(8);
            db.put(format!("k{key}"), value).expect("put");
        }
        let written = if round == 0 { db.compact_range::<&[u8]>(..) } else { db.flush() };
        written.expect("written");
    }
    db.put("last", "in the log").expect("put");
    if close {
        db.close().expect("closed");
    } else {
        drop(db);
    }
    files_of(&*vfs)
}

/// What an open for reading and a verify find first.
fn first_damage(files: &Files) -> Option<Error> {
    let verified = builder(with_files(files)).open_read_only().and_then(|db| db.verify());
    verified.err()
}

/// All damage; nothing is changed by looking.
fn damage_in(files: &Files, what: &str) -> seawall::Result<Vec<Damage>> {
    let vfs = with_files(files);
    let found = builder(Arc::clone(&vfs)).find_damage();
    assert!(files_of(&*vfs) == *files, "{what}: a file was changed");
    found
}

/// The list has what an open or a verify would end at, and nothing if they come to their end.
fn check(files: &Files, what: &str) -> Vec<Damage> {
    let (first, found) = (first_damage(files), damage_in(files, what));
    let found = match (&first, found) {
        // Nothing at all is known of a directory in which no file tells whose it is.
        (Some(_), Err(error)) => {
            let kinds = [ErrorKind::NotFound, ErrorKind::FormatTooNew, ErrorKind::Corruption];
            assert!(kinds.contains(&error.kind()), "{what}: {error}");
            return Vec::new();
        }
        (_, found) => found.unwrap_or_else(|error| panic!("{what}: {error}")),
    };
    let Some(first) = first else {
        assert_eq!(found, [], "{what}");
        return found;
    };
    let file = first.file().and_then(|path| path.file_name()).expect("it names a file");
    let tells = |damage: &&Damage| *damage.file == *file;
    assert!(found.iter().any(|damage| tells(&damage)), "{what}: {first}, but {found:#?}");
    found
}

#[test]
fn a_sound_database_has_none() {
    for close in [true, false] {
        assert_eq!(check(&sound(close), "sound"), []);
    }
}

#[test]
fn a_flipped_bit_and_a_cut_are_found_wherever_they_are() {
    for files in [sound(true), sound(false)] {
        for (name, bytes) in &files {
            // Each byte, and of each another bit.
            for at in 0..bytes.len() {
                let mut harmed = files.clone();
                harmed.get_mut(name).expect("there")[at] ^= 1 << (at % 8);
                check(&harmed, &format!("byte {at} of {name}"));
            }
            for len in (0..bytes.len()).step_by(7) {
                let mut harmed = files.clone();
                harmed.get_mut(name).expect("there").truncate(len);
                check(&harmed, &format!("{name} cut to {len}"));
            }
        }
    }
}

#[test]
fn every_damaged_file_is_named_and_every_damaged_block() {
    let mut files = sound(true);
    let names: Vec<String> = files.keys().filter(|name| name.ends_with(".sst")).cloned().collect();
    assert_eq!(names.len(), 3);
    // The first block and one further on of each, and a whole table.
    for name in &names[..2] {
        let bytes = files.get_mut(name).expect("there");
        bytes[3] ^= 1;
        bytes[150] ^= 1;
    }
    files.remove(&names[2]);
    let check = |files: &Files, more: &[&str]| {
        let mut found = check(files, "three tables");
        found.sort_by(|a, b| a.file.cmp(&b.file));
        let files: Vec<&str> = found.iter().map(|damage| &*damage.file).collect();
        let tables = [&names[0], &names[0], &names[1], &names[1], &names[2]].map(String::as_str);
        assert_eq!(files, [&tables, more].concat(), "{found:#?}");
        let blocks: Vec<_> =
            found[..tables.len()].iter().map(|d| (d.offset == Some(0), d.blocks)).collect();
        let two = [(true, 1), (false, 1)];
        assert_eq!(blocks, [&two[..], &two, &[(false, 0)]].concat(), "{found:#?}");
    };
    check(&files, &[]);
    // The database does not open any more.
    files.insert("CURRENT".to_owned(), b"nonsense".to_vec());
    check(&files, &["CURRENT"]);
}

#[test]
fn a_lost_manifest_hides_no_damage_of_a_table() {
    let mut files = sound(true);
    files.retain(|name, _| !name.starts_with("MANIFEST"));
    let table = files.keys().find(|name| name.ends_with(".sst")).expect("flushed").clone();
    files.get_mut(&table).expect("there")[3] ^= 1;
    let found = check(&files, "no manifest");
    let named = |name: &str| found.iter().any(|damage| damage.file.starts_with(name));
    assert!(named("MANIFEST") && named(&table), "{found:#?}");
}

#[test]
fn who_is_in_use_or_not_there_is_not_looked_at() {
    let vfs = Arc::new(MemFs::new());
    let kind = || builder(Arc::clone(&vfs)).find_damage().expect_err("refused").kind();
    assert_eq!(kind(), ErrorKind::NotFound);
    let db = builder(Arc::clone(&vfs)).open().expect("created");
    assert_eq!(kind(), ErrorKind::Locked);
    drop(db);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn the_list_has_what_an_open_would_end_at(
        closed: bool,
        harms in prop::collection::vec((any::<prop::sample::Index>(), any_harm()), 1..6),
    ) {
        let mut files = sound(closed);
        harms.iter().for_each(|(file, harm)| apply(&mut files, file, harm));
        check(&files, &format!("{harms:?}"));
    }
}
