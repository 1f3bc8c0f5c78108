//! What the rules say of syncs that fail, and of kills, for the model of the table.

use std::collections::BTreeSet;

use super::model::{Node, Put, Shown, World};
use crate::disk::FailedSync;

/// What becomes of one thing that a failed sync was to cover; `None` is that it is still dirty.
type Fate = Option<Shown>;

impl World {
    fn fates(&self) -> &'static [Fate] {
        match self.rules.failed_sync {
            FailedSync::FourWays => {
                &[None, Some(Shown::New), Some(Shown::Old), Some(Shown::NewUntilEvicted)]
            }
            FailedSync::OldAfterEviction => &[Some(Shown::NewUntilEvicted)],
            FailedSync::Reverts => &[Some(Shown::Old)],
        }
    }

    pub(super) fn fail(mut self, node: Node) -> Vec<World> {
        let sectors: BTreeSet<_> = self.files[&node].puts.iter().map(|it| it.at).collect();
        self.now += 1;
        let fates = self.fates();
        let mut worlds = vec![self];
        for at in sectors {
            worlds = each(&worlds, fates, |world, fate| world.fail_sector(node, at, fate));
        }
        if worlds[0].files[&node].sizes.is_empty() {
            return worlds;
        }
        each(&worlds, fates, |world, fate| {
            let file = world.files.get_mut(&node).expect("it is a file");
            if fate.is_some() {
                file.doubted_sizes.extend(file.sizes.drain(..).map(|(_, size)| size));
            }
        })
    }

    fn fail_sector(&mut self, node: Node, at: usize, fate: Fate) {
        let file = self.files.get_mut(&node).expect("it is a file");
        let Some(shown) = fate else { return };
        let is_unborn = at >= file.durable.len();
        let (failed, kept) = file.puts.drain(..).partition::<Vec<_>, _>(|it| it.at == at);
        file.puts = kept;
        file.doubted.extend(failed.into_iter().map(|it| Put { shown, is_unborn, ..it }));
    }

    pub(super) fn fail_dir(mut self, node: Node) -> Vec<World> {
        self.now += 1;
        let failing =
            self.names.iter().filter(|((at, _), it)| *at == node && !it.changes.is_empty());
        let failing: Vec<_> = failing.map(|(key, _)| key.clone()).collect();
        let fates = self.fates();
        let mut worlds = vec![self];
        for key in failing {
            worlds = each(&worlds, fates, |world, fate| {
                let name = world.names.get_mut(&key).expect("it was just there");
                if let Some(shown) = fate {
                    name.doubted.extend(name.changes.drain(..).map(|change| change.to));
                    name.shown = Some(shown);
                }
            });
        }
        worlds
    }

    /// What a kill leaves: the cache may have let go of what it alone held.
    pub(super) fn after_kill(&self) -> BTreeSet<String> {
        let mut worlds = vec![self.clone()];
        for (node, file) in &self.files {
            let held = file.doubted.iter().filter(|it| it.shown == Shown::NewUntilEvicted);
            let sectors: BTreeSet<_> = held.map(|it| it.at).collect();
            for at in sectors {
                worlds = each(&worlds, &[None, Some(Shown::Old)], |world, fate| {
                    let file = world.files.get_mut(node).expect("it is a file");
                    let held = |it: &&mut Put| it.at == at && it.shown == Shown::NewUntilEvicted;
                    let lets_go = file.doubted.iter_mut().filter(held);
                    lets_go.for_each(|it| it.shown = fate.unwrap_or(it.shown));
                });
            }
        }
        for (key, name) in &self.names {
            if name.shown == Some(Shown::NewUntilEvicted) && !name.doubted.is_empty() {
                worlds = each(&worlds, &[None, Some(Shown::Old)], |world, fate| {
                    let name = world.names.get_mut(key).expect("it is the same world");
                    name.shown = fate.or(name.shown);
                });
            }
        }
        worlds.iter().map(World::seen).collect()
    }
}

fn each(worlds: &[World], fates: &[Fate], change: impl Fn(&mut World, Fate)) -> Vec<World> {
    let mut changed = Vec::new();
    for world in worlds {
        for fate in fates {
            let mut world = world.clone();
            change(&mut world, *fate);
            changed.push(world);
        }
    }
    changed
}
