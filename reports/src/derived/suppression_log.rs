//! `suppression_log`: how many cells of each table are hidden, and why.

use analytics::measures::derived;

use super::{IN_MEMORY, bytes, writer};
use crate::sheet::Sheets;

pub(crate) fn render(sheets: &Sheets) -> Vec<u8> {
    let mut out = writer(&derived::suppression_log());
    for (name, sheet) in sheets.in_order() {
        let flags: Vec<usize> = sheet.measures().filter_map(|name| sheet.column(&format!("{name}_flag"))).collect();
        if flags.is_empty() {
            continue;
        }
        let cells = sheet.rows().len() * flags.len();
        for reason in ["primary", "complementary"] {
            let hidden: usize =
                sheet.rows().iter().map(|row| flags.iter().filter(|i| row[**i] == reason).count()).sum();
            out.write_record([name, reason, &hidden.to_string(), &cells.to_string()]).expect(IN_MEMORY);
        }
    }
    bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Sheet;

    #[test]
    fn hidden_cells_are_counted_by_reason() {
        let mut sheets = Sheets::default();
        let table =
            b"month,reports,reports_flag,arrests,arrests_flag\nm,<5,primary,0,\nn,withheld,complementary,<5,primary\n";
        sheets.insert("county_month", Sheet::parse(table).expect("reads"));
        sheets.insert("sums", Sheet::parse(b"part,n\na,1\n").expect("reads"));
        assert_eq!(
            String::from_utf8(render(&sheets)).expect("text"),
            "table,reason,cells,cells_in_all\ncounty_month,primary,2,4\ncounty_month,complementary,1,4\n"
        );
    }
}
