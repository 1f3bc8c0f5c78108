//! Three losses that happened to people: seeds find each, and the block that is printed explains it.

mod losses;

use std::panic::catch_unwind;

use losses::manifest::Manifest;
use losses::retried::Retried;
use losses::segments::Segments;
use seawall_sim::simple::{AppendLog, Log};
use seawall_sim::system::System;

/// What seeds find, as printed.
fn found<S: System>() -> String {
    let panic = catch_unwind(|| seawall_sim::check::<S>().seeds(0..300).operations(60).run());
    text_of(panic.expect_err("it is found"))
}

fn text_of(panic: Box<dyn std::any::Any + Send>) -> String {
    *panic.downcast::<String>().expect("a panic with a text")
}

/// The block that a tape prints, up to what is to be typed.
fn block_of<S: System>(tape: &str) -> String {
    let tape = tape.to_owned();
    let panic = catch_unwind(|| drop(seawall_sim::check::<S>().tape(&tape)));
    let text = text_of(panic.expect_err("it fails"));
    text.split_once("keep  ").expect("what to type").0.trim_start().to_owned()
}

/// The block's text with its lines joined.
fn says(text: &str, words: &str) -> bool {
    text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)
}

fn holds<L: AppendLog>() {
    seawall_sim::check::<Log<L>>().seeds(0..60).operations(60).run();
}

#[test]
fn what_is_printed_explains_each() {
    insta::assert_snapshot!(
        "an unlink before the rename is durable",
        block_of::<Log<Manifest<false>>>(include_str!("losses/manifest.tape"))
    );
    insta::assert_snapshot!(
        "a new log whose name was never synced",
        block_of::<Log<Segments<false>>>(include_str!("losses/segments.tape"))
    );
    insta::assert_snapshot!(
        "a sync that was retried and believed",
        block_of::<Log<Retried<false>>>(include_str!("losses/retried.tape"))
    );
}

#[test]
fn an_unlink_before_the_rename_is_durable() {
    let text = found::<Log<Manifest<false>>>();
    assert!(says(&text, "rename CURRENT.tmp to CURRENT"), "{text}");
    assert!(says(&text, "must be durable before remove MANIFEST-"), "{text}");
    holds::<Manifest<true>>();
}

#[test]
fn a_new_log_whose_name_was_never_synced() {
    let text = found::<Log<Segments<false>>>();
    assert!(says(&text, "must be durable before the ack of op"), "{text}");
    assert!(says(&text, "no sync_dir lies between"), "{text}");
    holds::<Segments<true>>();
}

#[test]
fn a_sync_that_was_retried_and_believed() {
    let text = found::<Log<Retried<false>>>();
    assert!(
        says(&text, "a sync that failed is not repeated by a later one that succeeds"),
        "{text}"
    );
    holds::<Retried<true>>();
}
