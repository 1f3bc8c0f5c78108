//! The names of worlds: which disk, after which crashes, a choice belongs to.

use std::fmt;
use std::str::FromStr;

/// How many images deep a world can be forked.
const DEPTH_MAX: usize = 4;

/// One life of a simulated disk between two crashes.
///
/// `g2` is the third generation of the main line. `g2.f3` is the world opened on the fourth image
/// forked in `g2`; `g2.f3.o1` the world opened on the second image forked inside that one's open,
/// and so on, four images deep. The name is the value: no table is needed to print or parse it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorldId {
    generation: u32,
    /// Each number plus one; zero ends the path.
    path: [u32; DEPTH_MAX],
}

impl WorldId {
    /// A world of the main line.
    pub const fn generation(generation: u32) -> WorldId {
        WorldId { generation, path: [0; DEPTH_MAX] }
    }

    /// A few bits that mostly tell worlds of one run apart.
    #[inline]
    pub(super) fn tag(self) -> usize {
        self.generation.wrapping_add(self.path[0]).wrapping_add(self.path[1]) as usize
    }

    /// The world as numbers, to hash.
    pub(super) fn words(self) -> [u64; 3] {
        let [a, b, c, d] = self.path.map(u64::from);
        [u64::from(self.generation), a << 32 | b, c << 32 | d]
    }

    /// How many images lie between the main line and this world.
    pub fn depth(self) -> usize {
        self.path.iter().take_while(|number| **number != 0).count()
    }

    /// The generation of the main line that this world is, or was forked in.
    pub const fn main_line(self) -> u32 {
        self.generation
    }

    /// The world opened on image `number` forked in this one.
    ///
    /// # Panics
    /// When this world is already four images deep.
    pub fn fork(self, number: u32) -> WorldId {
        let depth = self.depth();
        assert!(depth < DEPTH_MAX, "{self} is forked too deep");
        assert!(number < u32::MAX, "{self} has too many forks");
        let mut forked = self;
        forked.path[depth] = number + 1;
        forked
    }

    /// Which of the images forked in its parent this one is; on the main line, which generation.
    pub fn number(self) -> u32 {
        self.depth().checked_sub(1).map_or(self.generation, |last| self.path[last] - 1)
    }

    /// The world this one was forked in; `None` on the main line.
    pub fn parent(self) -> Option<WorldId> {
        let depth = self.depth().checked_sub(1)?;
        let mut parent = self;
        parent.path[depth] = 0;
        Some(parent)
    }

    /// Whether this world is `root`, or was forked in it or in one of its forks.
    pub fn is_within(self, root: WorldId) -> bool {
        let depth = root.depth();
        self.generation == root.generation && self.path[..depth] == root.path[..depth]
    }

    /// This world's name after `from`, which it lies within, was renamed to `to`.
    ///
    /// `None` when it does not lie within `from`, or would be too deep.
    pub fn renamed(self, from: WorldId, to: WorldId) -> Option<WorldId> {
        if !self.is_within(from) {
            return None;
        }
        let tail = &self.path[from.depth()..self.depth()];
        if to.depth() + tail.len() > DEPTH_MAX {
            return None;
        }
        Some(tail.iter().fold(to, |world, number| world.fork(number - 1)))
    }
}

impl fmt::Display for WorldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.generation)?;
        for (depth, number) in self.path.iter().enumerate().take_while(|(_, n)| **n != 0) {
            write!(f, ".{}{}", if depth == 0 { 'f' } else { 'o' }, number - 1)?;
        }
        Ok(())
    }
}

impl fmt::Debug for WorldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the name of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAWorld;

impl fmt::Display for NotAWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a world is named like g2, g2.f3 or g2.f3.o1")
    }
}

impl std::error::Error for NotAWorld {}

impl FromStr for WorldId {
    type Err = NotAWorld;

    fn from_str(text: &str) -> Result<WorldId, NotAWorld> {
        let mut parts = text.split('.');
        let mut world = WorldId::generation(numbered(parts.next(), "g").ok_or(NotAWorld)?);
        for part in parts {
            let letter = if world.depth() == 0 { "f" } else { "o" };
            let number = numbered(Some(part), letter).ok_or(NotAWorld)?;
            if world.depth() == DEPTH_MAX || number == u32::MAX {
                return Err(NotAWorld);
            }
            world = world.fork(number);
        }
        Ok(world)
    }
}

/// The number after `letter`, if it is written the one way that Display writes it.
pub(super) fn numbered(part: Option<&str>, letter: &str) -> Option<u32> {
    let digits = part?.strip_prefix(letter)?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    if canonical { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worlds_name_reads_back() {
        for text in ["g0", "g2", "g2.f3", "g2.f3.o1", "g12.f0.o7.o0"] {
            assert_eq!(text.parse::<WorldId>().map(|world| world.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "g", "2", "g02", "g2.", "g2.o1", "g2.f1.f1", "g1.f1.o1.o1.o1.o1", "g+1"] {
            assert_eq!(text.parse::<WorldId>(), Err(NotAWorld), "{text:?}");
        }
    }

    #[test]
    fn a_renamed_fork_takes_its_own_forks_along() {
        let (from, to) = (WorldId::generation(2).fork(3), WorldId::generation(2).fork(0));
        assert_eq!(from.fork(1).renamed(from, to), Some(to.fork(1)));
        assert_eq!(from.renamed(from, to), Some(to));
        assert_eq!(WorldId::generation(2).fork(1).renamed(from, to), None);
        assert_eq!(from.fork(1).parent(), Some(from));
    }
}
