//! Few dependencies, each with a reason, under licences that let anybody use the store.
#![allow(clippy::disallowed_methods, reason = "reads the manifests; not simulated")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// How many the store itself may have, the seams not counted.
const STORE_MAX: usize = 12;

/// The title in `docs/dependencies.md` and the manifest of each crate.
const CRATES: [(&str, &str); 4] = [
    ("seawall", "Cargo.toml"),
    ("seawall-os", "os/Cargo.toml"),
    ("seawall-sim", "sim/Cargo.toml"),
    ("seawall-cli", "cli/Cargo.toml"),
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names under `[dependencies]`, without the crates of this workspace.
fn direct(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).expect("there are dependencies");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split([' ', '=', '.']).next());
    let names = names.filter(|name| !name.is_empty() && !name.starts_with('#'));
    names.filter(|name| !name.starts_with("seawall")).map(str::to_owned).collect()
}

/// The rows of a crate's table: name and reason.
fn rows(page: &str, title: &str) -> Vec<(String, String)> {
    let heading = format!("\n## `{title}`, ");
    let section = page.split(&heading).nth(1).unwrap_or_else(|| panic!("{title} has no section"));
    let section = section.split("\n## ").next().expect("a split has a first part");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| row.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(name, reason)| (name.to_owned(), reason.to_owned())).collect()
}

#[test]
fn each_dependency_has_a_reason() {
    let page = read("docs/dependencies.md");
    for (title, manifest) in CRATES {
        let rows = rows(&page, title);
        let named: BTreeSet<String> = rows.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(named, direct(&read(manifest)), "docs/dependencies.md against {manifest}");
        for (name, reason) in rows {
            assert!(reason.len() > 15, "{title} needs {name} for {reason:?}");
        }
    }
}

#[test]
fn the_store_has_few() {
    let direct = direct(&read("Cargo.toml"));
    assert!(!direct.is_empty() && direct.len() <= STORE_MAX, "{direct:?}");
}

/// Whether a licence expression can be met with the licences that `deny.toml` allows.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    // Every part that is joined by AND has to offer one of them.
    plain.split(" AND ").all(|part| part.split(" OR ").any(|one| allowed.contains(one.trim())))
}

#[test]
fn licences_let_anybody_use_it() {
    let deny = read("deny.toml");
    let list = deny.split("allow = [").nth(1).and_then(|rest| rest.split(']').next());
    let allowed: BTreeSet<String> = list
        .expect("deny.toml lists licences")
        .split(',')
        .map(|word| word.trim().trim_matches('"').to_owned())
        .collect();
    let cargo = std::env::var_os("CARGO").expect("run by cargo");
    let arguments = ["tree", "--workspace", "--all-features", "--prefix", "none", "--locked"];
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--edges", "normal,build", "--format", "{p}\t{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    let packages: BTreeSet<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert!(packages.len() > 20, "{packages:?}");
    for package in packages {
        let (name, licence) = package.split_once('\t').expect("a name and a licence");
        let licence = licence.trim_end_matches(" (*)");
        assert!(is_met(licence, &allowed), "{name} is under {licence:?}");
    }
}

/// The packages of a lock file: name, source and checksum.
fn locked(lock: &str) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let packages = lock.split("\n[[package]]\n").skip(1);
    let of = |package| {
        let value = |name| value_of(package, name);
        (value("name").unwrap_or_default(), value("source"), value("checksum"))
    };
    packages.map(of).collect()
}

/// What stands between quotes after `name = ` on a line of its own.
fn value_of<'a>(package: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = package.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

#[test]
fn all_come_from_one_registry_with_a_checksum() {
    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
    for file in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let lock = read(file);
        let packages = locked(&lock);
        assert!(packages.len() > 20, "{file}: {packages:?}");
        for (name, source, checksum) in packages {
            match source {
                None => assert!(name.starts_with("seawall"), "{file}: {name} comes from a path"),
                Some(source) => assert_eq!(source, CRATES_IO, "{file}: {name}"),
            }
            assert_eq!(source.is_some(), checksum.is_some(), "{file}: {name}");
        }
    }
}

#[test]
fn no_version_is_left_open() {
    for (_, manifest) in CRATES {
        let text = read(manifest);
        let open = text.lines().find(|line| line.contains("= \"*\""));
        assert_eq!(open, None, "{manifest}");
    }
}

#[test]
fn an_expression_is_met_when_each_part_is() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Unicode-3.0".to_owned()]);
    assert!(is_met("MIT OR Apache-2.0", &allowed));
    assert!(is_met("Apache-2.0/MIT", &allowed));
    assert!(is_met("(MIT OR Apache-2.0) AND Unicode-3.0", &allowed));
    assert!(!is_met("MIT AND GPL-3.0", &allowed));
    assert!(!is_met("GPL-3.0", &allowed));
    assert!(!is_met("", &allowed));
}
