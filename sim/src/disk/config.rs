//! The text form of settings: `name=number` words, as they stand in a configuration line.

/// Reads every word of `text` and hands it to `set`, which says whether it knows the name.
pub(super) fn read(text: &str, mut set: impl FnMut(&str, u32) -> bool) -> Result<(), String> {
    for word in text.split_whitespace() {
        let parsed = word.split_once('=').and_then(|(key, value)| Some((key, value.parse().ok()?)));
        let (key, value) = parsed.ok_or_else(|| format!("{word:?} is not name=number"))?;
        if !set(key, value) {
            return Err(format!("there is no setting {key:?}"));
        }
    }
    Ok(())
}

/// Declares a set of numbers with a text form that reads back.
///
/// Every field is a `u32`; the text form is `name=number` words in order of declaration, and a name
/// left out keeps its default.
macro_rules! numbers {
    (
        $(#[$about:meta])*
        pub struct $name:ident { $( $(#[$doc:meta])* $field:ident = $default:expr, )* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$doc])* pub $field: u32, )*
        }

        impl Default for $name {
            fn default() -> $name {
                $name { $( $field: $default, )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let words = [ $( (stringify!($field), self.$field), )* ];
                for (index, (name, value)) in words.iter().enumerate() {
                    write!(f, "{}{name}={value}", if index == 0 { "" } else { " " })?;
                }
                Ok(())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                let mut numbers = $name::default();
                super::config::read(text, |key, value| {
                    match key {
                        $( stringify!($field) => numbers.$field = value, )*
                        _ => return false,
                    }
                    true
                })?;
                Ok(numbers)
            }
        }
    };
}

pub(super) use numbers;
