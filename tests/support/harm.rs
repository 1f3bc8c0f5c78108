//! Files of a database at rest, and harm done to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use seawall::os::vfs::{MemFs, OpenMode, Vfs};

pub const DIR: &str = "/db";

/// The bytes of each file, by name.
pub type Files = BTreeMap<String, Vec<u8>>;

pub fn files_of(vfs: &dyn Vfs) -> Files {
    let names = vfs.list(Path::new(DIR)).expect("there");
    let read = |name: String| {
        let path = Path::new(DIR).join(&name);
        let file = vfs.open(&path, OpenMode::ReadOnly).expect("there");
        let mut bytes = vec![0; file.len().expect("readable") as usize];
        file.read_at(&mut bytes, 0).expect("readable");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

pub fn with_files(files: &Files) -> Arc<MemFs> {
    let fs = MemFs::new();
    fs.create_dir(Path::new(DIR)).expect("free");
    for (name, bytes) in files {
        let file = fs.open(&Path::new(DIR).join(name), OpenMode::CreateNew).expect("free");
        file.write_at(bytes, 0).expect("room");
    }
    Arc::new(fs)
}

#[derive(Clone, Debug)]
pub enum Harm {
    Flip(prop::sample::Index),
    Cut(prop::sample::Index),
    Overwrite(prop::sample::Index, Vec<u8>),
    Remove,
    /// By the content of another file.
    Replace(prop::sample::Index),
}

pub fn any_harm() -> impl Strategy<Value = Harm> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        3 => at().prop_map(Harm::Flip),
        1 => at().prop_map(Harm::Cut),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..80))
            .prop_map(|(at, bytes)| Harm::Overwrite(at, bytes)),
        1 => Just(Harm::Remove),
        1 => at().prop_map(Harm::Replace),
    ]
}

pub fn apply(files: &mut Files, file: &prop::sample::Index, harm: &Harm) {
    let names: Vec<String> = files.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = &names[file.index(names.len())];
    let other = |index: &prop::sample::Index| files[&names[index.index(names.len())]].clone();
    let mut bytes = files[name].clone();
    match harm {
        Harm::Flip(at) if !bytes.is_empty() => {
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        Harm::Flip(_) => {}
        Harm::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
        Harm::Overwrite(at, with) => {
            let at = at.index(bytes.len() + 1);
            bytes.iter_mut().skip(at).zip(with).for_each(|(byte, with)| *byte = *with);
        }
        Harm::Remove => {
            files.remove(name);
            return;
        }
        Harm::Replace(by) => bytes = other(by),
    }
    files.insert(name.clone(), bytes);
}
