//! How numbers and lengths of time read. Pure: no clock, so the server and the browser agree to the letter.

use super::{Language, each, td_string};
use crate::choice::Kind;
use crate::number;

/// What stands where nothing is known: empty is not zero.
pub(crate) const NOTHING: &str = "—";

pub(super) const MINUTE_SECONDS: u64 = 60;
const HOUR_SECONDS: u64 = 3_600;
pub(super) const DAY_SECONDS: u64 = 86_400;

impl Language {
    /// A number with so many digits behind the point, and with the sign for minus that is as wide as others.
    pub(crate) fn fixed(self, value: f64, digits: usize) -> String {
        number::fixed(value, digits).replace('.', td_string!(self, number.decimal)).replace('-', "−")
    }

    /// A score, to three digits.
    pub(crate) fn score(self, value: f64) -> String {
        self.fixed(value, 3)
    }

    /// A score to three digits, or the sign for nothing.
    pub(crate) fn score_or_nothing(self, value: Option<f64>) -> String {
        value.map_or_else(|| NOTHING.to_owned(), |value| self.score(value))
    }

    /// A value of a kind of heatmap, as short as can be.
    pub(crate) fn short(self, kind: Kind, value: f64) -> String {
        match kind {
            Kind::Average | Kind::Chaos => self.score(value),
            Kind::Distribution => format!("{} %", self.fixed(100.0 * value, 0)),
            Kind::Change => format!("{}{}", if value < 0.0 { "" } else { "+" }, self.score(value)),
        }
    }

    /// A value of a kind of heatmap, so that it can stand alone.
    pub(crate) fn value(self, kind: Kind, value: f64) -> String {
        let short = self.short(kind, value);
        if kind == Kind::Change { format!("{short} {}", td_string!(self, heatmap.against_usual)) } else { short }
    }

    /// A whole number, its thousands set apart.
    pub(crate) fn count(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push_str(td_string!(self, number.thousands));
            }
            text.push(digit);
        }
        text
    }

    /// A round trip: finer where it is short.
    pub(crate) fn milliseconds(self, value: f64) -> String {
        format!("{} {}", self.fixed(value, usize::from(value < 10.0)), td_string!(self, units.millisecond))
    }

    /// A length of time in its two greatest units.
    pub(crate) fn duration(self, seconds: u64) -> String {
        let [day, hour, minute, second] = each!(self, units: day, hour, minute, second);
        let (great, great_unit, small, small_unit) = match seconds {
            0..MINUTE_SECONDS => return format!("{seconds} {second}"),
            MINUTE_SECONDS..HOUR_SECONDS => (seconds / MINUTE_SECONDS, minute, seconds % MINUTE_SECONDS, second),
            HOUR_SECONDS..DAY_SECONDS => {
                (seconds / HOUR_SECONDS, hour, seconds % HOUR_SECONDS / MINUTE_SECONDS, minute)
            }
            _ => (seconds / DAY_SECONDS, day, seconds % DAY_SECONDS / HOUR_SECONDS, hour),
        };
        if small == 0 { format!("{great} {great_unit}") } else { format!("{great} {great_unit} {small} {small_unit}") }
    }
}

/// A stranger's name, to stand in a sentence: where its letters run from right to left, the others don't run with them.
pub(crate) fn isolated(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { format!("\u{2068}{name}\u{2069}") }
}

/// A name, cut to so many letters.
pub(crate) fn shortened(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let mut cut: String = name.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_three_digits_and_nothing_is_not_zero() {
        assert_eq!(Language::en.score(0.5), "0.500");
        assert_eq!([Language::en.fixed(-0.024, 3), Language::ru.fixed(-0.024, 3)], ["−0.024", "−0,024"]);
        assert_eq!(Language::en.score_or_nothing(Some(0.0)), "0.000");
        assert_eq!(Language::en.score_or_nothing(None), "—");
    }

    #[test]
    fn values_read_as_what_they_are() {
        assert_eq!(Language::en.short(Kind::Distribution, 0.25), "25 %");
        assert_eq!(Language::en.value(Kind::Change, -0.125), "−0.125 against usual");
        assert_eq!(Language::en.value(Kind::Change, 0.0), "+0.000 against usual");
        assert_eq!(Language::en.value(Kind::Chaos, 0.5), "0.500");
    }

    #[test]
    fn a_name_from_right_to_left_is_kept_apart_from_what_stands_around_it() {
        assert_eq!([isolated("beta"), isolated("אבג")], ["beta", "\u{2068}אבג\u{2069}"]);
    }

    #[test]
    fn a_long_name_is_cut_by_its_letters() {
        assert_eq!([shortened("äöüß", 4), shortened("äöüß", 3), shortened("", 0)], ["äöüß", "äö…", ""]);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(Language::en.count(0), "0");
        assert_eq!(Language::en.count(999), "999");
        assert_eq!(Language::en.count(1_000), "1,000");
        assert_eq!(Language::en.count(12_345_678), "12,345,678");
    }

    #[test]
    fn a_noun_follows_its_number() {
        assert_eq!(Language::en.peers(0), "0 peers");
        assert_eq!(Language::en.peers(1), "1 peer");
        assert_eq!(Language::en.peers(2_000), "2,000 peers");
    }

    #[test]
    fn russian_has_its_own_plurals_and_numbers() {
        let events = |number| Language::ru.events(number);
        for (number, words) in [
            (0, "0 событий"),
            (1, "1 событие"),
            (3, "3 события"),
            (5, "5 событий"),
            (11, "11 событий"),
            (14, "14 событий"),
            (21, "21 событие"),
            (22, "22 события"),
            (111, "111 событий"),
        ] {
            assert_eq!(events(number), words);
        }
        assert_eq!(events(12_345), "12\u{a0}345 событий");
        assert_eq!(Language::ru.score(0.5), "0,500");
    }

    #[test]
    fn short_round_trips_are_finer() {
        assert_eq!(Language::en.milliseconds(0.42), "0.4 ms");
        assert_eq!(Language::en.milliseconds(41.6), "42 ms");
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        assert_eq!(Language::en.duration(0), "0 s");
        assert_eq!(Language::en.duration(59), "59 s");
        assert_eq!(Language::en.duration(300), "5 min");
        assert_eq!(Language::en.duration(61), "1 min 1 s");
        assert_eq!(Language::en.duration(7_500), "2 h 5 min");
        assert_eq!(Language::en.duration(97_200), "1 d 3 h");
    }
}
