//! The form a violation takes.

use std::fmt;

use crate::system::Property;

/// A property that does not hold, with the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub property: Property,
    /// The facts, each a label such as `expected` and a text.
    pub facts: Vec<(&'static str, String)>,
}

impl Violation {
    /// A violation with its first fact.
    pub fn new(property: Property, label: &'static str, text: impl Into<String>) -> Violation {
        Violation { property, facts: vec![(label, text.into())] }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, label: &'static str, text: impl Into<String>) -> Violation {
        self.facts.push((label, text.into()));
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "property  {}: {}", self.property, self.property.sentence())?;
        for (label, text) in &self.facts {
            write!(f, "\n{label:<10}{text}")?;
        }
        Ok(())
    }
}
