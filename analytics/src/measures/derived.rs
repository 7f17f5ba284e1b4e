//! The shapes of tables that are made from other published tables: `comparators`, `revisions` and `suppression_log`.
//!
//! What always holds: they have no rows here. Whoever publishes makes their rows from printed cells alone, so that they tell
//! nothing that the other tables do not.

use super::{keys, measure, open_measure, table};
use crate::results::{Table, Unit};

/// `comparators`: a month's numbers beside those of other months.
#[must_use]
pub fn comparators() -> Table {
    table(
        "comparators",
        "The numbers of the period's last month beside those of other months, from printed cells alone",
        keys(&[
            ("table", "The table that the number stands in"),
            ("key", "Its row there, without the month: column=value, joined by ;"),
            ("measure", "Its column there"),
            ("month", "The period's last month, YYYY-MM"),
        ]),
        vec![
            measure("value", Unit::Reports, "The number of that month"),
            measure("previous_month", Unit::Reports, "That of the month before"),
            measure("same_month_last_year", Unit::Reports, "That of the same month a year before"),
            measure(
                "mean_6_months",
                Unit::Decimal(1),
                "Mean of the six months before; only where all six are in the series",
            ),
            measure(
                "rank",
                Unit::Decimal(0),
                "Place of the number among the months of the series, 1 is the highest; equal numbers share the better place",
            ),
            open_measure(
                "months_in_series",
                Unit::Decimal(0),
                "Months of the table from the first in which anything was reported",
            ),
            measure("year_to_date", Unit::Reports, "Sum from January to the month"),
            measure("year_to_date_last_year", Unit::Reports, "The same of the year before"),
        ],
        Vec::new(),
    )
}

/// `revisions`: what numbers were in the last edition, or in the last brief.
#[must_use]
pub fn revisions() -> Table {
    table(
        "revisions",
        "What numbers of months were when they were printed last, and are now: in the last edition of the same brief, else in the \
         last brief of the same places",
        keys(&[
            ("table", "The table that the number stands in"),
            ("key", "Its row there, without the month: column=value, joined by ;"),
            ("measure", "Its column there"),
            ("month", "The month, or the period, of the number"),
        ]),
        vec![
            measure("was", Unit::Decimal(0), "What was printed then; empty: nothing"),
            measure("is", Unit::Decimal(0), "What is printed now"),
            open_measure(
                "why",
                Unit::Text,
                "newer_data: reports came late, were corrected or withdrawn; other_rules: from the same data; hidden_now, \
                 shown_now: disclosure control; not_printed_then, not_printed_now: the row",
            ),
        ],
        Vec::new(),
    )
}

/// `suppression_log`: how many cells are hidden, by table and reason.
#[must_use]
pub fn suppression_log() -> Table {
    table(
        "suppression_log",
        "How many cells of each table are hidden, and why",
        keys(&[
            ("table", "Name of the table"),
            ("reason", "primary: below the threshold; complementary: for another cell's sake"),
        ]),
        vec![
            open_measure("cells", Unit::Decimal(0), "Hidden cells"),
            open_measure("cells_in_all", Unit::Decimal(0), "Cells of the table that could be hidden"),
        ],
        Vec::new(),
    )
}
