//! What redaction promises: what goes, what stays, and that it holds for any text at all.

use proptest::prelude::*;

use super::*;

fn redacted(text: &str) -> String {
    let mut spans = Vec::new();
    Redactor::builtin().find(text, &mut spans);
    apply(text, &spans)
}

/// Every text is redacted as written behind it.
fn all(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(redacted(text), *expected, "from: {text}");
    }
}

/// Every text stays as it is.
fn stays(texts: &[&str]) {
    for text in texts {
        assert_eq!(redacted(text), *text);
    }
}

#[test]
fn telephone_numbers_in_any_writing() {
    all(&[
        ("call 206-555-0143 today", "call [PHONE] today"),
        ("tel. (206) 555 0143.", "tel. [PHONE]."),
        ("+1 206.555.0143 or +502 5555 0143", "[PHONE] or [PHONE]"),
        ("two oh six five five five oh one four three", "[PHONE]"),
        ("dos cero seis, cinco cinco cinco, cero uno cuarenta y tres", "[PHONE]"),
        ("206 five five five O143", "[PHONE]"),
        ("206 triple five 0143 two agents", "[PHONE] two agents"),
        ("número: 2\u{20e3}0\u{20e3}6\u{20e3} 555 ０１４３", "número: [PHONE]"),
        ("ext: 206-555-0143 x 12", "ext: [PHONE]"),
    ]);
}

#[test]
fn mail_links_and_handles() {
    all(&[
        ("write to ana.r+1@example.org.", "write to [EMAIL]."),
        ("ana dot ruiz at mail dot example", "[EMAIL]"),
        ("ana guion bajo r arroba correo punto example", "[EMAIL]"),
        ("video: https://example.org/v?id=3, thanks", "video: [URL], thanks"),
        ("see bit.ly/abc123", "see [URL]"),
        ("pin https://maps.app.goo.gl/Xy12", "pin [COORDINATES]"),
        ("ig @la_vecina22 posted", "ig [HANDLE] posted"),
        ("my insta is vecina.alerta ok", "my insta is [HANDLE] ok"),
    ]);
    stays(&[
        "posted on Facebook marketplace @ 7am",
        "ICE in Watsonville at Target!!! share",
        "From WhatsApp: two vans",
    ]);
}

#[test]
fn numbers_of_people_cars_and_cases() {
    all(&[
        ("his A# is 087-554-110", "his A# is [ID_NUMBER]"),
        ("alien number 087554110", "alien number [ID_NUMBER]"),
        ("SSN 078-05-1120", "SSN [ID_NUMBER]"),
        ("receipt IOE0912345678", "receipt [ID_NUMBER]"),
        ("black Tahoe plate T77-PNR", "black Tahoe plate [PLATE]"),
        ("placas de Texas LKJ 4821", "placas de Texas [PLATE]"),
        ("badge no. EL-3317", "badge no. [BADGE]"),
        ("Docket MI26P2240GD", "Docket [CASE_NUMBER]"),
        ("expediente 26-CR-01183", "expediente [CASE_NUMBER]"),
        ("DOB 04/19/1987", "DOB [BIRTH_DATE]"),
        ("nació el 3 de mayo de 1990", "nació el [BIRTH_DATE]"),
    ]);
    stays(&[
        "showed an I-200 and an I-247A, not an I-205",
        "on 3/25/2026 at 8:40, again 2026-05-30, I-95 exit 203, ZIP 89030-1234, 5 to 6 agents",
        "trucks sin placas, 2 vehicles with 2 agents each, $1,500 bond, 2019-2021, US-98, F-150",
        "41 cases on calendar, 6 motions denied, Dept 30, courtroom 305",
    ]);
}

#[test]
fn plates_in_any_writing() {
    all(&[
        ("grey Malibu KXJ 2280 Georgia tags", "grey Malibu [PLATE] Georgia tags"),
        ("DHS plate H 18 4471", "DHS plate [PLATE]"),
        ("plate is 8 adam boy charles 123", "plate is [PLATE]"),
        ("plate, it's K as in kilo, V, M, 4 4 1 9.", "plate, it's [PLATE]."),
        ("la placa empieza con 8RT y termina en 19", "la placa empieza con [PLATE] y termina en [PLATE]"),
        ("placas LMV 4082 y otra NPR 2217", "placas [PLATE] y otra [PLATE]"),
        ("lic on the jeep rk 91 wz ct", "lic on the jeep [PLATE] ct"),
        ("black Durango WI ATR-5512, Explorer gris NH 481 2209", "black Durango WI [PLATE], Explorer gris NH [PLATE]"),
        ("only got K8 at the end of the plate", "only got [PLATE] at the end of the plate"),
        ("vanity plate BGDOG on it", "vanity plate [PLATE] on it"),
        ("el sargento, placa #5592, gritó", "el sargento, placa #[BADGE], gritó"),
    ]);
    stays(&[
        "plates from 3 states, temp plates on both cars at 6 am, placas de gobierno en los 2 carros",
        "a Silverado 1500 and a Ram 2500 with Texas plates, COVID-19, room B-12",
    ]);
}

#[test]
fn where_people_live() {
    all(&[
        ("outside 88 Shawmut Street, Apt. 2R in Chelsea", "outside [ADDRESS] in Chelsea"),
        ("vive en calle Morelos #123, Pasadena", "vive en [ADDRESS], Pasadena"),
        ("at 4811 N. Kedzie, 2do piso", "at [ADDRESS]"),
        ("36.2021, -115.1177", "[COORDINATES]"),
        ("40°42'46\"N 74°0'21\"W", "[COORDINATES]"),
    ]);
    stays(&["3 agents walked down the street", "2 vans on Main Street", "Yakima, WA 98901"]);
}

#[test]
fn names_by_cue_list_and_shape() {
    all(&[
        ("Se llevaron a su hermano Wilmer ayer", "Se llevaron a su hermano [PERSON] ayer"),
        ("they took my cousin efrain at 7", "they took my cousin [PERSON] at 7"),
        ("Officer Brown and Sgt. D. Price", "Officer [PERSON] and Sgt. [PERSON]"),
        ("La Sra. María de la Luz Pérez Cuc llamó", "La Sra. [PERSON] llamó"),
        ("Oluwaseun Adebayo was taken. Later adebayo called.", "[PERSON] was taken. Later [PERSON] called."),
        ("name tape said LINDQVIST", "name tape said [PERSON]"),
        ("Lupe: ya se fueron", "[PERSON]: ya se fueron"),
        ("Agents Brown, Price and Sandoval", "Agents [PERSON], [PERSON] and [PERSON]"),
    ]);
}

#[test]
fn places_courts_and_agencies_stay() {
    stays(&[
        "Marion County Sheriff, not ICE, at Jefferson Hall of Justice",
        "In Santa Ana and San Bernardino on Tuesday, a gray Durango near Lincoln Park",
        "Jackson, Mississippi; Austin, TX; Prince George's County; Fort Worth",
        "Clara Shortridge Foltz CJC and Lindsey-Flanigan Courthouse were calm",
        "un señor guatemalteco en el Home Depot de Paterson",
    ]);
}

#[test]
fn marks_are_left_alone() {
    for class in Class::ALL {
        let text = format!("Officer {0} called {0}, plate {0}.", class.mark());
        assert_eq!(redacted(&text), text);
        assert_eq!(second_look(&text), None);
    }
}

#[test]
fn offsets_count_scalar_values() {
    let text = "niño 👦🏽 llamó: 206-555-0143";
    let mut spans = Vec::new();
    Redactor::builtin().find(text, &mut spans);
    let start = text.chars().take_while(|c| *c != '2').count() as u32;
    assert_eq!(scalar_offsets(text, &spans), [(start, start + 12)]);
}

#[test]
fn a_rule_that_does_not_compile_stops_all() {
    let broken = "[parts]\n\n[[rule]]\nid = \"x\"\nclass = \"url\"\nneeds = [\"x\"]\nfind = '(x'\n";
    let error = Redactor::from_sources(broken, WORDS, "a\tw\n").expect_err("an open group");
    assert_eq!((error.file, error.line), ("rules.toml", 7));
    let error = Redactor::from_sources("rule = []\n[parts]\n", "relations = 1\n", "a\tw\n").expect_err("no list");
    assert_eq!((error.file, error.line), ("words.toml", 1));
    let error = Redactor::from_sources("rule = []\n[parts]\n", WORDS, "a\tw\nb w\n").expect_err("no tab");
    assert_eq!((error.file, error.line), ("lexicon.txt", 2));
}

#[test]
fn the_second_reader_sees_what_the_first_removes() {
    for text in [
        "mail ana@example.org",
        "ig @la_vecina",
        "https://example.org/x",
        "36.2021, -115.1177",
        "DOB 04/19/1987",
        "plate: T77PNR",
        "badge no. 4471",
        "206-555-0143",
        "(206) 555 0143",
        "087554110",
        "two oh six five five five oh one",
        "ssn 078 05 1120",
    ] {
        assert!(second_look(text).is_some(), "{text}");
        assert_eq!(second_look(&redacted(text)), None, "{text}");
    }
    for text in [
        "on 3/25/2026 at 8:40, again 2026-05-30 18:00, ZIP 89030-1234",
        "I-200, I-247A, I-95 exit 203",
        "5 to 6 agents @ 7am, 2 vehicles, $1,500,000",
        "2019-2021",
        "plates not seen, no badge",
        "1/2/26 10:30",
    ] {
        assert_eq!(second_look(text), None, "{text}");
    }
}

/// Pieces that rules look for, so that random texts come near to them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,6}",
        "[0-9]{1,5}",
        "[A-Za-zñé]{1,9}",
        prop::sample::select(vec![
            "plate",
            "placa",
            "Tahoe",
            "LKJ",
            "NH",
            "kilo",
            "ends in",
            "DOB",
            "A#",
            "my cousin",
            "Officer",
            "Sra.",
            "se llama",
            "Maria",
            "lopez",
            "de la",
            "Park",
            "St",
            "apt",
            "@",
            ".",
            ",",
            ":",
            "-",
            "/",
            "#",
            "\n",
            "(",
            ")",
            "at",
            "dot",
            "arroba",
            "five",
            "cinco",
            "y",
            "[PHONE]",
            "[PERSON]",
            "case",
            "https://",
            "example.org",
            "calle",
            "San",
            "County",
            "TX",
            "36.2021",
            "Brown",
            "and",
            "ß",
            "½",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_gives_sorted_spans_on_boundaries_and_is_redacted_once(
        pieces in prop::collection::vec((piece(), prop::sample::select(vec![" ", "", " ", "\n"])), 0..24),
    ) {
        let text: String = pieces.into_iter().flat_map(|(piece, gap)| [piece, gap.to_owned()]).collect();
        let mut spans = Vec::new();
        Redactor::builtin().find(&text, &mut spans);
        let mut at = 0;
        for span in &spans {
            prop_assert!(at <= span.start && span.start < span.end && span.end <= text.len());
            prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            at = span.end;
        }
        let once = apply(&text, &spans);
        prop_assert_eq!(redacted(&once), once.clone());
        let _ = second_look(&once);
    }
}
