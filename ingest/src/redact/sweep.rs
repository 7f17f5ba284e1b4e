//! Private stretches in many writings, each in sentences around it: what shares of them go, against the bars of the project.
//! Every stretch, label and name is invented.

use super::*;

/// What stands before a birth date, `{}`.
const BIRTHS: [&str; 30] = [
    "DOB {}",
    "D.O.B. {}",
    "d.o.b.: {}",
    "DOB is {}",
    "(DOB {})",
    "date of birth {}",
    "born {}",
    "was born on {}",
    "b. {}",
    "his birthday is {}",
    "b-day: {}",
    "D/O/B {}",
    "her DOB was given as {}",
    "dob on the form says {}",
    "fecha de nacimiento {}",
    "fecha nac {}",
    "F. Nac. {}",
    "FN: {}",
    "f/n {}",
    "nacido el {}",
    "nació el {}",
    "nasio el {}",
    "nac. {}",
    "cumple años el {}",
    "su cumple es el {}",
    "FDN {}",
    "{} (DOB)",
    "{} is his dob",
    "{} es su fecha de nacimiento",
    "nacida el día {}",
];
const DATES: [&str; 24] = [
    "3/2/89",
    "03/02/1989",
    "3-2-89",
    "3.2.1989",
    "1989-02-03",
    "Feb 3 1989",
    "February 3rd, 1989",
    "3 Feb 1989",
    "Feb. 3, '89",
    "3-Feb-89",
    "03FEB1989",
    "3 de febrero de 1989",
    "3 de febrero del 89",
    "3/feb/89",
    "febrero 3 de 1989",
    "3-II-1989",
    "3 de 2 del 89",
    "1989/02/03",
    "3d of February 1989",
    "3rd of Feb of 89",
    "tres de febrero de mil novecientos ochenta y nueve",
    "February third nineteen eighty-nine",
    "3 d febrero d 1989",
    "15 de mayo de 2004",
];
/// Labels and numbers of people.
const IDS: [(&str, &str); 62] = [
    ("A# {}", "205-331-778"),
    ("A {}", "205 331 778"),
    ("A number is {}", "205331778"),
    ("alien number: {}", "205.331.778"),
    ("alien # {}", "205 - 331 - 778"),
    ("A-file {}", "205 331 778"),
    ("numero A {}", "205331778"),
    ("número de extranjero {}", "205-331-778"),
    ("su A es {}", "A-205-331-778"),
    ("A {}", "two oh five, three three one, seven seven eight"),
    ("número A {}", "dos cero cinco tres tres uno siete siete ocho"),
    ("A number ends in {}", "778"),
    ("last 3 of A# {}", "778"),
    ("booking # {}", "2026-004512"),
    ("BK# {}", "26004512"),
    ("bkg {}", "B2604512"),
    ("JMS# {}", "445120"),
    ("SO# {}", "229384"),
    ("SO number {}", "229384"),
    ("inmate # {}", "445120"),
    ("jail ID {}", "00451209"),
    ("SPN {}", "02988417"),
    ("MNI {}", "120334"),
    ("PFN {}", "BAC123"),
    ("SID {}", "23817745"),
    ("FBI # {}", "123456AB7"),
    ("USM# {}", "12345-678"),
    ("DIN {}", "22-A-1034"),
    ("número de interno {}", "88213"),
    ("no. de preso {}", "WCJ-118842"),
    ("matrícula consular {}", "12345678"),
    ("INE {}", "1234567890123"),
    ("CURP {}", "GAMR890203HDFRRL09"),
    ("RFC {}", "GAMR890203AB1"),
    ("DUI {}", "01234567-8"),
    ("DPI {}", "2345 67890 0101"),
    ("cédula {}", "1712345678"),
    ("identidad {}", "0801-1989-12345"),
    ("cedula {}", "V-12.345.678"),
    ("C.C. {}", "1.023.456.789"),
    ("CPF {}", "123.456.789-09"),
    ("passport {}", "N12345678"),
    ("pasaporte núm. {}", "G12345678"),
    ("passport ending in {}", "5678"),
    ("SSN {}", "123-45-6789"),
    ("social {}", "123 45 6789"),
    ("last four of his social {}", "6789"),
    ("last four of the social, {}", "six seven eight nine"),
    ("ssn {}", "xxx-xx-6789"),
    ("últimos cuatro del seguro {}", "6789"),
    ("ITIN {}", "912-34-5678"),
    ("DL# {}", "F1234567"),
    ("driver's license {}", "D123-4567-8901"),
    ("TX DL {}", "061 554 270"),
    ("licencia núm. {}", "12345678"),
    ("receipt number {}", "MSC2190012345"),
    ("receipt {}", "WAC 21 900 12345"),
    ("recibo {}", "IOE0912345678"),
    ("I-94 # {}", "12345678901"),
    ("USCIS online account {}", "0812 3456 7890"),
    ("SEVIS {}", "N0034415582"),
    ("card # {}", "4417 1234 5678 9113"),
];
const NAMES: [&str; 40] = [
    "Jean-Baptiste Wilner",
    "Nadège Toussaint",
    "Nguyen Van Hung",
    "Trần Văn Tâm",
    "Mohammed Al-Hassan",
    "Aisha bint Saleh",
    "Li Xiuying",
    "Zhang Min",
    "Gurpreet Singh",
    "Manpreet Kaur Sandhu",
    "Tomás Xiloj Us",
    "Micaela Chub Caal",
    "Mamadou Diallo",
    "Amadou Ba",
    "Chukwuemeka Okafor",
    "João Batista Ferreira",
    "Maria Aparecida dos Santos",
    "Ma. Corazon Villanueva",
    "Imelda Pangilinan",
    "Refugio \"Cuco\" Barraza",
    "J. Jesús Zavala",
    "Ma. de los Ángeles Nava",
    "Ramona de la Cruz",
    "Yeimi Lisseth Chávez",
    "Segundo Guamán",
    "Wílliam Chuquimarca",
    "Yuleisy Bracho",
    "Delroy Campbell",
    "Oleksandr Kovalenko",
    "Krzysztof Wójcik",
    "Md. Shafiqul Islam",
    "Bishnu Prasad Sharma",
    "Tesfaye Bekele",
    "Espérance Mbuyi",
    "Tyrone Watkins",
    "Megan O'Leary",
    "J. R. Ortega",
    "Fidelina Mendoza vda. de Cruz",
    "Gary Pulaski",
    "Xiong Yer Lor",
];
const OF_NAMES: [&str; 12] = [
    "my cousin {} was taken at the gas station",
    "Caller: {}, wife of the detainee",
    "client {} was arrested in the hallway",
    "Officer {} refused to show a warrant",
    "Thanks,\n{}",
    "{}: they are at the corner now",
    "husband of {} is missing since the raid",
    "se llevaron a {} saliendo del trabajo",
    "me llamo {} y vi la migra afuera de la escuela",
    "Atte. {}",
    "el detenido es {}, 41 años, hondureño",
    "la señora {} llamó llorando",
];
const AROUND: [&str; 4] = [
    "Client detained at the courthouse on 3/25/2026. {}. Wife is asking where he is.",
    "caller says {} and they took him at 7:40 am on June 3",
    "me dice la señora que {} y que no lo encuentra en el sistema",
    "el arresto fue el lunes 2 de marzo. {}",
];
/// What must stay as it is.
const EVENTS: [&str; 14] = [
    "Arrest on March 3, 2026 at the Whatcom County courthouse, 4 agents",
    "el 3 de febrero del 2026 pasaron 5 camionetas por la Jackson Elementary",
    "on 2/3/26 two vans near Washington Park",
    "the hearing on 4/17/2026 was moved to 5/2/2026 at 9:30",
    "born and raised here, they took citizens too",
    "a baby was born the same week, 3 raids in 2 days",
    "he entered in March 2004 and has lived here since",
    "cumplió 3 meses detenido en Otay Mesa el 4 de mayo",
    "HSI and ERO agents with a warrant from 2024",
    "nacido en Honduras hace 20 años, dos agentes",
    "I-200 and I-205 forms, I-95 exit 203, Form I-862",
    "Lincoln County Jail released him at 6 pm, ICE detainer I-247A",
    "about 40 people at the Van Nuys bus station, no arrests",
    "DOB unknown, 34 years old, two agents",
];

/// The share of letters and digits of the stretches that goes, and what stayed.
fn share(cases: impl Iterator<Item = (String, String)>) -> (f64, Vec<String>) {
    let (mut all, mut gone, mut stayed) = (0_usize, 0_usize, Vec::new());
    for (sentence, stretch) in cases {
        let text = sentence.replace("{}", &stretch);
        let start = sentence.find("{}").expect("a place for the stretch");
        let mut spans = Vec::new();
        Redactor::builtin().find(&text, &mut spans);
        let signs = stretch.char_indices().filter(|(_, c)| c.is_alphanumeric());
        let (mut here, mut taken) = (0, 0);
        for (at, _) in signs {
            here += 1;
            taken += usize::from(spans.iter().any(|span| (span.start..span.end).contains(&(start + at))));
        }
        (all, gone) = (all + here, gone + taken);
        if taken < here {
            stayed.push(text);
        }
    }
    (gone as f64 / all as f64, stayed)
}

fn holds(bar: f64, cases: impl Iterator<Item = (String, String)>) {
    let (share, stayed) = share(cases);
    assert!(share >= bar, "{share:.4} is less than {bar}: {stayed:#?}");
}

fn around(inner: &str, n: usize) -> String {
    AROUND[n % AROUND.len()].replace("{}", inner)
}

#[test]
fn birth_dates_in_every_writing() {
    holds(
        0.98,
        BIRTHS.iter().enumerate().flat_map(|(n, cue)| {
            DATES.iter().enumerate().map(move |(m, date)| (around(cue, n + m), (*date).to_owned()))
        }),
    );
}

#[test]
fn numbers_of_people_under_every_label() {
    holds(
        0.995,
        IDS.iter().flat_map(|(label, number)| (0..AROUND.len()).map(move |n| (around(label, n), (*number).to_owned()))),
    );
}

#[test]
fn names_from_many_countries() {
    let cases =
        || NAMES.iter().flat_map(|name| OF_NAMES.iter().map(|sentence| ((*sentence).to_owned(), (*name).to_owned())));
    holds(0.98, cases());
    holds(0.90, cases().map(|(sentence, name)| (sentence, name.to_lowercase())));
    holds(0.90, cases().map(|(sentence, name)| (sentence.to_uppercase(), name.to_uppercase())));
}

#[test]
fn what_tells_of_events_stays() {
    for text in EVENTS {
        let mut spans = Vec::new();
        Redactor::builtin().find(text, &mut spans);
        assert_eq!(apply(text, &spans), text);
    }
}
