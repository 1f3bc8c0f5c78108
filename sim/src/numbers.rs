//! Numbers and times as people read them.

use std::time::Duration;

/// All digits, in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A large number, rounded: `1.9 M`.
pub fn short(number: u64) -> String {
    match number {
        0..=99_999 => grouped(number),
        100_000..=999_999 => format!("{} k", number / 1_000),
        _ => format!("{}.{} M", grouped(number / 1_000_000), number / 100_000 % 10),
    }
}

/// So many of something: `1 operation`, `4,812 operations`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `00:41`, `1:02:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (number, text) in [(0, "0"), (999, "999"), (48_210, "48,210"), (1_000_000, "1,000,000")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn large_numbers_are_rounded() {
        for (number, text) in [(48_210, "48,210"), (948_210, "948 k"), (1_948_210, "1.9 M")] {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn one_of_a_thing_is_not_many() {
        let seeds = [0, 1, 2_000].map(|number| counted(number, "seed", "seeds"));
        assert_eq!(seeds, ["0 seeds", "1 seed", "2,000 seeds"]);
    }

    #[test]
    fn clocks_show_hours_only_when_there_are_any() {
        assert_eq!(clock(Duration::from_millis(41_900)), "00:41");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }
}
