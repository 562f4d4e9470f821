//! What the answer to a transfer call means (design §3.3, §13).

use canary_domain::{Answer, FireError, FireStatus, Moment};
use serde_json::Value;

use crate::platform::{NoReply, Platform, Reply};

/// How much of a detail is kept.
const DETAIL: usize = 2_048;

/// Reads the end of a call; `None` if it says nothing of the platform.
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
            failed(FireStatus::Unavailable, None, word("no_connection", cut(cause)))
        }
        Ok(reply) => match reply.status {
            200..=299 => accepted(platform, reply, at).unwrap_or_else(|| {
                let detail = format!("answered {} without a transfer id: {}", reply.status, text(reply));
                failed(FireStatus::Unavailable, Some(reply.status), word("not_understood", cut(&detail)))
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
    FireError { code, detail: cut(&detail) }
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(DETAIL)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Calls;
    use std::time::Duration;

    fn of(status: u16, body: &str) -> Answer {
        rustls::crypto::ring::default_provider().install_default().ok();
        let platform = Platform::new(Calls::default(), Duration::from_secs(10)).unwrap();
        let reply = Reply { status, retry_after: None, body: body.into() };
        read(&platform, &Ok(reply), Moment::UNIX_EPOCH).unwrap()
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
}
