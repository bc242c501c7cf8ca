//! Numbers with a fraction as text, and back. What is shown is rounded here, by arithmetic that is the same everywhere; what is to
//! be exact, the browser does itself: the tables for it would be a tenth of the program that readers download.

/// A number with so many digits behind the point, rounded half away from zero. What is no number is nothing.
pub(crate) fn fixed(value: f64, digits: usize) -> String {
    let scale = 10_u64.pow(digits as u32);
    let scaled = (value.abs() * scale as f64 + 0.5) as u64;
    let sign = if value < 0.0 && scaled > 0 { "-" } else { "" };
    let (whole, rest) = (scaled / scale, scaled % scale);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0digits$}") }
}

/// A number as the attributes of a drawing have it: to a tenth, so that paths stay short.
pub(crate) fn tenths(value: f64) -> String {
    fixed(value, 1)
}

/// Reads a number exactly.
pub(crate) fn parse(text: &str) -> Option<f64> {
    // Most are whole and small.
    if let Ok(whole) = text.parse::<u32>() {
        return Some(f64::from(whole));
    }
    #[cfg(target_arch = "wasm32")]
    let parsed = Some(web_sys::js_sys::parse_float(text)).filter(|number| number.is_finite());
    #[cfg(not(target_arch = "wasm32"))]
    let parsed = text.parse().ok().filter(|number: &f64| number.is_finite());
    parsed
}

/// Writes a whole number behind a text. A page of 200 nodes has 24,000 numbers: none of them is made a text of its own first.
pub(crate) fn push_whole(text: &mut String, number: u64) {
    push_digits(text, number, 1);
}

/// The same, with zeros in front where it has fewer digits than these.
fn push_digits(text: &mut String, number: u64, least: usize) {
    let (mut digits, mut first, mut rest) = ([b'0'; 20], 20, number);
    while rest > 0 || digits.len() - first < least {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text.extend(digits[first..].iter().map(|digit| char::from(*digit)));
}

/// Writes the shortest text that is read as this number again behind a text.
pub(crate) fn push_shortest(text: &mut String, value: f64) {
    // Scores have six digits and most numbers no more: those need no search for the shortest, since two texts of up to 15 digits are
    // never one number.
    let micros = (value * 1e6).round();
    if (0.0..1e9).contains(&micros) && micros / 1e6 == value {
        return push_micros(text, micros as u64);
    }
    #[cfg(target_arch = "wasm32")]
    let exact = web_sys::js_sys::Number::from(value).to_string_with_radix(10).map(String::from).unwrap_or_default();
    #[cfg(not(target_arch = "wasm32"))]
    let exact = value.to_string();
    text.push_str(&exact);
}

/// The same as a text of its own.
pub(crate) fn shortest(value: f64) -> String {
    let mut text = String::new();
    push_shortest(&mut text, value);
    text
}

/// A number of millionths, without zeros at its end.
fn push_micros(text: &mut String, micros: u64) {
    let (mut rest, mut digits) = (micros % 1_000_000, 6);
    push_whole(text, micros / 1_000_000);
    if rest == 0 {
        return;
    }
    while rest.is_multiple_of(10) {
        (rest, digits) = (rest / 10, digits - 1);
    }
    text.push('.');
    push_digits(text, rest, digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_rounded_and_kept() {
        assert_eq!(
            [fixed(0.5, 3), fixed(0.0, 3), fixed(0.9996, 3), fixed(12.05, 1)],
            ["0.500", "0.000", "1.000", "12.1"]
        );
        assert_eq!([fixed(-0.25, 1), fixed(-0.01, 1), fixed(2.5, 0), fixed(f64::NAN, 2)], ["-0.3", "0.0", "3", "0.00"]);
    }

    #[test]
    fn whole_numbers_are_written_with_all_their_digits() {
        for number in [0, 7, 10, 1_234_567_890, u64::MAX] {
            let mut text = String::from("x");
            push_whole(&mut text, number);
            assert_eq!(text, format!("x{number}"));
        }
    }

    #[test]
    fn the_shortest_text_of_a_score_is_that_of_every_other_number() {
        for micros in (0..=1_000_000).step_by(7).chain([1, 10, 999_999_999]) {
            let value = f64::from(micros) / 1e6;
            assert_eq!(shortest(value), value.to_string());
        }
        for value in [0.1 + 0.2, 1.0 / 3.0, 1e-7, -0.5, 1e9, 0.123_456_7, f64::MAX] {
            assert_eq!(shortest(value), value.to_string());
        }
    }

    #[test]
    fn a_number_is_read_as_it_was_written() {
        for value in [0.0, 0.1, 1.0 / 3.0, 0.619_047_619_047_619_1, 1e-7, -0.25, 4_294_967_296.0] {
            assert_eq!(parse(&shortest(value)), Some(value));
        }
        assert_eq!([parse("x"), parse(""), parse("1e999")], [None; 3]);
    }
}
