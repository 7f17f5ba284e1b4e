//! Tables that are made from other published tables.
//!
//! What always holds: they are functions of printed cells, so that they tell nothing that the other tables do not, and so
//! that [`crate::verify`] can make them again from the directory; a number that is made from a hidden cell is hidden.

mod comparators;
pub(crate) mod revisions;
mod suppression_log;

use analytics::results::{ALL, Period, Table};
use schemas::time::Month;

use crate::sheet::{PROVISIONAL, Sheet, Sheets, Shown};

/// The tables of this module, by name, in the order in which they are published.
pub(crate) const NAMES: [&str; 2] = ["comparators", "suppression_log"];

/// The file of one of [`NAMES`].
pub(crate) fn render(name: &str, period: Period, sheets: &Sheets) -> Option<Vec<u8>> {
    match name {
        "comparators" => Some(comparators::render(period, sheets)),
        "suppression_log" => Some(suppression_log::render(sheets)),
        _ => None,
    }
}

/// The first month of `reports_month` with a report: what lies before it is no zero.
pub(crate) fn series_from(kinds: &Sheet) -> Option<Month> {
    kinds
        .with(&[("event_kind", ALL)])
        .filter(|row| kinds.shown(row, "reports").number() != Some(0))
        .filter_map(|row| Month::parse(kinds.text(row, "month")))
        .min()
}

/// A writer of a table file that has written the header of this shape.
fn writer(shape: &Table) -> csv::Writer<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let keys = shape.keys.iter().map(|key| key.name.to_string());
    let measures = shape.measures.iter().flat_map(|measure| {
        let flag = measure.may_be_withheld.then(|| format!("{}_flag", measure.name));
        std::iter::once(measure.name.to_string()).chain(flag)
    });
    writer.write_record(keys.chain(measures)).expect(IN_MEMORY);
    writer
}

fn bytes(writer: csv::Writer<Vec<u8>>) -> Vec<u8> {
    writer.into_inner().expect(IN_MEMORY)
}

/// A cell as it is printed where it comes from, with its flag.
fn copied(cell: Shown<'_>) -> [String; 2] {
    let text = match cell {
        Shown::Number(n) => n.to_string(),
        Shown::Hidden(text) => text.to_owned(),
        Shown::None => String::new(),
    };
    [text, cell.flag().to_owned()]
}

/// The same of a month whose late reports are still to come.
fn flagged(cell: Shown<'_>, late: bool) -> [String; 2] {
    match cell {
        Shown::Number(n) if late => [n.to_string(), PROVISIONAL.to_owned()],
        other => copied(other),
    }
}

const IN_MEMORY: &str = "writing to memory cannot fail";
