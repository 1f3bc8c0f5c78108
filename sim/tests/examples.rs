//! The examples do what they say: each finds its bug, and nothing once that is mended.

#[path = "../examples/journal.rs"]
#[expect(dead_code, reason = "an example has a main")]
mod journal;
#[path = "../examples/queue.rs"]
#[expect(dead_code, reason = "an example has a main")]
mod queue;

#[test]
#[should_panic(expected = "journal/name durable")]
fn the_journals_missing_barrier_is_found() {
    journal::sweep(false);
}

/// The page that tells the journal's story shows what is really printed.
#[test]
fn the_page_shows_the_block_that_is_printed() {
    let page = include_str!("../../docs/simulate.md");
    let panic = std::panic::catch_unwind(|| journal::sweep(false)).expect_err("it is found");
    let text = panic.downcast::<String>().expect("a panic with a text");
    let (block, rest) = text.trim_start().split_once("again  ").expect("how to run it again");
    assert!(block.lines().count() > 8, "{block}");
    assert!(page.contains(block), "docs/simulate.md lacks\n{block}");
    let readme = include_str!("../../README.md");
    let shown = readme.split_once("```text\nFAIL ").expect("README shows it").1;
    let shown = shown.split_once("```").expect("the end of the block").0;
    for line in shown.lines().filter(|line| *line != "  ..") {
        assert!(block.contains(line), "what is printed lacks {line}");
    }
    assert!(rest.contains("#[test]"), "{rest}");
    let tape = text.split_once("seawall tape 1").expect("a tape").1;
    let tape = tape.split_once("\"#").expect("the end of the tape").0;
    for line in tape.lines().filter(|line| !line.starts_with("config") && !line.is_empty()) {
        assert!(page.contains(line), "docs/simulate.md lacks\n{line}");
    }
}

/// The Rust on the page is that of the journal: each function of the glue, and the missing barrier.
#[test]
fn the_page_shows_the_journals_own_lines() {
    let page = include_str!("../../docs/simulate.md");
    let journal = include_str!("../examples/journal.rs");
    let is_piece = |line: &&str| line.ends_with("{ .. }") || line.contains("sync_dir(");
    let pieces: Vec<_> = page.lines().filter(is_piece).collect();
    assert_eq!(pieces.len(), 4, "{pieces:?}");
    for piece in pieces {
        let piece = piece.trim().trim_end_matches("{ .. }");
        assert!(journal.contains(piece), "sim/examples/journal.rs lacks {piece}");
    }
}

#[test]
fn the_journal_with_its_barrier_holds() {
    journal::sweep(true);
}

#[test]
#[should_panic(expected = "the items in line")]
fn a_queue_without_turns_is_found() {
    queue::sweep(false);
}

#[test]
fn a_queue_in_turn_holds() {
    queue::sweep(true);
}
