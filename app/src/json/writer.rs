//! Values as text.

use super::Json;

/// A text that grows.
#[derive(Default)]
pub(crate) struct Writer {
    /// What is written so far.
    pub(crate) text: String,
    dense: bool,
    deep: usize,
    /// Whether something stands already between the brackets that are open.
    begun: bool,
}

impl Writer {
    /// One that writes no spaces and no lines.
    pub(crate) fn dense() -> Self {
        Self { dense: true, ..Self::default() }
    }

    /// Something that needs no quotes.
    pub(crate) fn bare(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A text.
    pub(crate) fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                control if u32::from(control) < 0x20 => {
                    self.text.push_str(&format!("\\u{:04x}", u32::from(control)));
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }

    /// The bracket before a list or an object.
    pub(crate) fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.deep += 1;
        self.begun = false;
    }

    /// The next of a list or an object comes, on a line of its own or not.
    pub(crate) fn next(&mut self, own_line: bool) {
        if self.begun {
            self.text.push(',');
        }
        match (self.dense, own_line) {
            (true, _) => {}
            (false, true) => self.line(),
            (false, false) if self.begun => self.text.push(' '),
            (false, false) => {}
        }
        self.begun = true;
    }

    /// A field of an object.
    pub(crate) fn field<T: Json>(&mut self, name: &str, value: &T) {
        self.next(true);
        self.quoted(name);
        self.text.push_str(if self.dense { ":" } else { ": " });
        value.write(self);
    }

    /// The bracket after a list or an object.
    pub(crate) fn close(&mut self, bracket: char, own_line: bool) {
        self.deep = self.deep.saturating_sub(1);
        if own_line && !self.dense {
            self.line();
        }
        self.text.push(bracket);
        // Whatever this stands in has begun.
        self.begun = true;
    }

    fn line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.deep {
            self.text.push_str("  ");
        }
    }
}
