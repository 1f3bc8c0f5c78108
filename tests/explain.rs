//! `explain`: which layers a read asks, what each has, and that its answer is that of `get`.
#![allow(clippy::disallowed_types, reason = "below the store: what it sees as a file system")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use seawall::os::vfs::MemFs;
use seawall::{Db, Layer, LayerRead, Options, ReadPath};

const DIR: &str = "/db";

fn open(options: Options) -> Db {
    Db::builder(DIR).vfs(Arc::new(MemFs::new())).options(options).open().expect("created")
}

/// Each layer on a line.
fn text(path: &ReadPath) -> String {
    let mut text = String::new();
    for read in &path.layers {
        let LayerRead { layer, reached, covers, filter, block, found } = read;
        let layer = match layer {
            Layer::Active => "active".to_owned(),
            Layer::Frozen(at) => format!("frozen {at}"),
            Layer::Table { level, .. } => format!("table of level {level}"),
            Layer::Level(level) => format!("level {level}"),
        };
        write!(text, "{layer}:").expect("memory");
        if !reached {
            writeln!(text, " not reached").expect("memory");
            continue;
        }
        let filter = filter.map(|may| if may { ", filter yes" } else { ", filter no" });
        let cached =
            block.map(|block| if block.cached { ", cached block" } else { ", block read" });
        let covers = if *covers { " covers" } else { " does not cover" };
        write!(text, "{covers}{}{}", filter.unwrap_or(""), cached.unwrap_or("")).expect("memory");
        match found {
            Some(version) => writeln!(text, ", @{} {:?}", version.seqno, version.value_bytes),
            None => writeln!(text),
        }
        .expect("memory");
    }
    text
}

/// Level 1: a, c, m, z. Level 0: b and d, then m deleted. Memtable: q.
fn layered() -> Db {
    let db = open(Options { idle_merge: Duration::from_secs(3600), ..Options::default() });
    for key in ["a", "c", "m", "z"] {
        db.put(key, "old").expect("put");
    }
    db.compact_range::<&[u8]>(..).expect("merged");
    db.put("b", "1").expect("put");
    db.put("d", "newer").expect("put");
    db.flush().expect("flushed");
    db.delete("m").expect("deleted");
    db.flush().expect("flushed");
    db.put("q", "").expect("put");
    db
}

#[test]
fn each_layer_is_told_up_to_the_one_with_the_answer() {
    let db = layered();
    let explained = |key: &str| text(&db.explain(key).expect("readable"));
    let all = ["q", "m", "d", "c", "zz"].map(|key| format!("-- {key}\n{}", explained(key)));
    insta::assert_snapshot!(all.concat());
    assert_eq!(db.get("c").expect("readable").as_deref(), Some(&b"old"[..]));
    assert!(explained("c").contains("cached block"), "{}", explained("c"));
    let path = db.explain("m").expect("readable");
    let (layer, version) = path.source().expect("a deletion");
    assert!(matches!(layer, Layer::Table { level: 0, .. }) && version.value_bytes.is_none());
    assert!(db.explain("none").expect("readable").source().is_none());
}

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u8),
    Delete(u8),
    Flush,
    Compact,
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (any::<u8>(), any::<u8>()).prop_map(|(key, len)| Op::Put(key % 16, len)),
        4 => any::<u8>().prop_map(|key| Op::Delete(key % 16)),
        2 => Just(Op::Flush),
        1 => Just(Op::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_explanation_agrees_with_get(ops in prop::collection::vec(any_op(), 0..60)) {
        let db = open(Options { block_bytes: 64, ..Options::default() });
        for op in &ops {
            match op {
                Op::Put(key, len) => drop(db.put([*key], vec![b'v'; usize::from(*len)]).expect("put")),
                Op::Delete(key) => drop(db.delete([*key]).expect("deleted")),
                Op::Flush => db.flush().expect("flushed"),
                Op::Compact => db.compact_range::<&[u8]>(..).expect("merged"),
            }
        }
        for key in 0..17u8 {
            let path = db.explain([key]).expect("readable");
            let explained = path.source().and_then(|(_, version)| version.value_bytes);
            let read = db.get([key]).expect("readable").map(|value| value.len() as u64);
            prop_assert_eq!(explained, read, "key {}: {}", key, text(&path));
        }
    }
}
