//! When it happened, in words of English and Spanish.
//!
//! What always holds: the words mean the day of the encounter, for who reads them at the hour of the call in the zone of
//! the place; what they do not say is not in the truth.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use schemas::Language;
use schemas::time::Precision;

use super::dice::Dice;

/// A time as it is told, with what it means.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) words: String,
    pub(super) on: NaiveDate,
    pub(super) time: Option<NaiveTime>,
    pub(super) precision: Precision,
    /// Whether it can be read only from the hour of the call.
    pub(super) relative: bool,
}

const WEEKDAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEKDAYS_ES: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// Tells of `at` in a call at `call`, both civil times at the place.
pub(super) fn tell(dice: &mut Dice, language: Language, at: NaiveDateTime, call: NaiveDateTime) -> Told {
    let days = (call.date() - at.date()).num_days();
    let since = call - at;
    match days {
        _ if dice.percent(18) => date(dice, language, at, call),
        0 if since >= TimeDelta::minutes(12) && since < TimeDelta::hours(7) && dice.percent(28) => {
            ago(dice, language, call, since)
        }
        0 | 1 => near(dice, language, at, days == 1),
        2 if dice.percent(55) => two_days_ago(dice, language, at),
        2..=6 => weekday(dice, language, at),
        7..=13 if at.iso_week() != call.iso_week() && days < 10 && dice.percent(25) && is_last_week(at, call) => Told {
            words: String::from(by(language, "last week", "la semana pasada")),
            on: at.date(),
            time: None,
            precision: Precision::Week,
            relative: true,
        },
        36..=300 if dice.percent(25) => Told {
            words: match language {
                Language::En => format!("in {}", MONTHS_EN[at.month0() as usize]),
                Language::Es => format!("en {}", MONTHS_ES[at.month0() as usize]),
            },
            on: at.date(),
            time: None,
            precision: Precision::Month,
            relative: false,
        },
        _ => date(dice, language, at, call),
    }
}

/// Whether `at` lies in the ISO week before that of `call`.
fn is_last_week(at: NaiveDateTime, call: NaiveDateTime) -> bool {
    (call.date() - TimeDelta::days(7)).iso_week() == at.iso_week()
}

fn by(language: Language, en: &'static str, es: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Es => es,
    }
}

/// "2 hours ago": the time is what the words make of the hour of the call.
fn ago(dice: &mut Dice, language: Language, call: NaiveDateTime, since: TimeDelta) -> Told {
    let hours = (since.num_minutes() + 30) / 60;
    let (words, back, precision) = if since < TimeDelta::minutes(50) {
        let minutes = since.num_minutes() / 5 * 5;
        let words = match language {
            Language::En => format!("{minutes} minutes ago"),
            Language::Es => format!("hace {minutes} minutos"),
        };
        (words, TimeDelta::minutes(minutes), Precision::Minute)
    } else if hours <= 1 {
        let words = String::from(by(language, "an hour ago", "hace una hora"));
        (words, TimeDelta::hours(1), Precision::Hour)
    } else {
        let about = dice.percent(30);
        let words = match language {
            Language::En => format!("{}{hours} hours ago", if about { "about " } else { "" }),
            Language::Es => format!("hace {}{hours} horas", if about { "como " } else { "" }),
        };
        (words, TimeDelta::hours(hours), Precision::Hour)
    };
    let at = call - back;
    Told { words, on: at.date(), time: at.time().with_second(0), precision, relative: true }
}

/// Today and yesterday.
fn near(dice: &mut Dice, language: Language, at: NaiveDateTime, yesterday: bool) -> Told {
    let day = match (language, yesterday) {
        (Language::En, false) => "today",
        (Language::En, true) => "yesterday",
        (Language::Es, false) => "hoy",
        (Language::Es, true) => "ayer",
    };
    let told = |words: String, time, precision| Told { words, on: at.date(), time, precision, relative: true };
    match dice.below(100) {
        0..22 => told(String::from(day), None, Precision::Day),
        22..50 => {
            let words = match (part(at.time()), yesterday) {
                (0, false) => by(language, "this morning", "hoy en la mañana"),
                (0, true) => by(language, "yesterday morning", "ayer en la mañana"),
                (1, false) => by(language, "this afternoon", "hoy en la tarde"),
                (1, true) => by(language, "yesterday afternoon", "ayer por la tarde"),
                (_, false) => by(language, "tonight", "hoy en la noche"),
                (_, true) => by(language, "last night", "anoche"),
            };
            told(String::from(words), None, Precision::PartOfDay)
        }
        _ => {
            let (clock, time, precision) = clock(dice, language, at.time());
            told(format!("{day} {clock}"), Some(time), precision)
        }
    }
}

fn two_days_ago(dice: &mut Dice, language: Language, at: NaiveDateTime) -> Told {
    let words = match (language, dice.percent(60)) {
        (Language::En, true) => "2 days ago",
        (Language::En, false) => "the day before yesterday",
        (Language::Es, true) => "hace dos días",
        (Language::Es, false) => "antier",
    };
    Told { words: String::from(words), on: at.date(), time: None, precision: Precision::Day, relative: true }
}

/// "Tuesday around 7 am": the last one before the call.
fn weekday(dice: &mut Dice, language: Language, at: NaiveDateTime) -> Told {
    let place = at.weekday().num_days_from_monday() as usize;
    let mut words = match language {
        Language::En => format!("on {}", WEEKDAYS_EN[place]),
        Language::Es => format!("el {}", WEEKDAYS_ES[place]),
    };
    let mut told = Told { words: String::new(), on: at.date(), time: None, precision: Precision::Day, relative: true };
    match dice.below(100) {
        0..40 => {}
        40..60 => {
            words.push_str(match part(at.time()) {
                0 => by(language, " morning", " en la mañana"),
                1 => by(language, " afternoon", " por la tarde"),
                _ => by(language, " night", " en la noche"),
            });
            told.precision = Precision::PartOfDay;
        }
        _ => add_clock(dice, language, at.time(), &mut words, &mut told),
    }
    Told { words, ..told }
}

/// "March 3", "3/3", "el 3 de marzo"; with the year where the call was made in another one.
fn date(dice: &mut Dice, language: Language, at: NaiveDateTime, call: NaiveDateTime) -> Told {
    let (day, month, year) = (at.day(), at.month(), at.year());
    let month0 = at.month0() as usize;
    let other_year = year != call.year();
    let mut words = match (language, dice.below(3)) {
        (_, 0) if other_year => format!("{month}/{day}/{year}"),
        (_, 0) if day > 12 => format!("{month}/{day}"),
        (Language::En, _) if other_year => format!("on {} {day}, {year}", MONTHS_EN[month0]),
        (Language::En, 1) => format!("on {:.3} {day}", MONTHS_EN[month0]),
        (Language::En, _) => format!("on {} {day}", MONTHS_EN[month0]),
        (Language::Es, _) if other_year => format!("el {day} de {} de {year}", MONTHS_ES[month0]),
        (Language::Es, _) => format!("el {day} de {}", MONTHS_ES[month0]),
    };
    let mut told = Told { words: String::new(), on: at.date(), time: None, precision: Precision::Day, relative: false };
    if dice.percent(40) {
        add_clock(dice, language, at.time(), &mut words, &mut told);
    }
    Told { words, ..told }
}

fn add_clock(dice: &mut Dice, language: Language, time: NaiveTime, words: &mut String, told: &mut Told) {
    let (clock, time, precision) = clock(dice, language, time);
    words.push(' ');
    words.push_str(&clock);
    told.time = Some(time);
    told.precision = precision;
}

/// 0 in the morning, 1 in the afternoon, 2 later.
fn part(time: NaiveTime) -> usize {
    match time.hour() {
        0..12 => 0,
        12..18 => 1,
        _ => 2,
    }
}

/// A time of the day: to the minute, or only the hour.
fn clock(dice: &mut Dice, language: Language, time: NaiveTime) -> (String, NaiveTime, Precision) {
    let (half, hour) = time.hour12();
    let hour = hour.max(1);
    let by_hour = time.minute() == 0 || dice.percent(45);
    let precision = if by_hour { Precision::Hour } else { Precision::Minute };
    let told = if by_hour { time.with_minute(0).unwrap_or(time) } else { time };
    let digits = if by_hour { format!("{hour}") } else { format!("{hour}:{:02}", time.minute()) };
    let half_en = if half { "pm" } else { "am" };
    let words = match language {
        Language::En if by_hour && dice.percent(40) => format!("around {digits} {half_en}"),
        Language::En => format!("at {digits} {half_en}"),
        Language::Es => {
            let article = if hour == 1 { "a la" } else { "a las" };
            let about = if by_hour && dice.percent(40) { "como " } else { "" };
            match (dice.percent(50), part(time)) {
                (true, _) => format!("{about}{article} {digits} {half_en}"),
                (false, 0) => format!("{about}{article} {digits} de la mañana"),
                (false, 1) => format!("{about}{article} {digits} de la tarde"),
                (false, _) => format!("{about}{article} {digits} de la noche"),
            }
        }
    };
    (words, told, precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, 3, day).and_then(|d| d.and_hms_opt(hour, minute, 0)).expect("a time")
    }

    #[test]
    fn words_mean_the_day_of_the_encounter() {
        let mut dice = Dice::new(3);
        for (days, language) in
            [(0, Language::En), (1, Language::Es), (2, Language::En), (4, Language::Es), (9, Language::En)]
        {
            for _ in 0..200 {
                let (at, call) = (civil(17 - days, 8, 35), civil(17, 14, 5));
                let told = tell(&mut dice, language, at, call);
                assert_eq!(told.on, at.date(), "{}", told.words);
                assert!(!told.words.is_empty() && told.precision != Precision::Unknown);
                assert_eq!(told.time.is_some(), matches!(told.precision, Precision::Minute | Precision::Hour));
                let near = ["today", "hoy", "tonight", "this "].iter().any(|word| told.words.contains(word));
                assert!(!near || days == 0, "{}", told.words);
                assert!(told.relative || told.words.contains(&at.day().to_string()), "{}", told.words);
            }
        }
    }
}
