//! Storms on the store: a small fixed set of seeds, each twice. `SEAWALL_SEED=N` and
//! `SEAWALL_SEEDS=A..B` in the environment run others in its place.

use seawall_sim::check;
use seawall_sim::system_seawall::Seawall;

#[test]
fn the_store_survives_the_usual_storms() {
    check::<Seawall>().seeds(0..60).jobs(2).run();
}
