//! The whole storm on choices that the fuzzer gives: workload, schedule, faults, crashes, survivors.
//!
//! The first bytes say how much is done, all others are choices, two bytes each. A violation is told
//! with its tape, which `seawall sim replay` and `seawall sim shrink` take.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::{Corpus, fuzz_target};
use seawall_sim::driver::{Input, run};
use seawall_sim::system_seawall::Seawall;

/// How much is done. Little, so that the bytes reach to its end.
#[derive(Arbitrary, Debug)]
struct Head {
    operations: u8,
    generations: u8,
    images: u8,
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let mut bytes = Unstructured::new(bytes);
    let Ok(head) = Head::arbitrary(&mut bytes) else { return Corpus::Reject };
    let knobs = vec![
        ("operations".to_owned(), 1 + u64::from(head.operations) % 64),
        ("generations".to_owned(), 1 + u64::from(head.generations) % 3),
        ("images_max".to_owned(), u64::from(head.images) % 4),
        ("open_images_max".to_owned(), u64::from(head.images) % 3),
        // What is scattered in memory is cheap to look at.
        ("disk_kib".to_owned(), 4_096),
    ];
    let ran = run::<Seawall>(&Input::Bytes(bytes.take_rest().to_vec(), knobs)).expect("no tape");
    if let Some(failure) = ran.failure {
        panic!("{failure:#?}\n\n{}", ran.tape);
    }
    Corpus::Keep
});

/// Stacks of simulated tasks are made and dropped by the thousand; the sanitizer would keep a shadow of
/// each.
#[unsafe(no_mangle)]
pub extern "C" fn __asan_default_options() -> *const std::ffi::c_char {
    c"detect_stack_use_after_return=0".as_ptr()
}
