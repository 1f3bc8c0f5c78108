//! Which cells of the map the default sweep must reach: those of every call that changes the log, the
//! manifest or a table, but for the ones listed here with their reason.

use seawall_os::site::{Operation, Site};

use crate::disk::{Effect, Moment};
use crate::driver::{MOMENTS, Map};

use Effect::{Early, Lost, Torn};
use Moment::{After, Before, During};
use Operation::{Allocate, Open, Remove, Rename, SetLen, SyncAll, SyncData, WriteAt};

/// The classes of files whose every call counts.
const CLASSES: [&str; 3] = ["wal", "manifest", "table"];

/// Calls of the store that no sweep may leave out, whatever else it meets.
const SITES: [&str; 24] = [
    "close/manifest/write_at",
    "close/wal/write_at",
    "commit/wal/sync_data",
    "commit/wal/write_at",
    "compact/manifest/write_at",
    "compact/table/open",
    "compact/table/sync_all",
    "compact/table/write_at",
    "create/manifest/write_at",
    "create/wal/write_at",
    "flush/manifest/write_at",
    "flush/table/sync_all",
    "flush/table/write_at",
    "gc/table/remove",
    "gc/wal/remove",
    "mark/wal/write_at",
    "open/manifest/write_at",
    "relog/wal/write_at",
    "roll/manifest/write_at",
    "rotate/wal/write_at",
    "spare/wal/allocate",
    "sweep/table/remove",
    "sweep/wal/remove",
    "trim/manifest/write_at",
];

/// Cells that may stay empty.
struct Excused {
    /// Of these scopes, or of all when there is none.
    scopes: &'static [&'static str],
    operations: &'static [Operation],
    moments: &'static [Moment],
    effects: &'static [Effect],
    why: &'static str,
}

const ANY: &[&str] = &[];

const EXCUSED: &[Excused] = &[
    // What cannot be.
    Excused {
        scopes: ANY,
        operations: &[Open, Rename, Remove],
        moments: &MOMENTS,
        effects: &[Torn],
        why: "a name is there or not",
    },
    Excused {
        scopes: ANY,
        operations: &[Open, Rename, Remove, WriteAt, SetLen, Allocate],
        moments: &[Before],
        effects: &[Lost, Torn],
        why: "nothing of the call has been done; what goes is of an earlier one",
    },
    Excused {
        scopes: ANY,
        operations: &[SyncData],
        moments: &[After],
        effects: &[Lost, Torn],
        why: "what a sync covered stays",
    },
    Excused {
        scopes: ANY,
        operations: &[SyncAll],
        moments: &[After],
        effects: &[Torn],
        why: "what a sync covered stays; only the file's name may go",
    },
    Excused {
        scopes: &["verify", "open"],
        operations: &[Open],
        moments: &MOMENTS,
        effects: &[Lost],
        why: "the file is opened to be read",
    },
    // What can be, and hardly ever is.
    Excused {
        scopes: ANY,
        operations: &[Open, Remove, WriteAt, Allocate, SyncData, SyncAll],
        moments: &[Before],
        effects: &[Early],
        why: "little else is pending, and it seldom goes alone",
    },
    Excused {
        scopes: &["create", "close", "rotate", "roll", "trim"],
        operations: &[Open, Remove, WriteAt, Allocate, SyncData, SyncAll],
        moments: &MOMENTS,
        effects: &[Early],
        why: "hardly anything else is pending then",
    },
    Excused {
        scopes: &["create", "close", "rotate", "mark"],
        operations: &[WriteAt, SyncData],
        moments: &[Before, After],
        effects: &[Torn],
        why: "what is written lies in one sector, which one power loss of many tears",
    },
    Excused {
        scopes: &["create", "close", "rotate", "mark"],
        operations: &[SyncData],
        moments: &[During],
        effects: &[Torn],
        why: "what is written lies in one sector, which one power loss of many tears",
    },
    Excused {
        scopes: &["compact", "flush", "rotate", "open"],
        operations: &[Remove],
        moments: &MOMENTS,
        effects: &Effect::ALL,
        why: "only a job that failed removes what it had begun",
    },
];

/// Why a cell may stay empty, if it may.
pub fn excuse(site: Site, moment: Moment, effect: Effect) -> Option<&'static str> {
    let fits = |excused: &&Excused| {
        (excused.scopes.is_empty() || excused.scopes.contains(&site.scope.name()))
            && excused.operations.contains(&site.operation)
            && excused.moments.contains(&moment)
            && excused.effects.contains(&effect)
    };
    EXCUSED.iter().find(fits).map(|excused| excused.why)
}

/// What was to be reached and was not: `commit/wal/write_at during torn`, or a site as a whole.
pub fn empty(map: &Map) -> Vec<String> {
    let reached: Vec<String> = map.sites().map(|site| site.to_string()).collect();
    let missing = SITES.iter().filter(|site| !reached.iter().any(|reached| reached == *site));
    let mut empty: Vec<String> = missing.map(|site| (*site).to_owned()).collect();
    let counts =
        |site: &Site| CLASSES.contains(&site.class.name()) && site.operation.changes_disk();
    for site in map.sites().filter(counts) {
        for moment in MOMENTS {
            for effect in Effect::ALL {
                let is_due = excuse(site, moment, effect).is_none();
                if is_due && map.struck(site, moment, effect) == 0 {
                    empty.push(format!("{site} {} {}", moment.name(), effect.name()));
                }
            }
        }
    }
    empty
}

#[cfg(test)]
mod tests {
    use seawall_os::site::{FileClass, Scope};

    use super::*;

    #[test]
    fn an_empty_map_misses_every_site() {
        assert_eq!(empty(&Map::default()), SITES);
    }

    #[test]
    fn what_cannot_be_is_not_asked_for() {
        let site = |scope, operation| Site {
            scope: Scope::new(scope),
            class: FileClass::of_name("000002.wal"),
            operation,
        };
        assert!(excuse(site("commit", SyncData), After, Lost).is_some());
        assert!(excuse(site("commit", SyncData), During, Lost).is_none());
        assert!(excuse(site("commit", WriteAt), During, Torn).is_none());
        assert!(excuse(site("gc", Remove), During, Torn).is_some());
        assert!(excuse(site("gc", Remove), During, Lost).is_none());
        assert!(excuse(site("flush", Remove), During, Lost).is_some());
    }
}
