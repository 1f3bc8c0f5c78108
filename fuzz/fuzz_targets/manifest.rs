//! A manifest that goes on, or begins, as the fuzzer likes: opened, or found damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_sim::system_seawall::fuzz::manifest;

fuzz_target!(|bytes: &[u8]| {
    if let Err(why) = manifest(bytes) {
        panic!("{why}");
    }
});
