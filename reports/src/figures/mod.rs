//! The figures of a brief, as SVG: made from the sheets and the header alone.
//!
//! What always holds: the same tables give the same bytes; a figure shows nothing that no table prints; each has a text
//! alternative; no installed font is measured.

use crate::header::Header;
use crate::sheet::Sheets;

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure {
    /// Its file is `figures/NAME.svg`.
    pub(crate) name: &'static str,
    /// What it shows, as a heading says it.
    pub(crate) title: String,
    /// What it shows, for whom cannot see it.
    pub(crate) alt: String,
    /// A whole SVG document, without an XML declaration.
    pub(crate) svg: String,
}

/// Every figure that the tables give something to show for, in the order of the text.
pub(crate) fn all(_header: &Header, _sheets: &Sheets) -> Vec<Figure> {
    Vec::new()
}
