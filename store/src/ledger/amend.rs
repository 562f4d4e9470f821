//! What may become of a row that is there (I3, I6): a pure function of the row and of what a judge wants to write.

use canary_domain::Outcome;

use super::Change;
use super::record::Record;

/// The row to write in place of `row`, and the change to tell of, if any; `None` leaves the row alone.
///
/// In this order:
/// - A judge of a lower term is not listened to.
/// - A verdict is never taken back: news without one change a pending row alone.
/// - Facts only grow: news without a firing, an answer, a stamp or a mismatch that the row has come from a board that
///   lost it, and their verdict is about less. So a slot that was fired stays fired; the other way round,
///   the row of a slot that was thought unfired takes the verdict of its test.
/// - The same content is no change, whoever judged it and when; only a higher term is noted, so that its
///   predecessor is not listened to any more.
/// - Anything else raises the revision, but from pending to pending, which is no change to tell of.
pub(super) fn amend(row: &Record, news: &Record) -> Option<(Record, Option<Change>)> {
    let pending = news.outcome.0 == Outcome::Pending;
    if news.judge_term < row.judge_term
        || pending && row.outcome.0 != Outcome::Pending
        || knows_less(news, row)
    {
        return None;
    }
    // What names the slot and its place among the pages is written once.
    let mut next = Record {
        path: row.path.clone(),
        cycle: row.cycle,
        period_ms: row.period_ms,
        origin: row.origin,
        registered_at: row.registered_at,
        judged_at: row.judged_at,
        revision: row.revision,
        ..news.clone()
    };
    if next == (Record { judge_term: news.judge_term, ..row.clone() }) {
        return (news.judge_term > row.judge_term).then_some((next, None));
    }
    if pending {
        return Some((next, None));
    }
    next.judged_at = news.judged_at;
    next.revision += 1;
    let change = Change {
        test_id: row.test_id.0,
        before: Some(row.outcome.0),
        reason_before: row.failure_signal.as_ref().map(|reason| reason.0),
        after: next.outcome.0,
        revision: next.revision,
    };
    Some((next, Some(change)))
}

/// What to tell of a row that was not there before; pending ones are no change of a verdict.
pub(super) fn arrival(record: &Record) -> Option<Change> {
    (record.outcome.0 != Outcome::Pending).then_some(Change {
        test_id: record.test_id.0,
        before: None,
        reason_before: None,
        after: record.outcome.0,
        revision: record.revision,
    })
}

fn knows_less(news: &Record, row: &Record) -> bool {
    row.fired_at.is_some() && news.fired_at.is_none()
        || row.answered_at.is_some() && news.answered_at.is_none()
        || row.mismatch.is_some() && news.mismatch.is_none()
        || row.stamps.keys().any(|stage| !news.stamps.contains_key(stage))
}
