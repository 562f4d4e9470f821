//! Amounts of AVT: exact decimals, never floats (contract, vocabulary).

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_with::{DeserializeFromStr, SerializeDisplay};

/// The most decimal places an amount may have.
pub const MAX_DECIMALS: u32 = 8;

/// A positive amount of AVT with at most [`MAX_DECIMALS`] decimal places.
///
/// Two amounts are equal when their values are: `0.01` equals `0.010`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, SerializeDisplay, DeserializeFromStr)]
pub struct Amount(Decimal);

/// Why a text is no amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AmountError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number; write it like \"0.01\"")]
    NotANumber(String),
    /// Zero or less.
    #[error("{0} is not positive; a transfer moves more than 0")]
    NotPositive(Decimal),
    /// More decimal places than the token has.
    #[error("{0} has {places} decimal places; AVT has at most {MAX_DECIMALS}", places = .0.scale())]
    TooFine(Decimal),
}

impl Amount {
    /// Checks a decimal.
    ///
    /// # Errors
    /// When it is not positive or has more than [`MAX_DECIMALS`] places.
    pub fn new(value: Decimal) -> Result<Self, AmountError> {
        if value <= Decimal::ZERO {
            return Err(AmountError::NotPositive(value));
        }
        if value.normalize().scale() > MAX_DECIMALS {
            return Err(AmountError::TooFine(value));
        }
        Ok(Self(value))
    }

    /// The value.
    #[must_use]
    pub fn value(self) -> Decimal {
        self.0
    }

    /// Whether an event's amount is this one, in any spelling of [`parse_decimal`]. Text that is no number never is.
    #[must_use]
    pub fn matches(self, text: &str) -> bool {
        parse_decimal(text) == Some(self.0)
    }
}

/// Reads a decimal as platforms and JSON encoders spell it: `0.010` or `1E-2`. `None` if it is no number, or one
/// that can't be held exactly.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let Some((digits, _)) = text.split_once(['e', 'E']) else { return Decimal::from_str_exact(text).ok() };
    // Reading the whole alone would round digits that are too many.
    Decimal::from_str_exact(digits).ok().and_then(|_| Decimal::from_scientific(text).ok())
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = Decimal::from_str_exact(text).map_err(|_| AmountError::NotANumber(text.to_owned()))?;
        Self::new(value)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_amounts_of_at_most_eight_decimals_pass() {
        assert!("0.01".parse::<Amount>().is_ok());
        assert!("0.0100000000".parse::<Amount>().is_ok(), "trailing zeros are no precision");
        assert!(matches!("-1".parse::<Amount>(), Err(AmountError::NotPositive(_))));
        assert!(matches!("0".parse::<Amount>(), Err(AmountError::NotPositive(_))));
        assert!(matches!("0.0000000001".parse::<Amount>(), Err(AmountError::TooFine(_))));
        assert!(matches!("ten".parse::<Amount>(), Err(AmountError::NotANumber(_))));
    }

    #[test]
    fn amounts_compare_by_value_not_by_spelling() {
        let amount: Amount = "0.01".parse().unwrap();
        assert!(amount.matches("0.010"));
        assert!(!amount.matches("0.011"));
        assert!(!amount.matches("NaN"));
    }

    #[test]
    fn an_amount_with_an_exponent_is_compared_by_value() {
        let smallest: Amount = "0.00000001".parse().unwrap();
        for text in ["1E-8", "1e-8", "0.1e-7", "10E-9"] {
            assert!(smallest.matches(text), "{text}");
        }
        assert!("120".parse::<Amount>().unwrap().matches("1.2e+2"));
        assert!(!smallest.matches("1e-7"));
        for text in ["1e", "e-8", "1e-8x", "1e-99", "1.00000000000000000000000000001e-8", ""] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }
}
