//! JSON in the browser: what the node tells is read, and what the page shows is written out.
//!
//! The node writes the same shapes with `serde`. Its derived readers and writers would be a tenth of the program that readers
//! download; these are small, and tests hold the two to the same text. What comes from the node is read whole or not at all.
//!
//! | idea | file |
//! |---|---|
//! | text to a tree of values | `value.rs` |
//! | values to text | `writer.rs` |
//! | the shapes of the API | `shapes.rs` |

mod shapes;
mod value;
mod writer;

use crate::api::Counts;
use crate::number;
use std::fmt;
use std::str::FromStr;
pub(crate) use value::Value;
pub(crate) use writer::Writer;

/// Something that JSON can hold.
pub(crate) trait Json: Sized {
    /// Reads it; `None` where it is something else.
    fn read(value: &Value<'_>) -> Option<Self>;

    /// What it is where an object does not name it; `None` where it must.
    fn missing() -> Option<Self> {
        None
    }

    /// Writes it.
    fn write(&self, into: &mut Writer);

    /// Whether it is a list or an object, which a reader wants on lines of its own.
    const WIDE: bool = false;
}

/// Reads a text.
pub(crate) fn read<T: Json>(text: &str) -> Option<T> {
    T::read(&Value::parse(text)?)
}

/// Writes a text, in lines that a person can read.
pub(crate) fn write<T: Json>(value: &T) -> String {
    let mut writer = Writer::default();
    value.write(&mut writer);
    writer.text
}

/// What travels in the HTML from the server to the browser.
pub(crate) struct Carried<T>(pub(crate) T);

/// What came in the HTML is nothing that this page understands.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl<T: Json> FromStr for Carried<T> {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        read(text).map(Self).ok_or(Unreadable)
    }
}

impl<T: Json> fmt::Display for Carried<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::dense();
        self.0.write(&mut writer);
        formatter.write_str(&writer.text)
    }
}

/// Whole numbers.
macro_rules! whole {
    ($($number:ty),*) => {$(
        impl Json for $number {
            fn read(value: &Value<'_>) -> Option<Self> {
                let Value::Number(text) = value else { return None };
                text.parse().ok()
            }

            fn write(&self, into: &mut Writer) {
                let number = *self as i128;
                if number < 0 {
                    into.bare("-");
                }
                number::push_whole(&mut into.text, number.unsigned_abs() as u64);
            }
        }
    )*};
}

whole!(u16, u32, u64, usize, i32, i64);

impl Json for f64 {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Value::Number(text) = value else { return None };
        number::parse(text)
    }

    fn write(&self, into: &mut Writer) {
        number::push_shortest(&mut into.text, *self);
    }
}

impl Json for bool {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Value::Bool(value) = value else { return None };
        Some(*value)
    }

    fn write(&self, into: &mut Writer) {
        into.bare(if *self { "true" } else { "false" });
    }
}

impl Json for String {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Value::Text(raw) = value else { return None };
        value::unescaped(raw)
    }

    fn write(&self, into: &mut Writer) {
        into.quoted(self);
    }
}

impl<T: Json> Json for Option<T> {
    fn read(value: &Value<'_>) -> Option<Self> {
        if matches!(value, Value::Null) { Some(None) } else { T::read(value).map(Some) }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }

    fn write(&self, into: &mut Writer) {
        match self {
            Some(value) => value.write(into),
            None => into.bare("null"),
        }
    }

    const WIDE: bool = T::WIDE;
}

impl<T: Json> Json for Vec<T> {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Value::List(values) = value else { return None };
        values.iter().map(T::read).collect()
    }

    fn missing() -> Option<Self> {
        Some(Vec::new())
    }

    fn write(&self, into: &mut Writer) {
        into.open('[');
        for value in self {
            into.next(T::WIDE);
            value.write(into);
        }
        into.close(']', T::WIDE && !self.is_empty());
    }

    const WIDE: bool = true;
}

impl Json for Counts {
    fn read(value: &Value<'_>) -> Option<Self> {
        let Value::Object(fields) = value else { return None };
        fields.iter().map(|(name, value)| Some((value::unescaped(name)?, u64::read(value)?))).collect()
    }

    fn write(&self, into: &mut Writer) {
        into.open('{');
        for (name, value) in &self.0 {
            into.field(name, value);
        }
        into.close('}', !self.0.is_empty());
    }

    const WIDE: bool = true;
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
