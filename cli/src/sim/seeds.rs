//! Seeds, ranges of seeds and times, as a person writes them.

use std::ops::Range;
use std::time::Duration;

/// A half-open range of seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeedRange(pub(crate) Range<u64>);

const GIT_HASH_DIGITS: usize = 40;
const SEED_DIGITS: usize = 16;

/// A seed: decimal, `0x..`, or the first 16 digits of a 40-digit git hash.
///
/// # Errors
/// Says what forms there are.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let is_hash =
        text.len() == GIT_HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parsed = if is_hash {
        u64::from_str_radix(&text[..SEED_DIGITS], 16)
    } else if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        u64::from_str_radix(digits, 16)
    } else {
        text.parse()
    };
    parsed.map_err(|_| {
        "a seed is a number below 2^64, 0x and up to 16 digits, or a 40-digit git hash".to_owned()
    })
}

/// `A..B`: from A up to but not B.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn range(text: &str) -> Result<SeedRange, String> {
    let (start, end) = text.split_once("..").ok_or("a range is written A..B, such as 0..2000")?;
    let (start, end) = (seed(start)?, seed(end)?);
    if start >= end {
        return Err(format!("the range is empty: it ends before {end}"));
    }
    Ok(SeedRange(start..end))
}

/// A time with its unit: `500ms`, `30s`, `10m`, `2h`.
///
/// # Errors
/// Says what forms there are.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number and ms, s, m or h, such as 30s or 10m".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_decimal_hexadecimal_or_a_git_hash() {
        assert_eq!(seed("7"), Ok(7));
        assert_eq!(seed("0x9e3779b97f4a7c15"), Ok(0x9e37_79b9_7f4a_7c15));
        assert_eq!(seed("9e3779b97f4a7c15000000000000000000000000"), Ok(0x9e37_79b9_7f4a_7c15));
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["", "-1", "0x", "seven", "18446744073709551616", "9e3779b9"] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_are_half_open_and_not_empty() {
        assert_eq!(range("0..2000"), Ok(SeedRange(0..2000)));
        assert_eq!(range("0x10..0x20"), Ok(SeedRange(16..32)));
        for wrong in ["5", "5..5", "6..5", "..", "1..", "a..b"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_needs_its_unit() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["10", "m", "1d", "1.5h", "99999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
