//! Declares a table of cells: for each cell a type whose values have names and numbers.

/// Declares a struct of cells, and for each cell its type.
///
/// The first value of every cell is the one that forbids nothing; its number is zero. In a
/// configuration line a cell stands as `knob=number`.
macro_rules! cells {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $(
                $(#[$cell_doc:meta])*
                $field:ident as $knob:literal: $cell:ident {
                    $( $(#[$value_doc:meta])* $value:ident, )*
                }
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$cell_doc])* pub $field: $cell, )*
        }

        $(
            $(#[$cell_doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $cell {
                $( $(#[$value_doc])* $value, )*
            }

            impl $cell {
                const ALL: &[$cell] = &[ $( $cell::$value, )* ];
            }
        )*

        impl $name {
            /// The names of the cells in a configuration line, in the order of the table.
            pub const KNOBS: &[&str] = &[ $( $knob, )* ];

            /// The numbers of its cells, by the names they have in a configuration line.
            pub fn numbers(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [ $( ($knob, self.$field as u64), )* ].into_iter()
            }

            /// The personality whose cells have the numbers that `number` gives; a number that is none
            /// of a cell's stands for its last value.
            pub fn of_numbers(number: impl Fn(&str) -> u64) -> $name {
                $name { $( $field: {
                    let all = $cell::ALL;
                    let number = usize::try_from(number($knob)).unwrap_or(usize::MAX);
                    all[number.min(all.len() - 1)]
                }, )* }
            }

            /// What each cell says, in words of the code: its name, and the name of its value.
            pub fn words(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
                [ $( (stringify!($field), format!("{:?}", self.$field)), )* ].into_iter()
            }
        }

        #[cfg(test)]
        impl $name {
            /// Every other value of one cell, the rest being the same.
            pub(super) fn flips(self) -> Vec<$name> {
                let mut flips = Vec::new();
                $( for value in $cell::ALL {
                    if *value != self.$field {
                        flips.push($name { $field: *value, ..self });
                    }
                } )*
                flips
            }
        }
    };
}

pub(super) use cells;
