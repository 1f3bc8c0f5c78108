//! What the documents promise is tested, and they say where.
//!
//! A test is named by a Markdown link whose text is the function and whose target is its file:
//! ``[`a_lock_follows_the_file`](os/tests/fs_agree.rs)``. This test demands one
//!
//! - in the last cell of each row of the table under the heading "What survives what" of `README.md`;
//! - in the last cell of each row of the table under the heading "The contract" of
//!   `docs/crash-contract.md`;
//! - in each item of the list under the heading "Invariants" of `ARCHITECTURE.md`,
//!
//! and that each link of this form, anywhere in the two or in `docs/`, leads to a test that exists, and
//! every other link to a file that does.
#![allow(clippy::disallowed_methods, reason = "reads the documents; not simulated")]

mod source;

use std::path::Path;

use source::{Source, root};

#[test]
fn every_promise_of_the_readme_names_its_test() {
    assert_none(&check(
        "README.md",
        &read("README.md"),
        "What survives what",
        Form::Table,
        in_root,
    ));
}

#[test]
fn every_invariant_of_the_architecture_names_its_test() {
    let text = read("ARCHITECTURE.md");
    assert!(text.contains("## Invariants"), "ARCHITECTURE.md has no invariants");
    assert_none(&check("ARCHITECTURE.md", &text, "Invariants", Form::List, in_root));
}

#[test]
fn every_row_of_the_crash_contract_names_its_test() {
    let page = "docs/crash-contract.md";
    assert_none(&check(page, &read(page), "The contract", Form::Table, in_docs));
}

#[test]
fn every_test_that_a_page_of_the_documents_names_exists() {
    for page in pages() {
        assert_none(&check(&page, &read(&page), "", Form::List, in_docs));
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let mut all = pages();
    all.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned));
    let mut missing = Vec::new();
    for name in all {
        let text = read(&name);
        let folder = root().join(&name).parent().map(Path::to_path_buf).unwrap_or_default();
        missing.extend(dead_links(&text, &folder).map(|target| format!("{name}: {target}")));
    }
    assert!(missing.is_empty(), "links that lead nowhere:\n{}", missing.join("\n"));
}

/// The files of `docs/`, by their paths from the root.
fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).expect("there are documents");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("readable").file_name().to_string_lossy().into_owned()
    };
    let mut pages: Vec<_> = entries.map(name).filter(|name| name.ends_with(".md")).collect();
    pages.sort();
    assert!(!pages.is_empty(), "docs/ holds no page");
    pages.iter().map(|name| format!("docs/{name}")).collect()
}

/// The targets of links in this project, seen from `folder`, that are not there.
fn dead_links<'a>(text: &'a str, folder: &Path) -> impl Iterator<Item = &'a str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let here = targets.map(|(target, _)| target).filter(|target| !target.contains("://"));
    let folder = folder.to_owned();
    here.filter(move |target| {
        let file = target.split('#').next().unwrap_or(target);
        !folder.join(file).exists()
    })
}

/// A document that is not there yet promises nothing.
fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_default()
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} promises are not tested:\n{}", found.len(), found.join("\n"));
}

/// How the promises of a section are written down.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Rows of a table, the test in the last cell.
    Table,
    /// Items of a list, which go on over indented lines.
    List,
}

/// A promise or another piece of the document, with the line it begins on.
struct Passage {
    text: String,
    line: usize,
    is_promise: bool,
}

/// A test as a document names it.
#[derive(Debug, PartialEq)]
struct Named {
    function: String,
    file: String,
}

/// What is wrong in a document: promises without a test, and tests that do not exist.
fn check(
    name: &str,
    text: &str,
    section: &str,
    form: Form,
    exists: impl Fn(&Named) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for passage in passages(text, section, form) {
        let tests = links(&passage.text);
        if passage.is_promise && tests.is_empty() {
            let start: String = passage.text.chars().take(60).collect();
            found.push(format!("{name}:{}: names no test: {start}", passage.line));
        }
        for test in tests.iter().filter(|test| !exists(test)) {
            let Named { function, file } = test;
            found.push(format!("{name}:{}: there is no test {function} in {file}", passage.line));
        }
    }
    found
}

/// Cuts a document into promises and other lines.
fn passages(text: &str, section: &str, form: Form) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let (mut inside, mut in_table) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            inside = line.trim_start_matches('#').trim() == section;
        }
        let is_row = line.starts_with('|');
        // A table begins with its head and a rule.
        let is_promise = match form {
            Form::Table => {
                is_row && in_table && !line.starts_with("|-") && !line.starts_with("| -")
            }
            Form::List => line.starts_with("- "),
        };
        in_table = is_row;
        match passages.last_mut() {
            Some(last) if form == Form::List && last.is_promise && line.starts_with("  ") => {
                last.text.push_str(line);
            }
            _ => {
                let text = if form == Form::Table { last_cell(line) } else { line };
                passages.push(Passage {
                    text: if is_promise && inside { text } else { line }.to_owned(),
                    line: index + 1,
                    is_promise: is_promise && inside,
                });
            }
        }
    }
    passages
}

fn last_cell(row: &str) -> &str {
    row.trim().trim_end_matches('|').rsplit('|').next().unwrap_or(row).trim()
}

/// Every ``[`function`](file.rs)`` in a text.
fn links(text: &str) -> Vec<Named> {
    let candidates = text.split("[`").skip(1);
    let named = candidates.filter_map(|rest| {
        let (function, rest) = rest.split_once("`](")?;
        let (target, _) = rest.split_once(')')?;
        let file = target.split('#').next().unwrap_or(target);
        let a_function = function.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        (a_function && file.ends_with(".rs"))
            .then(|| Named { function: function.to_owned(), file: file.to_owned() })
    });
    named.collect()
}

/// Whether the test is where a document in the root says.
fn in_root(test: &Named) -> bool {
    exists(&test.file, &test.function)
}

/// Whether the test is where a page of `docs/` says.
fn in_docs(test: &Named) -> bool {
    exists(&format!("docs/{}", test.file), &test.function)
}

/// Whether the file has a function of that name marked as a test.
fn exists(file: &str, function: &str) -> bool {
    let path = root().join(file);
    path.is_file() && has_test(&Source::read(&path), function)
}

/// Finds `#[test]`, other attributes, `fn name`.
fn has_test(source: &Source, function: &str) -> bool {
    let texts: Vec<&str> = source.tokens.iter().map(|token| token.text.as_str()).collect();
    texts.windows(2).enumerate().any(|(at, pair)| {
        let item = texts[..at].iter().rposition(|text| ["}", ";", "{"].contains(text));
        let attributes = &texts[item.map_or(0, |item| item + 1)..at];
        pair == ["fn", function]
            && attributes.windows(4).any(|four| four == ["#", "[", "test", "]"])
    })
}

#[test]
fn a_row_without_a_test_is_found_with_its_line() {
    let text = "# Name\n\n| a | b |\n|---|---|\n| no | promise |\n\n## What survives what\n\n\
                | after | what | test |\n|---|---|---|\n\
                | a kill | all | [`is_there`](tests/a.rs) |\n\
                | a [`is_there`](tests/a.rs) | all | later |\n\
                | a cut | all | [`is_there`](tests/a.rs), [`is_not`](tests/a.rs#L3) |\n";
    let found = check("README.md", text, "What survives what", Form::Table, |test| {
        test.function == "is_there"
    });
    assert_eq!(
        found,
        [
            "README.md:12: names no test: later",
            "README.md:13: there is no test is_not in tests/a.rs"
        ]
    );
}

#[test]
fn an_item_without_a_test_is_found_with_its_line() {
    let text = "## Code map\n- `os`: not a promise [`Vfs`](os/src/vfs/mod.rs)\n\n## Invariants\n\nText.\n\n\
                - One thing holds\n  over two lines ([`is_there`](tests/a.rs)).\n\
                - Another holds.\n\n## Layers\n- none\n";
    let found = check("A.md", text, "Invariants", Form::List, |test| test.function == "is_there");
    assert_eq!(
        found,
        [
            "A.md:2: there is no test Vfs in os/src/vfs/mod.rs",
            "A.md:10: names no test: - Another holds."
        ]
    );
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "[a](tests/promises.rs#L3) [b](https://none) [`c`](tests/none.rs) [d](docs)";
    let dead: Vec<_> = dead_links(text, &root()).collect();
    assert_eq!(dead, ["tests/none.rs"]);
}

#[test]
fn only_a_marked_function_counts_as_a_test() {
    let source = Source::parse(
        "tests/a.rs",
        "#[test] fn a() {} fn b() {} #[test] #[should_panic] fn c() {} \
         proptest! { #[test] fn d(x in 0..1) {} } // #[test] fn e() {}\n",
    );
    let found = ["a", "b", "c", "d", "e"].map(|name| has_test(&source, name));
    assert_eq!(found, [true, false, true, true, false]);
}
