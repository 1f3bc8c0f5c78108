//! A line of a ledger: one block of seeds, what ran, and what came of it.
//!
//! ```text
//! commit=<40 digits> profile=default first=3000 seeds=1000 runs=2 states=49123 operations=981234
//! fault.sync_eio=812 .. fingerprint=<16 digits> cpu_seconds=43.120
//! ```
//!
//! in this order, with one space between, and all of it on one line. `fault.` stands for each class of
//! faults that this commit knows, by name. There is one way to write a line: what reads otherwise is
//! refused, so that lines can be compared as text.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How a line begins.
pub(super) const BEGINNING: &str = "commit=";

const COMMIT_DIGITS: usize = 40;
const FAULT: &str = "fault.";
const CPU_SECONDS: &str = "cpu_seconds";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) commit: String,
    pub(super) profile: String,
    /// The block's first seed.
    pub(super) first: u64,
    /// How many seeds.
    pub(super) seeds: u64,
    /// How often each ran. Everything else is of the first runs.
    pub(super) runs: u64,
    pub(super) states: u64,
    pub(super) operations: u64,
    /// Injected faults by class.
    pub(super) faults: BTreeMap<String, u64>,
    /// Of all runs and their seeds.
    pub(super) fingerprint: u64,
    /// How long cores worked for it, in whole milliseconds, all runs together.
    pub(super) cpu: Duration,
}

/// A field in which two lines differ, with both values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) field: String,
    pub(super) was: String,
    pub(super) is: String,
}

impl Line {
    /// Reads a line, without its end.
    pub(super) fn parse(text: &str) -> Result<Line, String> {
        let mut words = Words { rest: text };
        let line = Line {
            commit: commit(words.take("commit")?)?,
            profile: words.take("profile")?.to_owned(),
            first: words.number("first")?,
            seeds: words.number("seeds")?,
            runs: words.number("runs")?,
            states: words.number("states")?,
            operations: words.number("operations")?,
            faults: words.faults()?,
            fingerprint: fingerprint(words.take("fingerprint")?)?,
            cpu: seconds(words.take(CPU_SECONDS)?)?,
        };
        if !words.rest.is_empty() {
            return Err(format!("there is more behind {CPU_SECONDS}: `{}`", words.rest));
        }
        if line.to_string() != text {
            return Err(format!("it is written otherwise than seawall does: `{line}`"));
        }
        Ok(line)
    }

    /// In what a line of the same block differs, but for how long it took.
    pub(super) fn differences(&self, again: &Line) -> Vec<Difference> {
        let (was, is) = (self.fields(), again.fields());
        let of = |fields: &[(String, String)], name: &str| {
            let field = fields.iter().find(|(known, _)| known == name);
            field.map_or("nothing", |(_, value)| value).to_owned()
        };
        let new = is.iter().filter(|(name, _)| was.iter().all(|(known, _)| known != name));
        let names = was.iter().chain(new).map(|(name, _)| name);
        let differences = names.filter(|name| *name != CPU_SECONDS).map(|name| Difference {
            field: name.clone(),
            was: of(&was, name),
            is: of(&is, name),
        });
        differences.filter(|difference| difference.was != difference.is).collect()
    }

    /// The block's seeds, as the command line takes them.
    pub(super) fn range(&self) -> String {
        format!("{}..{}", self.first, self.first.saturating_add(self.seeds))
    }

    fn fields(&self) -> Vec<(String, String)> {
        let plain = |name: &str, value: &dyn fmt::Display| (name.to_owned(), value.to_string());
        let cpu = format!("{}.{:03}", self.cpu.as_secs(), self.cpu.subsec_millis());
        let faults =
            self.faults.iter().map(|(name, count)| plain(&format!("{FAULT}{name}"), count));
        [
            plain("commit", &self.commit),
            plain("profile", &self.profile),
            plain("first", &self.first),
            plain("seeds", &self.seeds),
            plain("runs", &self.runs),
            plain("states", &self.states),
            plain("operations", &self.operations),
        ]
        .into_iter()
        .chain(faults)
        .chain([
            plain("fingerprint", &format_args!("{:016x}", self.fingerprint)),
            plain(CPU_SECONDS, &cpu),
        ])
        .collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, (name, value)) in self.fields().into_iter().enumerate() {
            let space = if nth == 0 { "" } else { " " };
            write!(f, "{space}{name}={value}")?;
        }
        Ok(())
    }
}

/// What has not been read of a line.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The value of the next word, which has to have this name.
    fn take(&mut self, name: &str) -> Result<&'a str, String> {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        let value = word.strip_prefix(name).and_then(|value| value.strip_prefix('='));
        let value = value.ok_or_else(|| match word {
            "" => format!("`{name}=` is missing at its end"),
            word => format!("`{name}=` is missing where `{word}` stands"),
        })?;
        self.rest = rest;
        Ok(value)
    }

    fn number(&mut self, name: &str) -> Result<u64, String> {
        let value = self.take(name)?;
        value.parse().map_err(|_| format!("`{name}={value}` is no number below 2^64"))
    }

    fn faults(&mut self) -> Result<BTreeMap<String, u64>, String> {
        let mut faults = BTreeMap::new();
        while let Some(rest) = self.rest.strip_prefix(FAULT) {
            let (class, _) = rest.split_once('=').ok_or_else(|| format!("`{FAULT}` has no `=`"))?;
            let count = self.number(&format!("{FAULT}{class}"))?;
            faults.insert(class.to_owned(), count);
        }
        Ok(faults)
    }
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn commit(text: &str) -> Result<String, String> {
    if is_hexadecimal(text, COMMIT_DIGITS) {
        return Ok(text.to_owned());
    }
    Err(format!("`commit={text}` is not {COMMIT_DIGITS} hexadecimal digits"))
}

fn fingerprint(text: &str) -> Result<u64, String> {
    let parsed = is_hexadecimal(text, 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
    parsed.ok_or_else(|| format!("`fingerprint={text}` is not 16 hexadecimal digits"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.split_once('.').filter(|(_, fraction)| fraction.len() == 3);
    let parsed = parsed.and_then(|(whole, milliseconds)| {
        let whole = Duration::from_secs(whole.parse().ok()?);
        whole.checked_add(Duration::from_millis(milliseconds.parse().ok()?))
    });
    parsed.ok_or_else(|| format!("`{CPU_SECONDS}={text}` is no time such as 43.120"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "commit=1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d profile=default first=3000 \
                        seeds=1000 runs=2 states=49123 operations=981234 fault.read_eio=7 \
                        fault.sync_eio=812 fingerprint=00ff000000000001 cpu_seconds=43.120";

    #[test]
    fn a_line_reads_back() {
        let line = Line::parse(TEXT).expect("a line");
        assert_eq!((line.first, line.states, line.faults.len()), (3000, 49_123, 2));
        assert_eq!(
            (line.fingerprint, line.cpu),
            (0xff_0000_0000_0001, Duration::from_millis(43_120))
        );
        assert_eq!((line.to_string().as_str(), line.range().as_str()), (TEXT, "3000..4000"));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_named() {
        for (from, to, said) in [
            ("commit=1a", "commit=1A", "`commit=1A"),
            ("runs=2 ", "", "`runs=` is missing where `states=49123` stands"),
            (" cpu_seconds=43.120", "", "`cpu_seconds=` is missing at its end"),
            ("states=49123", "states=many", "`states=many` is no number"),
            ("states=49123", "states=049123", "otherwise than seawall does"),
            ("states=49123 ", "states=49123  ", "`operations=` is missing"),
            ("fault.read_eio=7", "fault.read_eio=x", "`fault.read_eio=x` is no number"),
            ("fault.read_eio=7", "fault.sync_eio=7", "otherwise than seawall does"),
            ("fingerprint=00ff", "fingerprint=ff", "is not 16 hexadecimal digits"),
            ("43.120", "43.12", "is no time"),
            ("43.120", "43.120 and=more", "more behind cpu_seconds: `and=more`"),
        ] {
            let why = Line::parse(&TEXT.replace(from, to)).expect_err(to);
            assert!(why.contains(said), "{to}: {why}");
        }
    }

    #[test]
    fn lines_differ_in_fields_and_never_in_the_time_they_took() {
        let line = Line::parse(TEXT).expect("a line");
        let differ = |from, to| {
            let other = Line::parse(&TEXT.replace(from, to)).expect("a line");
            line.differences(&other)
        };
        let field = |field: &str, was: &str, is: &str| {
            vec![Difference { field: field.into(), was: was.into(), is: is.into() }]
        };
        assert_eq!(differ("43.120", "1.000"), []);
        assert_eq!(differ("states=49123", "states=49124"), field("states", "49123", "49124"));
        assert_eq!(differ("fault.read_eio=7 ", ""), field("fault.read_eio", "7", "nothing"));
        let more = differ("fault.read_eio", "fault.a=1 fault.read_eio");
        assert_eq!(more, field("fault.a", "nothing", "1"));
    }
}
