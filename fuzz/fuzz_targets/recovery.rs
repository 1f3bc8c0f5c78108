//! The whole storm as the fuzzer decides it: operations, schedule, faults, crashes, survivors.
//!
//! `seawall sim convert INPUT --to TAPE` makes a tape of what it has found, for `sim shrink`.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use seawall_sim::fuzz::storm;
use seawall_sim::system_seawall::Seawall;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    match storm::<Seawall>(bytes) {
        None => Corpus::Reject,
        Some(ran) => match ran.failure {
            Some(failure) => panic!("{failure:#?}\n\n{}", ran.tape),
            None => Corpus::Keep,
        },
    }
});

/// Stacks of simulated tasks are made and dropped by the thousand; the sanitizer would keep a shadow of
/// each.
#[unsafe(no_mangle)]
pub extern "C" fn __asan_default_options() -> *const std::ffi::c_char {
    c"detect_stack_use_after_return=0".as_ptr()
}
