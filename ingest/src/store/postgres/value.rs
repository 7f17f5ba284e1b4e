//! Values on their way to the server and back.
//!
//! What always holds: an instant is a `timestamptz`, a date a `date`, a list of codes a `text[]`, so that an analyst reads
//! them in SQL as what they are; each comes back the same, to the microsecond.

use std::borrow::Cow;
use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike as _};
use postgres::Row;
use postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use schemas::Instant;
use schemas::clock::from_micros;
use schemas::dataset::{Cell, CellSource};

/// PostgreSQL counts from the beginning of 2000; we from that of 1970.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS * 86_400 * 1_000_000;

/// An instant in a `timestamptz`.
#[derive(Debug, Clone, Copy)]
pub struct At(pub Instant);

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.timestamp_micros().saturating_sub(EPOCH_MICROS));
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl FromSql<'_> for At {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(from_micros(i64::from_be_bytes(raw.try_into()?).saturating_add(EPOCH_MICROS))))
    }

    accepts!(TIMESTAMPTZ);
}

/// A date in a `date`.
#[derive(Debug, Clone, Copy)]
pub struct Day(pub NaiveDate);

impl ToSql for Day {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let days = self.0.signed_duration_since(DateTime::UNIX_EPOCH.date_naive()).num_days() - EPOCH_DAYS;
        out.put_i32(i32::try_from(days)?);
        Ok(IsNull::No)
    }

    accepts!(DATE);
    to_sql_checked!();
}

impl FromSql<'_> for Day {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let days = i64::from(i32::from_be_bytes(raw.try_into()?)) + EPOCH_DAYS;
        let date = TimeDelta::try_days(days).and_then(|d| DateTime::UNIX_EPOCH.date_naive().checked_add_signed(d));
        Ok(Self(date.ok_or("no date of ours")?))
    }

    accepts!(DATE);
}

/// A time of day in a `time`.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub NaiveTime);

impl ToSql for Clock {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(i64::from(self.0.num_seconds_from_midnight()) * 1_000_000);
        Ok(IsNull::No)
    }

    accepts!(TIME);
    to_sql_checked!();
}

impl FromSql<'_> for Clock {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let seconds = u32::try_from(i64::from_be_bytes(raw.try_into()?) / 1_000_000)?;
        Ok(Self(NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).ok_or("no time of ours")?))
    }

    accepts!(TIME);
}

/// A cell, or another value of a row that is copied.
#[derive(Debug)]
pub enum Value<'a> {
    Null,
    Bytes(&'a [u8]),
    Text(Cow<'a, str>),
    List(Vec<&'a str>),
    Int(i64),
    Small(i32),
    Bool(bool),
    Day(NaiveDate),
    Time(NaiveTime),
    At(Instant),
}

impl<'a> Value<'a> {
    pub fn of(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Id(id) => Self::Bytes(id.as_bytes()),
            Cell::Text(text) => Self::Text(text.into()),
            Cell::Codes(codes, field) => {
                let mut list = Vec::new();
                codes.each(field, |code| list.push(code));
                Self::List(list)
            }
            Cell::Int(number) => Self::Int(number),
            Cell::Bool(truth) => Self::Bool(truth),
            Cell::Date(date) => Self::Day(date),
            Cell::Time(time) => Self::Time(time),
            Cell::Instant(at) => Self::At(at),
            made @ (Cell::Redactions(_) | Cell::Provenance(_)) => {
                made.to_text().map_or(Self::Null, |text| Self::Text(text.into_owned().into()))
            }
        }
    }

    pub fn or_null<T>(value: Option<T>, some: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, some)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::List(list) => list.to_sql_checked(ty, out),
            Self::Int(number) => number.to_sql_checked(ty, out),
            Self::Small(number) => number.to_sql_checked(ty, out),
            Self::Bool(truth) => truth.to_sql_checked(ty, out),
            Self::Day(date) => Day(*date).to_sql_checked(ty, out),
            Self::Time(time) => Clock(*time).to_sql_checked(ty, out),
            Self::At(at) => At(*at).to_sql_checked(ty, out),
        }
    }

    /// Each kind of value looks at the type itself.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row of `SELECT` over all columns in order.
pub struct Stored<'a>(pub &'a Row);

impl Stored<'_> {
    fn get<'r, T: FromSql<'r>>(&'r self, column: usize) -> Option<T> {
        self.0.try_get(column).ok().flatten()
    }
}

impl CellSource for Stored<'_> {
    fn id(&self, column: usize) -> Option<[u8; 16]> {
        self.get::<&[u8]>(column)?.try_into().ok()
    }

    fn text(&self, column: usize) -> Option<&str> {
        self.get(column)
    }

    fn int(&self, column: usize) -> Option<i64> {
        match *self.0.columns()[column].type_() {
            Type::BOOL => self.get(column).map(i64::from as fn(bool) -> i64),
            Type::TIMESTAMPTZ => self.get(column).map(|At(at)| at.timestamp_micros()),
            _ => self.get(column),
        }
    }

    fn date(&self, column: usize) -> Option<NaiveDate> {
        self.get(column).map(|Day(date)| date)
    }

    fn time(&self, column: usize) -> Option<NaiveTime> {
        self.get(column).map(|Clock(time)| time)
    }

    fn codes(&self, column: usize, each: &mut dyn FnMut(&str)) {
        self.get::<Vec<&str>>(column).into_iter().flatten().for_each(each);
    }
}
