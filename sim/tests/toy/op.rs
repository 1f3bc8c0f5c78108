//! What is done to a toy.

use std::fmt;
use std::str::FromStr;

use seawall_sim::system::Draw;

/// `set 3 5 sync`, `get 3`, `all`. Setting a key gives it the operation's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToyOp {
    /// Sets keys, together.
    Set { keys: Vec<u8>, sync: bool },
    /// Reads a key.
    Get(u8),
    /// Reads everything.
    All,
}

impl ToyOp {
    /// The keys it sets.
    pub(crate) fn keys_set(&self) -> &[u8] {
        match self {
            ToyOp::Set { keys, .. } => keys,
            _ => &[],
        }
    }
}

impl fmt::Display for ToyOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToyOp::All => f.write_str("all"),
            ToyOp::Get(key) => write!(f, "get {key}"),
            ToyOp::Set { keys, sync } => {
                f.write_str("set")?;
                for key in keys {
                    write!(f, " {key}")?;
                }
                f.write_str(if *sync { " sync" } else { "" })
            }
        }
    }
}

impl FromStr for ToyOp {
    type Err = String;

    fn from_str(text: &str) -> Result<ToyOp, String> {
        let mut words: Vec<&str> = text.split(' ').collect();
        let sync = words.last() == Some(&"sync");
        words.truncate(words.len() - usize::from(sync));
        let numbers: Result<Vec<u8>, _> = words[1..].iter().map(|word| word.parse()).collect();
        let numbers = numbers.map_err(|_| format!("{text:?} has a key that is no number"))?;
        match (words[0], &numbers[..]) {
            ("all", []) => Ok(ToyOp::All),
            ("get", [key]) => Ok(ToyOp::Get(*key)),
            ("set", [_, ..]) => Ok(ToyOp::Set { keys: numbers, sync }),
            _ => Err(format!("{text:?} is no operation")),
        }
    }
}

pub(crate) fn generate(draw: &Draw<'_>) -> ToyOp {
    let keys = draw.knob("toy_keys");
    let key = || draw.below("key", keys) as u8;
    match draw.word("kind", &[("set", 6), ("batch", 2), ("get", 2), ("all", 1)]) {
        "get" => ToyOp::Get(key()),
        "all" => ToyOp::All,
        kind => {
            let more = if kind == "batch" { 1 + draw.below("more", 3) } else { 0 };
            let keys = (0..=more).map(|_| key()).collect();
            let percent = draw.knob("toy_syncs");
            ToyOp::Set { keys, sync: draw.below("sync", 100) < percent }
        }
    }
}
