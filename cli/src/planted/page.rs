//! The page of the documentation that says which planted bugs the storm finds: `docs/planted.md`.
//!
//! Between two marks stands a table with a row for each patch. Seeds and operations are in it, times are
//! not, so that on any machine the same tree makes the same table. A patch that was never measured has
//! dashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use seawall_sim::numbers::counted;

use super::patch::Patch;
use super::results::{Outcome, Row};
use crate::exit::Failure;

const BEGIN: &str = "<!-- the table: `seawall sim planted --page docs/planted.md` writes it -->\n";
const END: &str = "<!-- the end of the table -->\n";

const HEAD: &str = "| planted bug | the mistake | outcome | property | seeds | shrunk to |\n\
                    |---|---|---|---|---|---|\n";

/// What stands in a cell when there is nothing to say.
const NOTHING: &str = "-";

/// The cells of a row that were measured.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Measured {
    outcome: String,
    property: String,
    /// What each range took.
    seeds: String,
    shrunk: String,
}

/// Writes `rows` into the table of the page at `file`; what it says of other `patches` stays.
///
/// # Errors
/// The page cannot be read or written, or has no table.
pub(super) fn update(file: &Path, patches: &[Patch], rows: &[Row]) -> anyhow::Result<()> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let page = updated(&text, patches, rows).ok_or_else(|| {
        Failure::error(
            format!("{} has no place for the table", file.display()),
            "the page is docs/planted.md; two comments mark where its table begins and ends",
        )
    })?;
    fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))
}

fn updated(page: &str, patches: &[Patch], rows: &[Row]) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (table, after) = rest.split_once(END)?;
    let mut known = measured_before(table);
    known.extend(rows.iter().map(|row| (row.id.clone(), Measured::of(row))));
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", table_of(patches, &known)))
}

/// The rows of a table, by the names of the patches.
fn measured_before(table: &str) -> BTreeMap<String, Measured> {
    let rows = table.lines().filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let mut cells = line.rsplit(" | ").map(str::to_owned);
        let (shrunk, seeds) = (cells.next()?, cells.next()?);
        let (property, outcome) = (cells.next()?, cells.next()?);
        let id = line.split(" | ").next()?.to_owned();
        Some((id, Measured { outcome, property, seeds, shrunk }))
    });
    rows.collect()
}

fn table_of(patches: &[Patch], known: &BTreeMap<String, Measured>) -> String {
    let mut table = HEAD.to_owned();
    for patch in patches {
        let unknown = Measured::nothing();
        let Measured { outcome, property, seeds, shrunk } =
            known.get(&patch.id).unwrap_or(&unknown);
        let what = patch.what.replace('|', "\\|");
        let id = &patch.id;
        table.push_str(&format!(
            "| {id} | {what} | {outcome} | {property} | {seeds} | {shrunk} |\n"
        ));
    }
    table
}

impl Measured {
    fn nothing() -> Measured {
        let nothing = || NOTHING.to_owned();
        Measured { outcome: nothing(), property: nothing(), seeds: nothing(), shrunk: nothing() }
    }

    fn of(row: &Row) -> Measured {
        let outcome = match row.outcome() {
            Outcome::Found => "found",
            Outcome::Redundant => "redundant",
            Outcome::Missed => "**missed**",
            Outcome::NotRedundant => "**not redundant**",
            Outcome::Broken => "**no verdict**",
        };
        let first = row.ranges.iter().find(|sweep| sweep.killed);
        let property = first.and_then(|sweep| sweep.property.clone());
        let shrunk = first.and_then(|sweep| sweep.shrunk_operations);
        let seeds: Vec<String> = row
            .ranges
            .iter()
            .map(|sweep| if sweep.killed { sweep.seeds.to_string() } else { NOTHING.to_owned() })
            .collect();
        Measured {
            outcome: outcome.to_owned(),
            property: property.unwrap_or_else(|| NOTHING.to_owned()),
            seeds: seeds.join(", "),
            shrunk: shrunk
                .map_or(NOTHING.to_owned(), |count| counted(count, "operation", "operations")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::Sweep;
    use super::super::patch::{self, FOLDER};
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
    }

    fn patch(id: &str) -> Patch {
        Patch {
            id: id.to_owned(),
            path: format!("{id}.patch").into(),
            what: "a sync | is gone".to_owned(),
            oracle: None,
            blame: None,
            redundant: None,
            fast: false,
            caught_by: Vec::new(),
            text: String::new(),
        }
    }

    fn row(id: &str, seeds: u64) -> Row {
        let sweep = Sweep {
            from: 0,
            to: 2000,
            killed: true,
            seeds,
            cpu_seconds: 1.5,
            property: Some("O1".to_owned()),
            shrunk_operations: Some(3),
            blame: None,
            tape: None,
            broken: None,
        };
        Row::new(&patch(id), vec![sweep.clone(), Sweep { killed: false, ..sweep }])
    }

    #[test]
    fn the_page_has_a_row_for_each_patch_and_no_other() {
        let page = fs::read_to_string(root().join("docs/planted.md")).expect("it is there");
        let patches = patch::all(root(), FOLDER).expect("readable");
        let again = updated(&page, &patches, &[]).expect("it has a table");
        assert_eq!(
            page, again,
            "write it anew: seawall sim planted --resume --page docs/planted.md"
        );
    }

    #[test]
    fn what_was_not_measured_now_stays_as_it_was() {
        let patches = [patch("01-a"), patch("02-b"), patch("03-c")];
        let empty = format!("# Page\n\n{BEGIN}{END}\nAfter.\n");
        let first = updated(&empty, &patches, &[row("01-a", 2), row("02-b", 3)]).expect("a table");
        let second = updated(&first, &patches[1..], &[row("02-b", 7)]).expect("a table");
        let second = updated(&second, &patches, &[]).expect("a table");
        let rows: Vec<&str> = second.lines().filter(|line| line.starts_with("| 0")).collect();
        assert_eq!(
            rows,
            [
                "| 01-a | a sync \\| is gone | - | - | - | - |",
                "| 02-b | a sync \\| is gone | **missed** | O1 | 7, - | 3 operations |",
                "| 03-c | a sync \\| is gone | - | - | - | - |",
            ]
        );
        assert!(
            first.contains("| 01-a | a sync \\| is gone | **missed** | O1 | 2, - |"),
            "{first}"
        );
        assert!(second.starts_with("# Page\n") && second.ends_with("\nAfter.\n"), "{second}");
        assert_eq!(updated("no table here", &patches, &[]), None);
    }
}
