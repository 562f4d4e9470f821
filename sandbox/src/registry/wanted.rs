//! What a transfer call wants, read out of its body, or every field that is wrong with it.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    answers::{Complaint, Refusal},
    words::Backend,
};

/// Longest `message`, in characters.
const LONGEST_MESSAGE: usize = 256;
/// Most decimal places of an amount.
const MOST_PLACES: u32 = 18;

/// A transfer call that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub backend: Backend,
    pub receiver: String,
    pub amount: Decimal,
    pub message: String,
    /// Only the cross-registry call names one.
    pub target_registry: Option<String>,
}

impl Wanted {
    /// Reads the body, if it was JSON at all.
    pub fn parse(backend: Backend, body: Option<&Value>) -> Result<Self, Refusal> {
        let Some(Value::Object(fields)) = body else {
            return Err(Refusal::invalid(["body", "0"], "json_invalid", "JSON decode error"));
        };
        let mut complaints = Vec::new();
        let mut text = |name: &'static str, optional: bool| match fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) if optional => String::new(),
            None => complain(&mut complaints, name, "missing", "Field required"),
            Some(_) => complain(&mut complaints, name, "string_type", "Input should be a valid string"),
        };
        let receiver = text("receiver_agent_id", false);
        let amount = text("amount", false);
        let message = text("message", true);
        let crosses = backend != Backend::Intra;
        let target_registry = crosses.then(|| text("target_registry", false));
        if message.chars().count() > LONGEST_MESSAGE {
            let msg = format!("String should have at most {LONGEST_MESSAGE} characters");
            complaints.push(Complaint { loc: ["body", "message"], msg, kind: "string_too_long" });
        }
        let amount = match Decimal::from_str(&amount) {
            Ok(amount) if amount > Decimal::ZERO && amount.scale() <= MOST_PLACES => amount,
            Ok(_) | Err(_) => {
                if !complaints.iter().any(|complaint| complaint.loc[1] == "amount") {
                    let msg = "Input should be a positive decimal string";
                    complain(&mut complaints, "amount", "decimal_parsing", msg);
                }
                Decimal::ZERO
            }
        };
        match complaints.is_empty() {
            true => Ok(Self { backend, receiver, amount, message, target_registry }),
            false => Err(Refusal::Invalid(complaints)),
        }
    }
}

fn complain(complaints: &mut Vec<Complaint>, field: &'static str, kind: &'static str, msg: &str) -> String {
    complaints.push(Complaint { loc: ["body", field], msg: msg.to_owned(), kind });
    String::new()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complaints(body: &Value) -> Vec<(&'static str, &'static str)> {
        match Wanted::parse(Backend::TwoPhase, Some(body)) {
            Err(Refusal::Invalid(complaints)) => complaints.iter().map(|c| (c.loc[1], c.kind)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let missing =
            [("receiver_agent_id", "missing"), ("amount", "missing"), ("target_registry", "missing")];
        assert_eq!(complaints(&json!({})), missing);
        let long = json!({"receiver_agent_id": 7, "amount": 0.01, "message": "x".repeat(257), "target_registry": "b"});
        let wrong =
            [("receiver_agent_id", "string_type"), ("amount", "string_type"), ("message", "string_too_long")];
        assert_eq!(complaints(&long), wrong);
        for amount in ["0", "-1", "abc", "", "0.0000000000000000001"] {
            let body = json!({"receiver_agent_id": "x", "amount": amount, "target_registry": "b"});
            assert_eq!(complaints(&body), [("amount", "decimal_parsing")], "{amount:?}");
        }
    }

    #[test]
    fn a_message_of_256_characters_is_taken_whatever_its_bytes() {
        let body = json!({"receiver_agent_id": "x", "amount": "0.010", "message": "ü".repeat(256)});
        let wanted = Wanted::parse(Backend::Intra, Some(&body)).unwrap();
        assert_eq!(wanted.amount.to_string(), "0.010");
        assert_eq!(wanted.target_registry, None);
    }
}
