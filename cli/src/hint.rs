//! Commands that an advice suggests, written so that a shell takes them as they stand.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::args::{DB_VARIABLE, DEFAULT_DB};
use crate::console::Console;

/// `seawall`, with what makes it speak of the same database in the same way.
pub(crate) fn seawall(console: &Console, db: &Path) -> String {
    let plain = db == Path::new(DEFAULT_DB) && std::env::var_os(DB_VARIABLE).is_none();
    let db = if plain { String::new() } else { format!(" --db {}", quoted(db)) };
    let hex = if console.hex { " --hex" } else { "" };
    format!("seawall{db}{hex}")
}

/// A path as one word of a command line, and never an option.
pub(crate) fn quoted(path: &Path) -> String {
    let word = word(path.as_os_str());
    if path.as_os_str().as_bytes().starts_with(b"-") {
        return format!("./{word}");
    }
    word
}

fn word(text: &OsStr) -> String {
    let bytes = text.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./,:@%+=".contains(byte);
    match text.to_str() {
        Some(text) if !bytes.is_empty() && bytes.iter().all(plain) => text.to_owned(),
        Some(text) if !text.contains(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        // The one form that can say any byte.
        _ => format!("$'{}'", bytes.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Format;

    #[test]
    fn a_path_is_one_word_and_no_option() {
        let check = |path: &[u8], expected: &str| {
            assert_eq!(quoted(Path::new(OsStr::from_bytes(path))), expected);
        };
        check(b"/var/lib/my-db_1.0", "/var/lib/my-db_1.0");
        check(b"my db", "'my db'");
        check(b"it's", r"'it'\''s'");
        check("d\u{e9}p\u{f4}t".as_bytes(), "'d\u{e9}p\u{f4}t'");
        check(b"", "''");
        check(b"-x", "./-x");
        check(b"- x", "./'- x'");
        check(b"a\xff'\n", r"$'a\xff\'\n'");
    }

    #[test]
    fn it_speaks_of_the_same_database_in_the_same_way() {
        let console = Console { format: Format::Text, hex: true, quiet: true, verbose: false };
        assert_eq!(seawall(&console, Path::new("my db")), "seawall --db 'my db' --hex");
    }
}
