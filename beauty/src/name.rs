//! Names that come in from outside: who reports, and about what. Both are short, printable, and cheap to clone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::quoted;

/// The most characters (Unicode scalar values) in a name.
const MAX_CHARS: usize = 64;

/// The most bytes in a name: UTF-8 takes at most four a character.
pub(crate) const MAX_BYTES: usize = 4 * MAX_CHARS;

/// Who reports: the node's name, 1 to 64 characters, none of them a control character or one that can't be seen, no white space at
/// either end.
///
/// Ordered by its UTF-8 bytes, which is the order of rows on the map. A string in JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(Arc<str>);

impl Origin {
    /// Takes a node's name.
    ///
    /// # Errors
    /// A [`NameError`] that says what is wrong with the name, and what would be right.
    pub fn new(name: &str) -> Result<Origin, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        check("node_id", name)?;
        if name.chars().any(is_invisible) {
            return Err(NameError::Invisible { found: quoted(name) });
        }
        if name.trim() != name {
            return Err(NameError::Padded { found: quoted(name) });
        }
        Ok(Origin(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the score is about: up to 64 characters, none of them a control character. May be empty. A string in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Source(Arc<str>);

impl Source {
    /// Takes a source's name.
    ///
    /// # Errors
    /// A [`NameError`] that says what is wrong with the name, and what would be right.
    pub fn new(name: &str) -> Result<Source, NameError> {
        check("source", name)?;
        Ok(Source(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What holds for all names: bounded, and printable.
fn check(field: &'static str, name: &str) -> Result<(), NameError> {
    // Bytes first, so that a name of a gigabyte is not counted through.
    if name.len() > MAX_BYTES || name.chars().count() > MAX_CHARS {
        return Err(NameError::TooLong { field, found: quoted(name) });
    }
    if name.chars().any(is_control) {
        return Err(NameError::Control { field, found: quoted(name) });
    }
    Ok(())
}

/// What is no text but moves it: control characters, line separators, and what turns the direction of the text around
/// it (Unicode Standard Annex 9, table 1), by which a name can look like another.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What is in a text and can't be seen: fillers, joiners, marks, selectors (the code points that Unicode names default ignorable,
/// Standard Annex 44). Two names that differ by it look the same.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// A node without a name.
    #[error("node_id is empty: 1 to {MAX_CHARS} characters are right")]
    Empty,
    /// Over 64 characters.
    #[error("{field} {found} is too long: at most {MAX_CHARS} characters are right")]
    TooLong {
        /// `node_id` or `source`.
        field: &'static str,
        /// What came in, quoted, escaped and cut short.
        found: String,
    },
    /// Control characters, and others that move text.
    #[error(
        "{field} {found} has control characters (line breaks, tabs, escapes, changes of direction): leave them out"
    )]
    Control {
        /// `node_id` or `source`.
        field: &'static str,
        /// What came in, quoted, escaped and cut short.
        found: String,
    },
    /// Characters that can't be seen, in a node's name.
    #[error("node_id {found} has characters that can't be seen, by which it looks like another: leave them out")]
    Invisible {
        /// What came in, quoted, escaped and cut short.
        found: String,
    },
    /// White space around a node's name.
    #[error("node_id {found} has white space at its start or end: leave it out")]
    Padded {
        /// What came in, quoted, escaped and cut short.
        found: String,
    },
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<$name, NameError> {
                $name::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<$name, NameError> {
                $name::new(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_conversions!(Origin);
text_conversions!(Source);
