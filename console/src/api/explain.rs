//! A row in plain words, for whoever is woken by it: a pure function of the row.

use std::time::Duration;

use canary_domain::{Answer, Facts, LatencyBasis, Moment, Outcome, Reason, iso};
use canary_store::ResultRow;

/// What happened, and what it means.
pub(crate) fn explain(row: &ResultRow) -> String {
    let sentence = match row.outcome {
        Outcome::Pending => pending(row),
        Outcome::Passed => format!("Passed: {}.{}", done(row), basis(row)),
        Outcome::Late => format!("Late: {}, after its deadline.{}", done(row), basis(row)),
        Outcome::Failed | Outcome::Inconclusive | Outcome::Skipped | Outcome::Missed => {
            let because =
                row.reason.map_or_else(|| "no reason was noted.".to_owned(), |reason| why(row, reason));
            format!("{}: {because}", title(row.outcome))
        }
    };
    if row.revision > 1 { format!("{sentence} (Amended: revision {}.)", row.revision) } else { sentence }
}

fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "Pending",
        Outcome::Passed => "Passed",
        Outcome::Late => "Late",
        Outcome::Failed => "Failed",
        Outcome::Inconclusive => "Inconclusive",
        Outcome::Skipped => "Skipped",
        Outcome::Missed => "Missed",
    }
}

fn pending(row: &ResultRow) -> String {
    let seen = seen(&row.facts);
    match row.facts.fired_at {
        Some(at) => format!(
            "Pending: fired at {}, to be done by {}; seen so far: {seen}.",
            iso(at),
            iso(row.facts.deadline_at())
        ),
        None => {
            format!("Pending: registered at {}, not known to be fired.", iso(row.facts.test.registered_at))
        }
    }
}

fn done(row: &ResultRow) -> String {
    let within = span(row.facts.test.deadline);
    match row.latency_ms {
        Some(ms) => format!("done {} after firing, where {within} are allowed", millis(ms)),
        None => "done, though the moment of firing was not noted".to_owned(),
    }
}

fn basis(row: &ResultRow) -> &'static str {
    match row.latency_basis {
        Some(LatencyBasis::EventTime) => {
            " The deciding event was not seen live, so the latency rests on the platform's own time of it."
        }
        Some(LatencyBasis::Observed) | None => "",
    }
}

fn why(row: &ResultRow, reason: Reason) -> String {
    match reason {
        Reason::Refunded => format!("the platform gave the money back{}.", at(row.decided_as_of)),
        Reason::Rejected => format!("the transfer call was refused{}.{}", answer(&row.facts), landed(row)),
        Reason::Unavailable => {
            format!("the transfer call got no usable answer{}.{}", answer(&row.facts), landed(row))
        }
        Reason::FireTimeout => {
            format!("the transfer call got no answer in time{}.{}", answer(&row.facts), landed(row))
        }
        Reason::Timeout => format!(
            "{} was not seen by the deadline{}, though the observers certainly looked; seen: {}.",
            missing(row),
            at(row.deadline_at),
            seen(&row.facts)
        ),
        Reason::Mismatch => {
            let what = row.facts.mismatch.as_ref().map_or("it names other parties", |mismatch| mismatch.what.as_str());
            format!("an event of this transfer contradicts what was fired: {what}.")
        }
        Reason::RefundedAfterSettled => {
            "the transfer was both settled and refunded: the money may exist twice.".to_owned()
        }
        Reason::ObserverBlind => format!(
            "the canary's own observers did not certainly see everything up to the deadline{}, so that {} is \
             missing says nothing of the platform.",
            at(row.deadline_at),
            missing(row)
        ),
        Reason::StateLost => {
            "the canary's board lost what it knew of this test, and it could not be found again.".to_owned()
        }
        Reason::RunnerLost => {
            "the canary's runner ended before it noted how the call went, and nothing shows that it landed in time."
                .to_owned()
        }
        Reason::Credentials => format!(
            "the platform did not accept the canary's own credentials{}, and nothing was sent.",
            row.facts.withheld.as_ref().and_then(|w| w.code).map_or_else(String::new, |code| format!(" (HTTP {code})"))
        ),
        Reason::Paused => "the path was paused.".to_owned(),
        Reason::Maintenance => "a maintenance window was open.".to_owned(),
        Reason::NoLeader => "no instance of the canary led when the slot was due.".to_owned(),
        Reason::Overrun if row.facts.test.cycle.is_none() => {
            "the order could not be begun in time, and nothing was sent.".to_owned()
        }
        Reason::Overrun => "the slot could not be started within half a period.".to_owned(),
        Reason::LeaseLost => "the runner lost its lease before the call, and nothing was sent.".to_owned(),
        Reason::RateLimited => "the platform had asked for patience beyond the slot.".to_owned(),
    }
}

fn answer(facts: &Facts) -> String {
    let Some(Answer { code, error, .. }) = &facts.answer else { return String::new() };
    let word = error.as_ref().and_then(|error| error.code.as_deref());
    let inner = match (code, word) {
        (Some(code), Some(word)) => format!(" (HTTP {code}, {word})"),
        (Some(code), None) => format!(" (HTTP {code})"),
        (None, Some(word)) => format!(" ({word})"),
        (None, None) => String::new(),
    };
    match error.as_ref().map(|error| error.detail.trim()).filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{inner}: {}", detail.trim_end_matches('.')),
        None => inner,
    }
}

fn landed(row: &ResultRow) -> &'static str {
    match row.landed {
        Some(true) => " The transfer was carried out all the same.",
        Some(false) => " The transfer was not carried out.",
        None => " Whether the transfer was carried out is not known.",
    }
}

fn missing(row: &ResultRow) -> String {
    if row.missing.is_empty() { "something".to_owned() } else { row.missing.join(" and ") }
}

fn seen(facts: &Facts) -> String {
    let stages: Vec<&str> = facts.stamps.iter().map(|(stage, _)| stage.as_str()).collect();
    if stages.is_empty() { "nothing".to_owned() } else { stages.join(", ") }
}

fn at(moment: Option<Moment>) -> String {
    moment.map_or_else(String::new, |moment| format!(" at {}", iso(moment)))
}

/// As it is set: whole seconds have no decimals.
fn span(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 && duration.as_secs() > 0 {
        return format!("{} s", duration.as_secs());
    }
    millis(duration.as_secs_f64() * 1e3)
}

fn millis(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.1} ms") } else { format!("{:.3} s", ms / 1e3) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{after, because, row};
    use canary_domain::{FireError, FireStatus, Mismatch, Withheld};

    #[test]
    fn a_passed_row_says_how_long_it_took_and_what_that_rests_on() {
        let mut passed =
            ResultRow { outcome: Outcome::Passed, revision: 1, latency_ms: Some(412.34), ..row() };
        assert_eq!(explain(&passed), "Passed: done 412.3 ms after firing, where 330 s are allowed.");
        passed.latency_basis = Some(LatencyBasis::EventTime);
        passed.revision = 2;
        let text = explain(&passed);
        assert!(text.contains("was not seen live") && text.ends_with("(Amended: revision 2.)"), "{text}");
    }

    #[test]
    fn a_late_row_says_so() {
        let late = ResultRow { outcome: Outcome::Late, latency_ms: Some(331_000.0), ..row() };
        let text = explain(&late);
        assert!(text.starts_with("Late: done 331.000 s after firing"), "{text}");
        assert!(text.contains("after its deadline"), "{text}");
    }

    #[test]
    fn a_pending_row_says_what_is_known() {
        let text = explain(&row());
        assert!(text.contains("fired at 2026-11-21T01:22:33.000000Z"), "{text}");
        assert!(text.ends_with("seen so far: cf_initiated."), "{text}");
        let mut unfired = row();
        unfired.facts.fired_at = None;
        assert!(explain(&unfired).contains("not known to be fired"));
    }

    #[test]
    fn a_timeout_names_what_is_missing_and_what_was_seen() {
        let text = explain(&ResultRow { missing: vec!["cf_settled".into()], ..because(Reason::Timeout) });
        assert!(
            text.starts_with("Failed: cf_settled was not seen by the deadline at 2026-11-21T01:28:03"),
            "{text}"
        );
        assert!(text.ends_with("seen: cf_initiated."), "{text}");
    }

    #[test]
    fn a_refused_call_shows_its_answer_and_whether_it_landed() {
        let mut refused = ResultRow { landed: Some(false), ..because(Reason::Rejected) };
        refused.facts.answer = Some(Answer {
            at: after(40),
            status: FireStatus::Rejected,
            code: Some(403),
            transfer_id: None,
            error: Some(FireError { code: Some("frozen".into()), detail: "account is frozen.".into() }),
        });
        assert_eq!(
            explain(&refused),
            "Failed: the transfer call was refused (HTTP 403, frozen): account is frozen. The transfer was not \
             carried out."
        );
    }

    #[test]
    fn a_mismatch_and_refused_credentials_show_their_cause() {
        let mut odd = because(Reason::Mismatch);
        odd.facts.mismatch = Some(Mismatch { at: after(50), what: "amount 0.02 instead of 0.01".into() });
        assert!(explain(&odd).ends_with("amount 0.02 instead of 0.01."));
        let mut barred = because(Reason::Credentials);
        barred.facts.withheld = Some(Withheld { at: after(0), reason: Reason::Credentials, code: Some(401) });
        assert!(explain(&barred).contains("(HTTP 401), and nothing was sent"));
    }

    #[test]
    fn an_order_that_was_not_begun_is_not_told_as_a_slot() {
        let mut order = because(Reason::Overrun);
        assert!(explain(&order).contains("slot"));
        order.facts.test.cycle = None;
        assert_eq!(explain(&order), "Missed: the order could not be begun in time, and nothing was sent.");
    }

    #[test]
    fn every_reason_has_a_sentence_of_its_own_under_its_outcomes_title() {
        let mut texts = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            let text = explain(&because(*reason));
            assert!(text.starts_with(title(reason.outcome())), "{text}");
            assert!(text.ends_with('.') && !text.contains(".."), "{text}");
            texts.insert(text);
        }
        assert_eq!(texts.len(), Reason::ALL.len());
    }
}
