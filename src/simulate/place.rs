//! Where it happened, as people write it: clean ("Yakima, WA 98901") and dirty ("YAKIMA,W A", "home depot junto a la
//! 26, chgo").
//!
//! What always holds: every text is about the encounter's county; a dirty one may be too broken to read, and then a
//! reader leaves it unknown.

use schemas::Language;

use super::dice::Dice;
use super::encounter::Encounter;

/// A place that any reader of towns, ZIPs and counties can code.
pub(super) fn clean(dice: &mut Dice, encounter: &Encounter) -> String {
    let county = encounter.county;
    let (town, zip) = &county.towns[encounter.town];
    match dice.below(100) {
        0..45 => format!("{town}, {}", county.state),
        45..66 => format!("{town}, {} {zip}", county.state),
        66..78 => zip.clone(),
        78..90 => format!("{} County, {}", county.name, county.state),
        _ => format!("{town}, {}", state_name(&county.state)),
    }
}

/// The court or jail by its name, where there is one; else none.
pub(super) fn by_name(encounter: &Encounter) -> Option<&'static str> {
    match encounter.facts.setting {
        Some("courthouse") => encounter.court,
        Some("jail_or_prison" | "jail_release") => Some(encounter.county.jail.as_str()).filter(|jail| !jail.is_empty()),
        _ => None,
    }
}

/// A place as it is typed in haste.
pub(super) fn dirty(dice: &mut Dice, language: Language, encounter: &Encounter) -> String {
    let county = encounter.county;
    let (town, zip) = &county.towns[encounter.town];
    let state = &county.state;
    let text = match dice.below(100) {
        0..12 => {
            let nickname = dice.pick(&county.nicknames).map_or("", String::as_str);
            match dice.below(3) {
                0 => format!("{nickname} {zip}"),
                _ => nickname.to_owned(),
            }
        }
        12..34 => format!("{}, {town} {state}", corner(dice, language, encounter)),
        34..50 => format!("{} {}, {town}", near(dice, language), corner(dice, language, encounter)),
        50..60 => {
            let number = dice.between(1, 89) * 100;
            let street = dice.pick(&county.streets).map_or("", String::as_str);
            match language {
                Language::En => format!("{number} block of {street}, {town} {state}"),
                Language::Es => format!("cuadra {number} de {street}, {town} {state}"),
            }
        }
        60..68 => format!("{}{state}{zip}", town.replace(' ', "")),
        68..76 => format!("{},{} {}", town.to_uppercase(), &state[..1], &state[1..]),
        76..82 => format!("{town}, , {state}"),
        82..88 => format!("{town} {state} ??"),
        88..94 => match language {
            Language::En => format!("somewhere in {town}, {state}, close to {zip}"),
            Language::Es => format!("por {town}, {state}, cerca del {zip}"),
        },
        _ => format!("{town} {state}"),
    };
    let text = if dice.percent(50) { misspell(dice, &text) } else { text };
    match dice.below(100) {
        0..26 => text.to_lowercase(),
        26..44 => text.to_uppercase(),
        44..52 => text.replace(", ", ","),
        52..58 => format!("{text}."),
        _ => text,
    }
}

/// Two adjacent letters changed places, one was lost or doubled: a slip of the fingers inside one longer word.
pub(super) fn misspell(dice: &mut Dice, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    // Never the first or last letter of a word, so that a state's two letters stay.
    let inside = |i: usize| (i - 1..=i + 2).all(|j| letters.get(j).is_some_and(|c| c.is_alphabetic()));
    let places: Vec<usize> = (1..letters.len()).filter(|i| inside(*i)).collect();
    let Some(&place) = dice.pick(&places) else { return text.to_owned() };
    let mut out = letters.clone();
    match dice.below(3) {
        0 => out.swap(place, place + 1),
        1 => {
            out.remove(place);
        }
        _ => out.insert(place, letters[place]),
    }
    out.into_iter().collect()
}

fn corner(dice: &mut Dice, language: Language, encounter: &Encounter) -> String {
    let streets = &encounter.county.streets;
    let first = dice.pick(streets).map_or("", String::as_str);
    let second = dice.pick(streets).map_or("", String::as_str);
    match (language, first == second) {
        (_, true) => first.to_owned(),
        (Language::En, false) => format!("{first} & {second}"),
        (Language::Es, false) => format!("{first} y {second}"),
    }
}

fn near(dice: &mut Dice, language: Language) -> &'static str {
    const EN: [&str; 10] = [
        "near the laundromat on",
        "Home Depot,",
        "parking lot,",
        "gas station at",
        "across from the school,",
        "by the park,",
        "outside Walmart,",
        "bus stop at",
        "in front of the bakery,",
        "behind the church on",
    ];
    const ES: [&str; 8] = [
        "cerca de la lavandería en",
        "estacionamiento,",
        "gasolinera de",
        "enfrente de la escuela,",
        "por el parque,",
        "afuera del Walmart,",
        "parada del bus en",
        "atrás de la iglesia en",
    ];
    match language {
        Language::En => EN[dice.below(10) as usize],
        Language::Es => ES[dice.below(8) as usize],
    }
}

fn state_name(code: &str) -> &'static str {
    schemas::geography::state(code).map_or("", |state| state.name_en)
}
