//! A real file system that is full: a small ext4 in a file, mounted as a loop device.
//!
//! Mounting takes root. Without it the test says so and proves nothing; the simulator's disk runs full
//! in every sweep, this one shows that the machine's behaves as that one does.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a real file system, which is not simulated"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use seawall::{Db, ErrorKind, Options};

/// A mounted file system of its own; unmounted when it is dropped.
struct Mounted {
    point: PathBuf,
    _scratch: tempfile::TempDir,
}

impl Mounted {
    fn new(mib: u64) -> Result<Mounted, String> {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (image, point) = (scratch.path().join("image"), scratch.path().join("mounted"));
        let file = fs::File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(mib << 20).map_err(|error| error.to_string())?;
        fs::create_dir(&point).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q".as_ref(), "-m".as_ref(), "0".as_ref(), &image])?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), &image, &point])?;
        Ok(Mounted { point, _scratch: scratch })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = run("umount", &[&self.point]) {
            eprintln!("{} stays mounted: {error}", self.point.display());
        }
    }
}

fn run(program: &str, arguments: &[&Path]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn open(path: &Path) -> seawall::Result<Db> {
    let options =
        Options { memtable_bytes: 128 << 10, segment_bytes: 256 << 10, ..Options::default() };
    Db::builder(path).options(options).open()
}

/// Values that do not compress to nothing.
fn value(number: u32) -> Vec<u8> {
    let mut state = u64::from(number) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..2_000).map(|_| next()).collect()
}

#[test]
fn a_full_disk_loses_nothing_and_takes_more_once_there_is_room() {
    let mounted = match Mounted::new(16) {
        Ok(mounted) => mounted,
        Err(why) => return eprintln!("SKIPPED, nothing is shown of a real full disk: {why}"),
    };
    // Somebody else's file, which goes later.
    let other = mounted.point.join("other");
    fs::write(&other, vec![7; 6 << 20]).expect("there is room yet");
    let path = mounted.point.join("db");
    let db = open(&path).expect("a new database");
    let mut written = 0u32;
    let error = loop {
        match db.put(written.to_be_bytes(), value(written)) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(written > 500, "only {written} fit");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let is_full = |text: &str| text.contains("No space left on device");
    assert!(
        error.kind() == ErrorKind::DiskFull || is_full(&cause) || is_full(&error.to_string()),
        "{error}: {cause}"
    );
    // What is there can be read, before and after it is opened again.
    let all_are_there = |db: &Db| {
        for number in 0..written {
            let found = db.get(number.to_be_bytes()).expect("readable");
            assert_eq!(found.as_deref(), Some(&value(number)[..]), "{number}");
        }
    };
    all_are_there(&db);
    drop(db);
    fs::remove_file(&other).expect("room again");
    let db = open(&path).expect("it opens where there is room");
    all_are_there(&db);
    for number in written..written + 500 {
        db.put(number.to_be_bytes(), value(number)).expect("there is room again");
    }
    db.verify().expect("sound");
    db.close().expect("closed");
}
