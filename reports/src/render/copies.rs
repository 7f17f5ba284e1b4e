//! Copies of the tables for programs that read CSV in their own way: with a row of HXL tags, and safe to open in a
//! spreadsheet.
//!
//! What always holds: a copy has the rows, the columns and the numbers of its table; only what a spreadsheet would take
//! for something else is written otherwise.

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::sheet::Sheet;

/// Excel takes a file for UTF-8 only with this before it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the Census Bureau writes before the five digits of a county: then they are no number whose zero can be dropped.
const COUNTY_PREFIX: &str = "0500000US";

/// The table with a second row of tags (HXL 1.1). The tags of key columns that HXL's core vocabulary names are from it; what
/// it has no word for is an attribute of `#meta` or `#indicator`.
pub(crate) fn hxl(sheet: &Sheet) -> Vec<u8> {
    let tags: Vec<String> = sheet.header().iter().map(|column| tag(sheet, column)).collect();
    let rows = [sheet.header().to_vec(), tags];
    write(rows.iter().chain(sheet.rows()), Terminator::Any(b'\n'))
}

fn tag(sheet: &Sheet, column: &str) -> String {
    let known = match column {
        "month" => "#date+month",
        "period" => "#date+period",
        "span" => "#date+span",
        "state" => "#adm1+code",
        "county_fips" => "#adm2+code+v_fips",
        "county" => "#adm2+name",
        "event_kind" => "#event+type+code",
        "tactic" => "#event+tactic+code",
        "tactic_a" => "#event+tactic+code+first",
        "tactic_b" => "#event+tactic+code+second",
        "kind" => "#event+detainer+code",
        "setting" => "#loc+type+code",
        "agency" => "#org+agency+code",
        "source" => "#org+source+name",
        "description" => "#description",
        // It can be empty in every line.
        "lift" => "#indicator+lift+num",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let measured = column.strip_suffix("_flag").filter(|measure| sheet.column(measure).is_some());
    let is_number = |name: &str| {
        let mut cells = sheet.rows().iter().map(|row| sheet.text(row, name)).filter(|text| !text.is_empty());
        sheet.column(&format!("{name}_flag")).is_some() || cells.next().is_some_and(|text| text.parse::<f64>().is_ok())
    };
    match measured {
        Some(measure) => format!("#meta+{measure}+flag"),
        None if is_number(column) => format!("#indicator+{column}+num"),
        None => format!("#meta+{column}"),
    }
}

/// The table as a spreadsheet can open it without changing or running anything.
pub(crate) fn spreadsheet(sheet: &Sheet) -> Vec<u8> {
    let safe_row = |row: &Vec<String>| sheet.header().iter().zip(row).map(|(name, cell)| safe(name, cell)).collect();
    let rows: Vec<Vec<String>> = sheet.rows().iter().map(safe_row).collect();
    let mut bytes = BYTE_ORDER_MARK.to_vec();
    bytes.extend(write(std::iter::once(&sheet.header().to_vec()).chain(&rows), Terminator::CRLF));
    bytes
}

/// A cell that no spreadsheet takes for a date, for a number that it is not, or for a formula.
fn safe(column: &str, cell: &str) -> String {
    match (column, cell.split_once('-')) {
        // As in SDMX: 2026-M09.
        ("month" | "period", Some((year, month))) if month.len() == 2 && month.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{year}-M{month}")
        }
        ("county_fips", _) if cell.bytes().all(|b| b.is_ascii_digit()) => format!("{COUNTY_PREFIX}{cell}"),
        _ if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err() => {
            format!("'{cell}")
        }
        _ => cell.to_owned(),
    }
}

fn write<'a>(rows: impl Iterator<Item = &'a Vec<String>>, terminator: Terminator) -> Vec<u8> {
    let mut writer =
        WriterBuilder::new().terminator(terminator).quote_style(QuoteStyle::Necessary).from_writer(Vec::new());
    let expected = "writing to memory cannot fail";
    for row in rows {
        writer.write_record(row).expect(expected);
    }
    writer.into_inner().expect(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"month,county_fips,source,reports,reports_flag,n\n\
        2026-09,01001,\"=HYPERLINK(\"\"x\"\"),1\",12345,,-0.5\n2026-Q3,all,-not a number,<5,primary,\n";

    #[test]
    fn nothing_in_a_spreadsheet_is_run_or_read_as_something_else() {
        let text = String::from_utf8(spreadsheet(&Sheet::parse(TABLE).expect("reads"))).expect("text");
        assert_eq!(
            text,
            "\u{feff}month,county_fips,source,reports,reports_flag,n\r\n\
             2026-M09,0500000US01001,\"'=HYPERLINK(\"\"x\"\"),1\",12345,,-0.5\r\n2026-Q3,all,'-not a number,<5,primary,\r\n"
        );
    }

    #[test]
    fn every_column_has_a_tag_below_its_name() {
        let text = String::from_utf8(hxl(&Sheet::parse(TABLE).expect("reads"))).expect("text");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("month,county_fips,source,reports,reports_flag,n"));
        let tags =
            "#date+month,#adm2+code+v_fips,#org+source+name,#indicator+reports+num,#meta+reports+flag,#indicator+n+num";
        assert_eq!(lines.next(), Some(tags));
        assert_eq!(lines.next(), Some("2026-09,01001,\"=HYPERLINK(\"\"x\"\"),1\",12345,,-0.5"));
    }
}
