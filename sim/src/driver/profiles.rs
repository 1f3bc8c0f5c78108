//! Profiles: named sets of knobs, for runs that dwell on one kind of misfortune.

/// A named set of knobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What it is called on the command line: one word.
    pub name: &'static str,
    /// What it dwells on.
    pub about: &'static str,
    /// The knobs that are set, whatever a seed draws. The others are drawn.
    pub knobs: &'static [(&'static str, u64)],
}

/// All profiles. The first is the one that is meant when none is named.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "default", about: "everything, as the seed draws it", knobs: &[] },
    Profile {
        name: "media",
        about: "media decay: every second disk is opened with damage too",
        knobs: &[("media_one_in", 2), ("decay_one_in", 60)],
    },
    Profile {
        name: "full",
        about: "a small disk that others fill and leave, and calls that find no room",
        knobs: &[
            ("full_kib", 96),
            ("room_returns_one_in", 4),
            ("write_full_one_in", 60),
            ("sync_full_one_in", 200),
            ("allocate_full_one_in", 20),
            ("create_full_one_in", 40),
            ("fault_focus", 0),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::driver::knobs;
    use crate::system_seawall::Seawall;

    #[test]
    fn every_profile_sets_knobs_that_there_are() {
        for profile in PROFILES {
            let mut config = Config::calm(&knobs::<Seawall>());
            for (name, value) in profile.knobs {
                config.set(name, *value).expect("a knob of the driver");
            }
        }
        assert_eq!((PROFILES[0].name, PROFILES[0].knobs), ("default", &[][..]));
    }
}
