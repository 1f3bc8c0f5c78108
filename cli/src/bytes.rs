//! Keys and values as people and JSON write them.
//!
//! In JSON a key or value is a string when its bytes are UTF-8, and otherwise `{"b64": ".."}` with
//! standard padded base64. With `--hex` it is a string of hexadecimal digits in every format.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::console::several;

/// Decodes hexadecimal digits, two a byte.
///
/// # Errors
/// Says what is wrong with the text.
pub(crate) fn from_hex(text: &[u8]) -> Result<Vec<u8>, String> {
    if !text.len().is_multiple_of(2) {
        let digits = several(text.len() as u64, "hexadecimal digit");
        return Err(format!("{digits}, and each byte has two"));
    }
    let digit = |b: u8| {
        let value = char::from(b).to_digit(16);
        value.ok_or_else(|| format!("`{}` is not a hexadecimal digit", b.escape_ascii()))
    };
    text.chunks_exact(2).map(|pair| Ok((digit(pair[0])? << 4 | digit(pair[1])?) as u8)).collect()
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn write_hex(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut buffer = [0; 128];
    for chunk in bytes.chunks(buffer.len() / 2) {
        for (pair, byte) in buffer.chunks_exact_mut(2).zip(chunk) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        out.write_all(&buffer[..chunk.len() * 2])?;
    }
    Ok(())
}

/// Writes bytes for text output: as they are, or as hexadecimal digits.
pub(crate) fn write_text(out: &mut impl Write, bytes: &[u8], hex: bool) -> io::Result<()> {
    if hex { write_hex(out, bytes) } else { out.write_all(bytes) }
}

/// Writes bytes as a field of a line: as they are, but for a backslash and for control characters, which
/// would end the field or the line, or steer a terminal. Those are `\\`, `\t`, `\n`, `\r` and `\xNN`.
pub(crate) fn write_field(out: &mut impl Write, bytes: &[u8], hex: bool) -> io::Result<()> {
    if hex {
        return write_hex(out, bytes);
    }
    for part in bytes.split_inclusive(is_escaped) {
        match part.split_last() {
            Some((last, plain)) if is_escaped(last) => {
                out.write_all(plain)?;
                write!(out, "{}", last.escape_ascii())?;
            }
            _ => out.write_all(part)?,
        }
    }
    Ok(())
}

fn is_escaped(byte: &u8) -> bool {
    *byte == b'\\' || byte.is_ascii_control()
}

/// A key or value on its way into JSON.
pub(crate) struct Shown<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) hex: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.hex {
            return serializer.collect_str(&Hex(self.bytes));
        }
        if let Ok(text) = std::str::from_utf8(self.bytes) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("b64", &BASE64.encode(self.bytes))?;
        map.end()
    }
}

/// Shows bytes as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key or value read from JSON; borrowed from the input unless it had escapes or base64.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed<'a>(pub(crate) Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Parsed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParsedVisitor).map(Parsed)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Cow<'de, [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or {\"b64\": \"..\"}")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text.as_bytes()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.as_bytes().to_vec()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.into_bytes()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((name, text)) = map.next_entry::<Cow<'de, str>, Cow<'de, str>>()? else {
            return Err(A::Error::missing_field("b64"));
        };
        if name != "b64" {
            return Err(A::Error::unknown_field(&name, &["b64"]));
        }
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| {
            A::Error::custom("`b64` does not hold base64 as RFC 4648 has it, with its padding")
        })?;
        if map.next_key::<Cow<'de, str>>()?.is_some() {
            return Err(A::Error::custom("nothing may stand beside `b64`"));
        }
        Ok(Cow::Owned(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8], hex: bool) -> String {
        serde_json::to_string(&Shown { bytes, hex }).expect("bytes always serialise")
    }

    #[test]
    fn any_bytes_survive_json() {
        for bytes in [&b""[..], b"plain", b"tab\t\"quote\"\n\0", "\u{e9}".as_bytes(), &[0xff, 0]] {
            let text = json(bytes, false);
            let back: Parsed<'_> = serde_json::from_str(&text).expect("what was written parses");
            assert_eq!(&*back.0, bytes, "{text}");
        }
    }

    #[test]
    fn any_bytes_survive_hex() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        write_hex(&mut text, &bytes).expect("a vector takes all");
        assert_eq!(from_hex(&text), Ok(bytes.clone()));
        assert_eq!(json(&bytes, true), format!("\"{}\"", String::from_utf8_lossy(&text)));
    }

    #[test]
    fn a_field_has_no_byte_that_ends_it_and_can_be_taken_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        write_field(&mut text, &bytes, false).expect("a vector takes all");
        assert!(!text.iter().any(u8::is_ascii_control));
        assert_eq!(text.iter().filter(|byte| **byte >= 0x80).count(), 128);
        let mut back = Vec::new();
        let mut left = text.into_iter();
        while let Some(byte) = left.next() {
            back.push(match (byte, if byte == b'\\' { left.next() } else { None }) {
                (byte, None) => byte,
                (_, Some(b't')) => b'\t',
                (_, Some(b'n')) => b'\n',
                (_, Some(b'r')) => b'\r',
                (_, Some(b'x')) => {
                    from_hex(&left.by_ref().take(2).collect::<Vec<_>>()).expect("digits")[0]
                }
                (_, Some(other)) => other,
            });
        }
        assert_eq!(back, bytes);
    }

    #[test]
    fn plain_strings_are_borrowed() {
        let parsed: Parsed<'_> = serde_json::from_str("\"abc\"").expect("valid");
        assert!(matches!(parsed.0, Cow::Borrowed(_)));
    }

    #[test]
    fn wrong_forms_say_what_is_expected() {
        let error = |text| serde_json::from_str::<Parsed<'_>>(text).expect_err(text).to_string();
        assert!(error("7").contains("expected a string or {\"b64\""), "{}", error("7"));
        assert!(error("{}").contains("missing field `b64`"));
        assert!(error("{\"hex\":\"00\"}").contains("unknown field `hex`"));
        assert!(error("{\"b64\":\"?\"}").starts_with("`b64` does not hold base64"));
        assert!(error("{\"b64\":\"\",\"x\":\"\"}").contains("nothing may stand beside"));
        assert_eq!(from_hex(b"0g"), Err("`g` is not a hexadecimal digit".to_owned()));
        assert!(from_hex(b"abc").is_err());
    }
}
