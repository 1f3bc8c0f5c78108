//! The Rust sources as tokens, for the tests that hold the house rules.
//!
//! Comments are gone, literals are single tokens, and what only a test build compiles is marked. So a
//! rule cannot be fooled by a string or a comment, and it sees into macro calls, which a syntax tree
//! does not.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this module uses a part of it"
)]
#![allow(clippy::disallowed_methods, reason = "reads the sources; not simulated")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// One Rust file.
pub struct Source {
    /// Relative to the root of the project, with `/`.
    pub path: String,
    pub tokens: Vec<Token>,
}

/// A word, a literal, a sign or a bracket. `::` is one token.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    /// From 1.
    pub line: usize,
    /// Compiled for tests only.
    pub test: bool,
    /// How many `mod name { .. }` of this file stand around it.
    pub inline_modules: usize,
}

/// A path as the compiler would see it: `use` trees expanded, a first word that the file has imported
/// replaced by what it stands for. A glob ends in `*`.
#[derive(Clone, Debug)]
pub struct PathUse {
    pub segments: Vec<String>,
    pub line: usize,
    pub inline_modules: usize,
    /// Begins with a name that an import of the file made.
    pub imported: bool,
}

impl PathUse {
    pub fn text(&self) -> String {
        self.segments.join("::")
    }

    /// Whether the path leads to `wanted` or below it; a glob leads to all it may bring in.
    pub fn leads_to(&self, wanted: &str) -> bool {
        let wanted: Vec<&str> = wanted.split("::").collect();
        let same = self.segments.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        let glob = self.segments.get(same).is_some_and(|segment| segment == "*");
        same == wanted.len() || (glob && same > 0)
    }
}

/// The root of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the directories, which are relative to the project's root, in order of path.
/// A directory that does not exist has none.
pub fn sources(directories: &[&str]) -> Vec<Source> {
    let mut files = Vec::new();
    for directory in directories {
        collect(&root().join(directory), &mut files);
    }
    files.sort();
    files.iter().map(|file| Source::read(file)).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

impl Source {
    pub fn read(file: &Path) -> Source {
        let text = fs::read_to_string(file).expect("a readable source");
        let path = file.strip_prefix(root()).expect("a file of the project");
        Source::parse(&path.to_string_lossy(), &text)
    }

    /// # Panics
    /// If the text does not fall into tokens.
    pub fn parse(path: &str, text: &str) -> Source {
        let stream: TokenStream =
            text.parse().unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        let mut tokens = Vec::new();
        flatten(stream, is_test_file(path), 0, &mut tokens);
        Source { path: path.to_owned(), tokens }
    }

    /// The tokens that are compiled into the library or the binary.
    pub fn shipped(&self) -> Vec<Token> {
        self.tokens.iter().filter(|token| !token.test).cloned().collect()
    }

    /// The paths named in shipped code.
    pub fn paths(&self) -> Vec<PathUse> {
        let tokens = self.shipped();
        let mut paths = Vec::new();
        let mut names = BTreeMap::new();
        let mut at = 0;
        while at < tokens.len() {
            if is_import(&tokens, at) {
                let mut import = Import { tokens: &tokens, at: at + 1, paths: Vec::new() };
                import.tree(&[]);
                at = import.at;
                for (path, name) in import.paths {
                    names.insert(name, path.segments.clone());
                    paths.push(path);
                }
            } else {
                let segments = inline_path(&tokens, at);
                if segments.len() > 1 {
                    let Token { line, inline_modules, .. } = tokens[at];
                    at += 2 * segments.len() - 1;
                    paths.push(PathUse { segments, line, inline_modules, imported: false });
                } else {
                    at += 1;
                }
            }
        }
        for path in &mut paths {
            if let Some(meant) = names.get(&path.segments[0]) {
                path.imported = *meant != path.segments;
                path.segments.splice(..1, meant.iter().cloned());
            }
        }
        paths
    }
}

fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| part == "tests") || name == "tests.rs" || name.ends_with("_tests.rs")
}

fn flatten(stream: TokenStream, in_test: bool, inline_modules: usize, out: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut test_item = false;
    for (index, tree) in trees.iter().enumerate() {
        test_item |= is_test_attribute(&trees, index);
        let test = in_test || test_item;
        let mut put = |text: String, line: usize| {
            out.push(Token { text, line, test, inline_modules });
        };
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let inside = inline_modules + usize::from(is_module(&trees, index));
                let (open, close) = brackets(group);
                put(open.to_owned(), line);
                flatten(group.stream(), test, inside, out);
                let line = group.span_close().end().line;
                out.push(Token { text: close.to_owned(), line, test, inline_modules });
                test_item &= group.delimiter() != Delimiter::Brace;
            }
            TokenTree::Punct(sign) => match out.last_mut() {
                Some(last) if sign.as_char() == ':' && ends_a_pair(&trees, index) => {
                    last.text.push(':');
                }
                _ => {
                    out.push(Token { text: sign.to_string(), line, test, inline_modules });
                    test_item &= sign.as_char() != ';';
                }
            },
            TokenTree::Ident(_) | TokenTree::Literal(_) => put(tree.to_string(), line),
        }
    }
}

fn brackets(group: &Group) -> (&'static str, &'static str) {
    match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Whether the colon at `index` is the second of `::`.
fn ends_a_pair(trees: &[TokenTree], index: usize) -> bool {
    let joined = |tree: &TokenTree| matches!(tree, TokenTree::Punct(sign) if sign.as_char() == ':' && sign.spacing() == Spacing::Joint);
    index > 0 && joined(&trees[index - 1])
}

/// Whether `#[test]` or `#[cfg(test)]` begins at `index`. The item that follows, up to a brace or a
/// semicolon, is not shipped.
fn is_test_attribute(trees: &[TokenTree], index: usize) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = &trees[index..] else {
        return false;
    };
    let text: String = group.stream().to_string().split_whitespace().collect();
    hash.as_char() == '#'
        && (text == "test" || text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// Whether the group at `index` is the body of `mod name { .. }`.
fn is_module(trees: &[TokenTree], index: usize) -> bool {
    index >= 2 && matches!(&trees[index - 2], TokenTree::Ident(word) if word == "mod")
}

pub fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Whether an import begins at `at`, as opposed to the `use<..>` of a return type.
fn is_import(tokens: &[Token], at: usize) -> bool {
    tokens[at].text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<")
}

/// The words joined by `::` that begin at `at`; none in the middle of a path.
fn inline_path(tokens: &[Token], at: usize) -> Vec<String> {
    let continues = at >= 2 && tokens[at - 1].text == "::" && is_word(&tokens[at - 2].text);
    if continues || !is_word(&tokens[at].text) {
        return Vec::new();
    }
    let mut segments = vec![tokens[at].text.clone()];
    let mut rest = tokens[at + 1..].chunks_exact(2);
    while let Some([join, word]) = rest.next() {
        if join.text != "::" || !is_word(&word.text) {
            break;
        }
        segments.push(word.text.clone());
    }
    segments
}

/// Reads one `use` tree.
struct Import<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Each path with the name it has in the file.
    paths: Vec<(PathUse, String)>,
}

impl Import<'_> {
    fn next(&self) -> &str {
        self.tokens.get(self.at).map_or(";", |token| &token.text)
    }

    /// Reads `a::b`, `a::{..}`, `a::*` or `a as b` below `prefix`.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        loop {
            match self.next().to_owned().as_str() {
                "::" => self.at += 1,
                "{" => return self.branches(&segments),
                "as" => {
                    self.at += 2;
                    return self.put(segments, self.at - 1);
                }
                "," | "}" | ";" => return self.put(segments, self.at - 1),
                word => {
                    segments.push(word.to_owned());
                    self.at += 1;
                }
            }
        }
    }

    fn branches(&mut self, prefix: &[String]) {
        self.at += 1;
        while self.next() != "}" && self.next() != ";" {
            self.tree(prefix);
            if self.next() == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// Notes a path whose name in the file is the token at `named`.
    fn put(&mut self, mut segments: Vec<String>, named: usize) {
        let Token { line, inline_modules, .. } = self.tokens[named];
        let mut name = self.tokens[named].text.clone();
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
            if name == "self" {
                name.clone_from(&segments[segments.len() - 1]);
            }
        }
        self.paths.push((PathUse { segments, line, inline_modules, imported: false }, name));
    }
}
