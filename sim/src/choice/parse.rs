//! Reading a tape. Any bytes give a tape or an error that names the line; nothing panics.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::actor::Actor;
use super::loose::EVERY;
use super::tape::{Answer, Base, HEADER, Key, Stream, Tape, VERSION};

/// Why a text is not a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeError {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong in it, or what was expected.
    pub what: String,
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tape, line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for TapeError {}

impl Tape {
    /// Whether a file wants to be a tape.
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(HEADER.as_bytes())
    }

    /// Reads a tape from the bytes of a file.
    ///
    /// # Errors
    /// The first line that does not belong on a tape, and why.
    pub fn parse(bytes: &[u8]) -> Result<Tape, TapeError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.parse(),
            Err(error) => {
                let line = 1 + bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
                Err(TapeError { line: line - 1, what: "not UTF-8".to_owned() })
            }
        }
    }
}

impl FromStr for Tape {
    type Err = TapeError;

    fn from_str(text: &str) -> Result<Tape, TapeError> {
        let mut reader = Reader::default();
        let mut last = 1;
        for (index, line) in text.split('\n').enumerate() {
            last = index + 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            reader.line(last, line).map_err(|what| TapeError { line: last, what })?;
        }
        if !reader.header {
            return Err(TapeError { line: last, what: format!("expected `{HEADER}{VERSION}`") });
        }
        Ok(reader.tape)
    }
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Answer, String> {
        answer(text)
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    tape: Tape,
    header: bool,
    /// In which line each word that stands once at most was found.
    once: BTreeMap<&'static str, usize>,
    keys: BTreeMap<Key, usize>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if let Some(note) = line.strip_prefix('#') {
            // As it is written again: one line, without what could end it.
            let note = note.strip_prefix(' ').unwrap_or(note).replace('\r', " ");
            self.tape.notes.push(note);
            return Ok(());
        }
        if line.trim().is_empty() {
            return Ok(());
        }
        if !self.header {
            self.header = true;
            return header(line);
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "system" => self.tape.system = self.text_once("system", number, rest)?,
            "commit" => self.tape.commit = self.text_once("commit", number, rest)?,
            "config" => self.tape.config = self.text_once("config", number, rest)?,
            "base" => {
                self.only_once("base", number)?;
                self.tape.base = base(rest)?;
            }
            "op" => self.tape.operations.push(unescape(rest)?),
            "answer" => {
                let answer = answer(rest)?;
                if let Some(before) = self.keys.insert(answer.key.clone(), number) {
                    return Err(format!("`{}` is answered in line {before} already", answer.key));
                }
                self.tape.answers.push(answer);
            }
            _ => return Err(format!("`{}` begins no line of a tape", shortened(word))),
        }
        Ok(())
    }

    fn only_once(&mut self, word: &'static str, number: usize) -> Result<(), String> {
        match self.once.insert(word, number) {
            Some(before) => Err(format!("`{word}` stands in line {before} already")),
            None => Ok(()),
        }
    }

    fn text_once(&mut self, word: &'static str, at: usize, rest: &str) -> Result<String, String> {
        self.only_once(word, at)?;
        unescape(rest)
    }
}

fn header(line: &str) -> Result<(), String> {
    let version = line.strip_prefix(HEADER).map(str::parse::<u32>);
    match version {
        Some(Ok(VERSION)) => Ok(()),
        Some(Ok(newer)) if newer > VERSION => {
            Err(format!("version {newer} is newer than this program's {VERSION}"))
        }
        _ => Err(format!("expected `{HEADER}{VERSION}`, found `{}`", shortened(line))),
    }
}

fn base(text: &str) -> Result<Base, String> {
    if text == "default" {
        return Ok(Base::Default);
    }
    let digits = text.strip_prefix("seed ").unwrap_or("");
    let seed = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    seed.map(Base::Seed).map_err(|_| {
        format!("expected `base default` or `base seed 0x..`, found `base {}`", shortened(text))
    })
}

fn answer(text: &str) -> Result<Answer, String> {
    let form = || "expected `answer <stream> <actor> <site> <nth> = <label>`".to_owned();
    let mut parts = text.splitn(6, ' ');
    let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or_else(form);
    let (stream, actor, site, nth, equals) = (next()?, next()?, next()?, next()?, next()?);
    if equals != "=" {
        return Err(form());
    }
    // An editor may have taken the space before an empty label.
    let label = parts.next().unwrap_or("");
    let stream = Stream::from_str(stream)
        .map_err(|()| format!("`{}` is not a stream of choices", shortened(stream)))?;
    let actor =
        Actor::from_str(actor).map_err(|wrong| format!("`{}`: {wrong}", shortened(actor)))?;
    if site.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err(format!("white space in the site `{}`", shortened(site)));
    }
    let nth = match nth {
        "*" => EVERY,
        count => count.parse().map_err(|_| format!("`{}` is not a count", shortened(count)))?,
    };
    let key = Key { stream, actor, site: site.to_owned(), nth };
    Ok(Answer { key, label: unescape(label)? })
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        plain.push(match after.as_bytes().first() {
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b'\\') => '\\',
            _ => return Err("a `\\` is followed by `n`, `r` or another `\\`".to_owned()),
        });
        rest = &after[1..];
    }
    plain.push_str(rest);
    Ok(plain)
}

/// The beginning of a text found, for a message of one line.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("..");
    }
    short
}
