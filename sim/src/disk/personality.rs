//! What a kind of file system may do in a power loss, as data.

use std::fmt;
use std::str::FromStr;

/// The rules of survival that a disk plays by.
///
/// A parameter set, not a kind of code: survival reads these fields and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Personality {
    /// A sector may be cut at any byte, not only kept or lost whole.
    pub tear_bytes: bool,
    /// Bytes that no sync ever covered may hold what earlier files held, or noise.
    pub garbage: bool,
    /// The two halves of a rename survive or vanish together.
    pub rename_pair_atomic: bool,
}

impl Personality {
    /// The strictest reading of POSIX: whatever is not forbidden happens.
    pub const POSIX: Personality =
        Personality { tear_bytes: true, garbage: true, rename_pair_atomic: false };
}

impl Default for Personality {
    fn default() -> Personality {
        Personality::POSIX
    }
}

/// `tear_bytes=1 garbage=1 rename_pair_atomic=0`
impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tear_bytes={} garbage={} rename_pair_atomic={}",
            u8::from(self.tear_bytes),
            u8::from(self.garbage),
            u8::from(self.rename_pair_atomic)
        )
    }
}

impl FromStr for Personality {
    type Err = String;

    fn from_str(text: &str) -> Result<Personality, String> {
        let mut personality = Personality::POSIX;
        super::config::read(text, |key, value| {
            let flag = match key {
                "tear_bytes" => &mut personality.tear_bytes,
                "garbage" => &mut personality.garbage,
                "rename_pair_atomic" => &mut personality.rename_pair_atomic,
                _ => return false,
            };
            *flag = value != 0;
            true
        })?;
        Ok(personality)
    }
}
