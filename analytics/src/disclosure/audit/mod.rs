//! The audit: what a reader can work out of hidden cells. Written apart from the protector, of which it uses nothing.
//!
//! What always holds: it sees only what is printed, never a true value. Bounds are those of the linear program (or of flows,
//! which give the same where each cell stands in two sums at most), rounded inward to whole numbers.

mod bounds;
mod brief;
mod flow;
mod printed;

pub use bounds::{Bounds, Finding, Puzzle, Unsolved};
pub use brief::{Audited, Leak, audit};
pub use printed::Printed;
