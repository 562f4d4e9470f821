//! Values in the form in which both databases give back exactly what they were given.
//!
//! A row that did not equal itself after a round trip would change with every sweep, and its revision rise without end.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use canary_domain::{Moment, iso};
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Serialize, Serializer};
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Type};

/// A moment, cut to microseconds, in the years 1 to 9999: what both databases can keep. Platforms name moments too,
/// and an impossible one must not keep a whole batch from being written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(Moment);

const FIRST: Moment = DateTime::from_timestamp(-62_135_596_800, 0).expect("the year 1");
const LAST: Moment = DateTime::from_timestamp(253_402_300_799, 0).expect("the year 9999");

impl From<Moment> for Time {
    fn from(moment: Moment) -> Self {
        Self(moment.clamp(FIRST, LAST).trunc_subsecs(6))
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&iso(self.0))
    }
}

/// As a text that sorts: SQLite keeps it so, PostgreSQL reads it.
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&iso(self.0))
    }
}

impl<DB: Database> Type<DB> for Time
where
    DateTime<Utc>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        DateTime::<Utc>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        DateTime::<Utc>::compatible(ty)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Time
where
    DateTime<Utc>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        DateTime::<Utc>::decode(value).map(Self::from)
    }
}

/// Milliseconds, rounded to microseconds: all of them come from differences of [`Time`]s. Rounding makes
/// them equal again after SQLite's reading of decimals, which may be off by a last bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Millis(f64);

impl From<f64> for Millis {
    fn from(ms: f64) -> Self {
        Self((ms * 1_000.0).round() / 1_000.0)
    }
}

impl From<Millis> for f64 {
    fn from(millis: Millis) -> Self {
        millis.0
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<DB: Database> Type<DB> for Millis
where
    f64: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        f64::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        f64::compatible(ty)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Millis
where
    f64: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        f64::decode(value).map(Self::from)
    }
}

/// A word of the domain, kept as its text: an id, an amount, an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<DB: Database, T> Type<DB> for Word<T>
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        String::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        String::compatible(ty)
    }
}

impl<'r, DB: Database, T> Decode<'r, DB> for Word<T>
where
    String: Decode<'r, DB>,
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = String::decode(value)?;
        text.parse()
            .map(Self)
            .map_err(|error| format!("`{text}` is no word that is known here: {error}").into())
    }
}

/// A text that came from a platform. PostgreSQL can't keep a NUL, so U+FFFD stands for it.
pub(super) fn foreign(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_equal_again_after_a_reader_that_is_off_by_a_bit() {
        for us in [1_u32, 333, 1_234_567, 999_999_999, u32::MAX] {
            let ms = f64::from(us) / 1_000.0;
            for read in [ms, ms.next_up(), ms.next_down()] {
                assert_eq!(f64::from(Millis::from(read)), ms);
            }
        }
    }

    #[test]
    fn moments_outside_of_what_databases_keep_are_moved_to_the_edge() {
        assert_eq!(format!("{:?}", Time::from(Moment::MIN_UTC)), "0001-01-01T00:00:00.000000Z");
        assert_eq!(format!("{:?}", Time::from(Moment::MAX_UTC)), "9999-12-31T23:59:59.000000Z");
    }
}
