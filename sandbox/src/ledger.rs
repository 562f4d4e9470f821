//! A frame's token ledger: accounts, holds, fees, and the rule that tokens are neither made nor lost.
//!
//! Pure and without I/O. Whoever shares a ledger wraps it in a mutex for one whole operation at a time;
//! no operation leaves the books half written when it refuses.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

/// Why the ledger refuses; the books are then as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LedgerError {
    /// No such account in this frame.
    #[error("no account {0}")]
    UnknownAccount(String),
    /// The account can't pay the amount and its fee.
    #[error("balance {balance} doesn't cover {needed}")]
    InsufficientFunds { balance: Decimal, needed: Decimal },
    /// The hold was released or refunded before, or never was.
    #[error("no tokens are held for transfer {0}")]
    UnknownHold(String),
}

/// What a debit took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Charged on top of the amount.
    pub fee: Decimal,
    /// What the sender has left.
    pub balance: Decimal,
}

#[derive(Debug)]
struct Hold {
    account: String,
    amount: Decimal,
}

/// The books of one frame.
#[derive(Debug)]
pub(crate) struct Ledger {
    fee: Decimal,
    accounts: BTreeMap<String, Decimal>,
    holds: HashMap<String, Hold>,
    supply: Decimal,
    fees: Decimal,
    conjured: Decimal,
}

impl Ledger {
    /// An empty ledger that charges `fee` for each transfer.
    pub fn new(fee: Decimal) -> Self {
        let zero = Decimal::ZERO;
        Self {
            fee,
            accounts: BTreeMap::new(),
            holds: HashMap::new(),
            supply: zero,
            fees: zero,
            conjured: zero,
        }
    }

    /// Opens an account with tokens of its own, or adds them to the one there is.
    pub fn open(&mut self, account: &str, balance: Decimal) {
        *self.accounts.entry(account.to_owned()).or_default() += balance;
        self.supply += balance;
    }

    /// What an account has, if there is one.
    pub fn balance(&self, account: &str) -> Option<Decimal> {
        self.accounts.get(account).copied()
    }

    /// Moves tokens between two accounts of this frame.
    pub fn transfer(&mut self, from: &str, to: &str, amount: Decimal) -> Result<Receipt, LedgerError> {
        self.must_know(to)?;
        let receipt = self.debit(from, amount)?;
        self.add(to, amount)?;
        Ok(receipt)
    }

    /// Takes tokens from an account and keeps them for a transfer until it is released or refunded.
    pub fn hold(&mut self, transfer: &str, from: &str, amount: Decimal) -> Result<Receipt, LedgerError> {
        let receipt = self.debit(from, amount)?;
        self.holds.insert(transfer.to_owned(), Hold { account: from.to_owned(), amount });
        Ok(receipt)
    }

    /// Lets held tokens go to another ledger; `UnknownHold` if they went before.
    pub fn release(&mut self, transfer: &str) -> Result<Decimal, LedgerError> {
        Ok(self.take_hold(transfer)?.amount)
    }

    /// Gives held tokens back to whom they were taken from; the fee stays taken.
    pub fn refund(&mut self, transfer: &str) -> Result<Decimal, LedgerError> {
        let hold = self.take_hold(transfer)?;
        self.add(&hold.account, hold.amount)?;
        Ok(hold.amount)
    }

    /// Takes in tokens that another ledger released.
    pub fn credit(&mut self, to: &str, amount: Decimal) -> Result<(), LedgerError> {
        self.add(to, amount)
    }

    /// Makes tokens out of nothing: the platform's own defect, when it is told to have one.
    pub fn conjure(&mut self, to: &str, amount: Decimal) -> Result<(), LedgerError> {
        self.add(to, amount)?;
        self.conjured += amount;
        Ok(())
    }

    /// Tokens in these books, held ones and fees included, beyond those it began with or conjured. What one ledger
    /// has too much, others have too little.
    pub fn surplus(&self) -> Decimal {
        let accounts: Decimal = self.accounts.values().sum();
        let held: Decimal = self.holds.values().map(|hold| hold.amount).sum();
        accounts + held + self.fees - self.conjured - self.supply
    }

    /// `UnknownAccount` unless this frame has the account.
    pub fn must_know(&self, account: &str) -> Result<(), LedgerError> {
        match self.accounts.contains_key(account) {
            true => Ok(()),
            false => Err(LedgerError::UnknownAccount(account.to_owned())),
        }
    }

    fn debit(&mut self, from: &str, amount: Decimal) -> Result<Receipt, LedgerError> {
        let needed = amount + self.fee;
        let balance =
            self.accounts.get_mut(from).ok_or_else(|| LedgerError::UnknownAccount(from.to_owned()))?;
        if *balance < needed {
            return Err(LedgerError::InsufficientFunds { balance: *balance, needed });
        }
        *balance -= needed;
        self.fees += self.fee;
        Ok(Receipt { fee: self.fee, balance: *balance })
    }

    fn add(&mut self, to: &str, amount: Decimal) -> Result<(), LedgerError> {
        let balance = self.accounts.get_mut(to).ok_or_else(|| LedgerError::UnknownAccount(to.to_owned()))?;
        *balance += amount;
        Ok(())
    }

    fn take_hold(&mut self, transfer: &str) -> Result<Hold, LedgerError> {
        self.holds.remove(transfer).ok_or_else(|| LedgerError::UnknownHold(transfer.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn funded() -> Ledger {
        let mut ledger = Ledger::new(tokens("0.0001"));
        ledger.open("ann", tokens("10"));
        ledger.open("ben", tokens("5"));
        ledger
    }

    #[test]
    fn a_transfer_takes_amount_and_fee_from_the_sender_and_gives_the_amount() {
        let mut ledger = funded();
        let receipt = ledger.transfer("ann", "ben", tokens("0.01")).unwrap();
        assert_eq!(receipt, Receipt { fee: tokens("0.0001"), balance: tokens("9.9899") });
        assert_eq!(ledger.balance("ben"), Some(tokens("5.01")));
        assert_eq!(ledger.surplus(), Decimal::ZERO);
    }

    #[test]
    fn a_sender_must_be_able_to_pay_the_fee_too() {
        let mut ledger = funded();
        let refused = ledger.transfer("ann", "ben", tokens("10"));
        assert_eq!(
            refused,
            Err(LedgerError::InsufficientFunds { balance: tokens("10"), needed: tokens("10.0001") })
        );
        assert_eq!(ledger.balance("ann"), Some(tokens("10")));
        assert!(ledger.transfer("ann", "ben", tokens("9.9999")).is_ok());
        assert_eq!(ledger.balance("ann"), Some(Decimal::ZERO));
    }

    #[test]
    fn an_unknown_receiver_costs_the_sender_nothing() {
        let mut ledger = funded();
        assert_eq!(
            ledger.transfer("ann", "cat", tokens("1")),
            Err(LedgerError::UnknownAccount("cat".to_owned()))
        );
        assert_eq!(ledger.balance("ann"), Some(tokens("10")));
    }

    #[test]
    fn held_tokens_are_released_or_refunded_once() {
        let mut ledger = funded();
        ledger.hold("t1", "ann", tokens("1")).unwrap();
        ledger.hold("t2", "ann", tokens("2")).unwrap();
        assert_eq!(ledger.surplus(), Decimal::ZERO);
        assert_eq!(ledger.release("t1"), Ok(tokens("1")));
        assert_eq!(ledger.refund("t1"), Err(LedgerError::UnknownHold("t1".to_owned())));
        assert_eq!(ledger.refund("t2"), Ok(tokens("2")));
        assert_eq!(ledger.release("t2"), Err(LedgerError::UnknownHold("t2".to_owned())));
        assert_eq!(ledger.balance("ann"), Some(tokens("8.9998")));
        assert_eq!(ledger.surplus(), tokens("-1"), "what was released is another ledger's now");
    }

    /// A fixed walk through every operation, good and refused, with the invariant looked at after each.
    #[test]
    fn tokens_are_conserved_across_two_ledgers_whatever_happens() {
        let mut here = funded();
        let mut there = Ledger::new(tokens("0.0001"));
        there.open("cat", tokens("3"));
        let mut seed = 7_u64;
        let (mut waiting, mut left) = (Vec::new(), Decimal::ZERO);
        for step in 0..5_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let amount = Decimal::new(i64::try_from(seed >> 48).unwrap(), 5);
            match (seed >> 20) % 6 {
                0 => drop(here.transfer("ann", "ben", amount)),
                1 => drop(here.transfer("ben", "ann", amount)),
                2 => {
                    let id = format!("t{step}");
                    if here.hold(&id, "ann", amount).is_ok() {
                        waiting.push(id);
                    }
                }
                3 => {
                    if let Some(id) = waiting.pop() {
                        let amount = here.release(&id).unwrap();
                        there.credit("cat", amount).unwrap();
                        left += amount;
                    }
                }
                4 => {
                    if let Some(id) = waiting.pop() {
                        here.refund(&id).unwrap();
                    }
                }
                _ => there.conjure("cat", amount).unwrap(),
            }
            assert_eq!((here.surplus(), there.surplus()), (-left, left), "step {step}");
        }
        assert!(here.fees > Decimal::ZERO && left > Decimal::ZERO);
    }
}
