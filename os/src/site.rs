//! Stable names of the places that call the operating system: scope / file class / operation.
//!
//! `flush/table/sync_data` is the sync of a table made by a flush, wherever that call stands in the
//! source. The scope is a named constant that the store enters with a guard
//! ([`crate::sync::enter_scope`]); the file class follows from the file's name; the operation is the
//! method of [`crate::vfs`]. Choices, tapes and coverage are keyed by sites, never by file and line,
//! which move with every edit.

use std::fmt;

/// What the calling code is doing, such as `commit` or `flush`.
///
/// Names are lower-case words; they must not contain `/` or white space.
#[derive(Clone, Copy, Eq, PartialOrd, Ord)]
pub struct Scope(&'static str);

/// Scopes are compared at every call, and nearly always with the constant they came from.
impl PartialEq for Scope {
    #[inline]
    fn eq(&self, other: &Scope) -> bool {
        std::ptr::eq(self.0, other.0) || self.0 == other.0
    }
}

impl std::hash::Hash for Scope {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Scope {
    /// The scope of code that has entered none.
    pub const NONE: Scope = Scope("-");

    /// Names a scope. Meant for constants.
    pub const fn new(name: &'static str) -> Scope {
        Scope(name)
    }

    /// The scope's name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The longest class name kept, in bytes; longer ones are cut.
const CLASS_BYTES_MAX: usize = 15;

/// What kind of file a name stands for, such as `wal` or `table`.
///
/// Held inline, so that naming a site allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileClass {
    bytes: [u8; CLASS_BYTES_MAX],
    len: u8,
}

impl FileClass {
    /// The class of directories.
    pub const DIRECTORY: FileClass = FileClass::literal("dir");
    /// The class of calls that concern no file.
    pub const NONE: FileClass = FileClass::literal("-");

    const fn literal(name: &str) -> FileClass {
        let from = name.as_bytes();
        let mut bytes = [0; CLASS_BYTES_MAX];
        let mut at = 0;
        while at < from.len() && at < CLASS_BYTES_MAX {
            bytes[at] = from[at];
            at += 1;
        }
        FileClass { bytes, len: at as u8 }
    }

    /// The class that a file's name implies.
    ///
    /// A name with an ending belongs to the class of that ending (`000002.wal` is `wal`), where `sst`
    /// reads `table`; a name without one belongs to the class of its leading letters, in lower case
    /// (`MANIFEST-000001` is `manifest`). A name with neither is `file`.
    pub fn of_name(name: &str) -> FileClass {
        let stem = match name.rsplit_once('.') {
            Some((_, "sst")) => "table",
            Some((_, ending)) if !ending.is_empty() => ending,
            _ => name,
        };
        let mut class = FileClass { bytes: [0; CLASS_BYTES_MAX], len: 0 };
        for byte in stem.bytes().take_while(u8::is_ascii_alphabetic).take(CLASS_BYTES_MAX) {
            class.bytes[usize::from(class.len)] = byte.to_ascii_lowercase();
            class.len += 1;
        }
        if class.len == 0 { FileClass::literal("file") } else { class }
    }

    /// The class's name.
    pub fn name(&self) -> &str {
        // Only ASCII is ever copied in.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("file")
    }
}

impl fmt::Debug for FileClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One system call of [`crate::vfs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Each variant is the method of the same name.
pub enum Operation {
    CreateDir,
    Open,
    Rename,
    Remove,
    List,
    SyncDir,
    Lock,
    Size,
    FreeSpace,
    Entropy,
    ReadAt,
    WriteAt,
    SetLen,
    Allocate,
    Len,
    SyncData,
    SyncAll,
}

impl Operation {
    /// Every operation, in declaration order.
    pub const ALL: [Operation; 17] = [
        Operation::CreateDir,
        Operation::Open,
        Operation::Rename,
        Operation::Remove,
        Operation::List,
        Operation::SyncDir,
        Operation::Lock,
        Operation::Size,
        Operation::FreeSpace,
        Operation::Entropy,
        Operation::ReadAt,
        Operation::WriteAt,
        Operation::SetLen,
        Operation::Allocate,
        Operation::Len,
        Operation::SyncData,
        Operation::SyncAll,
    ];

    /// The operation's name, as in the method's.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::CreateDir => "create_dir",
            Operation::Open => "open",
            Operation::Rename => "rename",
            Operation::Remove => "remove",
            Operation::List => "list",
            Operation::SyncDir => "sync_dir",
            Operation::Lock => "lock",
            Operation::Size => "size",
            Operation::FreeSpace => "free_space",
            Operation::Entropy => "entropy",
            Operation::ReadAt => "read_at",
            Operation::WriteAt => "write_at",
            Operation::SetLen => "set_len",
            Operation::Allocate => "allocate",
            Operation::Len => "len",
            Operation::SyncData => "sync_data",
            Operation::SyncAll => "sync_all",
        }
    }

    /// Whether the call can change what a crash leaves behind.
    pub const fn changes_disk(self) -> bool {
        matches!(
            self,
            Operation::CreateDir
                | Operation::Open
                | Operation::Rename
                | Operation::Remove
                | Operation::SyncDir
                | Operation::Lock
                | Operation::WriteAt
                | Operation::SetLen
                | Operation::Allocate
                | Operation::SyncData
                | Operation::SyncAll
        )
    }
}

/// The stable name of a call: why it is made, on what kind of file, and which call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// What the calling code is doing.
    pub scope: Scope,
    /// The kind of file it is done to.
    pub class: FileClass,
    /// The system call.
    pub operation: Operation,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.scope.name(), self.class.name(), self.operation.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_class_follows_from_its_name() {
        let cases = [
            ("000002.wal", "wal"),
            ("000003.sst", "table"),
            ("MANIFEST-000001", "manifest"),
            ("CURRENT", "current"),
            ("CURRENT.tmp", "tmp"),
            ("LOCK", "lock"),
            ("000007.wal.damaged", "damaged"),
            ("123", "file"),
            ("", "file"),
            ("averyveryverylongname", "averyveryverylo"),
        ];
        for (name, class) in cases {
            assert_eq!(FileClass::of_name(name).name(), class, "class of {name:?}");
        }
    }

    #[test]
    fn a_site_reads_scope_class_operation() {
        let site = Site {
            scope: Scope::new("commit"),
            class: FileClass::of_name("000002.wal"),
            operation: Operation::SyncData,
        };
        assert_eq!(site.to_string(), "commit/wal/sync_data");
    }
}
