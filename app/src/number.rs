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

/// The shortest text that is read as this number again.
pub(crate) fn shortest(value: f64) -> String {
    #[cfg(target_arch = "wasm32")]
    return web_sys::js_sys::Number::from(value).to_string_with_radix(10).map(String::from).unwrap_or_default();
    #[cfg(not(target_arch = "wasm32"))]
    value.to_string()
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
    fn a_number_is_read_as_it_was_written() {
        for value in [0.0, 0.1, 1.0 / 3.0, 0.619_047_619_047_619_1, 1e-7, -0.25, 4_294_967_296.0] {
            assert_eq!(parse(&shortest(value)), Some(value));
        }
        assert_eq!([parse("x"), parse(""), parse("1e999")], [None; 3]);
    }
}
