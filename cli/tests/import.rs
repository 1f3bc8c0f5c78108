//! `import`: what it takes, what it acknowledges, and that a kill loses nothing acknowledged.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use binary::{Scratch, lines, signal};

#[test]
fn each_batch_is_acknowledged_also_when_stderr_is_no_terminal() {
    let scratch = Scratch::new();
    scratch.write("lines", lines(0..25));
    let answer = scratch.run("import --batch 10 lines --quiet");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(answer.stderr, "acknowledged 10\nacknowledged 20\nacknowledged 25\n");
    assert_eq!(scratch.fine("count"), "25\n");
}

#[test]
fn what_scan_prints_import_reads() {
    let scratch = Scratch::new();
    let mixed = "{\"key\":{\"b64\":\"/w==\"},\"value\":\"\"}\n\n\
                 {\"value\":\"caf\\u00e9\",\"key\":\"b\"}\r\n{\"key\":\"a\",\"value\":\"no line end\"}";
    let answer = scratch.run_with("import - --output json", mixed);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let report: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!((&report["imported"], &report["lines"]), (&3.into(), &4.into()), "{report}");
    for form in ["", "--hex"] {
        let printed = scratch.fine(&format!("scan --output json {form}"));
        let answer = scratch.run_with(&format!("--db copy import - {form}"), &printed);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert_eq!(scratch.fine(&format!("--db copy scan --output json {form}")), printed);
    }
}

#[test]
fn a_malformed_line_ends_the_import_and_what_came_before_stays() {
    let scratch = Scratch::new();
    scratch.write("lines", format!("{}{{\"key\":\"x\"}}\n{}", lines(0..17), lines(20..30)));
    let answer = scratch.run("import --batch 10 lines");
    assert_eq!((answer.code, &*answer.stdout), (Some(1), ""), "{answer:?}");
    let what = "line 18, column 11: missing field `value`; 17 entries before it are imported";
    assert!(answer.stderr.contains(what), "{answer:?}");
    assert!(answer.stderr.contains("next: mend line 18 and import from there on"), "{answer:?}");
    assert_eq!(scratch.fine("count"), "17\n");
}

#[test]
fn a_producer_that_waits_for_its_acknowledgement_gets_it() {
    let scratch = Scratch::new();
    let mut import = scratch.start("import --batch 1 -");
    let mut input = import.stdin.take().expect("piped");
    let mut talk = import.stderr.take().expect("piped");
    for n in 0..3 {
        input.write_all(lines(n..n + 1).as_bytes()).expect("it reads");
        let expected = format!("acknowledged {}\n", n + 1);
        let mut said = vec![0; expected.len()];
        talk.read_exact(&mut said).expect("it answers before the next line");
        assert_eq!(String::from_utf8_lossy(&said), expected);
    }
    drop(input);
    assert_eq!(import.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_pause_ends_a_batch_and_what_came_before_it_is_there_after_a_kill() {
    let scratch = Scratch::new();
    let mut import = scratch.start("import -");
    let mut input = import.stdin.take().expect("piped");
    let mut talk = BufReader::new(import.stderr.take().expect("piped"));
    // The start of a line is none; the rest comes after the pause.
    let (whole, rest) = (lines(0..3), lines(3..4));
    let (start, end) = rest.split_at(5);
    for (written, acknowledged) in [(format!("{whole}{start}"), 3), (end.to_owned(), 4)] {
        input.write_all(written.as_bytes()).expect("it reads");
        let mut said = String::new();
        // Three lines may come in two reads, with a pause of ours between them.
        while said != format!("acknowledged {acknowledged}\n") {
            said.clear();
            talk.read_line(&mut said).expect("it talks");
            assert!(said.starts_with("acknowledged "), "{said}");
        }
    }
    import.kill().expect("SIGKILL");
    import.wait().expect("it ends");
    assert_eq!(scratch.fine("count"), "4\n");
}

#[test]
fn one_entry_is_one_entry() {
    let scratch = Scratch::new();
    let answer = scratch.run_with("import -", lines(0..1));
    assert!(answer.stderr.contains("\nimported 1 entry in "), "{answer:?}");
    let answer = scratch.run_with("import -", format!("{}x\n", lines(0..1)));
    assert!(answer.stderr.contains("; 1 entry before it is imported and stays"), "{answer:?}");
    assert!(scratch.run("export lines").stderr.starts_with("exported 1 entry in "));
}

#[test]
fn an_interrupt_keeps_and_reports_what_was_imported() {
    let scratch = Scratch::new();
    let mut import = scratch.start("import --batch 10 --output json -");
    let mut input = import.stdin.take().expect("piped");
    input.write_all(lines(0..15).as_bytes()).expect("it reads");
    let mut said = [0; 16];
    import.stderr.as_mut().expect("piped").read_exact(&mut said).expect("it answers");
    assert_eq!(&said, b"acknowledged 10\n");
    // Its stdin stays open: it must not wait for more input.
    signal(import.id(), "INT");
    let output = import.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["interrupted"], true);
    drop(input);
    // It comes at any line after the tenth: those read before it are there, and no others.
    let imported = report["imported"].as_u64().expect("a number");
    assert!((10..=15).contains(&imported), "{report}");
    assert_eq!(report["lines"], imported);
    assert_eq!(scratch.fine("count"), format!("{imported}\n"));
    assert_eq!(
        scratch.fine("scan --keys-only --reverse --limit 1"),
        format!("k{:06}\n", imported - 1)
    );
}

/// Draws numbers that follow from the seed (SplitMix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

const KILLS: u64 = 200;
const BATCH: u64 = 10;

/// Starts an import of more than it can do and kills it, one time in four at any moment from its start
/// on, else some moments after an acknowledgement. Returns how many entries were acknowledged.
fn import_and_kill(scratch: &Scratch, round: u64, draws: &mut Draws) -> u64 {
    scratch.write("lines", lines(round * 10_000..(round + 1) * 10_000));
    let mut import = scratch.start("import --batch lines");
    let mut talk = BufReader::new(import.stderr.take().expect("piped"));
    let acknowledgements = if draws.below(4) == 0 { 0 } else { 1 + draws.below(30) };
    let mut said: Vec<String> = Vec::new();
    for _ in 0..acknowledgements {
        let mut line = String::new();
        talk.read_line(&mut line).expect("it talks");
        said.push(line);
    }
    let delay = draws.below(if acknowledgements == 0 { 40_000 } else { 3_000 });
    std::thread::sleep(Duration::from_micros(delay));
    import.kill().expect("SIGKILL");
    import.wait().expect("it ends");
    let mut rest = String::new();
    talk.read_to_string(&mut rest).expect("what it said before the kill");
    said.extend(rest.split_inclusive('\n').map(str::to_owned));
    // A line that was cut off by the kill is no acknowledgement.
    let last = said.iter().rev().find_map(|line| {
        line.strip_prefix("acknowledged ").and_then(|line| line.strip_suffix('\n'))
    });
    last.map_or(0, |number| number.parse().expect("a number"))
}

#[test]
fn two_hundred_kills_lose_nothing_that_was_acknowledged() {
    let seed = std::env::var("SEAWALL_KILL_SEED").map_or(7, |text| text.parse().expect("a number"));
    println!("killing at times drawn from seed {seed}: SEAWALL_KILL_SEED={seed} repeats them");
    let mut draws = Draws(seed);
    let scratch = Scratch::new();
    let mut promised: BTreeMap<u64, u64> = BTreeMap::new();
    for round in 0..KILLS {
        promised.insert(round, import_and_kill(&scratch, round, &mut draws));
        if round % 10 == 9 {
            check_promises(&scratch, &promised);
        }
    }
    let total: u64 = promised.values().sum();
    println!("{total} entries were acknowledged and are there");
}

/// Each round's entries are there up to the last acknowledged one, and beyond it only whole batches.
fn check_promises(scratch: &Scratch, promised: &BTreeMap<u64, u64>) {
    if !scratch.path().join("seawall-db").exists() {
        assert!(promised.values().all(|count| *count == 0));
        return;
    }
    let answer = scratch.run("scan --output json");
    assert!(answer.code == Some(0) || answer.stderr.contains("no database"), "{}", answer.stderr);
    let mut found: BTreeMap<u64, u64> = BTreeMap::new();
    for line in answer.stdout.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let key: u64 = entry["key"].as_str().expect("text")[1..].parse().expect("a number");
        assert_eq!(entry["value"], format!("v{key}"), "the value of k{key:06}");
        let (round, index) = (key / 10_000, key % 10_000);
        let before = found.insert(round, index + 1).unwrap_or(0);
        assert_eq!(before, index, "round {round} has a hole before k{key:06}");
    }
    for (round, acknowledged) in promised {
        let there = found.get(round).copied().unwrap_or(0);
        assert!(
            there >= *acknowledged,
            "round {round}: {acknowledged} acknowledged, {there} found"
        );
        assert_eq!(there % BATCH, 0, "round {round}: a batch was torn, {there} entries found");
    }
}
