//! Proposals for whole tables.

use std::collections::BTreeMap;
use std::io::Write;

use proptest::prelude::*;

use super::*;

fn of(text: &[u8]) -> Suggestion {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("calls.csv");
    std::fs::write(&path, text).expect("written");
    suggest(&path, None).expect("a proposal")
}

fn fields(suggestion: &Suggestion) -> BTreeMap<&str, &str> {
    suggestion.columns.iter().filter_map(|c| Some((c.header.as_str(), c.field?))).collect()
}

#[test]
fn a_call_sheet_is_told_by_headers_and_values() {
    let suggestion = of(include_bytes!("../../../../../examples/hotline.csv"));
    let mapping = Mapping::parse(&suggestion.toml).expect("reads");
    let expected = [
        ("Call no.", "external_id"),
        ("Time of call", "reported_at"),
        ("When", "occurred"),
        ("Where", "place"),
        ("What", "event_kind"),
        ("Kind of place", "setting"),
        ("How many agents", "agents"),
        ("Taken", "persons_arrested"),
        ("Who they said they were", "agency_claimed"),
        ("What they did", "tactics"),
        ("Checked", "review"),
        ("Caller's words", "narrative"),
    ];
    assert_eq!(fields(&suggestion), BTreeMap::from(expected), "{}", suggestion.toml);
    assert_eq!(mapping.ignore, ["Call-back number", "Dispatcher", "Called back"]);
    assert_eq!(mapping.aliases["event_kind"]["took someone"], "arrest");
    assert_eq!(mapping.aliases["tactics"]["no uniforms"], "plainclothes");
    assert_eq!(mapping.format.date_order, Some(schemas::time::DateOrder::Mdy));
    for private in ["Ramiro", "509-555", "206-555", "camioneta", "¿Puede"] {
        assert!(!suggestion.toml.contains(private), "{private}");
    }
    assert_eq!(suggestion, of(include_bytes!("../../../../../examples/hotline.csv")), "the same again");
}

#[test]
fn a_spanish_table_below_titles_in_latin_1() {
    let text = "Red de respuesta, valle de Yakima\nLlamadas de septiembre\n\n\
        Folio;Fecha de la llamada;Fecha del incidente;Hora;Ciudad;Estado;Tipo de hecho;Tipo de lugar;# agentes;Descripción;\
        Teléfono;Nombre de quien llama;Observaciones internas\n\
        1;14/09/2026 07:40;13/09/2026;7:15;Yakima;WA;detención;casa;4;Se llevaron a mi vecino Ramiro Estrella de su casa \
        cuando salía a trabajar esta mañana;509-555-0147;Marisol Quintana;ok\n\
        2;15/09/2026 09:05;15/09/2026;9:00;Kent;WA;avistamiento;estacionamiento;2 a 3;Dos agentes en una camioneta blanca \
        frente a la tienda, luego se fueron sin nadie;206-555-0162;Ramiro Estrella;ok\n";
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let suggestion = of(&latin);
    let expected = [
        ("Folio", "external_id"),
        ("Fecha de la llamada", "reported_at"),
        ("Fecha del incidente", "occurred"),
        ("Ciudad", "place"),
        ("Estado", "state"),
        ("Tipo de hecho", "event_kind"),
        ("Tipo de lugar", "setting"),
        ("# agentes", "agents"),
        ("Descripción", "narrative"),
    ];
    assert_eq!(fields(&suggestion), BTreeMap::from(expected), "{}", suggestion.toml);
    assert_eq!(suggestion.header, Some(4));
    let mapping = Mapping::parse(&suggestion.toml).expect("reads");
    assert_eq!(mapping.format.date_order, Some(schemas::time::DateOrder::Dmy));
    let private: Vec<_> = suggestion.columns.iter().filter_map(|c| Some((c.header.as_str(), c.private?))).collect();
    assert_eq!(private, [("Teléfono", "phone numbers"), ("Nombre de quien llama", "names of people")]);
    assert!(!suggestion.toml.contains("Ramiro") && !suggestion.toml.contains("Marisol"));
}

#[test]
fn headers_that_say_nothing_are_told_by_values_alone() {
    let rows = "a,b,c,d,e\n\
        2026-09-01,arrest,WA,Four men knocked at the door and took my neighbor away in a white van before seven,509-555-0101\n\
        2026-09-02,sighting,OR,They stood by the store for an hour and then they left again without anybody with them,509-555-0102\n\
        2026-09-03,arrest,WA,Two of them waited at the steps of the court for a man who was leaving his hearing,509-555-0103\n";
    let suggestion = of(rows.as_bytes());
    let expected = [("a", "occurred"), ("b", "event_kind"), ("c", "state"), ("d", "narrative")];
    assert_eq!(fields(&suggestion), BTreeMap::from(expected), "{}", suggestion.toml);
    assert_eq!(suggestion.columns[4].private, Some("phone numbers"));
}

#[test]
fn rare_words_are_counted_and_not_shown() {
    let mut text = "What,Kind of place\n".to_owned();
    for _ in 0..4 {
        text += "arrest,home\nsighting,bodega\n";
    }
    text += "arrest,Zqxtienda\narrest,Ramiro Estrella\n";
    let suggestion = of(text.as_bytes());
    assert!(!suggestion.toml.contains("Zqx") && !suggestion.toml.contains("Ramiro"), "{}", suggestion.toml);
    assert!(suggestion.toml.contains("\"bodega\" = \""), "{}", suggestion.toml);
    assert!(suggestion.open.iter().any(|open| open.contains("2 rare words")), "{:?}", suggestion.open);
}

#[test]
fn values_where_the_header_should_be_are_not_told() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"2026-09-01,Ramiro Estrella,509-555-0147\n2026-09-02,Zqx,509-555-0148\n").expect("written");
    let error = suggest(file.path(), None).expect_err("no header").to_string();
    assert!(error.contains("row 1") && !error.contains("Ramiro"), "{error}");
    let source = schemas::source::SourceName::parse("line").expect("a name");
    let settings = schemas::source::Settings::default();
    let now = chrono::DateTime::UNIX_EPOCH;
    let tried = super::super::try_file(file.path(), &Mapping::default(), &source, &settings, now);
    let error = tried.expect_err("no header").to_string();
    assert!(error.contains("row 1") && !error.contains("Ramiro"), "{error}");
}

#[test]
fn json_objects_are_rows_and_their_keys_columns() {
    let suggestion = of(
        br#"{"call_id": 17, "dateOfIncident": "2026-09-01", "City": "Yakima, WA", "kindOfEvent": "arrest", "phone": "509-555-0147", "extra": {"a": 1}}
{"call_id": 18, "dateOfIncident": "2026-09-02", "City": "Kent, WA", "kindOfEvent": "sighting", "phone": "509-555-0148", "extra": {}}
"#,
    );
    let expected =
        [("City", "place"), ("call_id", "external_id"), ("dateOfIncident", "occurred"), ("kindOfEvent", "event_kind")];
    assert_eq!(fields(&suggestion), BTreeMap::from(expected), "{}", suggestion.toml);
}

#[test]
fn headers_cannot_end_a_comment_or_a_key() {
    let suggestion =
        of("\"What\n[constants]\n\",\"a\"\"b\\\\c\",\"What\"\narrest,x,arrest\nsighting,y,sighting\n".as_bytes());
    Mapping::parse(&suggestion.toml).expect("reads");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the table, what is proposed reads as a mapping that names every column, and holds no long text of it.
    #[test]
    fn any_proposal_reads_and_names_every_column(
        headers in proptest::collection::vec("[A-Za-z#¿?ñé. _\"\\\\]{0,24}", 1..8),
        cells in proptest::collection::vec(proptest::collection::vec("[ -~ñé]{0,90}", 8), 0..12),
    ) {
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        csv.write_record(&headers).expect("written");
        for row in &cells {
            csv.write_record(&row[..headers.len()]).expect("written");
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&csv.into_inner().expect("written")).expect("written");
        if let Ok(suggestion) = suggest(file.path(), None) {
            let mapping = Mapping::parse(&suggestion.toml).expect("reads");
            for column in suggestion.columns.iter().filter(|column| !column.header.is_empty()) {
                prop_assert!(mapping.columns.contains_key(&column.header) || mapping.ignore.contains(&column.header));
            }
            // Without headers of two columns the first row is none, and its cells are what the columns are called.
            let below = cells.iter().filter(|_| suggestion.header == Some(1));
            for cell in below.flatten().filter(|cell| cell.trim().len() > LONGEST_KEPT) {
                prop_assert!(!suggestion.toml.contains(cell.trim()));
            }
        }
    }
}

const LONGEST_KEPT: usize = 60;
