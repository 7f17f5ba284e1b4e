//! What a number of a spreadsheet means, by its format: a day, a time, a code with leading zeros, or just a number.
//!
//! What always holds: a day comes as `2026-09-14`, with a time as `2026-09-14T07:40:00`, a time alone as `07:40:00`; a
//! whole number has no decimals; what is no day of the calendar stays the number that it is.

use chrono::{Days, NaiveDate};

/// What a number format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shape {
    #[default]
    Number,
    /// As many digits at least, zeros in front: ZIPs, county codes.
    Digits(usize),
    /// A day, with or without a time; or a time alone.
    Moment,
    /// A month and its year, without a day.
    Month,
    /// Hours that may be more than a day has.
    Elapsed,
}

/// The shape of a built-in format. Ids that vary by country (27 to 36, 50 to 58) are days in all of them.
pub(super) fn builtin_shape(id: u32) -> Shape {
    match id {
        17 => Shape::Month,
        14..=22 | 27..=36 | 45 | 47 | 50..=58 => Shape::Moment,
        46 => Shape::Elapsed,
        _ => Shape::Number,
    }
}

/// The shape of a format code, such as `[$-409]m/d/yy h:mm AM/PM;@`: its first section counts.
pub(super) fn shape(code: &str) -> Shape {
    let (mut day, mut year, mut month, mut clock) = (false, false, false, false);
    let mut plain = String::new();
    let mut characters = code.chars();
    while let Some(c) = characters.next() {
        match c.to_ascii_lowercase() {
            ';' => break,
            '"' => {
                characters.by_ref().find(|c| *c == '"');
            }
            // The next character is shown as it is, or stands for room.
            '\\' | '_' | '*' => {
                characters.next();
            }
            // A colour, a condition or a country; or hours, minutes, seconds beyond a day.
            '[' => {
                let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                if !inside.is_empty() && inside.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's')) {
                    return Shape::Elapsed;
                }
            }
            'd' => day = true,
            'y' => year = true,
            'm' => month = true,
            'h' | 's' => clock = true,
            other => plain.push(other),
        }
    }
    if plain.starts_with("general") {
        return Shape::Number;
    }
    match (day, year, month, clock) {
        (false, true, true, false) => Shape::Month,
        (false, false, false, false) if plain.len() > 1 && plain.bytes().all(|b| b == b'0') => {
            Shape::Digits(plain.len().min(32))
        }
        (false, false, false, false) => Shape::Number,
        _ => Shape::Moment,
    }
}

/// A number as text. `text` is what the file has, and stays when it is no number.
pub(super) fn number(text: &str, shape: Shape, from_1904: bool) -> String {
    let Some(number) = text.trim().parse::<f64>().ok().filter(|n| n.is_finite()) else { return text.to_owned() };
    let moment = match shape {
        Shape::Number => None,
        Shape::Digits(digits) if number >= 0.0 && number.fract() == 0.0 => Some(format!("{number:0digits$}")),
        Shape::Digits(_) => None,
        Shape::Moment => moment(number, from_1904),
        Shape::Month => day(number, from_1904).map(|day| day.format("%Y-%m").to_string()),
        Shape::Elapsed => elapsed(number),
    };
    // The shortest text that is this number again: no exponent, no ".0".
    moment.unwrap_or_else(|| format!("{number}"))
}

/// Days since the epoch of the workbook, and the time within the day as its fraction.
fn moment(number: f64, from_1904: bool) -> Option<String> {
    let seconds = (number * 86_400.0).round();
    if !(0.0..=SECONDS_TO_9999).contains(&seconds) {
        return None;
    }
    let (days, second) = ((seconds / 86_400.0).floor(), seconds % 86_400.0);
    let time = clock(second);
    if days == 0.0 {
        return Some(time);
    }
    let date = day(days, from_1904)?;
    Some(if second == 0.0 { date.to_string() } else { format!("{date}T{time}") })
}

const SECONDS_TO_9999: f64 = 2_958_466.0 * 86_400.0;

fn day(number: f64, from_1904: bool) -> Option<NaiveDate> {
    let number = number.floor();
    if !(0.0..2_958_466.0).contains(&number) {
        return None;
    }
    // Excel's 1900 has a 29 February, its day 60, so earlier days count from one day later.
    let epoch = match number {
        _ if from_1904 => NaiveDate::from_ymd_opt(1904, 1, 1),
        n if n < 60.0 => NaiveDate::from_ymd_opt(1899, 12, 31),
        60.0 => None,
        _ => NaiveDate::from_ymd_opt(1899, 12, 30),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2,958,466, whole")]
    epoch?.checked_add_days(Days::new(number as u64))
}

fn elapsed(number: f64) -> Option<String> {
    let seconds = (number * 86_400.0).round();
    (0.0..=SECONDS_TO_9999).contains(&seconds).then(|| clock(seconds))
}

fn clock(seconds: f64) -> String {
    let part = |unit: f64| (seconds / unit).floor();
    format!("{:02}:{:02}:{:02}", part(3600.0), part(60.0) % 60.0, seconds % 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_as_excel_reads_them() {
        for (code, expected) in [
            ("General", Shape::Number),
            ("0.00E+00", Shape::Number),
            ("#,##0 \"days\"", Shape::Number),
            ("[Red]0.0;[Blue]-0.0", Shape::Number),
            ("00000", Shape::Digits(5)),
            ("yyyy\\-mm\\-dd", Shape::Moment),
            ("[$-409]m/d/yy h:mm AM/PM;@", Shape::Moment),
            ("h:mm", Shape::Moment),
            ("mmm-yy", Shape::Month),
            ("[h]:mm:ss", Shape::Elapsed),
            ("\"on \"d/m", Shape::Moment),
        ] {
            assert_eq!(shape(code), expected, "{code}");
        }
    }

    #[test]
    fn serials_of_both_epochs_become_iso_days_and_times() {
        for (text, shape, from_1904, expected) in [
            ("46279", Shape::Moment, false, "2026-09-14"),
            ("44817", Shape::Moment, true, "2026-09-14"),
            ("46279.319444444445", Shape::Moment, false, "2026-09-14T07:40:00"),
            // Half a second before midnight is the next day, not 24:00.
            ("46278.999999", Shape::Moment, false, "2026-09-14"),
            ("0.319444444444444", Shape::Moment, false, "07:40:00"),
            ("1", Shape::Moment, false, "1900-01-01"),
            ("59", Shape::Moment, false, "1900-02-28"),
            ("60", Shape::Moment, false, "60"),
            ("61", Shape::Moment, false, "1900-03-01"),
            ("-1", Shape::Moment, false, "-1"),
            ("1e300", Shape::Moment, false, &format!("{}", 1e300)),
            ("46266", Shape::Month, false, "2026-09"),
            ("1.5", Shape::Elapsed, false, "36:00:00"),
            ("5", Shape::Number, false, "5"),
            ("5.0", Shape::Number, false, "5"),
            ("5095550147", Shape::Number, false, "5095550147"),
            ("47.606209999999997", Shape::Number, false, "47.60621"),
            ("6001", Shape::Digits(5), false, "06001"),
            ("n/a", Shape::Number, false, "n/a"),
        ] {
            assert_eq!(number(text, shape, from_1904), expected, "{text}");
        }
    }
}
