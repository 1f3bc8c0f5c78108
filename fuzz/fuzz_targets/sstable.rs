//! A table of any blocks: read whole, or found damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_sim::system_seawall::fuzz::table;

fuzz_target!(|bytes: &[u8]| {
    if let Err(why) = table(bytes) {
        panic!("{why}");
    }
});
