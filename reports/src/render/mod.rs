//! Text and data files out of sheets.

pub(crate) mod csv;
pub(crate) mod datapackage;
pub(crate) mod markdown;
