//! JSON, as far as reports need it.

use std::fmt::Write;

/// A JSON object that is being written.
#[derive(Clone, Debug, Default)]
pub struct Object {
    text: String,
}

impl Object {
    /// An object without members.
    pub fn new() -> Object {
        Object::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Object {
        let value = quoted(value);
        self.raw(name, &value)
    }

    /// Adds a whole number.
    #[must_use]
    pub fn number(self, name: &str, value: u64) -> Object {
        self.raw(name, &value.to_string())
    }

    /// Adds a number with three decimals.
    #[must_use]
    pub fn decimal(self, name: &str, value: f64) -> Object {
        let value = if value.is_finite() { value } else { 0.0 };
        self.raw(name, &format!("{value:.3}"))
    }

    /// Adds an object.
    #[must_use]
    pub fn object(self, name: &str, value: &Object) -> Object {
        let value = value.to_string();
        self.raw(name, &value)
    }

    /// Adds a list of values that are JSON already.
    #[must_use]
    pub fn list(self, name: &str, values: impl IntoIterator<Item = String>) -> Object {
        let values: Vec<String> = values.into_iter().collect();
        self.raw(name, &format!("[{}]", values.join(",")))
    }

    fn raw(mut self, name: &str, value: &str) -> Object {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(&quoted(name));
        self.text.push(':');
        self.text.push_str(value);
        self
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{}}}", self.text)
    }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => {
                // Writing to a String does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_nest_and_texts_are_escaped() {
        let inner = Object::new().number("a", 1).decimal("b", 0.5);
        let outer = Object::new()
            .text("say \"hi\"", "a\\b\nc\u{1}")
            .object("inner", &inner)
            .list("list", [quoted("x"), inner.to_string()]);
        let expected = concat!(
            r#"{"say \"hi\"":"a\\b\nc\u0001","#,
            r#""inner":{"a":1,"b":0.500},"list":["x",{"a":1,"b":0.500}]}"#
        );
        assert_eq!(outer.to_string(), expected);
    }
}
