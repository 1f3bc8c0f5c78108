//! `MemFs` and `OsFs` answer every call alike: results, kinds of error, and the system's codes.
//!
//! Each test is a script of calls with the answers expected, run on both file systems. Linux's codes
//! are written out: `ENOENT` is 2, `EBADF` 9, `EAGAIN` 11, `EEXIST` 17, `ENOTDIR` 20, `EISDIR` 21,
//! `EINVAL` 22, `ENAMETOOLONG` 36, `ENOTEMPTY` 39.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_os::vfs::{File, FileLock, LockMode, MemFs, OpenMode, OsFs, Vfs};

/// Runs a script on both file systems.
///
/// A line is `call => answer`; a call that returns nothing answers `ok`. Handles and locks are named
/// by a letter. Words that begin with `/` are paths below the test's directory.
#[track_caller]
fn agree(script: &str) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let os = Machine::new(OsFs::new(), directory.path()).run(script);
    let mem = Machine::new(MemFs::new(), Path::new("/")).run(script);
    let expected: Vec<&str> = lines(script).collect();
    assert_eq!(os, expected, "OsFs");
    assert_eq!(mem, expected, "MemFs");
}

fn lines(script: &str) -> impl Iterator<Item = &str> {
    script.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A file system under test, with what the script holds of it.
struct Machine<F> {
    fs: F,
    root: PathBuf,
    files: BTreeMap<String, Arc<dyn File>>,
    locks: BTreeMap<String, Arc<dyn FileLock>>,
}

impl<F: Vfs> Machine<F> {
    fn new(fs: F, root: &Path) -> Machine<F> {
        Machine { fs, root: root.to_owned(), files: BTreeMap::new(), locks: BTreeMap::new() }
    }

    fn run(mut self, script: &str) -> Vec<String> {
        let calls = lines(script).map(|line| line.split(" => ").next().unwrap_or(line));
        calls.map(|call| format!("{call} => {}", self.answer(call))).collect()
    }

    fn answer(&mut self, call: &str) -> String {
        let words: Vec<&str> = call.split(' ').collect();
        match self.call(&words) {
            Ok(answer) => answer,
            Err(error) => match error.raw_os_error() {
                Some(code) => format!("{:?} {code}", error.kind()),
                None => format!("{:?}: {error}", error.kind()),
            },
        }
    }

    fn call(&mut self, words: &[&str]) -> io::Result<String> {
        match *words {
            ["create_dir", path] => done(self.fs.create_dir(&self.path(path))),
            ["rename", from, to] => done(self.fs.rename(&self.path(from), &self.path(to))),
            ["remove", path] => done(self.fs.remove(&self.path(path))),
            ["list", path] => Ok(format!("[{}]", self.fs.list(&self.path(path))?.join(" "))),
            ["sync_dir", path] => done(self.fs.sync_dir(&self.path(path))),
            ["size", path] => Ok(self.fs.size(&self.path(path))?.to_string()),
            ["free", path] => Ok((self.fs.free_space(&self.path(path))? > 0).to_string()),
            ["new", name, path] => self.open(name, path, OpenMode::CreateNew),
            ["open", name, path] => self.open(name, path, OpenMode::ReadWrite),
            ["view", name, path] => self.open(name, path, OpenMode::ReadOnly),
            ["own", name, path] => self.lock(name, path, LockMode::Exclusive),
            ["share", name, path] => self.lock(name, path, LockMode::Shared),
            ["release", name] => Ok(self.locks.remove(name).map_or("none", |_| "ok").to_owned()),
            ["close", name] => Ok(self.files.remove(name).map_or("none", |_| "ok").to_owned()),
            [name, ref call @ ..] => file_call(&*self.files[name], call),
            [] => unreachable!("a line has words"),
        }
    }

    fn path(&self, word: &str) -> PathBuf {
        if word == "EMPTY" {
            return PathBuf::new();
        }
        let long = word.replace("LONG", &"x".repeat(256));
        self.root.join(long.strip_prefix('/').expect("a path begins with a slash"))
    }

    fn open(&mut self, name: &str, path: &str, mode: OpenMode) -> io::Result<String> {
        let file = self.fs.open(&self.path(path), mode)?;
        self.files.insert(name.to_owned(), file);
        Ok("ok".to_owned())
    }

    fn lock(&mut self, name: &str, path: &str, mode: LockMode) -> io::Result<String> {
        let lock = self.fs.lock(&self.path(path), mode)?;
        self.locks.insert(name.to_owned(), lock);
        Ok("ok".to_owned())
    }
}

fn done(answer: io::Result<()>) -> io::Result<String> {
    answer.map(|()| "ok".to_owned())
}

/// Numbers may be written `MAX` (the largest u64) or `TOP` (the largest i64).
fn file_call(file: &dyn File, words: &[&str]) -> io::Result<String> {
    let number = |word: &str| match word {
        "MAX" => u64::MAX,
        "TOP" => i64::MAX as u64,
        _ => word.parse().expect("a number"),
    };
    match *words {
        ["write", bytes, offset] => {
            let bytes = if bytes == "NOTHING" { "" } else { bytes };
            done(file.write_at(bytes.as_bytes(), number(offset)))
        }
        ["read", count, offset] => {
            let mut buffer = vec![b'?'; number(count) as usize];
            let count = file.read_at(&mut buffer, number(offset))?;
            Ok(format!("{:?}", String::from_utf8_lossy(&buffer[..count])))
        }
        ["set_len", len] => done(file.set_len(number(len))),
        ["allocate", len] => done(file.allocate(number(len))),
        ["len"] => Ok(file.len()?.to_string()),
        ["sync_data"] => done(file.sync_data()),
        ["sync_all"] => done(file.sync_all()),
        _ => unreachable!("no such call: {words:?}"),
    }
}

#[test]
fn bytes_written_are_read_back_and_gaps_are_zeros() {
    agree(
        r#"
        new f /f => ok
        f len => 0
        f read 4 0 => ""
        f write hello 0 => ok
        f read 9 0 => "hello"
        f read 3 1 => "ell"
        f read 0 1 => ""
        f read 3 5 => ""
        f read 3 99 => ""
        f write LL 2 => ok
        f read 9 0 => "heLLo"
        f write end 7 => ok
        f read 99 0 => "heLLo\0\0end"
        f write NOTHING 50 => ok
        f len => 10
        size /f => 10
        f sync_data => ok
        f sync_all => ok
        "#,
    );
}

#[test]
fn set_len_cuts_and_extends_with_zeros() {
    agree(
        r#"
        new f /f => ok
        f write abcdef 0 => ok
        f set_len 2 => ok
        f set_len 4 => ok
        f read 9 0 => "ab\0\0"
        f set_len 0 => ok
        f len => 0
        "#,
    );
}

#[test]
fn allocate_extends_with_zeros_and_never_shrinks() {
    agree(
        r#"
        new f /f => ok
        f allocate 0 => ok
        f len => 0
        f write abc 0 => ok
        f allocate 6 => ok
        f read 9 0 => "abc\0\0\0"
        f write DEF 3 => ok
        f allocate 1 => ok
        f allocate 6 => ok
        f read 9 0 => "abcDEF"
        f allocate 300000 => ok
        f len => 300000
        f read 4 5 => "F\0\0\0"
        f read 4 299997 => "\0\0\0"
        "#,
    );
}

#[test]
fn offsets_beyond_the_signed_range_are_refused() {
    agree(
        r#"
        new f /f => ok
        f write a MAX => InvalidInput 22
        f write ab TOP => InvalidInput 22
        f read 1 MAX => InvalidInput 22
        f read 2 TOP => InvalidInput 22
        f set_len MAX => InvalidInput 22
        f len => 0
        "#,
    );
}

#[test]
fn a_handle_opened_read_only_refuses_changes() {
    agree(
        r#"
        new f /f => ok
        f write abc 0 => ok
        view v /f => ok
        v read 9 0 => "abc"
        v write x 0 => Uncategorized 9
        v write NOTHING 0 => ok
        v set_len 1 => InvalidInput 22
        v allocate 9 => Uncategorized 9
        v allocate 0 => ok
        v sync_data => ok
        v sync_all => ok
        v read 9 0 => "abc"
        "#,
    );
}

#[test]
fn opening_follows_the_mode() {
    agree(
        r#"
        open f /f => NotFound 2
        view f /f => NotFound 2
        new f /f => ok
        new g /f => AlreadyExists 17
        open g /f => ok
        f write shared 0 => ok
        g read 9 0 => "shared"
        create_dir /d => ok
        new h /d => AlreadyExists 17
        open h /d => IsADirectory 21
        view h /d => IsADirectory 21
        new h /f/x => NotADirectory 20
        open h /f/x => NotADirectory 20
        new h /none/x => NotFound 2
        new h /LONG => InvalidFilename 36
        open h EMPTY => NotFound 2
        "#,
    );
}

#[test]
fn directories_nest_and_list_in_byte_order() {
    agree(
        r#"
        list / => []
        create_dir /d => ok
        create_dir /d => AlreadyExists 17
        create_dir /d/e => ok
        create_dir /no/e => NotFound 2
        new a /d/b => ok
        new a /d/B => ok
        new a /d/é => ok
        new a /d/10 => ok
        new a /d/9 => ok
        list /d => [10 9 B b e é]
        list / => [d]
        list /d/b => NotADirectory 20
        list /d/zzz => NotFound 2
        create_dir /d/b => AlreadyExists 17
        create_dir /d/b/x => NotADirectory 20
        list /d/../d/e => []
        list /d/zzz/.. => NotFound 2
        list /d/b/.. => NotADirectory 20
        size /d => IsADirectory 21
        size /d/b => 0
        size /d/zzz => NotFound 2
        free /d => true
        free /d/b => true
        free /d/zzz => NotFound 2
        sync_dir /d => ok
        sync_dir /d/b => NotADirectory 20
        sync_dir /d/zzz => NotFound 2
        "#,
    );
}

#[test]
fn rename_replaces_and_open_handles_follow_their_file() {
    agree(
        r#"
        new o /old => ok
        o write old 0 => ok
        new n /new => ok
        n write new 0 => ok
        rename /new /old => ok
        list / => [old]
        size /old => 3
        view v /old => ok
        v read 9 0 => "new"
        o read 9 0 => "old"
        o write er 3 => ok
        v read 9 0 => "new"
        rename /old /old => ok
        rename /new /x => NotFound 2
        rename /no/new /x => NotFound 2
        rename /old /no/x => NotFound 2
        rename /old/x /y => NotADirectory 20
        rename /old /old/x => NotADirectory 20
        list / => [old]
        "#,
    );
}

#[test]
fn rename_of_directories_follows_linux() {
    agree(
        r#"
        create_dir /a => ok
        create_dir /a/b => ok
        create_dir /c => ok
        new f /f => ok
        rename /f /c => IsADirectory 21
        rename /c /f => NotADirectory 20
        rename /c /a => DirectoryNotEmpty 39
        rename /a/b /a => DirectoryNotEmpty 39
        rename /c/g /c => NotFound 2
        new g /c/g => ok
        rename /c/g /c => DirectoryNotEmpty 39
        remove /c/g => ok
        rename /a /a/b/x => InvalidInput 22
        rename /a /a/b => InvalidInput 22
        rename /a /c => ok
        rename /f /c/b/f => ok
        list / => [c]
        list /c => [b]
        list /c/b => [f]
        "#,
    );
}

#[test]
fn a_removed_file_lives_while_it_is_open() {
    agree(
        r#"
        new f /f => ok
        f write abc 0 => ok
        remove /f => ok
        remove /f => NotFound 2
        f read 9 0 => "abc"
        f write def 3 => ok
        f len => 6
        new g /f => ok
        g len => 0
        create_dir /d => ok
        remove /d => IsADirectory 21
        remove /f/x => NotADirectory 20
        "#,
    );
}

#[test]
fn an_exclusive_lock_excludes_everyone_and_makes_its_file() {
    agree(
        r#"
        own a /LOCK => ok
        list / => [LOCK]
        own b /LOCK => WouldBlock 11
        share b /LOCK => WouldBlock 11
        own c /OTHER => ok
        release a => ok
        own b /LOCK => ok
        release b => ok
        list / => [LOCK OTHER]
        create_dir /d => ok
        own b /d => IsADirectory 21
        share b /d => IsADirectory 21
        own b /no/LOCK => NotFound 2
        "#,
    );
}

#[test]
fn shared_locks_exclude_only_an_exclusive_one() {
    agree(
        r#"
        share a /LOCK => ok
        share b /LOCK => ok
        own c /LOCK => WouldBlock 11
        release a => ok
        own c /LOCK => WouldBlock 11
        release b => ok
        own c /LOCK => ok
        share a /LOCK => WouldBlock 11
        "#,
    );
}

#[test]
fn a_lock_follows_the_file_and_not_the_name() {
    agree(
        r#"
        own a /LOCK => ok
        remove /LOCK => ok
        own b /LOCK => ok
        rename /LOCK /L => ok
        own c /L => WouldBlock 11
        own c /LOCK => ok
        "#,
    );
}

#[test]
fn a_name_that_is_not_utf8_is_reported_by_name() {
    use std::os::unix::ffi::OsStrExt;

    fn check(fs: &dyn Vfs, root: &Path) {
        let name = std::ffi::OsStr::from_bytes(b"bad\xff");
        fs.open(&root.join(name), OpenMode::CreateNew).expect("Linux takes any name");
        let error = fs.list(root).expect_err("the name is no string");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), r#"the file name "bad\xFF" is not UTF-8"#);
    }

    let directory = tempfile::tempdir().expect("a temporary directory");
    check(&OsFs::new(), directory.path());
    check(&MemFs::new(), Path::new("/"));
}

#[test]
fn a_clone_of_a_mem_fs_is_the_same_file_system() {
    let fs = MemFs::new();
    fs.clone().create_dir(Path::new("/d")).expect("the name is free");
    assert_eq!(fs.list(Path::new("/")).expect("the root is there"), ["d"]);
}

#[test]
fn entropy_fills_the_buffer_and_does_not_repeat() {
    for fs in [&OsFs::new() as &dyn Vfs, &MemFs::new()] {
        let (mut a, mut b) = ([0; 1000], [0; 1000]);
        fs.entropy(&mut a).expect("the generator answers");
        fs.entropy(&mut b).expect("the generator answers");
        assert_ne!(a, b);
        assert!(a[900..].iter().any(|byte| *byte != 0), "the end is filled too");
    }
}
