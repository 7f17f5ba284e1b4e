//! Private strings to plant: names, numbers, addresses that no real person has, each with its class.
//!
//! What always holds: phones are 555-01xx, mail and links end in example.org or .example, names are put together at
//! random, so nothing here points at anyone.

use schemas::redaction::Class;

use super::dice::Dice;
use super::encounter::Encounter;
use super::world::WORLD;

/// Classes with their weights; most of what people say is names and phones.
const CLASSES: [(Class, u32); 12] = [
    (Class::Person, 34),
    (Class::Phone, 26),
    (Class::Address, 9),
    (Class::Plate, 8),
    (Class::Email, 4),
    (Class::IdNumber, 5),
    (Class::Url, 3),
    (Class::Badge, 3),
    (Class::Coordinates, 2),
    (Class::BirthDate, 3),
    (Class::CaseNumber, 3),
    (Class::Handle, 3),
];

/// A class and a string of it.
pub(super) fn draw(dice: &mut Dice, encounter: &Encounter) -> (Class, String) {
    let (class, _) = CLASSES[dice.weighted(CLASSES.iter().map(|(_, weight)| *weight))];
    let text = match class {
        Class::Person => person(dice),
        Class::Phone => phone(dice),
        Class::Email => format!("{}{}@example.org", handle_stem(dice), dice.below(100)),
        Class::Address => address(dice, encounter),
        Class::IdNumber => id_number(dice),
        Class::Url => format!("https://video.example/{}{:04}", handle_stem(dice), dice.below(10_000)),
        Class::Plate => plate(dice),
        Class::Badge => format!("{}", dice.between(1000, 99_999)),
        Class::Coordinates => {
            let (lat, lon) = point(dice, encounter);
            format!("{lat:.4}, {lon:.4}")
        }
        Class::BirthDate => {
            format!("{:02}/{:02}/{}", dice.between(1, 12), dice.between(1, 28), dice.between(1955, 2012))
        }
        Class::CaseNumber => case_number(dice),
        Class::Handle => format!("@{}_{}", handle_stem(dice), dice.below(100)),
    };
    (class, text)
}

/// A number that is never given to anyone.
pub(super) fn phone(dice: &mut Dice) -> String {
    const AREAS: [u32; 14] = [718, 212, 347, 201, 973, 206, 253, 312, 773, 213, 510, 713, 214, 303];
    let area = AREAS[dice.below(14) as usize];
    let line = 100 + dice.below(100);
    match dice.below(6) {
        0 => format!("({area}) 555-0{line}"),
        1 => format!("{area}.555.0{line}"),
        2 => format!("+1 {area} 555 0{line}"),
        3 => format!("{area} 555-0{line}"),
        4 => format!("{area}5550{line}"),
        _ => format!("{area}-555-0{line}"),
    }
}

/// A point within about a kilometre of the county's, degrees.
pub(super) fn point(dice: &mut Dice, encounter: &Encounter) -> (f64, f64) {
    let (lat, lon) = encounter.county.point;
    let step = |dice: &mut Dice| f64::from(dice.below(200)) / 10_000.0 - 0.01;
    (lat + step(dice), lon + step(dice))
}

fn person(dice: &mut Dice) -> String {
    let groups = &WORLD.names;
    let group = &groups[dice.weighted(groups.iter().map(|group| group.weight))];
    let mut name = String::new();
    let second = group.double && dice.percent(45);
    let parts = [Some(&group.given), Some(&group.family), second.then_some(&group.family)];
    for part in parts.into_iter().flatten() {
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(dice.pick(part).map_or("", String::as_str));
    }
    name
}

/// A name without spaces and accents, as in an address.
fn handle_stem(dice: &mut Dice) -> &'static str {
    const STEMS: [&str; 12] = [
        "luna.roja",
        "vecina",
        "elchino",
        "mariposa",
        "tio.beto",
        "kawsay",
        "northside",
        "abuela",
        "sol.naciente",
        "jj.reads",
        "casa.azul",
        "panadero",
    ];
    STEMS[dice.below(12) as usize]
}

fn address(dice: &mut Dice, encounter: &Encounter) -> String {
    let street = dice.pick(&encounter.county.streets).map_or("Main St", String::as_str);
    let number = dice.between(11, 9_899);
    match dice.below(3) {
        0 => format!("{number} {street}, Apt {}{}", dice.between(1, 6), letter(dice)),
        1 => format!("{number} {street} #{}", dice.between(1, 40)),
        _ => format!("{number} {street}"),
    }
}

fn id_number(dice: &mut Dice) -> String {
    let (a, b, c) = (dice.between(50, 249), dice.below(1000), dice.below(1000));
    match dice.below(3) {
        0 => format!("A{a:03}-{b:03}-{c:03}"),
        1 => format!("A{a:03}{b:03}{c:03}"),
        _ => format!("{a:03} {b:03} {c:03}"),
    }
}

fn plate(dice: &mut Dice) -> String {
    let letters: String = (0..3).map(|_| letter(dice)).collect();
    match dice.below(3) {
        0 => format!("{letters}-{:04}", dice.below(10_000)),
        1 => format!("{letters} {:04}", dice.below(10_000)),
        _ => format!("{}{letters}{:03}", dice.between(1, 9), dice.below(1000)),
    }
}

fn case_number(dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => format!("CR-{:06}-{}QN", dice.below(1_000_000), dice.between(22, 26)),
        1 => format!("{}M{:05}", dice.between(22, 26), dice.below(100_000)),
        _ => format!("IND-{:05}-{}", dice.below(100_000), dice.between(22, 26)),
    }
}

fn letter(dice: &mut Dice) -> char {
    char::from(b'A' + u8::try_from(dice.below(26)).unwrap_or(0))
}
