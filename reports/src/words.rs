//! Words of both languages that texts share: months, periods, labels.

use schemas::Language;
use schemas::taxonomy::{self, CodeInfo};
use schemas::time::Month;

use crate::span::{Length, Span};

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
const ORDINALS_EN: [&str; 4] = ["first", "second", "third", "fourth"];
const ORDINALS_ES: [&str; 4] = ["primer", "segundo", "tercer", "cuarto"];

fn of_twelve(month: Month) -> usize {
    usize::try_from(month.month()).map_or(0, |n| n.saturating_sub(1)).min(11)
}

/// `September`, `septiembre`.
pub(crate) fn month_name(month: Month, language: Language) -> String {
    match language {
        Language::En => month.first_day().format("%B").to_string(),
        Language::Es => MONTHS_ES[of_twelve(month)].to_owned(),
    }
}

/// `September 2026`, `septiembre de 2026`.
pub(crate) fn long_month(month: Month, language: Language) -> String {
    let (name, year) = (month_name(month, language), month.year());
    match language {
        Language::En => format!("{name} {year}"),
        Language::Es => format!("{name} de {year}"),
    }
}

/// `19 October 2026`, `19 de octubre de 2026`.
pub(crate) fn long_day(day: chrono::NaiveDate, language: Language) -> String {
    let month = long_month(Month::of(day), language);
    match language {
        Language::En => format!("{} {month}", chrono::Datelike::day(&day)),
        Language::Es => format!("{} de {month}", chrono::Datelike::day(&day)),
    }
}

/// `September 2026`, `third quarter of 2026`, `2026`, and the same in Spanish.
pub(crate) fn period(span: Span, language: Language) -> String {
    let year = span.last.year();
    let quarter = of_twelve(span.first) / 3;
    match (span.length(), language) {
        (Length::Month, _) => long_month(span.last, language),
        (Length::Quarter, Language::En) => format!("{} quarter of {year}", ORDINALS_EN[quarter]),
        (Length::Quarter, Language::Es) => format!("{} trimestre de {year}", ORDINALS_ES[quarter]),
        (Length::Year, _) => year.to_string(),
    }
}

/// A period after "in": `in September 2026`, `in the third quarter of 2026`, `en el tercer trimestre de 2026`.
pub(crate) fn in_period(span: Span, language: Language) -> String {
    let name = period(span, language);
    match (span.length(), language) {
        (Length::Quarter, Language::En) => format!("in the {name}"),
        (Length::Quarter, Language::Es) => format!("en el {name}"),
        (_, Language::En) => format!("in {name}"),
        (_, Language::Es) => format!("en {name}"),
    }
}

/// A period after "of": `of September 2026`, `of the third quarter of 2026`, `del tercer trimestre de 2026`.
pub(crate) fn of_period(span: Span, language: Language) -> String {
    let name = period(span, language);
    match (span.length(), language) {
        (Length::Quarter, Language::En) => format!("of the {name}"),
        (Length::Quarter, Language::Es) => format!("del {name}"),
        (_, Language::En) => format!("of {name}"),
        (_, Language::Es) => format!("de {name}"),
    }
}

/// The mark of a cell that is hidden for another's sake; in tables it is always `withheld`.
pub(crate) const fn withheld(language: Language) -> &'static str {
    match language {
        Language::En => "withheld",
        Language::Es => "oculto",
    }
}

/// The label of a code of an axis; the code itself where there is none.
pub(crate) fn label(axis: &str, code: &str, language: Language) -> String {
    let info = taxonomy::axis(axis).and_then(|a| a.codes.iter().find(|c| c.code == code));
    info.map_or_else(|| code.to_owned(), |info| info.label.get(language).to_owned())
}

/// The label of several.
pub(crate) fn plural(info: &CodeInfo, language: Language) -> &'static str {
    info.plural.as_ref().unwrap_or(&info.label).get(language)
}

/// The name of a state; none for a code that is no state's.
pub(crate) fn state(code: &str, language: Language) -> Option<&'static str> {
    schemas::geography::state(code).map(|state| match language {
        Language::En => state.name_en,
        Language::Es => state.name_es,
    })
}

/// What stands for a state that no report names.
pub(crate) const fn no_state(language: Language) -> &'static str {
    match language {
        Language::En => "state not known",
        Language::Es => "estado desconocido",
    }
}

/// What stands for a county that no report names.
pub(crate) const fn no_county(language: Language) -> &'static str {
    match language {
        Language::En => "county not known",
        Language::Es => "condado desconocido",
    }
}

/// With a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use analytics::results::Period;

    use super::*;

    #[test]
    fn periods_have_names_in_both_languages() {
        let names = |text| {
            let span = Span::of(Period::parse(text).expect("a period"));
            Language::ALL.map(|language| period(span, language))
        };
        assert_eq!(names("2026-09"), ["September 2026", "septiembre de 2026"]);
        assert_eq!(names("2026-Q3"), ["third quarter of 2026", "tercer trimestre de 2026"]);
        assert_eq!(names("2026"), ["2026", "2026"]);
        let quarter = Span::of(Period::parse("2026-Q1").expect("a period"));
        assert_eq!(in_period(quarter, Language::Es), "en el primer trimestre de 2026");
        assert_eq!(of_period(quarter, Language::En), "of the first quarter of 2026");
    }
}
