//! Texts that a run speaks of often, each held once and known by a number.

use std::cell::RefCell;
use std::fmt::{Display, Write};
use std::rc::Rc;

use seawall_os::site::{Scope, Site};

use super::hash::{FixedMap, text_hash};

/// A text of this run: a site such as `commit/wal/sync_data`, or a file's name.
///
/// Numbers are given in order of first use and mean nothing outside the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(u32);

impl SiteId {
    /// The text `-`: no site, no file.
    pub const NONE: SiteId = SiteId(0);

    pub(crate) fn index(self) -> u32 {
        self.0
    }
}

/// How many sites named last are found without hashing.
const RECENT: usize = 64;

/// The table of texts; handles are cheap clones of one table.
#[derive(Clone)]
pub struct Names(Rc<RefCell<Table>>);

struct Table {
    texts: Vec<(Rc<str>, u64)>,
    by_hash: FixedMap<u64, SiteId>,
    vfs_sites: FixedMap<Site, SiteId>,
    points: FixedMap<(Scope, &'static str), SiteId>,
    /// The sites named last, by a few of their bits: comparing one is cheaper than hashing it.
    recent_sites: [Option<(Site, SiteId)>; RECENT],
    recent_points: [Option<(Scope, &'static str, SiteId)>; RECENT],
    buffer: String,
}

impl Default for Names {
    fn default() -> Names {
        let names = Names(Rc::new(RefCell::new(Table {
            texts: Vec::new(),
            by_hash: FixedMap::default(),
            vfs_sites: FixedMap::default(),
            points: FixedMap::default(),
            recent_sites: [None; RECENT],
            recent_points: [None; RECENT],
            buffer: String::new(),
        })));
        let none = names.site("-");
        debug_assert_eq!(none, SiteId::NONE);
        names
    }
}

impl Names {
    /// The id of a text. White space in it becomes `_`, an empty text `-`.
    pub fn site(&self, text: impl Display) -> SiteId {
        self.0.borrow_mut().intern(&text)
    }

    /// The id of a file system call's site; nothing is formatted after the first time.
    #[inline]
    pub fn vfs_site(&self, site: Site) -> SiteId {
        let mut table = self.0.borrow_mut();
        let tag = (tag(site.scope) + 8 * site.operation as usize) % RECENT;
        match table.recent_sites[tag] {
            Some((recent, id)) if recent == site => id,
            _ => {
                let id = table.vfs_site(site);
                table.recent_sites[tag] = Some((site, id));
                id
            }
        }
    }

    /// The id of a point within a scope, `commit/mutex`; nothing is formatted after the first time.
    #[inline]
    pub fn point(&self, scope: Scope, point: &'static str) -> SiteId {
        let mut table = self.0.borrow_mut();
        let tag = (tag(scope) + 8 * point.len()) % RECENT;
        match table.recent_points[tag] {
            Some((of, recent, id)) if of == scope && is_same(recent, point) => id,
            _ => {
                let id = table.point(scope, point);
                table.recent_points[tag] = Some((scope, point, id));
                id
            }
        }
    }

    /// The text behind an id.
    pub fn text(&self, id: SiteId) -> Rc<str> {
        let table = self.0.borrow();
        match table.texts.get(id.0 as usize) {
            Some((text, _)) => Rc::clone(text),
            None => "?".into(),
        }
    }

    /// The hash of the text behind an id.
    #[inline]
    pub fn hash(&self, id: SiteId) -> u64 {
        self.0.borrow().texts.get(id.0 as usize).map_or(0, |(_, hash)| *hash)
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({})", self.0.borrow().texts.len())
    }
}

/// Whether two texts are one, which is seen by their place without a look at their bytes.
#[inline]
fn is_same(one: &'static str, other: &'static str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// A few bits of a scope's name.
#[inline]
fn tag(scope: Scope) -> usize {
    match scope.name().as_bytes() {
        [] => 0,
        name => usize::from(name[0]) + name.len(),
    }
}

impl Table {
    fn vfs_site(&mut self, site: Site) -> SiteId {
        if let Some(id) = self.vfs_sites.get(&site) {
            return *id;
        }
        let id = self.intern(&site);
        self.vfs_sites.insert(site, id);
        id
    }

    fn point(&mut self, scope: Scope, point: &'static str) -> SiteId {
        if let Some(id) = self.points.get(&(scope, point)) {
            return *id;
        }
        let id = self.intern(&format_args!("{}/{point}", scope.name()));
        self.points.insert((scope, point), id);
        id
    }

    fn intern(&mut self, text: &dyn Display) -> SiteId {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        // Writing to a String fails only when the Display does; what it wrote so far is then the text.
        let _ = write!(buffer, "{text}");
        if buffer.is_empty() {
            buffer.push('-');
        }
        if buffer.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            let clean = |letter: char| letter.is_whitespace() || letter.is_control();
            buffer = buffer.replace(clean, "_");
        }
        let hash = text_hash(buffer.as_bytes());
        let next = SiteId(self.texts.len() as u32);
        let id = *self.by_hash.entry(hash).or_insert(next);
        if id == next {
            self.texts.push((buffer.as_str().into(), hash));
        }
        self.buffer = buffer;
        id
    }
}
