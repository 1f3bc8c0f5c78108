//! Every bug of the store that the simulator ever found stays found: its tape is replayed. So are the tapes
//! of its false alarms, where the simulator was wrong.
#![allow(clippy::disallowed_methods, reason = "reads the tapes of the repository")]

use std::fs;
use std::path::{Path, PathBuf};

use seawall_sim::choice::Tape;
use seawall_sim::driver::{Input, run};
use seawall_sim::system_seawall::Seawall;

const BUGS: &str = "../corpus/tapes";
const FALSE_ALARMS: &str = "tests/alarms";

fn tapes(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
}

fn read(path: &Path) -> Tape {
    let bytes = fs::read(path).expect("readable");
    Tape::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_tape_tells_its_story_in_a_line() {
    for path in tapes(BUGS).into_iter().chain(tapes(FALSE_ALARMS)) {
        let told = read(&path).notes.iter().any(|note| {
            note.trim().strip_prefix("why ").is_some_and(|story| story.trim().len() > 20)
        });
        assert!(told, "{}: no line begins with `# why`", path.display());
    }
}

#[test]
fn no_bug_on_a_tape_comes_back() {
    for path in tapes(BUGS) {
        let ran = run::<Seawall>(&Input::Tape(Box::new(read(&path))));
        let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(ran.failure.is_none(), "{}: {:#?}", path.display(), ran.failure);
    }
}

#[test]
fn no_false_alarm_comes_back() {
    for path in tapes(FALSE_ALARMS) {
        let ran = run::<Seawall>(&Input::Tape(Box::new(read(&path))));
        let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(ran.failure.is_none(), "{}: {:#?}", path.display(), ran.failure);
        // Else it is another run than the one that was blamed.
        assert!(ran.unused.is_empty(), "{}: {:?} decides nothing", path.display(), ran.unused);
    }
}
