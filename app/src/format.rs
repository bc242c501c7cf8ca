//! How numbers, times and lengths of time read. Pure: no locale and no clock, so the server and the browser agree to the letter.

/// What stands where nothing is known: empty is not zero.
pub(crate) const NOTHING: &str = "—";

const SECOND: u64 = 1_000;
const MINUTE_SECONDS: u64 = 60;
const HOUR_SECONDS: u64 = 3_600;
const DAY_SECONDS: u64 = 86_400;

/// A score, to three digits.
pub(crate) fn score(value: f64) -> String {
    format!("{value:.3}")
}

/// A score to three digits, or the sign for nothing.
pub(crate) fn score_or_nothing(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), score)
}

/// A whole number, its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole number with its noun: `1 peer`, `2 peers`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A round trip: finer where it is short.
pub(crate) fn milliseconds(value: f64) -> String {
    if value < 10.0 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

/// A length of time in its two greatest units.
pub(crate) fn duration(seconds: u64) -> String {
    let (great, great_unit, small, small_unit) = match seconds {
        0..MINUTE_SECONDS => return format!("{seconds} s"),
        MINUTE_SECONDS..HOUR_SECONDS => (seconds / MINUTE_SECONDS, "min", seconds % MINUTE_SECONDS, "s"),
        HOUR_SECONDS..DAY_SECONDS => (seconds / HOUR_SECONDS, "h", seconds % HOUR_SECONDS / MINUTE_SECONDS, "min"),
        _ => (seconds / DAY_SECONDS, "d", seconds % DAY_SECONDS / HOUR_SECONDS, "h"),
    };
    if small == 0 { format!("{great} {great_unit}") } else { format!("{great} {great_unit} {small} {small_unit}") }
}

/// The time of day in UTC, as `HH:MM:SS`.
pub(crate) fn time(at: u64) -> String {
    let seconds = at / SECOND % DAY_SECONDS;
    let (hour, minute, second) = (seconds / HOUR_SECONDS, seconds / MINUTE_SECONDS % 60, seconds % MINUTE_SECONDS);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// The day and the time of day in UTC, as `YYYY-MM-DD HH:MM`.
pub(crate) fn day_and_time(at: u64) -> String {
    let (year, month, day) = civil(at / SECOND / DAY_SECONDS);
    let minutes = at / SECOND % DAY_SECONDS / MINUTE_SECONDS;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// Year, month and day of a day counted from the Unix epoch, by Howard Hinnant's `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_three_digits_and_nothing_is_not_zero() {
        assert_eq!(score(0.5), "0.500");
        assert_eq!(score_or_nothing(Some(0.0)), "0.000");
        assert_eq!(score_or_nothing(None), "—");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
    }

    #[test]
    fn a_noun_follows_its_number() {
        assert_eq!(counted(0, "peer", "peers"), "0 peers");
        assert_eq!(counted(1, "peer", "peers"), "1 peer");
        assert_eq!(counted(2_000, "peer", "peers"), "2,000 peers");
    }

    #[test]
    fn short_round_trips_are_finer() {
        assert_eq!(milliseconds(0.42), "0.4 ms");
        assert_eq!(milliseconds(41.6), "42 ms");
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(300), "5 min");
        assert_eq!(duration(61), "1 min 1 s");
        assert_eq!(duration(7_500), "2 h 5 min");
        assert_eq!(duration(97_200), "1 d 3 h");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(0), "00:00:00");
        assert_eq!(time(1_763_820_915_999), "14:15:15");
        assert_eq!(day_and_time(0), "1970-01-01 00:00");
        assert_eq!(day_and_time(951_782_400_000), "2000-02-29 00:00");
        assert_eq!(day_and_time(1_763_820_915_999), "2025-11-22 14:15");
    }
}
