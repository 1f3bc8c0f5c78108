//! The store's interface against a map, without crashes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_sim::system_seawall::fuzz::interface;

fuzz_target!(|bytes: &[u8]| {
    if let Err(why) = interface(bytes) {
        panic!("{why}");
    }
});
