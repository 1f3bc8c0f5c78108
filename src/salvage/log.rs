//! The operations that the log proves.
//!
//! A log that recovery would take is taken as recovery takes it. Of a damaged one a frame counts when it
//! is valid and follows valid frames from the beginning of its segment, or stands in the newest one, or
//! lies before a position that something vouches for: a later frame's `synced_upto`, the next segment's
//! LINK, the manifest. In older segments frames beyond all of these may have been given up by a recovery,
//! whose commits took their seqnos. Segments that the chain of LINKs passes over do not count.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::checksum::DatabaseId;
use crate::base::damage::{Damage, name_of, without_place};
use crate::base::error::{Error, Result};
use crate::base::file_name::{FileName, FileNumber};
use crate::base::key::{DEFAULT_KEYSPACE, KeyspaceId, OperationSink, SEQNO_MAX, SeqNo, ValueKind};
use crate::base::log_position::LogPosition;
use crate::batch::decode_operations;
use crate::log::{Frame, FrameKind, LogFile, Scan, scan};
use crate::manifest::State;
use crate::wal::{Chain, Link, SegmentFile, judge};

use super::report::SalvageReport;
use super::seen::Seen;

/// The newest operation on each key.
pub(super) type LogOperations = BTreeMap<Vec<u8>, (SeqNo, ValueKind, Vec<u8>)>;

/// All segments in a directory.
pub(super) struct Segments {
    dir: PathBuf,
    files: Vec<SegmentFile>,
}

/// What the log shows, in the order in which it was written.
enum Event<'a> {
    Frame {
        segment: &'a SegmentFile,
        frame: Frame<'a>,
    },
    /// Something is missing here.
    Gap {
        name: String,
        /// Where it begins, and how many bytes it has, if that is known.
        place: Option<(u64, Option<u64>)>,
        what: String,
    },
}

/// A segment of a damaged log.
struct Judged<'a> {
    file: &'a SegmentFile,
    scan: Scan<'a>,
    link: Option<Link>,
    /// The furthest position that a frame in it vouches for, in bytes.
    vouched: u64,
}

impl Segments {
    pub(super) fn new(
        id: DatabaseId,
        dir: &Path,
        files: BTreeMap<FileNumber, Vec<u8>>,
    ) -> Segments {
        let file = |(number, bytes): (FileNumber, Vec<u8>)| {
            let path = dir.join(FileName::Wal(number).to_string());
            SegmentFile { log: LogFile { id, number, path }, bytes }
        };
        Segments { dir: dir.to_owned(), files: files.into_iter().map(file).collect() }
    }

    /// The last edit that a LINK knows to be durable.
    pub(super) fn synced_edit(&self) -> u64 {
        let links = self.files.iter().filter_map(|file| Judged::of(file).link);
        links.map(|link| link.synced_edit).max().unwrap_or(0)
    }

    /// The last seqno before the oldest segment that counts.
    pub(super) fn begins_after(&self) -> Option<SeqNo> {
        let links = self.files.iter().filter_map(|file| Judged::of(file).link);
        links.map(|link| link.previous_last_seqno).next()
    }

    /// The newest proven operation on each key. What is missing goes into the report.
    pub(super) fn operations(
        mut self,
        state: Option<&State>,
        report: &mut SalvageReport,
        seen: &mut Seen,
    ) -> LogOperations {
        let (min_wal, flushed) = state.map_or((0, 0), |state| (state.min_wal, state.flushed_seqno));
        // What the manifest needs no more is in tables.
        self.files.retain(|file| file.log.number >= min_wal);
        let vouched = state.map(|state| state.log_synced).unwrap_or_default();
        let first = self.files.first().map_or(1, |file| file.log.number);
        let lowest = if state.is_some() { min_wal } else { first };
        let oldest = self.dir.join(FileName::Wal(lowest).to_string());
        let chain = judge(&self.files, lowest, vouched, &oldest);
        let from = flushed + 1;
        let links = self.files.iter().filter_map(|file| Judged::of(file).link);
        links.for_each(|link| seen.know(link.previous_last_seqno));
        let mut reader = Reader { operations: BTreeMap::new(), from: 1, report, seen };
        match chain.and_then(|chain| agrees(chain, flushed, state.is_some(), &oldest)) {
            Ok(chain) => reader.take_whole(&chain),
            Err(error) => {
                let events = self.events(lowest, vouched, &error);
                // A deletion that compactions have dropped may be among what is missing: what it hid
                // must not come back, so only what no table holds is taken.
                reader.from = from;
                reader.take_damaged(&events, state.is_some());
            }
        }
        reader.operations
    }

    /// What a damaged log shows from the segment `lowest` on. `vouched` is what the manifest vouches
    /// for, and `error` what recovery would say.
    fn events(&self, lowest: FileNumber, vouched: LogPosition, error: &Error) -> Vec<Event<'_>> {
        let mut judged: Vec<Judged<'_>> = self.files.iter().map(Judged::of).collect();
        for of in judged.iter_mut().filter(|of| of.file.log.number == vouched.segment) {
            of.vouched = of.vouched.max(vouched.offset);
        }
        let head = judged.iter().rev().find(|of| of.counts()).map(|of| of.file.log.number);
        // From the newest segment back.
        let mut events: Vec<Vec<Event<'_>>> = Vec::new();
        let newest = lowest.max(vouched.segment);
        if head.is_none_or(|head| head < newest) {
            events.push(vec![missing(newest)]);
        }
        // Newer ones that show nothing: they may have been more than segments in the making.
        let beyond = judged.iter().rev().take_while(|of| Some(of.file.log.number) > head);
        events.extend(beyond.map(|of| of.events(None, true)));
        let (mut next, mut limit) = (head, None);
        while let Some(number) = next {
            let Some(of) = judged.iter().find(|of| of.file.log.number == number) else {
                events.push(vec![missing(number)]);
                (next, limit) = (highest_below(&judged, number), None);
                continue;
            };
            events.push(of.events(limit, next == head));
            (next, limit) = match of.link {
                // What is older went because it was needed no more.
                Some(link) if link.previous < lowest.max(1) => (None, None),
                Some(link) if link.previous < number => {
                    (Some(link.previous), Some(link.previous_end))
                }
                _ => (highest_below(&judged, number), None),
            };
        }
        if !events.iter().flatten().any(|event| matches!(event, Event::Gap { .. })) {
            let name = error.file().map_or_else(|| "the log".to_owned(), name_of);
            let (offset, what) = (error.offset(), without_place(error));
            events.insert(
                0,
                vec![Event::Gap { name, place: offset.map(|offset| (offset, None)), what }],
            );
        }
        events.into_iter().rev().flatten().collect()
    }
}

fn missing<'a>(number: FileNumber) -> Event<'a> {
    let (name, what) = (FileName::Wal(number).to_string(), "the segment is missing".to_owned());
    Event::Gap { name, place: None, what }
}

/// The newest segment before `number` that counts.
fn highest_below(judged: &[Judged<'_>], number: FileNumber) -> Option<FileNumber> {
    let below = judged.iter().rev().filter(|of| of.file.log.number < number && of.counts());
    below.map(|of| of.file.log.number).next()
}

/// Log and manifest each know how far the other must at least reach.
fn agrees<'a>(chain: Chain<'a>, flushed: SeqNo, known: bool, oldest: &Path) -> Result<Chain<'a>> {
    let begins = chain.segments.first().map_or(0, |first| first.link.previous_last_seqno);
    if known && (begins > flushed || chain.last_seqno() < flushed) {
        let what = format!(
            "the log has the operations after {begins} up to {}, the tables those up to {flushed}",
            chain.last_seqno()
        );
        return Err(Error::corruption(oldest, 0, what));
    }
    Ok(chain)
}

impl<'a> Judged<'a> {
    fn of(file: &'a SegmentFile) -> Judged<'a> {
        let scan = scan(&file.bytes, &file.log);
        let link = scan.frames().find(|frame| frame.head.kind == FrameKind::Link);
        let link = link.and_then(|frame| {
            Link::decode(frame.payload, &file.log.path, frame.payload_offset()).ok()
        });
        let vouched = scan.frames().map(|frame| frame.head.synced_upto).max().unwrap_or(0);
        Judged { file, scan, link, vouched }
    }

    /// A segment without LINK counts only if something was synced in it: else it was being made.
    fn counts(&self) -> bool {
        self.link.is_some() || self.vouched > 0
    }

    /// The frames that count, and where something is missing; `limit` is where the next segment says
    /// that this one ends.
    fn events(&self, limit: Option<u64>, newest: bool) -> Vec<Event<'a>> {
        let within = limit.unwrap_or(u64::MAX);
        let proven = limit.unwrap_or(0).max(self.vouched.min(within));
        let counts = |frame: &Frame<'_>| {
            let follows = self.link.is_some() && frame.offset < self.scan.end;
            newest || frame.end() <= if follows { within } else { proven }
        };
        let (mut events, mut at) = (Vec::new(), 0);
        // What stands beyond the end that the next segment names was given up.
        for frame in self.scan.frames().filter(|frame| frame.offset < within) {
            if at < frame.offset {
                let bytes = frame.offset - at;
                events.push(self.gap(at, bytes, format!("no valid frame up to {}", frame.offset)));
            }
            events.push(match counts(frame) {
                true => Event::Frame { segment: self.file, frame: *frame },
                false => {
                    let what = "a frame that nothing vouches for".to_owned();
                    self.gap(frame.offset, frame.end() - frame.offset, what)
                }
            });
            at = frame.end();
        }
        let content = self.scan.content_end.min(within);
        if at < proven {
            let what = format!("no valid frame, and {proven} bytes were written");
            events.push(self.gap(at, proven - at, what));
        } else if at < content {
            let bytes = content - at;
            events.push(self.gap(at, bytes, format!("{bytes} bytes are no valid frame")));
        }
        events
    }

    fn gap(&self, offset: u64, bytes: u64, what: String) -> Event<'a> {
        Event::Gap { name: name_of(&self.file.log.path), place: Some((offset, Some(bytes))), what }
    }
}

/// Takes operations from frames.
struct Reader<'r> {
    operations: LogOperations,
    /// Earlier ones are in tables.
    from: SeqNo,
    report: &'r mut SalvageReport,
    seen: &'r mut Seen,
}

impl Reader<'_> {
    fn take_whole(&mut self, chain: &Chain<'_>) {
        for segment in &chain.segments {
            for frame in &segment.frames {
                self.take(&segment.log.path, frame);
            }
        }
        for (at, bytes) in &chain.cut {
            let name = FileName::Wal(at.segment).to_string();
            if chain.was_closed_at(*at) {
                let what =
                    "the log was closed here, and what follows was never part of it".to_owned();
                let (file, offset, bytes) = (name, Some(at.offset), Some(*bytes));
                self.report.damage.push(Damage { file, offset, bytes, what, ..Damage::default() });
                continue;
            }
            let what = format!("{bytes} bytes are no valid frame: a torn write, or damage");
            self.report.damage.push(Damage {
                bytes: Some(*bytes),
                seqnos: Some((chain.last_seqno() + 1, None)),
                torn: true,
                ..Damage::loss(&name, Some(at.offset), what)
            });
        }
    }

    /// `known` is whether `from` is the first that no table holds.
    fn take_damaged(&mut self, events: &[Event<'_>], known: bool) {
        let mut last = known.then(|| self.from - 1);
        let mut told = false;
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Frame { segment, frame } if frame.head.kind.has_operations() => {
                    let first = frame.head.first_seqno;
                    if let Some(last) = last.filter(|last| !told && first > last + 1) {
                        let name = name_of(&segment.log.path);
                        let what = "operations before this frame are missing";
                        let seqnos = (last + 1, Some(first - 1));
                        self.lose(&name, Some((frame.offset, None)), what, seqnos);
                    }
                    // One that was logged again stands in two segments.
                    if last.is_none_or(|last| frame.last_seqno() > last) {
                        self.take(&segment.log.path, frame);
                        last = Some(frame.last_seqno().min(SEQNO_MAX));
                        told = false;
                    }
                }
                Event::Frame { .. } => {}
                Event::Gap { name, place, what } => {
                    let news = |frame: &Frame<'_>| {
                        frame.head.kind.has_operations()
                            && last.is_none_or(|last| frame.last_seqno() > last)
                    };
                    let then = events[at..].iter().find_map(|event| match event {
                        Event::Frame { frame, .. } if news(frame) => Some(frame.head.first_seqno),
                        _ => None,
                    });
                    let upto = then.map(|then| then.saturating_sub(1));
                    self.lose(name, *place, what, (last.unwrap_or(0) + 1, upto));
                    told = true;
                }
            }
        }
    }

    /// Something is missing at this place, and with it the operations with these seqnos, if there are any
    /// such.
    fn lose(
        &mut self,
        name: &str,
        place: Option<(u64, Option<u64>)>,
        what: &str,
        seqnos: (SeqNo, Option<SeqNo>),
    ) {
        let lost = seqnos.1.is_none_or(|upto| upto >= seqnos.0);
        let (offset, bytes) = place.unzip();
        self.report.damage.push(Damage {
            bytes: bytes.flatten(),
            lost,
            seqnos: lost.then_some(seqnos),
            ..Damage::loss(name, offset, what)
        });
    }

    fn take(&mut self, path: &Path, frame: &Frame<'_>) {
        let (head, offset) = (frame.head, frame.payload_offset());
        if !head.kind.has_operations() || frame.last_seqno() > SEQNO_MAX {
            return;
        }
        let mut sink = Sink { reader: self, next: head.first_seqno };
        let decoded = decode_operations(frame.payload, head.count, path, offset, &mut sink);
        if let Err(error) = decoded {
            let next = sink.next;
            let place = error.offset().map(|offset| (offset, None));
            let upto = Some(frame.last_seqno());
            self.lose(&name_of(path), place, &without_place(&error), (next, upto));
        }
    }
}

struct Sink<'s, 'r> {
    reader: &'s mut Reader<'r>,
    next: SeqNo,
}

impl OperationSink for Sink<'_, '_> {
    fn operation(
        &mut self,
        keyspace: KeyspaceId,
        kind: ValueKind,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let (seqno, reader) = (self.next, &mut *self.reader);
        self.next += 1;
        if keyspace != DEFAULT_KEYSPACE || seqno < reader.from {
            return Ok(());
        }
        reader.report.log_operations += 1;
        reader.seen.add(seqno);
        let newer = reader.operations.get(key).is_none_or(|(other, ..)| *other < seqno);
        if newer {
            reader.operations.insert(key.to_vec(), (seqno, kind, value.to_vec()));
        }
        Ok(())
    }
}
