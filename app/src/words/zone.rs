//! How moments read: by the clock of the reader's zone, with what lies between it and UTC beside them.
//!
//! The server doesn't know where its readers are, and renders UTC. The browser takes that over as it is, and tells its own zone
//! to the page afterwards.

use super::format::{DAY_SECONDS, MINUTE_SECONDS};
use super::{Language, td_string};
use leptos::prelude::*;

const MINUTE: i64 = 60_000;

/// A clock that is so many minutes ahead of UTC, the whole year: what a zone's clock will show in another season is not told by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zone(i64);

impl Zone {
    /// The zone of the server's HTML.
    pub(crate) const UTC: Self = Self(0);

    /// Of a clock that is so many minutes ahead of UTC.
    pub(crate) const fn ahead(minutes: i64) -> Self {
        Self(minutes)
    }

    /// What its clock shows at a moment, as milliseconds since it showed the Unix epoch.
    pub(crate) fn shown(self, at: u64) -> u64 {
        at.saturating_add_signed(self.0 * MINUTE)
    }

    /// How it is called: `UTC`, `UTC+03:00`, `UTC−03:30`.
    pub(crate) fn name(self) -> String {
        match self.0 {
            0 => "UTC".to_owned(),
            minutes => ["UTC", if minutes > 0 { "+" } else { "−" }, &clock(minutes.unsigned_abs())].concat(),
        }
    }

    /// A time of day, as `HH:MM:SS` and the zone.
    pub(crate) fn time(self, at: u64) -> String {
        format!("{} {}", time(self.shown(at)), self.name())
    }

    /// A day and a time of day, to the minute, and the zone.
    pub(crate) fn minute(self, at: u64, language: Language) -> String {
        let at = self.shown(at);
        format!("{} {} {}", day(at, language), minute(at), self.name())
    }

    /// A day and a time of day, to the second, and the zone.
    pub(crate) fn moment(self, at: u64, language: Language) -> String {
        format!("{} {}", day(self.shown(at), language), self.time(at))
    }

    /// The zone for buckets of so many seconds: those of a day are days of UTC, wherever the reader is.
    pub(crate) fn of(self, seconds: u64) -> Self {
        if seconds < DAY_SECONDS { self } else { Self::UTC }
    }

    /// From when to when a bucket of so many seconds reaches.
    pub(crate) fn span(self, from: u64, to: u64, seconds: u64, language: Language) -> String {
        let (start, end) = (self.shown(from), self.shown(to));
        match seconds {
            0..MINUTE_SECONDS => format!("{}–{}", time(start), self.time(to)),
            DAY_SECONDS.. => self.start(from, seconds, language),
            _ => format!("{} {}–{} {}", day(start, language), minute(start), minute(end), self.name()),
        }
    }

    /// When a bucket of so many seconds begins.
    pub(crate) fn start(self, at: u64, seconds: u64, language: Language) -> String {
        match seconds {
            0..MINUTE_SECONDS => self.time(at),
            DAY_SECONDS.. => format!("{} UTC", day(at, language)),
            _ => self.minute(at, language),
        }
    }

    /// What stands at a tick of the axis of time, where ticks are so many seconds apart.
    pub(crate) fn tick(self, at: u64, seconds: u64, language: Language) -> String {
        match seconds {
            DAY_SECONDS.. => written(td_string!(language, date.short), at),
            600.. => minute(self.shown(at)),
            _ => time(self.shown(at)),
        }
    }
}

/// The zone that the page tells times in: by how many minutes its clock is ahead of UTC, once the browser has told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadersZone(pub(crate) ReadSignal<Option<i64>>);

impl ReadersZone {
    /// The zone of now.
    pub(crate) fn get(self) -> Zone {
        Zone::ahead(self.0.get().unwrap_or_default())
    }
}

/// A moment in UTC as RFC 3339 has it, to the second.
pub(crate) fn rfc3339(at: u64) -> String {
    format!("{}T{}Z", written("Y-M-D", at), time(at))
}

fn time(at: u64) -> String {
    minute(at) + ":" + &two(at / 1_000 % 60)
}

fn minute(at: u64) -> String {
    clock(at / 60_000 % 1_440)
}

/// So many minutes as hours and minutes.
fn clock(minutes: u64) -> String {
    two(minutes / 60) + ":" + &two(minutes % 60)
}

/// A number in two digits at least.
fn two(number: u64) -> String {
    format!("{number:02}")
}

fn day(at: u64, language: Language) -> String {
    written(td_string!(language, date.long), at)
}

/// A day, as a pattern has it: `Y` is its year, `M` its month and `D` its day.
fn written(pattern: &str, at: u64) -> String {
    let (year, month, day) = civil(at / 1_000 / DAY_SECONDS);
    let mut written = String::new();
    for sign in pattern.chars() {
        match sign {
            'Y' => written += &two(year),
            'M' => written += &two(month),
            'D' => written += &two(day),
            other => written.push(other),
        }
    }
    written
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

    const MOSCOW: Zone = Zone(180);
    const KATHMANDU: Zone = Zone(345);
    const NEWFOUNDLAND: Zone = Zone(-210);
    const AT: u64 = 1_763_820_915_999;

    #[test]
    fn a_zone_is_told_by_what_lies_between_it_and_utc() {
        let names = [Zone::UTC, MOSCOW, KATHMANDU, NEWFOUNDLAND, Zone(-600), Zone(-30)].map(Zone::name);
        assert_eq!(names, ["UTC", "UTC+03:00", "UTC+05:45", "UTC−03:30", "UTC−10:00", "UTC−00:30"]);
    }

    #[test]
    fn a_moment_is_told_by_the_zone_s_clock_on_the_zone_s_day() {
        let told = |zone: Zone| zone.moment(AT, Language::en);
        assert_eq!(told(Zone::UTC), "2025-11-22 14:15:15 UTC");
        assert_eq!(told(KATHMANDU), "2025-11-22 20:00:15 UTC+05:45");
        assert_eq!(Zone(720).moment(AT, Language::en), "2025-11-23 02:15:15 UTC+12:00");
        assert_eq!(
            NEWFOUNDLAND.minute(0, Language::en),
            "1970-01-01 00:00 UTC−03:30",
            "before its epoch there is nothing"
        );
        assert_eq!(Zone::UTC.minute(951_782_400_000, Language::en), "2000-02-29 00:00 UTC");
    }

    #[test]
    fn a_date_is_written_as_its_language_writes_it() {
        assert_eq!(MOSCOW.moment(AT, Language::ru), "22.11.2025 17:15:15 UTC+03:00");
        assert_eq!(
            [Language::en, Language::ru].map(|language| Zone::UTC.tick(AT, 86_400, language)),
            ["11-22", "22.11"]
        );
        assert_eq!(rfc3339(AT), "2025-11-22T14:15:15Z");
    }

    #[test]
    fn a_span_says_as_much_of_the_day_as_it_needs() {
        let (from, minute, hour, day) = (1_763_820_000_000, 60_000, 3_600_000, 86_400_000);
        let told = |zone: Zone, length| zone.span(from, from + length, length / 1_000, Language::en);
        assert_eq!(told(Zone::UTC, 10_000), "14:00:00–14:00:10 UTC");
        assert_eq!(told(Zone::UTC, minute), "2025-11-22 14:00–14:01 UTC");
        assert_eq!(told(KATHMANDU, hour), "2025-11-22 19:45–20:45 UTC+05:45");
        assert_eq!(told(KATHMANDU, day), "2025-11-22 UTC", "a bucket of a day is a day of UTC");
        let ticks = [60, 600, 86_400].map(|seconds| MOSCOW.tick(from, seconds, Language::en));
        assert_eq!(ticks, ["17:00:00", "17:00", "11-22"]);
    }
}
