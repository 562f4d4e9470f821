//! What the answer to a transfer call means (design §3.3, §13).

use canary_domain::{Answer, FireError, FireStatus, Moment, scrub};
use serde_json::Value;

use crate::platform::{NoReply, Platform, Reply};

/// How much of a detail is kept.
const DETAIL: usize = 2_048;
/// How much of an error code is.
const CODE: usize = 128;

/// Reads the end of a call; `None` if it says nothing of the platform. What was said against it is whole, and as it was
/// said: see [`fit_to_keep`].
pub(crate) fn read(platform: &Platform, end: &Result<Reply, NoReply>, at: Moment) -> Option<Answer> {
    let failed =
        |status, code, error: FireError| Answer { at, status, code, transfer_id: None, error: Some(error) };
    let word = |code: &str, detail| FireError { code: Some(code.into()), detail };
    Some(match end {
        Err(NoReply::StoodStill) => return None,
        Err(NoReply::TimedOut) => {
            let detail = format!("no answer within {:?}", platform.call_timeout());
            failed(FireStatus::Timeout, None, word("no_answer", detail))
        }
        Err(NoReply::Broken(cause)) => {
            failed(FireStatus::Unavailable, None, word("no_connection", cause.clone()))
        }
        Ok(reply) => match reply.status {
            200..=299 => accepted(platform, reply, at).unwrap_or_else(|| {
                let detail = format!("answered {} without a transfer id: {}", reply.status, text(reply));
                failed(FireStatus::Unavailable, Some(reply.status), word("not_understood", detail))
            }),
            400..=499 => failed(FireStatus::Rejected, Some(reply.status), said(reply)),
            _ => failed(FireStatus::Unavailable, Some(reply.status), said(reply)),
        },
    })
}

fn accepted(platform: &Platform, reply: &Reply, at: Moment) -> Option<Answer> {
    let json = reply.json()?;
    let transfer_id = Some(platform.transfer_id(&json)?.to_owned());
    Some(Answer { at, status: FireStatus::Accepted, code: Some(reply.status), transfer_id, error: None })
}

/// The platform's own words against the call; those of a page that is no JSON as they are.
fn said(reply: &Reply) -> FireError {
    let json = reply.json();
    let code = json.as_ref().and_then(|json| json.get("error_code")?.as_str()).map(str::to_owned);
    let detail = match json.as_ref().and_then(|json| json.get("detail")) {
        Some(Value::String(detail)) => detail.clone(),
        Some(detail) => detail.to_string(),
        None => text(reply),
    };
    FireError { code, detail }
}

/// An answer that may go into a row: without these secrets and what looks like one (I8), cut to what is kept of it. In
/// this order, or the first half of a secret would be left at the cut.
pub(crate) fn fit_to_keep(mut answer: Answer, secrets: &[&str]) -> Answer {
    if let Some(FireError { code, detail }) = answer.error.take() {
        let code = code.map(|code| kept(&code, secrets, CODE));
        answer.error = Some(FireError { code, detail: kept(&detail, secrets, DETAIL) });
    }
    answer
}

/// What is kept of an answer that says why there is no token.
pub(crate) fn kept_of(reply: &Reply, secrets: &[&str]) -> String {
    kept(&text(reply), secrets, DETAIL)
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

fn kept(text: &str, secrets: &[&str], limit: usize) -> String {
    let mut text = scrub(text, secrets);
    text.truncate(text.floor_char_boundary(limit));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calls;
    use canary_test_hostile::{Corpus, Written, times};
    use proptest::prelude::*;
    use std::time::Duration;

    fn answers() -> Corpus {
        Corpus::read(env!("CARGO_MANIFEST_DIR"), "answers")
    }

    fn check(platform: &Platform, status: u16, body: &[u8]) -> Result<(), TestCaseError> {
        let reply = Reply { status, retry_after: None, body: body.to_vec() };
        let answer = read(platform, &Ok(reply), Moment::UNIX_EPOCH).unwrap();
        let answer = fit_to_keep(answer, &["the-token"]);
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = json.get("transaction_id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let (should, id) = match (status, id) {
            (200..=299, Some(id)) => (FireStatus::Accepted, Some(id)),
            (400..=499, _) => (FireStatus::Rejected, None),
            _ => (FireStatus::Unavailable, None),
        };
        prop_assert_eq!(
            (answer.status, answer.code, answer.transfer_id.as_deref()),
            (should, Some(status), id)
        );
        prop_assert_eq!(answer.error.is_none(), should == FireStatus::Accepted);
        if let Some(FireError { code, detail }) = answer.error {
            prop_assert!(detail.len() <= DETAIL && code.as_ref().is_none_or(|code| code.len() <= CODE));
            prop_assert!(!detail.contains("the-token") && !code.unwrap_or_default().contains("the-token"));
        }
        Ok(())
    }

    #[test]
    fn the_whole_corpus_is_read_as_the_contract_says() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let platform = Platform::new(Calls::default(), Duration::from_secs(10)).unwrap();
        for entry in answers().entries() {
            for status in [200, 202, 302, 404, 500] {
                check(&platform, status, &entry.bytes).unwrap();
            }
        }
    }

    #[test]
    fn whatever_is_answered_it_is_read_as_the_contract_says_and_repeats_no_token() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let platform = Platform::new(Calls::default(), Duration::from_secs(10)).unwrap();
        let sound =
            answers().json(&["\"Bearer the-token\""], Written::AsNobodyDoes).prop_map(String::into_bytes);
        let bodies = prop_oneof![answers().bytes(), sound];
        let mut runner = proptest::test_runner::TestRunner::new(times(8));
        runner.run(&(100..600_u16, bodies), |(status, body)| check(&platform, status, &body)).unwrap();
    }

    fn of(status: u16, body: &str) -> Answer {
        rustls::crypto::ring::default_provider().install_default().ok();
        let platform = Platform::new(Calls::default(), Duration::from_secs(10)).unwrap();
        let reply = Reply { status, retry_after: None, body: body.into() };
        fit_to_keep(read(&platform, &Ok(reply), Moment::UNIX_EPOCH).unwrap(), &["hunter2"])
    }

    #[test]
    fn two_hundreds_with_a_transfer_id_are_accepted_and_nothing_else_is() {
        let answer = of(202, r#"{"transaction_id":"t1","status":"initiated"}"#);
        assert_eq!((answer.status, answer.transfer_id.as_deref()), (FireStatus::Accepted, Some("t1")));
        for body in ["<html>ok</html>", "{}", r#"{"transaction_id":""}"#, r#"{"transaction_id":7}"#] {
            let answer = of(200, body);
            assert_eq!((answer.status, answer.code), (FireStatus::Unavailable, Some(200)), "{body}");
            assert!(answer.error.unwrap().detail.contains(body));
        }
    }

    #[test]
    fn four_hundreds_are_rejections_with_the_platforms_own_words() {
        let answer = of(409, r#"{"detail":"balance too low","error_code":"insufficient_funds"}"#);
        let expected =
            FireError { code: Some("insufficient_funds".into()), detail: "balance too low".into() };
        assert_eq!((answer.status, answer.error), (FireStatus::Rejected, Some(expected)));
        let answer = of(422, r#"{"detail":[{"loc":["body","amount"],"msg":"too small","type":"value"}]}"#);
        assert!(answer.error.unwrap().detail.contains("too small"));
    }

    #[test]
    fn five_hundreds_and_redirects_are_unavailability_and_long_details_are_cut() {
        assert_eq!(of(503, "down").status, FireStatus::Unavailable);
        assert_eq!(of(302, "").status, FireStatus::Unavailable);
        assert_eq!(of(500, &"ä".repeat(5_000)).error.unwrap().detail.len(), DETAIL);
    }

    #[test]
    fn a_secret_is_taken_out_of_code_and_detail_also_where_the_cut_would_halve_it() {
        let error =
            of(400, r#"{"detail":"user canary, password 'hunter2'","error_code":"not_hunter2"}"#).error;
        let error = error.unwrap();
        assert_eq!(
            (error.code.as_deref(), error.detail.as_str()),
            (Some("not_…"), "user canary, password '…'")
        );
        let said = of(500, &format!("{}hunter2", "x".repeat(DETAIL - 3))).error.unwrap().detail;
        assert!(said.ends_with("x…") && said.len() == DETAIL, "{}", &said[DETAIL - 8..]);
        let code = of(400, &format!(r#"{{"error_code":"{}"}}"#, "x".repeat(9_000))).error.unwrap().code;
        assert_eq!(code.unwrap().len(), CODE);
    }
}
