//! `sim run --coverage`: in how many seeds each thing happened, and the map of crashes.

use std::collections::BTreeMap;
use std::fmt;

use seawall_sim::disk::Effect;
use seawall_sim::driver::{MOMENTS, Took};
use seawall_sim::explore::{self, reach};
use seawall_sim::numbers::short;
use serde::{Deserialize, Serialize};

/// Where a sweep has been.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Coverage {
    /// Of a hundred seeds, those in which it struck, by class of fault or name of event.
    pub(crate) activation: BTreeMap<String, u64>,
    /// The cells of the map that are not empty.
    pub(crate) cells: Vec<Cell>,
    /// The cells of log, manifest and tables that can be reached and are empty.
    pub(crate) empty: Vec<String>,
}

/// A site, a moment, and what became of the call's work.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) site: String,
    pub(crate) moment: String,
    pub(crate) effect: String,
    /// How many crashes, by what the next open found.
    pub(crate) all: u64,
    pub(crate) less: u64,
    pub(crate) again: u64,
}

impl Coverage {
    pub(crate) fn of(summary: &explore::Summary) -> Coverage {
        let share = |name: &&'static str| summary.percent(name).unwrap_or(0);
        let names = summary.happened.iter().map(|(name, _)| *name);
        let map = &summary.counts.map;
        let mut cells = Vec::new();
        for site in map.sites() {
            for moment in MOMENTS {
                for effect in Effect::ALL {
                    let [all, less, again] =
                        Took::ALL.map(|took| map.count(site, moment, effect, took));
                    if all + less + again > 0 {
                        cells.push(Cell {
                            site: site.to_string(),
                            moment: moment.name().to_owned(),
                            effect: effect.name().to_owned(),
                            all,
                            less,
                            again,
                        });
                    }
                }
            }
        }
        Coverage {
            activation: names.map(|name| (name.to_owned(), share(&name))).collect(),
            cells,
            empty: reach::empty(map),
        }
    }
}

const LEGEND: &str = "\
the map: crashes at a call, by what became of its work; of each, those after which the next open found
all that was acknowledged / less / nothing yet, as it crashed or failed itself. Early is work that survived
ahead of its turn: something done before it did not
";

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "of a hundred seeds, those in which it happened")?;
        for (name, percent) in &self.activation {
            writeln!(f, "  {name:<20} {percent:>3}")?;
        }
        write!(f, "{LEGEND}")?;
        let width = self.cells.iter().map(|cell| cell.site.len()).max().unwrap_or(4);
        write!(f, "  {:<width$} {:<6}", "site", "when")?;
        Effect::ALL.iter().try_for_each(|effect| write!(f, " {:>17}", effect.name()))?;
        writeln!(f)?;
        for row in self.cells.chunk_by(|a, b| (&a.site, &a.moment) == (&b.site, &b.moment)) {
            write!(f, "  {:<width$} {:<6}", row[0].site, row[0].moment)?;
            for effect in Effect::ALL {
                let cell = row.iter().find(|cell| cell.effect == effect.name());
                let shown = cell.map_or("-".to_owned(), |Cell { all, less, again, .. }| {
                    format!("{}/{}/{}", short(*all), short(*less), short(*again))
                });
                write!(f, " {shown:>17}")?;
            }
            writeln!(f)?;
        }
        match &*self.empty {
            [] => writeln!(f, "no cell of log, manifest and tables that can be reached is empty"),
            empty => {
                writeln!(f, "cells of log, manifest and tables that are empty")?;
                empty.iter().try_for_each(|cell| writeln!(f, "  {cell}"))
            }
        }
    }
}
