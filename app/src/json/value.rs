//! JSON as a tree (RFC 8259). It borrows from the text, so that numbers and texts that nobody asks for cost nothing.

/// How deep lists and objects may be nested; the API's are half as deep.
const DEEPEST: usize = 16;

/// A value.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing is known.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A text, as it is written between its quotes.
    Text(&'a str),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object, its names as they are written.
    Object(Vec<(&'a str, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Reads a text that holds one value and nothing else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(DEEPEST)?;
        reader.skip_space();
        (reader.at == text.len()).then_some(value)
    }

    /// The value of this name; none where this is no object, or has no such name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.take(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Goes on over bytes of a kind; returns them.
    fn take(&mut self, wanted: fn(u8) -> bool) -> &'a str {
        let from = self.at;
        while self.peek().is_some_and(wanted) {
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// Goes on over one byte, if it is this one.
    fn eat(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, deep: usize) -> Option<Value<'a>> {
        let deep = deep.checked_sub(1)?;
        self.skip_space();
        match self.peek()? {
            b'{' => {
                let mut fields = Vec::new();
                self.items(b'}', &mut |reader| {
                    reader.skip_space();
                    let name = reader.quoted()?;
                    if !reader.eat(b':') {
                        return None;
                    }
                    fields.push((name, reader.value(deep)?));
                    Some(())
                })?;
                Some(Value::Object(fields))
            }
            b'[' => {
                let mut values = Vec::new();
                self.items(b']', &mut |reader| {
                    values.push(reader.value(deep)?);
                    Some(())
                })?;
                Some(Value::List(values))
            }
            b'"' => self.quoted().map(Value::Text),
            b'-' | b'0'..=b'9' => {
                let number = self.take(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
                Some(Value::Number(number))
            }
            _ => match self.take(|byte| byte.is_ascii_lowercase()) {
                "null" => Some(Value::Null),
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
        }
    }

    /// What stands between the bracket that comes next and its other, set apart by commas.
    fn items(&mut self, close: u8, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.eat(close) {
            return Some(());
        }
        loop {
            item(self)?;
            if self.eat(close) {
                return Some(());
            }
            if !self.eat(b',') {
                return None;
            }
        }
    }

    /// What stands between two quotes.
    fn quoted(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        self.at += 1;
        let from = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                // What follows is no end, whatever it is.
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(from..self.at - 1)
    }
}

/// A text as it was meant; none where it is none.
pub(crate) fn unescaped(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        let mut characters = escape.chars();
        match characters.next()? {
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'u' => {
                let first = unit(&mut characters)?;
                // What does not fit into one unit is written as two (RFC 8259, 7).
                let code = if (0xd800..0xdc00).contains(&first) {
                    let second = characters.as_str().strip_prefix("\\u")?;
                    characters = second.chars();
                    let second = unit(&mut characters)?.checked_sub(0xdc00).filter(|second| *second < 0x400)?;
                    0x1_0000 + ((first - 0xd800) << 10) + second
                } else {
                    first
                };
                text.push(char::from_u32(code)?);
            }
            other @ ('"' | '\\' | '/') => text.push(other),
            _ => return None,
        }
        rest = characters.as_str();
    }
    text.push_str(rest);
    Some(text)
}

/// Four hexadecimal digits.
fn unit(characters: &mut std::str::Chars<'_>) -> Option<u32> {
    let (digits, rest) = characters.as_str().split_at_checked(4)?;
    *characters = rest.chars();
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}
