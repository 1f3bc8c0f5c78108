//! Who asks for a choice: a world, and somebody in it.

use std::fmt;
use std::str::FromStr;

use super::hash::{fold, text_hash};
use super::world::{WorldId, numbered};

/// The longest task name kept, in bytes.
const NAME_BYTES_MAX: usize = 15;

/// The stable name of a task, such as `flush`.
///
/// Held inline, so that it is copied freely and needs no table to print. A name of more than 15
/// bytes keeps its first ten and a hash of the whole; white space and `/` become `_`; a name that an
/// actor of another kind has (`open`, `op7`) is marked with `~`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskName {
    bytes: [u8; NAME_BYTES_MAX],
    len: u8,
}

impl TaskName {
    /// Names a task.
    pub fn new(name: &str) -> TaskName {
        let clean: String = name.chars().map(clean).collect();
        let reserved = clean.is_empty() || Who::reserved(&clean).is_some();
        let marked = if reserved { format!("{clean}~") } else { clean };
        if marked.len() <= NAME_BYTES_MAX {
            return TaskName::of_bytes(marked.as_bytes());
        }
        let cut = (0..=10).rev().find(|at| marked.is_char_boundary(*at)).unwrap_or(0);
        let hash = text_hash(name.as_bytes()) as u16;
        TaskName::of_bytes(format!("{}~{hash:04x}", &marked[..cut]).as_bytes())
    }

    fn of_bytes(from: &[u8]) -> TaskName {
        let mut name = TaskName { bytes: [0; NAME_BYTES_MAX], len: from.len() as u8 };
        name.bytes[..from.len()].copy_from_slice(from);
        name
    }

    fn words(&self) -> [u64; 2] {
        let mut bytes = [0; 16];
        bytes[..NAME_BYTES_MAX].copy_from_slice(&self.bytes);
        let whole = u128::from_le_bytes(bytes);
        // The top byte is free; it keeps a task apart from every other actor.
        [whole as u64, (whole >> 64) as u64 | 1 << 63]
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        // Only whole characters are ever copied in.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("?")
    }
}

fn clean(letter: char) -> char {
    if letter == '/' || letter.is_whitespace() || letter.is_control() { '_' } else { letter }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Somebody in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The run as a whole: its configuration, its plan.
    Run,
    /// A client during the operation of this id.
    Op(u32),
    /// Whoever opens the store.
    Open,
    /// A task of the store or of the driver, at its own work.
    Task(TaskName),
    /// The crash that ends a world, and what survives it.
    Crash,
}

impl Who {
    /// The actor other than a task that is written `text`.
    fn reserved(text: &str) -> Option<Who> {
        match text {
            "run" => Some(Who::Run),
            "open" => Some(Who::Open),
            "crash" => Some(Who::Crash),
            _ => numbered(Some(text), "op").map(Who::Op),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Run => f.write_str("run"),
            Who::Op(id) => write!(f, "op{id}"),
            Who::Open => f.write_str("open"),
            Who::Task(name) => f.write_str(name.as_str()),
            Who::Crash => f.write_str("crash"),
        }
    }
}

/// Who asks: written `g2/op41`, `g2/flush`, `g2.f3/open`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor {
    /// Where.
    pub world: WorldId,
    /// Who in it.
    pub who: Who,
}

impl Actor {
    /// Somebody in a world.
    pub const fn new(world: WorldId, who: Who) -> Actor {
        Actor { world, who }
    }

    /// A hash of the actor that is the same in every process and build.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        self.words().into_iter().fold(0, fold)
    }

    /// A few bits that mostly tell the actors of one world apart, cheaper than a hash.
    #[inline]
    pub(super) fn tag(&self) -> usize {
        let who = match self.who {
            Who::Run => 1,
            Who::Op(id) => id as usize,
            Who::Open => 2,
            Who::Crash => 3,
            Who::Task(name) => {
                let last = name.bytes[usize::from(name.len).saturating_sub(1)];
                usize::from(name.bytes[0]) ^ usize::from(last)
            }
        };
        who.wrapping_add(self.world.tag())
    }

    /// The actor as numbers, to hash: spelled out so that no compiler's layout enters a seed.
    fn words(&self) -> [u64; 5] {
        let [who, more] = match self.who {
            Who::Run => [1, 0],
            Who::Op(id) => [2, u64::from(id)],
            Who::Open => [3, 0],
            Who::Crash => [4, 0],
            Who::Task(name) => name.words(),
        };
        let [a, b, c] = self.world.words();
        [a, b, c, who, more]
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.world, self.who)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the name of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnActor;

impl fmt::Display for NotAnActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an actor is named like g2/op41, g2/open or g2.f3/flush")
    }
}

impl std::error::Error for NotAnActor {}

impl FromStr for Actor {
    type Err = NotAnActor;

    fn from_str(text: &str) -> Result<Actor, NotAnActor> {
        let (world, who) = text.split_once('/').ok_or(NotAnActor)?;
        let world = world.parse().map_err(|_| NotAnActor)?;
        let who = match Who::reserved(who) {
            Some(who) => who,
            None => Who::Task(TaskName::new(who)),
        };
        let actor = Actor { world, who };
        // A name that would be written otherwise is not one that a run ever wrote.
        if actor.to_string() == text { Ok(actor) } else { Err(NotAnActor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actors_name_reads_back() {
        for text in ["g0/run", "g2/op41", "g2.f3/open", "g2/flush", "g1/crash", "g0/op~", "g0/op01"]
        {
            assert_eq!(text.parse::<Actor>().map(|actor| actor.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "g2", "g2/", "g2/a b", "g2/a/b", "x/flush", "g2/a_name_of_many_letters"] {
            assert_eq!(text.parse::<Actor>(), Err(NotAnActor), "{text:?}");
        }
    }

    #[test]
    fn a_task_is_never_mistaken_for_another_actor() {
        for name in ["open", "run", "crash", "op7"] {
            let who = Who::Task(TaskName::new(name));
            assert_eq!(who.to_string(), format!("{name}~"));
        }
    }

    #[test]
    fn long_task_names_stay_apart() {
        let (one, two) = (TaskName::new("compaction-of-a"), TaskName::new("compaction-of-level-1"));
        assert_eq!(one.as_str(), "compaction-of-a");
        assert_ne!(two, TaskName::new("compaction-of-level-2"));
        assert_eq!(two.as_str().len(), 15);
    }
}
