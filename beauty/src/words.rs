//! Words for error texts: what was found, how long a span is, and untrusted input made safe to show.

use serde_json::Value;

/// How many characters of untrusted input an error text may echo.
const ECHO: usize = 60;

/// Untrusted text in quotes: control characters escaped, cut after [`ECHO`] characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut escaped = text.chars().flat_map(char::escape_debug);
    let shown: String = escaped.by_ref().take(ECHO).collect();
    if escaped.next().is_some() { format!("\"{shown}…\"") } else { format!("\"{shown}\"") }
}

/// What a JSON value is, with its text where that helps the reader find it.
pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => format!("{truth}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A span of time in its two largest units: `7 d`, `3 h 20 min`, `45 s 100 ms`.
pub(crate) fn span(millis: u64) -> String {
    const UNITS: [(u64, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    let mut rest = millis;
    let mut words = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size && words.len() < 2 {
            words.push(format!("{} {unit}", rest / size));
            rest %= size;
        } else if !words.is_empty() {
            break;
        }
    }
    if words.is_empty() { "0 ms".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_short_and_shows_no_control_character() {
        let echo = quoted(&"\u{1b}[31m\n".repeat(100));
        assert!(echo.chars().count() <= ECHO + 3, "{echo}");
        assert!(!echo.chars().any(char::is_control), "{echo}");
        assert_eq!(quoted("calm"), "\"calm\"");
        assert_eq!(quoted(&"a".repeat(60)), format!("\"{}\"", "a".repeat(60)));
        assert_eq!(quoted(&"a".repeat(61)), format!("\"{}…\"", "a".repeat(60)));
    }

    #[test]
    fn a_span_has_at_most_two_units() {
        assert_eq!(span(0), "0 ms");
        assert_eq!(span(45_100), "45 s 100 ms");
        assert_eq!(span(7 * 86_400_000), "7 d");
        assert_eq!(span(86_400_001), "1 d");
        assert_eq!(span(12_000_000), "3 h 20 min");
    }
}
