//! Reading the groups that a query made, cell by cell, as our own types. The only reader of data frames for measures.

use std::ops::Range;

use chrono::{Days, NaiveDate};
use polars::prelude::*;
use schemas::report::{Fips, StateCode};
use schemas::taxonomy::{CodeAxis, CodeSet};
use schemas::time::Month;

use crate::AnalyticsError;
use crate::keys::{Key, Place};

/// A frame of groups.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a>(pub &'a DataFrame);

/// A column whose cells are not what the dataset contract says.
pub(crate) fn unreadable(column: &str) -> AnalyticsError {
    AnalyticsError::Unreadable { column: column.to_owned() }
}

impl<'a> Frame<'a> {
    pub(crate) fn rows(self) -> Range<usize> {
        0..self.0.height()
    }

    fn column(self, name: &'static str) -> Result<&'a Column, AnalyticsError> {
        self.0.column(name).map_err(|_| unreadable(name))
    }

    pub(crate) fn texts(self, name: &'static str) -> Result<Texts<'a>, AnalyticsError> {
        Ok(Texts { name, cells: self.column(name)?.str().map_err(|_| unreadable(name))? })
    }

    pub(crate) fn lists(self, name: &'static str) -> Result<Lists<'a>, AnalyticsError> {
        Ok(Lists { name, cells: self.column(name)?.list().map_err(|_| unreadable(name))? })
    }

    pub(crate) fn flags(self, name: &'static str) -> Result<Flags<'a>, AnalyticsError> {
        Ok(Flags(self.column(name)?.bool().map_err(|_| unreadable(name))?))
    }

    pub(crate) fn ints(self, name: &'static str) -> Result<Ints, AnalyticsError> {
        let column = self.column(name)?.cast(&DataType::Int64).map_err(|_| unreadable(name))?;
        Ok(Ints { name, cells: column.i64().map_err(|_| unreadable(name))?.clone() })
    }

    /// The column `month`.
    pub(crate) fn months(self) -> Result<Months, AnalyticsError> {
        let days = self.column("month")?.cast(&DataType::Int32).map_err(|_| unreadable("month"))?;
        Ok(Months(days.i32().map_err(|_| unreadable("month"))?.clone()))
    }

    /// The columns `state` and `county_fips`.
    pub(crate) fn places(self) -> Result<Places<'a>, AnalyticsError> {
        Ok(Places { state: self.texts("state")?, county: self.texts("county_fips")? })
    }
}

pub(crate) struct Texts<'a> {
    name: &'static str,
    cells: &'a StringChunked,
}

impl Texts<'_> {
    /// The cell, which must be there.
    pub(crate) fn parse<T>(&self, row: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, AnalyticsError> {
        self.cells.get(row).and_then(parse).ok_or_else(|| unreadable(self.name))
    }

    /// The cell; nothing there is `unknown`.
    pub(crate) fn known<T>(&self, row: usize, parse: impl Fn(&str) -> Option<T>) -> Result<Key<T>, AnalyticsError> {
        match self.cells.get(row) {
            None => Ok(Key::Unknown),
            Some(text) => parse(text).map(Key::Is).ok_or_else(|| unreadable(self.name)),
        }
    }

    pub(crate) fn code<A: CodeAxis>(&self, row: usize) -> Result<Key<A>, AnalyticsError> {
        Key::of(self.cells.get(row)).ok_or(AnalyticsError::UnknownCode { column: self.name })
    }
}

pub(crate) struct Lists<'a> {
    name: &'static str,
    cells: &'a ListChunked,
}

impl Lists<'_> {
    pub(crate) fn codes<A: CodeAxis>(&self, row: usize) -> Result<CodeSet<A>, AnalyticsError> {
        let mut set = CodeSet::new();
        if let Some(list) = self.cells.get_as_series(row) {
            for code in list.str().map_err(|_| unreadable(self.name))?.iter().flatten() {
                set.insert(A::from_code(code).ok_or(AnalyticsError::UnknownCode { column: self.name })?);
            }
        }
        Ok(set)
    }
}

pub(crate) struct Flags<'a>(&'a BooleanChunked);

impl Flags<'_> {
    /// False also where nothing is there.
    pub(crate) fn get(&self, row: usize) -> bool {
        self.0.get(row) == Some(true)
    }
}

pub(crate) struct Ints {
    name: &'static str,
    cells: Int64Chunked,
}

impl Ints {
    pub(crate) fn get(&self, row: usize) -> Result<i64, AnalyticsError> {
        self.cells.get(row).ok_or_else(|| unreadable(self.name))
    }

    /// The month of year x 12 + month (1 to 12).
    pub(crate) fn month(&self, row: usize) -> Result<Month, AnalyticsError> {
        let index = i32::try_from(self.get(row)?).map_err(|_| unreadable(self.name))?;
        Ok(Month::from_index(index - 1))
    }
}

pub(crate) struct Months(Int32Chunked);

impl Months {
    /// The month of its first day, where there is one.
    pub(crate) fn get(&self, row: usize) -> Option<Month> {
        let days = self.0.get(row)?;
        let since = Days::new(u64::from(days.unsigned_abs()));
        let epoch = NaiveDate::default();
        let day = if days < 0 { epoch.checked_sub_days(since) } else { epoch.checked_add_days(since) };
        day.map(Month::of)
    }

    /// The month of an event, which always has one.
    pub(crate) fn of_event(&self, row: usize) -> Result<Month, AnalyticsError> {
        self.get(row).ok_or_else(|| unreadable("month"))
    }
}

pub(crate) struct Places<'a> {
    state: Texts<'a>,
    county: Texts<'a>,
}

impl Places<'_> {
    pub(crate) fn get(&self, row: usize) -> Result<Place, AnalyticsError> {
        Ok(Place { state: self.state.known(row, StateCode::parse)?, county: self.county.known(row, Fips::parse)? })
    }
}
