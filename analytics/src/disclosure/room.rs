//! How far a cell can be moved from its true value, and what that costs: nothing within what is known of it as it is shown,
//! the price of hiding it within its mark, the price of its row beyond.

use super::system::{Shown, System};

/// A way to move a cell: at most `units`, and what the first one costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub units: i64,
    pub price: u64,
    /// How the cell must be shown then.
    pub shown: Shown,
}

/// As many units as anybody wants.
pub(super) const MANY: i64 = i64::MAX / 4;

/// How the cell may be shown at most, in this search.
pub(super) fn most(system: &System, cell: usize) -> Shown {
    let of = &system.cells[cell];
    match (of.known, of.cost, of.cost_left_out) {
        (Some(_), ..) => Shown::Number,
        (None, _, 1..) => Shown::LeftOut,
        (None, 1.., 0) if of.value > 0 => Shown::Marked,
        _ => Shown::Number,
    }
}

/// What it costs to show the cell so.
pub(super) fn cost(system: &System, cell: usize, shown: Shown) -> u64 {
    let of = &system.cells[cell];
    match shown {
        Shown::Number => 0,
        Shown::Marked if of.is_primary() => 0,
        Shown::Marked => of.cost,
        Shown::LeftOut => of.cost_left_out,
    }
}

/// How the cell has to be shown to be thought to have moved by `moved`. None: it cannot.
pub(super) fn needed(system: &System, cell: usize, shown: Shown, most: Shown, moved: i64) -> Option<Shown> {
    let of = &system.cells[cell];
    let at = of.value + moved;
    [Shown::Number, Shown::Marked, Shown::LeftOut].into_iter().filter(|s| *s >= shown && *s <= most.max(shown)).find(
        |s| {
            let hidden_at_zero = *s == Shown::Marked && of.value == 0;
            let cannot = *s == Shown::Marked && *s > shown && of.cost == 0;
            let range = system.range(cell, *s);
            !hidden_at_zero && !cannot && range.low <= at && range.high.is_none_or(|high| at <= high)
        },
    )
}

/// The next step of a cell that has moved by `moved` already, up (`1`) or down (`-1`).
pub(super) fn step(system: &System, cell: usize, shown: Shown, most: Shown, moved: i64, way: i64) -> Option<Step> {
    let paid = needed(system, cell, shown, most, moved)?;
    if moved * way < 0 {
        return Some(Step { units: moved.abs(), price: 0, shown: paid });
    }
    let next = needed(system, cell, shown, most, moved + way)?.max(paid);
    let price = cost(system, cell, next).saturating_sub(cost(system, cell, paid));
    let price = if next == paid { 0 } else { price };
    let range = system.range(cell, next);
    let at = system.cells[cell].value + moved;
    let units = match (way > 0, range.high) {
        (true, Some(high)) => high - at,
        (true, None) => MANY,
        (false, _) => at - range.low,
    };
    (units > 0).then_some(Step { units, price, shown: next })
}

/// Whether the cell can be thought to be anything but what it is.
pub(super) fn is_movable(system: &System, cell: usize) -> bool {
    let shown = if system.cells[cell].is_primary() { Shown::Marked } else { Shown::Number };
    let most = most(system, cell);
    [1, -1].into_iter().any(|way| step(system, cell, shown, most, 0, way).is_some())
}
